import { guard } from "../guard.js";
import { createReading } from "./createReading.js";
import { errorProperties } from "./errorProperties.js";
import { formProperties } from "./formProperties.js";
import { watchLinks } from "./watchLinks.js";

const MAX_ERRORS = 5; // of one page: a loop that fails says the same thing for ever

/**
 * What a page may ask for beyond page views: a file of its own, which the tracker loads then.
 *
 * @param {{auto: string, domains?: string}} options
 * @param {Track} track
 */
export const more = ({ auto, domains = "" }, track) => {
  // Captured, so that what is tracked as the page goes is in the queue before the tracker sends it.
  const listen = (/** @type {string} */ name, /** @type {(event: any) => void} */ run) => addEventListener(name, guard(run), true);

  for (const click of ["click", "auxclick"]) {
    listen(click, ({ target }) => watchLinks(target, auto, [location.hostname, ...domains.split(",")], track));
  }

  if (auto.includes("forms")) listen("submit", ({ target }) => track("form-submit", formProperties(target)));

  if (auto.includes("reading")) {
    const reading = createReading(() => performance.now());
    const look = () => reading.scrolled(scrollY + innerHeight, document.documentElement.scrollHeight);
    const report = () => {
      look();
      const seen = reading.hidden();
      if (seen) track("page-leave", seen);
    };
    listen("scroll", look);
    listen("pagehide", report);
    listen("pageshow", reading.shown);
    listen("visibilitychange", () => (document.hidden ? report() : reading.shown()));
  }

  if (auto.includes("errors")) {
    let left = MAX_ERRORS;
    const onError = (/** @type {any} */ event) => {
      if ((event.message || event.reason) && left-- > 0) track("error", errorProperties(event));
    };
    listen("error", onError);
    listen("unhandledrejection", onError);
  }

  if (auto.includes("vitals")) return import(/** @type {any} */ (new URL("t-vitals.js", import.meta.url))).then((vitals) => vitals.report(track));
};

/** @typedef {(type: string, properties: Record<string, unknown>) => void} Track */
