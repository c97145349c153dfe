import { keep, load, readCookie, writeCookie } from "./storage.js";
import { options } from "./tag.js";
import { uuid7 } from "./uuid7.js";

/*
 * Who is here: the session ID (made here, a cookie, one for all tabs) and the profile ID (the collector's, never made up here).
 *
 * A stamp names the session and the epoch, which begins at a sign-out: "<session>" or "<session><epoch>". The profile ID is kept
 * with its epoch, "<epoch>~<profile>", or "<epoch>" while there is none: a tab that still sees the one from before another tab's sign-out (localStorage lags between
 * processes, cookies do not) does not use it.
 */

/** The session ID of a stamp. @type {(stamp: string) => string} */
export const idOf = (stamp) => stamp.slice(0, 36);

const epochOf = (/** @type {string} */ stamp) => stamp.slice(36);
const known = () => /** @type {[string, string?]} */ ((load("profile") || "").split("~"));

/** The session's stamp; "" until it has begun. */
export const stamp = () => readCookie("onetrail") || "";

/**
 * The profile ID for a request with this stamp: an earlier session without one of its own is still this device's, unless it ended
 * in a sign-out.
 *
 * @type {(stamp: string) => string | undefined}
 */
export const profileFor = (stamp) => {
  const [epoch, id] = known();
  if (epoch === epochOf(stamp)) return id;
};

/**
 * The session's cookie. Without a time-out it has no max-age, and ends with the browser. Browsers that restore their tabs keep such
 * a cookie alive for weeks: a time-out, which begins anew with each activity, is the answer to that.
 */
const put = (/** @type {string} */ stamp) => writeCookie("onetrail", stamp, /** @type {any} */ (options.sessionTimeout) * 60);

/**
 * Begin the session, or go on with it. Called under the lock that tabs share, so that tabs opened at the same instant agree on one.
 */
export const begin = () => put(stamp() || uuid7() + known()[0]);

/** Sign-out: a new session, and the profile ID forgotten. */
export const renew = () => {
  keep("profile", uuid7().slice(23));
  put(uuid7() + known()[0]);
};

/**
 * Keep the profile ID of an answer, also when it names another one than before: the device may have changed hands. An answer for
 * what came before a sign-out says nothing about who is here now.
 *
 * @type {(then: string, profile: string) => void}
 */
export const learn = (then, profile) => {
  const epoch = epochOf(then);
  if (epoch === epochOf(stamp())) keep("profile", epoch + "~" + profile);
};
