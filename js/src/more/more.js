import { createReading } from "./createReading.js";
import { errorProperties } from "./errorProperties.js";
import { formProperties } from "./formProperties.js";
import { watchElements } from "./watchElements.js";
import { watchLinks } from "./watchLinks.js";

const MAX_ERRORS = 5; // of one page: a loop that fails says the same thing for ever

/**
 * What a tag may ask for beyond page views.
 *
 * @param {Window} window
 * @param {{auto?: string, domains?: string}} options
 * @param {Track} track
 * @param {(file: string) => void} load another file from where this one came
 */
export const more = (window, { auto = "", domains = "" }, track, load) => {
  const { document, location } = window;
  // Captured, so that what is tracked as the page goes is in the queue before the tracker sends it.
  const listen = (/** @type {string} */ name, /** @type {(event: any) => void} */ run) => window.addEventListener(name, run, true);

  if (auto.includes("vitals")) load("t-vitals.js");

  for (const click of ["click", "auxclick"]) {
    listen(click, ({ target }) => {
      if (!target?.closest) return;
      if (auto.includes("elements")) watchElements(target, track);
      watchLinks(target, auto, [location.hostname, ...domains.split(",")], track);
    });
  }

  if (auto.includes("forms")) listen("submit", ({ target }) => track("form-submit", formProperties(target)));

  if (auto.includes("reading")) {
    const reading = createReading(() => window.performance.now());
    const look = () => reading.scrolled(window.scrollY + window.innerHeight, document.documentElement.scrollHeight);
    const report = () => {
      look();
      const seen = reading.hidden();
      if (seen) track("page-leave", seen);
    };
    window.addEventListener("scroll", look, { capture: true, passive: true });
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
};

/** @typedef {(type: string, properties: Record<string, unknown>) => void} Track */
