import { createContext } from "./createContext.js";
import { createJar } from "./createJar.js";
import { createPages } from "./createPages.js";
import { createPost } from "./createPost.js";
import { createStorage } from "./createStorage.js";
import { createTracker } from "./createTracker.js";
import { mayTrack } from "./mayTrack.js";
import { pageAddress } from "./pageAddress.js";
import { uuid7 } from "./uuid7.js";
import { watchAddress } from "./watchAddress.js";

/**
 * Track this page; returns what the page can call, which is window.onetrail too.
 *
 * @param {Window & typeof globalThis} window
 * @param {Options} options
 * @param {string} base where /track is, as a URL that it is relative to
 * @param {import("./createGuard.js").Guard} guards
 */
export const start = (window, options, base, { say, guard }) => {
  const { document, location, navigator, setTimeout: wait } = window;
  const { source, auto = "page-view", domains } = options;
  const prefix = `onetrail.${source}.`;
  const storage = createStorage(() => window.localStorage, prefix);
  const pages = createPages(document, location, (href) => pageAddress(href, options));
  const pageViews = auto.includes("page-view");
  const begin = () => (pageViews ? api.page() : resume());
  const { api, resume, leave } = createTracker({
    sourceId: source,
    say,
    guard,
    storage,
    begin,
    wait,
    allowed: () => mayTrack(storage.load("consent"), options, navigator),
    getTime: () => new Date().toISOString(),
    jar: createJar(document, location.protocol, options),
    post: createPost(window, new URL("track", base).href),
    // Only https pages and localhost have locks. Elsewhere two tabs may send at once, each its own entries.
    lock: (run) => (navigator.locks ? navigator.locks.request(prefix, run) : run()),
    chance: Math.random,
    newId: () => uuid7(Date.now(), window.crypto),
    getPage: pages.view,
    getContext: createContext(window),
  });

  const early = window.onetrail?.q || [];
  window.onetrail = api;
  begin();
  for (const [name, args] of early) /** @type {any} */ (api)[name]?.(...args);

  // Later, as frameworks set the title after the address.
  if (pageViews) watchAddress(window, () => wait(() => pages.moved() && api.page(), 0));
  if (domains || auto.replace("page-view", "")) {
    document.head.append(Object.assign(document.createElement("script"), { src: new URL("t-more.js", base).href }));
  }

  const onEvents = {
    online: resume,
    pagehide: leave,
    pageshow: (/** @type {any} */ { persisted }) => persisted && begin(), // out of the back/forward cache
    visibilitychange: () => document.hidden && leave(),
  };
  for (const [name, run] of Object.entries(onEvents)) window.addEventListener(name, guard(/** @type {() => unknown} */ (run)));
  return api;
};

/**
 * @typedef {object} Options
 * @property {string} source
 * @property {string} [host] the collector, if it is not where the script comes from
 * @property {string} [auto] what is tracked without a call; "page-view" if not given
 * @property {string} [hash] "true" where the fragment is a page of its own
 * @property {string} [scrub] query parameters that are never reported
 * @property {string} [consent] "required": nothing is stored or sent before optIn()
 * @property {string} [respectDnt] "false": the browser's Do Not Track and Global Privacy Control do not count
 * @property {string} [domains] other domains of the same company
 * @property {string} [cookieDomain] to share the session among subdomains
 * @property {string} [sessionTimeout] minutes without activity after which a session ends
 */
