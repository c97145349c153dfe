import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrowser } from "./browser.js";
import { settled } from "./fakes.js";
import { createWarn } from "../src/createWarn.js";

test("a call without a type is ignored, and the warning says what to write", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  // @ts-expect-error misuse
  api.track();
  // @ts-expect-error misuse
  api.track({ type: "click" });
  await settled();
  assert.deepEqual(browser.requests, []);
  assert.match(browser.warnings[0] || "", /track\(\) needs a type: onetrail\.track\("sign-up"/);
});

test("properties that are no JSON object are left out, and the event is kept", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  const circle = {};
  Object.assign(circle, { circle });
  for (const properties of [circle, [1, 2], "text", { big: 1n }]) api.track("click", /** @type {any} */ (properties));
  await settled();
  assert.deepEqual(browser.requests[0].events.map((/** @type {any} */ event) => event.properties), Array(4).fill(undefined));
  assert.match(browser.warnings[0] || "", /the properties of "click" were left out/);
});

test("properties are taken as they are at the call", async () => {
  const browser = createBrowser();
  const properties = { step: 1 };
  browser.open().api.track("click", properties);
  properties.step = 2;
  await settled();
  assert.equal(browser.requests[0].events[0].properties.step, 1);
});

test("identify without anything is ignored; a number as user ID is sent as text", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  api.identify({});
  // @ts-expect-error misuse
  api.identify();
  api.identify({ userId: 0, email: "", phone: null });
  await settled();
  assert.deepEqual(browser.requests[0].events.map((/** @type {any} */ event) => event.properties), [{ user_id: "0" }]);
  assert.match(browser.warnings[0] || "", /identify\(\) needs one of/);
});

test("a listener that throws harms nobody", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  let heard = 0;
  api.on("sent", () => {
    throw new Error("mine");
  });
  api.on("sent", () => heard++);
  api.track("click");
  await settled();
  assert.equal(heard, 1);
  assert.deepEqual(browser.warnings, ["Error: mine"]);
});

test("a warning is said once", () => {
  /** @type {string[]} */
  const said = [];
  const warn = createWarn({ warn: (text) => said.push(text) });
  warn("a");
  warn("a");
  warn("b");
  assert.deepEqual(said, ["onetrail: a", "onetrail: b"]);
});
