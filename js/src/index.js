import { createJar } from "./createJar.js";
import { createPost } from "./createPost.js";
import { createStorage } from "./createStorage.js";
import { createTracker } from "./createTracker.js";
import { createWarn } from "./createWarn.js";
import { pageProperties } from "./pageProperties.js";
import { uuid7 } from "./uuid7.js";

const { document, location, navigator } = window;
const tag = /** @type {HTMLScriptElement | null} */ (document.currentScript);
const warn = createWarn(window.console);
const now = () => Date.now();

/** @param {string} source @param {string} url */
const start = (source, url) => {
  const tracker = createTracker({
    source,
    warn,
    now,
    jar: createJar(document, "onetrail", location.protocol === "https:"),
    storage: createStorage(() => window.localStorage),
    post: createPost((...request) => window.fetch(...request), url),
    // Only https pages and localhost have locks; elsewhere two tabs may send an event twice, and the collector stores it once.
    lock: (run) => (navigator.locks ? navigator.locks.request(`onetrail.${source}`, run) : run()),
    wait: (run, ms) => window.setTimeout(run, ms),
    random: Math.random,
    newId: () => uuid7(now(), (bytes) => window.crypto.getRandomValues(bytes)),
    page: () => pageProperties(document, location),
  });
  window.addEventListener("online", tracker.resume);
  window.addEventListener("pagehide", tracker.leave);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && tracker.leave());
  const early = window.onetrail?.q || [];
  window.onetrail = tracker.api;
  tracker.api.page();
  for (const [name, args] of early) /** @type {any} */ (tracker.api)[name]?.(...args);
  tracker.start();
};

try {
  const source = tag?.dataset.source;
  if (!source) warn('the script tag needs a data-source: <script async src="…/t.js" data-source="web"></script>');
  else start(source, new URL(tag.dataset.host ? tag.dataset.host + "/track" : "track", tag.src).href);
} catch (error) {
  warn(String(error));
}
