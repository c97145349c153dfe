import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../src/judge.js";

const cases = /** @type {const} */ ([
  [200, { accepted: 1 }, 5, "sent"],
  [202, {}, 5, "sent"],
  [200, undefined, 5, "retry"], // HTML: a sign-in page, a proxy
  [200, "ok", 5, "retry"],
  [0, undefined, 5, "retry"],
  [302, undefined, 5, "retry"],
  [401, { error: "unknown_source" }, 5, "retry"],
  [403, {}, 5, "retry"],
  [408, {}, 5, "retry"],
  [425, {}, 5, "retry"],
  [429, {}, 5, "retry"],
  [500, {}, 5, "retry"],
  [503, {}, 5, "retry"],
  [413, {}, 5, "split"],
  [413, {}, 1, "refused"],
  [422, {}, 2, "split"],
  [400, {}, 1, "refused"],
  [404, {}, 5, "aside"],
  [410, {}, 1, "aside"],
]);

for (const [status, answer, count, verdict] of cases) {
  test(`${status} with ${JSON.stringify(answer)} for ${count} events: ${verdict}`, () => {
    assert.equal(judge(status, answer, count), verdict);
  });
}
