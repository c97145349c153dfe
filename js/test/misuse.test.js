import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrowser } from "./browser.js";
import { settled } from "./fakes.js";

test("a call without a type is ignored, and the warning says what to write", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  // @ts-expect-error misuse
  api.track();
  // @ts-expect-error misuse
  api.track({ type: "click" });
  await settled();
  assert.deepEqual(browser.requests, []);
  assert.deepEqual(browser.warnings, ["onetrail: track() needs a type"]);
});

test("properties that are no JSON are left out, and the event is kept", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  const circle = {};
  Object.assign(circle, { circle });
  for (const properties of [circle, { big: 1n }]) api.track("click", /** @type {any} */ (properties));
  await settled();
  assert.deepEqual(browser.requests[0].events.map((/** @type {any} */ event) => event.properties), [undefined, undefined]);
  assert.match(browser.warnings.join(), /circular structure.*BigInt/s);
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
  for (const nobody of [undefined, null]) api.identify(nobody);
  api.identify({ userId: 0, email: "", phone: null });
  await settled();
  assert.deepEqual(browser.requests[0].events.map((/** @type {any} */ event) => event.properties), [{ user_id: "0" }]);
  assert.deepEqual(browser.warnings, ["onetrail: identify() needs userId, email, phone or traits"]);
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
  assert.deepEqual(browser.warnings, ["onetrail: Error: mine"]);
});

test("a warning is said once", () => {
  const browser = createBrowser();
  const { api } = browser.open();
  // @ts-expect-error misuse
  for (let n = 0; n < 3; n++) api.track();
  api.identify({});
  assert.deepEqual(browser.warnings.length, 2);
});

test("who listens hears of each event that the collector rejected, and why", async () => {
  const browser = createBrowser();
  browser.answers = ({ events }) => ({
    status: 200,
    answer: { accepted: 1, rejected: [{ index: 1, id: events[1].id, error: "too_large", detail: "events[1] is too large" }] },
  });
  const { api } = browser.open();
  /** @type {any[]} */
  const refusals = [];
  api.on("rejected", (refusal) => refusals.push(refusal));
  api.track("one");
  api.track("two");
  await settled();
  assert.deepEqual(refusals.map(({ error }) => error), ["too_large"]);
  assert.deepEqual(browser.warnings, ["onetrail: events[1] is too large"]);
});
