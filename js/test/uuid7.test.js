import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { uuid7 } from "../src/uuid7.js";

const crypto = { getRandomValues: (/** @type {Uint8Array} */ bytes) => bytes.fill(0xff) };

test("a UUIDv7 holds the time, version 7 and the variant of RFC 9562", () => {
  assert.equal(uuid7(0x019acd5e4c05, crypto), "019acd5e-4c05-7000-8fff-ffffffffffff");
});

test("within one millisecond the ids sort in the order of the calls", () => {
  const ids = Array.from({ length: 200 }, () => uuid7(1_800_000_000_000, webcrypto));
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, 200);
});
