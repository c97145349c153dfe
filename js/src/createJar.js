import { attempt } from "./attempt.js";

/**
 * The session's cookie. Without a max-age, so that it ends when the browser closes, and read by every tab.
 *
 * Browsers that restore their tabs keep such a cookie alive for weeks: a time-out is the answer to that. With one, the cookie has
 * a max-age instead, which begins anew with each activity.
 *
 * @param {{cookie: string}} document
 * @param {string} protocol
 * @param {{cookieDomain?: string, sessionTimeout?: string}} options
 */
export const createJar = (document, protocol, { cookieDomain, sessionTimeout }) => ({
  /** Whether it must be put again at each activity. */
  fades: sessionTimeout,

  /** @returns {string} "" when there is none, or where cookies are forbidden */
  read: () =>
    // What does not begin with a UUID is not ours: somebody else's cookie, or one that was tampered with.
    attempt(() => /\bonetrail=([\da-f-]{36}[.\w]*)/.exec(document.cookie)?.[1]) || "",

  /** @type {(stamp: string, seconds?: number | string) => unknown} */
  put: (stamp, seconds = sessionTimeout && +sessionTimeout * 60) =>
    attempt(
      () =>
        (document.cookie =
          `onetrail=${stamp};path=/;samesite=lax` +
          (seconds ? ";max-age=" + seconds : "") +
          (cookieDomain ? ";domain=" + cookieDomain : "") +
          (protocol === "https:" ? ";secure" : "")),
    ),
});

/** @typedef {ReturnType<typeof createJar>} Jar */
