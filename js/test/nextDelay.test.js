import assert from "node:assert/strict";
import { test } from "node:test";
import { nextDelay } from "../src/nextDelay.js";

test("the bound doubles with each failure up to a minute, and the jitter is full", () => {
  assert.deepEqual([1, 2, 3, 20].map((attempt) => nextDelay(attempt, 1, null)), [1000, 2000, 4000, 60_000]);
  assert.equal(nextDelay(20, 0, null), 0);
});

test("never sooner than Retry-After, and a Retry-After that is no number is ignored", () => {
  assert.equal(nextDelay(1, 0.5, "7"), 7000);
  assert.equal(nextDelay(1, 0.5, "Wed, 21 Oct 2026 07:28:00 GMT"), 500);
  assert.equal(nextDelay(1, 0.5, "999999"), 3_600_000);
});
