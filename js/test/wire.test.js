import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { accepted, createBrowser } from "./browser.js";
import { settled } from "./fakes.js";

const golden = (/** @type {string} */ name) =>
  JSON.parse(readFileSync(new URL(`../../tests/wire/tracker_${name}.json`, import.meta.url), "utf8")).request;

test("a first page view", async () => {
  const browser = createBrowser(1);
  browser.open().api.page();
  await settled();
  assert.deepEqual(browser.requests, [golden("page_view")]);
});

test("an identify with everything, and an event of one's own, under the profile ID that the first answer issued", async () => {
  const browser = createBrowser(2);
  browser.answers = () => accepted("6f1c7a52-6a0f-4a4e-9d5e-0a1b2c3d4e5f");
  const { api } = browser.open();
  api.page();
  await settled();
  browser.clock.ms += 1234;
  api.identify({ userId: 42, email: "ann@shop.test", phone: "+49 30 901820", traits: { name: "Ann", plan: "pro" } });
  api.track("sign-up", { plan: "pro", seats: 3 });
  await settled();
  assert.deepEqual(browser.requests[1], golden("identify"));
});

test("a visit after a sign-out", async () => {
  const browser = createBrowser(3);
  const { api } = browser.open();
  api.page();
  await settled();
  api.reset();
  api.track("sign-out");
  await settled();
  assert.deepEqual(browser.requests[1], golden("after_reset"));
});
