import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../src/judge.js";

const cases = /** @type {const} */ ([
  [200, { accepted: 1 }, "sent"],
  [200, { accepted: 0, rejected: [{}] }, "sent"],
  [202, {}, "kept"], // JSON, but not the collector's
  [200, undefined, "kept"], // HTML: a sign-in page, a proxy
  [200, "ok", "kept"],
  [200, null, "kept"],
  [0, undefined, "kept"],
  [302, undefined, "kept"],
  [401, { error: "unknown_source" }, "kept"],
  [403, {}, "kept"],
  [408, {}, "kept"],
  [425, {}, "kept"],
  [429, {}, "kept"],
  [500, {}, "kept"],
  [503, {}, "kept"],
  [503, { accepted: 1 }, "kept"], // a status that says no is not outvoted
  [404, {}, "aside"],
  [405, {}, "aside"],
  [451, undefined, "aside"],
  [413, {}, "refused"],
  [422, {}, "refused"],
  [400, {}, "refused"],
]);

for (const [status, answer, verdict] of cases) {
  test(`${status} with ${JSON.stringify(answer)}: ${verdict}`, () => assert.equal(judge(status, answer, undefined), verdict));
}

test("what may be one event's fault is split while there are several", () => {
  for (const status of [400, 413, 422]) assert.equal(judge(status, {}, true), "split");
  assert.equal(judge(404, {}, true), "aside");
});
