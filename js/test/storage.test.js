import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrowser } from "./browser.js";
import { settled } from "./fakes.js";

const P1 = "11111111-1111-4111-8111-111111111111";
const denied = () => {
  throw new DOMException("denied", "SecurityError");
};
const forbidden = { get: denied, set: denied };

test("the session's cookie ends with the browser, is the whole site's, and stays on https where it was made there", async () => {
  const browser = createBrowser();
  browser.open();
  await settled();
  assert.match(browser.document.written[0] || "", /^onetrail=[\da-f-]{36};path=\/;samesite=lax;secure$/);
  const plain = createBrowser();
  plain.open({ location: { href: "http://shop.example/", protocol: "http:" } });
  await settled();
  assert.doesNotMatch(plain.document.written[0] || "", /secure/);
});

test("a time-out and a domain are the tag's to ask for", async () => {
  const browser = createBrowser();
  browser.options = { sessionTimeout: "30", cookieDomain: "shop.example" };
  browser.open();
  await settled();
  assert.match(browser.document.written[0] || "", /;max-age=1800;domain=shop.example;/);
});

test("a cookie of a like name is not the session's", async () => {
  const browser = createBrowser();
  browser.document.cookie = "not-onetrail=theirs";
  const { api } = browser.open();
  await settled();
  assert.match(api.sessionId(), /^[\da-f-]{36}$/);
});

for (const [name, globals] of /** @type {Array<[string, () => Record<string, any>]>} */ ([
  ["throws", () => ({})],
  ["is null, as an old Firefox has it", () => ({ localStorage: null })],
])) {
  test(`where localStorage ${name}, the profile ID is a cookie, and the next page has it`, async () => {
    const browser = createBrowser();
    browser.full = name === "throws";
    const first = browser.open(globals());
    first.api.track("one");
    await settled();
    assert.equal(first.api.profileId(), P1);
    assert.match(browser.document.cookie, /onetrail\.demo\.profile=~1111/);
    const next = browser.open(globals());
    next.api.track("two");
    await settled();
    assert.deepEqual(browser.requests[1].profile, { id: P1 });
  });
}

test("where cookies are forbidden too it is kept in memory", async () => {
  const browser = createBrowser();
  const document = Object.create(browser.document, { cookie: forbidden, currentScript: { value: script } });
  const tab = browser.open({ localStorage: null, document });
  tab.api.track("one");
  await settled();
  tab.api.track("two");
  await settled();
  assert.deepEqual(browser.requests[1].profile, { id: P1 });
  assert.equal(browser.requests[0].session.id, browser.requests[1].session.id);
});
const script = { dataset: { source: "demo", auto: "" }, src: "https://c.example/t.js" };

test("an opt-out is remembered where localStorage is full", async () => {
  const browser = createBrowser();
  browser.full = true;
  browser.open().api.optOut();
  browser.open().api.track("click");
  await settled();
  assert.deepEqual(browser.requests, []);
});
