import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrowser } from "./browser.js";
import { settled } from "./fakes.js";

const cases = /** @type {const} */ ([
  ["", {}, {}, true],
  ["", {}, { doNotTrack: "1" }, false],
  ["", {}, { doNotTrack: "unspecified" }, true],
  ["", {}, { globalPrivacyControl: true }, false],
  ["", { respectDnt: "false" }, { doNotTrack: "1" }, true],
  ["", { consent: "required" }, {}, false],
  ["", { consent: "required", respectDnt: "false" }, {}, false],
  ["1", { consent: "required" }, { doNotTrack: "1" }, true],
  ["0", { respectDnt: "false" }, {}, false],
]);

for (const [said, options, navigator, may] of cases) {
  test(`said "${said}", ${JSON.stringify(options)}, ${JSON.stringify(navigator)}: ${may ? "tracked" : "not tracked"}`, async () => {
    const browser = createBrowser();
    Object.assign(browser, { options, navigator });
    if (said) browser.disk["onetrail.demo.consent"] = said;
    browser.open().api.track("click");
    await settled();
    assert.equal(browser.requests.length, may ? 1 : 0);
    assert.equal(browser.document.cookie !== "", may);
  });
}

test("where consent is required nothing is stored or sent before it, and the page view follows it", async () => {
  const browser = createBrowser();
  browser.options = { consent: "required", auto: "page-view" };
  const { api, leave } = browser.open();
  api.page();
  api.identify({ email: "ann@shop.test" });
  api.reset();
  await api.flush();
  leave();
  await settled();
  assert.deepEqual([browser.requests, Object.keys(browser.disk), browser.document.cookie], [[], [], ""]);
  api.optIn();
  await settled();
  assert.deepEqual(browser.types(), ["page-view"]);
});

test("an opt-out forgets everything here, also what an answer under way would bring, and lasts", async () => {
  const browser = createBrowser();
  /** @type {(value: any) => void} */
  let answer = () => {};
  browser.answers = () => new Promise((resolve) => (answer = resolve));
  const { api } = browser.open();
  api.track("before");
  await settled();
  api.optOut();
  answer({ status: 200, answer: { profile: { id: "p" } } });
  await settled();
  api.track("after");
  browser.open().api.track("in another tab");
  await settled();
  assert.deepEqual(browser.types(), ["before"]);
  assert.deepEqual({ ...browser.disk }, { "onetrail.demo.consent": "0" });
  assert.equal(api.sessionId(), "");
});

test("flush says whether everything is acknowledged", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const { api } = browser.open();
  api.track("click");
  assert.equal(await api.flush(), false);
  browser.answers = () => ({ status: 200, answer: { accepted: 1 } });
  assert.equal(await api.flush(), true);
  assert.equal(browser.requests.length, 2);
});
