/**
 * What the tag says: the one configuration of the page's one tracker. Module state throughout, rather than objects that are handed
 * around, is what keeps t.js within its 3,000 bytes; tests give each tab a global object of its own.
 *
 * @type {Options & {auto: string}}
 */
export let options;

/** The URL that the collector's paths are relative to. @type {string} */
export let base;

/** What the tracker's keys in localStorage begin with. @type {string} */
export let prefix;

/** And the events' keys among them. @type {string} */
export let events;

/** @type {(given: Options, url: string) => void} */
export const configure = (given, url) => {
  options = { auto: "page-view", ...given };
  base = url;
  prefix = `onetrail.${given.source}.`;
  events = prefix + "event.";
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
