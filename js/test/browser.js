import { webcrypto } from "node:crypto";
import vm from "node:vm";
import { bundle } from "../bundle.js";
import { fakeClock, fakeDocument, fakeLocalStorage } from "./fakes.js";

const code = new vm.Script(bundle("src/index.js", "iife"));
const DATE = new vm.Script("Date = class extends Date { constructor(...a) { super(...(a.length ? a : [now()])) } static now() { return now() } }");

/**
 * A browser with one disk, one cookie jar, one clock and a collector that `answers`; open() is a tab, a global object of its own in
 * which the built t.js runs as a page would run it. What is faked is the browser; all of the tracker is real. With a `digit`, the
 * random part of each ID is that digit, and nothing else is left to chance.
 */
export const createBrowser = (/** @type {number | undefined} */ digit = undefined) => {
  const document = fakeDocument();
  /** @type {Record<string, string>} */
  const disk = {};
  const clock = fakeClock();
  let turn = Promise.resolve();
  /** @type {Array<Record<string, (event: any) => void>>} what each tab listens to */
  const tabs = [];

  const browser = {
    document,
    disk,
    clock,
    full: false,
    /** @type {any[]} bodies, in the order of arrival */
    requests: [],
    /** @type {string[]} */
    beacons: [],
    /** @type {string[]} */
    warnings: [],
    /** @type {(request: any) => any} */
    answers: () => accepted("11111111-1111-4111-8111-111111111111"),
    /** @type {Record<string, string>} */
    options: {},
    /** @type {Record<string, any>} */
    navigator: {},
    types: () => browser.requests.flatMap((request) => request.events.map((/** @type {any} */ event) => event.type)),

    /** @param {Record<string, any>} [globals] what is different in this tab */
    open: (globals = {}) => {
      /** @type {Record<string, (event: any) => void>} */
      const heard = {};
      const tell = (/** @type {any} */ change) => {
        for (const other of tabs) if (other !== heard) queueMicrotask(() => other.storage?.(change));
      };
      const page = Object.create(document, {
        cookie: { get: () => document.cookie, set: (text) => (document.cookie = text) },
        title: { value: "Shop" },
        referrer: { value: "" },
        hidden: { value: false },
        currentScript: { value: { dataset: { source: "demo", auto: "", ...browser.options }, src: "https://c.example/t.js" } },
        head: { value: { append() {} } },
        createElement: { value: () => ({}) },
      });
      const context = /** @type {any} */ ({
        document: page,
        location: { href: "https://shop.example/", hostname: "shop.example", protocol: "https:" },
        history: { state: null, pushState() {}, replaceState() {} },
        navigator: {
          language: "en",
          locks: {
            request: (/** @type {string} */ _, /** @type {() => Promise<void>} */ run) => {
              const mine = turn.then(run);
              turn = mine.catch(() => {});
              return mine;
            },
          },
          sendBeacon: (/** @type {URL} */ _, /** @type {string} */ body) => browser.beacons.push(body),
          ...browser.navigator,
        },
        screen: { width: 1920, height: 1080 },
        innerWidth: 1280,
        innerHeight: 720,
        console: { warn: (/** @type {string} */ text) => browser.warnings.push(text) },
        crypto: digit === undefined ? webcrypto : { getRandomValues: (/** @type {Uint8Array} */ bytes) => bytes.fill(digit) },
        localStorage: fakeLocalStorage(disk, () => browser.full, tell),
        addEventListener: (/** @type {string} */ name, /** @type {(event: any) => void} */ run) => (heard[name] = run),
        setTimeout: clock.wait,
        clearTimeout: clock.clear,
        queueMicrotask,
        fetch: async (/** @type {URL} */ url, /** @type {{body: string}} */ { body }) => {
          const request = JSON.parse(body);
          browser.requests.push(request);
          const { status, retryAfter, answer } = { status: 200, ...(await browser.answers(request)) };
          if (!status) throw new TypeError("Failed to fetch");
          return { status, headers: { get: () => retryAfter }, json: async () => answer };
        },
        Request,
        Blob,
        URL,
        AbortSignal,
        now: () => clock.ms,
        ...globals,
      });
      context.window = context;
      vm.createContext(context);
      DATE.runInContext(context);
      vm.runInContext("Math.random = () => 1; Intl.DateTimeFormat = () => ({ resolvedOptions: () => ({ timeZone: 'Europe/Berlin' }) })", context);
      code.runInContext(context);
      tabs.push(heard);
      return {
        /** @type {import("../src/api.js").Api} */
        api: context.onetrail,
        context,
        fire: (/** @type {string} */ name, /** @type {any} */ event = {}) => heard[name]?.(event),
        resume: () => heard.online?.({}),
        leave: () => heard.pagehide?.({}),
      };
    },
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
