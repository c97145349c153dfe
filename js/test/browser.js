import { createJar } from "../src/createJar.js";
import { createStorage } from "../src/createStorage.js";
import { createTracker } from "../src/createTracker.js";
import { fakeClock, fakeDocument, fakeLocalStorage } from "./fakes.js";

/**
 * A browser with one disk, one cookie jar, one clock and a collector that `answers`; open() is a tab. What is faked is the
 * browser; everything of the tracker is real. Golden files give their first ID, so that no two of them share an event.
 */
export const createBrowser = (firstId = 1) => {
  const document = fakeDocument();
  const disk = fakeLocalStorage();
  const clock = fakeClock();
  let ids = firstId;
  let turn = Promise.resolve();

  const browser = {
    document,
    disk,
    clock,
    /** @type {any[]} bodies, in the order of arrival */
    requests: [],
    /** @type {string[]} */
    warnings: [],
    /** @type {(request: any) => any} */
    answers: () => accepted("11111111-1111-4111-8111-111111111111"),
    types: () => browser.requests.flatMap((request) => request.events.map((/** @type {any} */ event) => event.type)),

    open: () =>
      createTracker({
        source: "demo",
        jar: createJar(document, "onetrail", false),
        storage: createStorage(() => disk),
        post: async (body) => {
          const request = JSON.parse(body);
          browser.requests.push(request);
          return { status: 200, retryAfter: null, answer: undefined, ...(await browser.answers(request)) };
        },
        lock: (run) => {
          const mine = turn.then(run);
          turn = mine.catch(() => {});
          return mine;
        },
        wait: clock.wait,
        now: () => clock.now(),
        random: () => 1,
        newId: () => `019acd5e-0000-7000-8000-${String(ids++).padStart(12, "0")}`,
        warn: (text) => browser.warnings.push(text),
        page: () => ({ url: "https://shop.example/", title: "Shop" }),
      }),
  };
  return browser;
};

/** The collector's answer when all went well. */
export const accepted = (/** @type {string} */ profile) => ({ status: 200, answer: { profile: { id: profile }, accepted: 1 } });

/** The answer when it did not. */
export const refused = (/** @type {number} */ status, /** @type {string | null} */ retryAfter = null) => ({
  status,
  retryAfter,
  answer: { error: "code", detail: `refused with ${status}` },
});
