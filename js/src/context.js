import { allowed } from "./allowed.js";
import { dropped } from "./queue.js";
import { keep, load } from "./storage.js";
import { version } from "./version.js";

/**
 * Remember the address that a campaign led to, by its UTM parameters or an advertiser's click ID: the first, and the latest.
 *
 * @param {string} url
 */
export const noteCampaign = (url) => {
  if (/[?&](utm_|\w+clid=)/.test(url) && allowed()) {
    keep("last_touch", url);
    load("first_touch") || keep("first_touch", url);
  }
};

/** What a task's events share, as it was when they were tracked. */
export const context = () => ({
  library: { name: "onetrail-js", version },
  screen: screen.width + "x" + screen.height,
  viewport: innerWidth + "x" + innerHeight,
  locale: navigator.language,
  // The first use of Intl costs a page 15 ms, this nothing, where there is it: Chromium since 144, Firefox since 139.
  timezone: /** @type {any} */ (window).Temporal?.Now.timeZoneId() || Intl.DateTimeFormat().resolvedOptions().timeZone,
  client_hints: /** @type {any} */ (navigator).userAgentData, // what it gives unasked: brands, mobile, platform
  first_touch: load("first_touch"),
  last_touch: load("last_touch"),
  dropped,
});
