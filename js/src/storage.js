import { attempt } from "./guard.js";
import { options, prefix } from "./tag.js";

/**
 * The tracker's cookies and its part of localStorage. Nothing here throws: what localStorage refuses to keep (forbidden, private,
 * full) becomes a cookie, and what the cookie jar refuses is kept in memory, for as long as the page lives.
 *
 * @type {Record<string, string>}
 */
let memory = {};

/** @type {(name: string) => string | undefined} */
export const readCookie = (name) =>
  attempt(() => (" " + document.cookie).split(` ${name}=`)[1]?.split(";")[0]) || memory[name];

/**
 * Without `seconds` it ends with the browser.
 *
 * @type {(name: string, value: string, seconds?: number) => void}
 */
export const writeCookie = (name, value, seconds) => {
  memory[name] = "";
  attempt(
    () =>
      (document.cookie =
        `${name}=${value};path=/;samesite=lax` +
        (seconds ? ";max-age=" + seconds : "") +
        (options.cookieDomain ? ";domain=" + options.cookieDomain : "") +
        (location.protocol[5] ? ";secure" : "")), // "https:" has a sixth character
  );
  if (!readCookie(name)) memory[name] = value;
};

/** @type {(key: string) => unknown} */
export const remove = (key) => attempt(() => delete localStorage[key]);

/** @type {(key: string) => string | undefined} */
export const load = (key) => attempt(() => localStorage[prefix + key]) || readCookie(prefix + key);

/** @type {(key: string, value: string) => void} */
export const keep = (key, value) => {
  remove(prefix + key); // where the new value does not fit, the old one must not outlive it
  attempt(() => (localStorage[prefix + key] = value)) || writeCookie(prefix + key, value, 3e7);
};

/** @type {(start: string, run: (key: string) => void) => void} */
export const each = (start, run) =>
  attempt(() => {
    for (const key in localStorage) if (key.startsWith(start)) run(key);
  });

/** Leave nothing of the tracker in this browser. */
export const forget = () => {
  memory = {};
  each(prefix, remove);
  attempt(() => document.cookie.replace(/onetrail[^=]*/g, (name) => /** @type {any} */ (writeCookie(name, "", -1))));
};
