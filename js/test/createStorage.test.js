import assert from "node:assert/strict";
import { test } from "node:test";
import { createStorage } from "../src/createStorage.js";
import { fakeLocalStorage } from "./fakes.js";

test("what is set can be read, listed in order and removed", () => {
  const disk = fakeLocalStorage();
  const storage = createStorage(() => disk);
  storage.set("b", "2");
  storage.set("a", "1");
  storage.remove("c");
  assert.deepEqual(storage.keys(), ["a", "b"]);
  storage.remove("a");
  assert.equal(storage.get("a"), "");
  assert.equal(storage.get("b"), "2");
});

test("a forbidden localStorage is replaced by memory", () => {
  const storage = createStorage(() => {
    throw new DOMException("denied", "SecurityError");
  });
  storage.set("a", "1");
  assert.equal(storage.get("a"), "1");
  assert.deepEqual(storage.keys(), ["a"]);
  storage.remove("a");
  assert.deepEqual(storage.keys(), []);
});

test("what does not fit is kept in memory, beside what is on disk", () => {
  const disk = fakeLocalStorage();
  const storage = createStorage(() => disk);
  storage.set("a", "1");
  disk.full = true;
  storage.set("b", "2");
  storage.set("a", "3");
  assert.deepEqual(storage.keys(), ["a", "b"]);
  assert.equal(storage.get("a"), "3");
});

test("a null localStorage, as an old Firefox has when it is switched off, is replaced by memory", () => {
  const storage = createStorage(() => null);
  storage.set("a", "1");
  assert.equal(storage.get("a"), "1");
});
