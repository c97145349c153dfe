import assert from "node:assert/strict";
import { test } from "node:test";
import { createStorage } from "../src/createStorage.js";
import { fakeLocalStorage } from "./fakes.js";

test("what is set can be read, listed in order and removed", () => {
  const disk = fakeLocalStorage();
  const storage = createStorage(() => disk, "onetrail.demo.");
  storage.keep("b", "2");
  storage.keep("a", "1");
  storage.drop("c");
  assert.deepEqual(storage.list(""), ["a", "b"]);
  storage.drop("a");
  assert.equal(storage.load("a"), "");
  assert.equal(storage.load("b"), "2");
});

test("what is not the tracker's is not seen", () => {
  const disk = fakeLocalStorage();
  disk.setItem("theirs", "1");
  disk.setItem("onetrail.demo.event.a", "2");
  disk.setItem("onetrail.demo.profile", "3");
  assert.deepEqual(createStorage(() => disk, "onetrail.demo.").list("event"), ["event.a"]);
});

test("a forbidden localStorage is replaced by memory", () => {
  const storage = createStorage(() => {
    throw new DOMException("denied", "SecurityError");
  }, "onetrail.demo.");
  storage.keep("a", "1");
  assert.equal(storage.load("a"), "1");
  assert.deepEqual(storage.list(""), ["a"]);
  storage.drop("a");
  assert.deepEqual(storage.list(""), []);
});

test("what does not fit is kept in memory, beside what is on disk", () => {
  const disk = fakeLocalStorage();
  const storage = createStorage(() => disk, "onetrail.demo.");
  storage.keep("a", "1");
  disk.full = true;
  storage.keep("b", "2");
  storage.keep("a", "3");
  assert.deepEqual([...new Set(storage.list(""))], ["a", "b"]);
  assert.equal(storage.load("a"), "3");
});

test("a null localStorage, as an old Firefox has when it is switched off, is replaced by memory", () => {
  const storage = createStorage(() => null, "onetrail.demo.");
  storage.keep("a", "1");
  assert.equal(storage.load("a"), "1");
});
