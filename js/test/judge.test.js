import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../src/judge.js";

const cases = /** @type {const} */ ([
  [200, { accepted: 1 }, "sent"],
  [202, {}, "sent"],
  [200, undefined, "kept"], // HTML: a sign-in page, a proxy
  [200, "ok", "kept"],
  [200, null, "kept"],
  [0, undefined, "kept"],
  [302, undefined, "kept"],
  [401, { error: "unknown_source" }, "kept"],
  [403, {}, "kept"],
  [404, {}, "kept"],
  [408, {}, "kept"],
  [425, {}, "kept"],
  [429, {}, "kept"],
  [500, {}, "kept"],
  [503, {}, "kept"],
  [413, {}, "rejected"],
  [422, {}, "rejected"],
  [400, {}, "rejected"],
]);

for (const [status, answer, verdict] of cases) {
  test(`${status} with ${JSON.stringify(answer)}: ${verdict}`, () => assert.equal(judge(status, answer), verdict));
}
