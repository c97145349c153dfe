import { noteCampaign } from "./context.js";
import { options } from "./tag.js";

/** @type {string | undefined} the address at the last view */
let url;
/** @type {string | undefined} */
let referrer;

/**
 * An address as it may be reported: without what a page keeps for itself.
 *
 * @type {(href: string) => any}
 */
const clean = (href) => {
  if (!href) return;
  const url = new URL(href);
  if (!options.hash) url.hash = "";
  options.scrub?.split(",").forEach((name) => url.searchParams.delete(name));
  return url.href;
};

/** Whether the address is another one than at the last view. */
export const moved = () => clean(location.href) !== url;

/** The page that is looked at, in a site of one document too: there the page before is the referrer. */
export const view = () => {
  if (moved()) {
    referrer = url || clean(document.referrer);
    url = clean(location.href);
  }
  noteCampaign(/** @type {string} */ (url));
  return { url, title: document.title, referrer };
};
