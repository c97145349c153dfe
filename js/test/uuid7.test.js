import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid7 } from "../src/uuid7.js";

test("a UUIDv7 holds the time, version 7 and the variant of RFC 9562", () => {
  const before = Date.now();
  const id = uuid7();
  assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
  const time = parseInt(id.replace("-", "").slice(0, 12), 16);
  assert.ok(before <= time && time <= Date.now(), id);
});

test("within one millisecond the ids sort in the order of the calls", () => {
  const ids = Array.from({ length: 200 }, () => uuid7());
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, 200);
});
