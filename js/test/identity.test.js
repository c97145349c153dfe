import assert from "node:assert/strict";
import { test } from "node:test";
import { accepted, createBrowser } from "./browser.js";
import { settled } from "./fakes.js";

const P1 = "11111111-1111-4111-8111-111111111111";
const P2 = "22222222-2222-4222-8222-222222222222";

test("the first request names no profile; the next one names the collector's, also after the browser was closed", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  assert.equal(api.profileId(), "");
  api.track("first");
  await settled();
  assert.equal(api.profileId(), P1);
  browser.document.close();
  const next = browser.open();
  next.api.track("second");
  await settled();
  assert.deepEqual(browser.requests[0].profile, {});
  assert.deepEqual(browser.requests[1].profile, { id: P1 });
  assert.notEqual(browser.requests[0].session.id, browser.requests[1].session.id);
});

test("two tabs opened at the same instant agree on one session", async () => {
  const browser = createBrowser();
  const tabs = [browser.open(), browser.open()];
  tabs.forEach(({ api }) => api.track("page-view"));
  await settled();
  assert.equal(new Set(browser.requests.map(({ session }) => session.id)).size, 1);
  assert.equal(tabs[0]?.api.sessionId(), tabs[1]?.api.sessionId());
  assert.equal(browser.types().length, 2);
});

test("the newest answer for the current session counts, also when it names another profile", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  api.track("first");
  await settled();
  browser.answers = () => accepted(P2);
  api.identify({ userId: 42 });
  await settled();
  assert.equal(api.profileId(), P2);
});

test("an answer that was lost names another profile when it comes: what waited behind it goes under that one", async () => {
  const browser = createBrowser();
  browser.open().api.track("first");
  await settled();
  browser.answers = () => ({ status: 0 });
  browser.open().api.identify({ userId: 42 });
  await settled();
  browser.document.close();
  browser.answers = () => accepted(P2);
  const next = browser.open();
  next.api.track("later");
  await settled();
  await settled();
  assert.deepEqual(
    browser.requests.slice(2).map(({ profile, events }) => [events[0].type, profile.id]),
    [["identify", P1], ["later", P2]],
  );
  assert.equal(next.api.profileId(), P2);
});

test("reset begins a new session without a profile, and events before it keep theirs, in a request of their own", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  api.track("first");
  await settled();
  const session = api.sessionId();
  browser.answers = (request) => accepted(request.session.id === session ? P1 : P2);
  api.track("before");
  api.reset();
  assert.equal(api.profileId(), "");
  api.track("after");
  await settled();
  const [, before, after] = browser.requests;
  assert.deepEqual(before.events.map((/** @type {any} */ event) => event.type), ["before"]);
  assert.deepEqual([before.session.id, before.profile], [session, { id: P1 }]);
  assert.deepEqual(after.events.map((/** @type {any} */ event) => event.type), ["after"]);
  assert.notEqual(after.session.id, session);
  assert.deepEqual(after.profile, {});
  assert.equal(api.profileId(), P2, "the answer for the earlier session changes nothing");
});

test("a first visit without a network, then another: one profile for both sessions", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  browser.open().api.track("first");
  await settled();
  browser.document.close();
  browser.answers = () => accepted(P1);
  browser.open().api.track("second");
  await settled();
  await settled();
  assert.deepEqual(browser.requests.slice(1).map(({ profile }) => profile?.id), [undefined, P1]);
});

test("a sign-out without a network is not undone by the answer for the session before it", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const { api } = browser.open();
  api.track("before");
  await settled();
  api.reset();
  api.track("after");
  await settled();
  browser.document.close();
  let profiles = 0;
  browser.answers = () => accepted([P1, P2, P2][profiles++] || "");
  const next = browser.open();
  next.api.track("later");
  await settled();
  await settled();
  assert.deepEqual(
    browser.requests.slice(1).map(({ profile, events }) => [events[0].type, profile?.id]),
    [["before", undefined], ["after", undefined], ["later", P2]],
  );
});

test("a tab that still sees the profile from before another tab's sign-out does not use it", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  api.track("first");
  await settled();
  const stale = browser.disk["onetrail.demo.profile"];
  api.reset();
  browser.disk["onetrail.demo.profile"] = stale; // localStorage lags between processes, cookies do not
  const other = browser.open();
  other.api.track("other");
  await settled();
  assert.deepEqual(browser.requests[1].profile, {});
});

test("where cookies are forbidden the session lives as long as the page", async () => {
  const browser = createBrowser();
  Object.defineProperty(browser.document, "cookie", { get: () => "", set: () => {} });
  const { api } = browser.open();
  api.track("one");
  await settled();
  api.track("two");
  await settled();
  assert.equal(browser.requests[0].session.id, browser.requests[1].session.id);
  assert.equal(api.sessionId(), browser.requests[0].session.id);
});

test("a session that has timed out is followed by another, of the same profile", async () => {
  const browser = createBrowser();
  browser.options = { sessionTimeout: "30" };
  const { api } = browser.open();
  api.track("one");
  await settled();
  browser.document.close(); // the browser lets go of the cookie
  api.track("two");
  await settled();
  const [one, two] = browser.requests;
  assert.notEqual(one.session.id, two.session.id);
  assert.deepEqual(two.profile, { id: P1 });
});
