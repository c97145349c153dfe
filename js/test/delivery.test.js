import assert from "node:assert/strict";
import { test } from "node:test";
import { accepted, createBrowser, refused } from "./browser.js";
import { settled } from "./fakes.js";

const queued = (/** @type {any} */ browser) => Object.keys(browser.disk).filter((key) => key.includes(".event."));

test("a task's events are one entry of the queue and one request, and leave the queue when acknowledged", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  api.page();
  await settled();
  for (let n = 0; n < 20; n++) api.track("click", { n });
  await Promise.resolve();
  assert.equal(queued(browser).length, 1);
  await settled();
  assert.equal(browser.requests.length, 2);
  assert.deepEqual(browser.requests[1].events.map((/** @type {any} */ event) => event.properties.n), [...Array(20).keys()]);
  assert.deepEqual(queued(browser), []);
});

test("without an acknowledgement the same events go again, with the same ids, after a wait", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const { api } = browser.open();
  api.track("click");
  await settled();
  api.track("click");
  await settled();
  assert.equal(browser.requests.length, 1, "no request during the wait");
  assert.equal(browser.clock.timers[0]?.ms, 1000);
  browser.answers = () => accepted("p");
  browser.clock.fire();
  await settled();
  assert.equal(browser.requests.length, 2);
  assert.equal(browser.requests[1].events.length, 2);
  assert.equal(browser.requests[1].events[0].id, browser.requests[0].events[0].id);
  assert.deepEqual(queued(browser), []);
});

test("a Retry-After is kept to, and the wait grows while the collector is down", async () => {
  const browser = createBrowser();
  browser.answers = () => refused(503, "30");
  browser.open().api.track("click");
  await settled();
  assert.equal(browser.clock.timers[0]?.ms, 30_000);
  browser.answers = () => ({ status: 0 });
  browser.clock.fire();
  await settled();
  assert.equal(browser.clock.timers[0]?.ms, 2000);
});

test("the network's return ends the wait", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const tab = browser.open();
  tab.api.track("click");
  await settled();
  browser.answers = () => accepted("p");
  tab.resume();
  await settled();
  assert.equal(browser.requests.length, 2);
  browser.clock.fire();
  await settled();
  assert.equal(browser.requests.length, 2, "the timer that is left over does nothing");
});

test("200 without JSON is no acknowledgement: it is a hotel's sign-in page", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 200, answer: undefined });
  browser.open().api.track("click");
  await settled();
  assert.equal(queued(browser).length, 1);
});

test("413 splits until the one event that is too large is alone, and only that one is given up", async () => {
  const browser = createBrowser();
  browser.answers = ({ events }) =>
    events.some((/** @type {any} */ event) => event.properties.large) ? refused(413) : accepted("p");
  const { api } = browser.open();
  for (let n = 0; n < 8; n++) api.track("click", { n, large: n === 5 });
  await settled();
  await settled();
  const stored = browser.requests
    .filter(({ events }) => !events.some((/** @type {any} */ event) => event.properties.large))
    .flatMap(({ events }) => events.map((/** @type {any} */ event) => event.properties.n));
  assert.deepEqual(stored.sort(), [0, 1, 2, 3, 4, 6, 7]);
  assert.deepEqual(queued(browser), []);
  assert.deepEqual(browser.warnings, ["onetrail: refused with 413"]);
});

test("401 keeps the events and says how to add the source", async () => {
  const browser = createBrowser();
  browser.answers = () => refused(401);
  browser.open().api.track("click");
  await settled();
  assert.equal(queued(browser).length, 1);
  assert.deepEqual(browser.warnings, ["onetrail: refused with 401"]);
});

test("one request is in flight at a time, and no event that arrives meanwhile is left behind", async () => {
  const browser = createBrowser();
  let inFlight = 0;
  let most = 0;
  browser.answers = async () => {
    most = Math.max(most, ++inFlight);
    await settled();
    inFlight--;
    return accepted("p");
  };
  const [one, two] = [browser.open(), browser.open()];
  for (let n = 0; n < 10; n++) {
    one.api.track("one", { n });
    two.api.track("two", { n });
    await settled();
  }
  for (let n = 0; n < 10; n++) await settled();
  assert.equal(most, 1);
  assert.equal(browser.types().filter((type) => type === "one").length, 10);
  assert.equal(browser.types().filter((type) => type === "two").length, 10);
});

test("a request holds at most 58 KB of events, so that it may outlive its page", async () => {
  const browser = createBrowser();
  const { api } = browser.open();
  for (let n = 0; n < 30; n++) api.track("click", { text: "é".repeat(2000) });
  await settled();
  const sizes = browser.requests.map((request) => new TextEncoder().encode(JSON.stringify(request)).length);
  assert.ok(sizes.length >= 3 && sizes.every((size) => size < 60_000), String(sizes));
  assert.equal(browser.types().length, 30);
});

test("when the page goes, what is not in flight is sent at once, without waiting for other tabs", async () => {
  const browser = createBrowser();
  /** @type {(value: any) => void} */
  let answer = () => {};
  browser.answers = () => new Promise((resolve) => (answer = resolve));
  const tab = browser.open();
  tab.api.track("first");
  await settled();
  tab.api.track("second");
  await settled();
  tab.api.track("third");
  assert.deepEqual(browser.types(), ["first"]);
  tab.leave();
  assert.deepEqual(browser.types(), ["first", "second", "third"]);
  assert.equal(queued(browser).length, 3, "kept until acknowledged");
  answer(accepted("p"));
  await settled();
});

test("events of a page that has gone are sent by the next one", async () => {
  const browser = createBrowser();
  browser.answers = () => new Promise(() => {});
  browser.open().api.track("first");
  await settled();
  const next = createBrowser();
  Object.assign(next.disk, browser.disk);
  next.open().resume();
  await settled();
  assert.deepEqual(next.types(), ["first"]);
});

test("the queue is bounded: the oldest events are dropped, and the collector hears how many", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const { api, resume } = browser.open();
  for (let n = 0; n < 300; n++) {
    api.track("click", { text: "x".repeat(4000), n });
    await Promise.resolve();
  }
  await settled();
  const kept = queued(browser).length;
  const characters = queued(browser).reduce((sum, key) => sum + browser.disk[key].length, 0);
  assert.ok(characters <= 500_000);
  assert.match(queued(browser).map((key) => browser.disk[key]).join(""), /"n":299/);
  browser.answers = () => accepted("p");
  api.track("later");
  resume();
  await settled();
  assert.equal(browser.requests.at(-1).context.dropped, 300 - kept);
});

test("a full localStorage costs no event while the page lives", async () => {
  const browser = createBrowser();
  browser.full = true;
  browser.open().api.track("click");
  await settled();
  assert.deepEqual(browser.types(), ["click"]);
});

test("a request that fails because its page goes is not sent again by that page", async () => {
  const browser = createBrowser();
  const tab = browser.open();
  tab.api.track("first");
  await settled();
  browser.answers = () => ({ status: 0 });
  tab.api.track("second");
  await settled();
  tab.leave();
  assert.deepEqual(browser.types(), ["first", "second"]);
  tab.api.track("third");
  await settled();
  tab.leave();
  await settled();
  assert.deepEqual(browser.types(), ["first", "second", "third"]);
  browser.answers = () => accepted("p");
  tab.resume();
  await settled();
  assert.deepEqual(browser.types(), ["first", "second", "third", "second", "third"]);
  assert.deepEqual(queued(browser), []);
});

test("events of more than thirty days are given up and counted, younger ones are not", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  browser.open().api.track("old");
  await settled();
  browser.clock.ms += 20 * 864e5;
  browser.open().api.track("younger");
  await settled();
  browser.clock.ms += 11 * 864e5;
  const { api, resume } = browser.open();
  api.track("new");
  await settled();
  browser.answers = () => accepted("p");
  browser.requests = [];
  api.track("next");
  resume();
  await settled();
  assert.deepEqual(browser.types(), ["younger", "new", "next"]);
  assert.deepEqual(browser.requests.map(({ context }) => context.dropped), [undefined, 1]);
});

test("what another tab has sent is not sent again by a tab that had taken it over", async () => {
  const browser = createBrowser();
  browser.answers = () => ({ status: 0 });
  const first = browser.open();
  first.api.track("click");
  await settled();
  const second = browser.open();
  await settled();
  browser.answers = () => accepted("p");
  browser.requests = [];
  first.resume();
  await settled();
  second.resume();
  await settled();
  assert.deepEqual(browser.types(), ["click"]);
});

test("404 sets events aside: later ones go, and the next page tries again", async () => {
  const browser = createBrowser();
  browser.answers = () => refused(404);
  const { api } = browser.open();
  api.track("first");
  await settled();
  browser.answers = () => accepted("p");
  api.track("second");
  await settled();
  assert.deepEqual(browser.types(), ["first", "second"]);
  assert.equal(queued(browser).length, 1);
  assert.equal(browser.clock.timers.filter(({ ms }) => ms > 0).length, 0, "no retry is planned");
  browser.open();
  await settled();
  assert.deepEqual(browser.types(), ["first", "second", "first"]);
  assert.deepEqual(queued(browser), []);
});

test("without keepalive a page that goes sends a beacon, and keeps the events until an answer comes", async () => {
  const browser = createBrowser();
  class Request {}
  const { api, leave, resume } = browser.open({ Request });
  await settled();
  api.track("last");
  leave();
  await settled();
  assert.deepEqual(browser.beacons.map((body) => JSON.parse(body).events[0].type), ["last"]);
  assert.equal(queued(browser).length, 1);
  resume();
  await settled();
  assert.deepEqual(queued(browser), []);
});

test("where there are no locks a cookie is the lease: one tab sends at a time, and a tab that died is waited for", async () => {
  const browser = createBrowser();
  browser.navigator = { locks: undefined };
  browser.document.cookie = "onetrail.demo.lease=another";
  const { api } = browser.open();
  api.track("click");
  await settled();
  assert.deepEqual(browser.types(), []);
  browser.document.cookie = "onetrail.demo.lease=;max-age=-1"; // it runs out
  browser.clock.fire();
  await settled();
  assert.deepEqual(browser.types(), ["click"]);
  assert.doesNotMatch(browser.document.cookie, /lease/);
});

test("a sandbox that refuses locks is sent from all the same", async () => {
  const browser = createBrowser();
  browser.navigator = { locks: { request: async () => Promise.reject(new DOMException("", "SecurityError")) } };
  browser.open().api.track("click");
  await settled();
  assert.deepEqual(browser.types(), ["click"]);
});
