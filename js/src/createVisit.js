/**
 * Who is here: the session ID (made here, one for all tabs) and the profile ID (the collector's, never made up here).
 *
 * A stamp names both: "<session>", or after a sign-out "<session>.<epoch>". The profile ID is kept under its epoch: a tab that
 * still sees the one from before another tab's sign-out (localStorage lags between processes, cookies do not) does not use it.
 *
 * @param {import("./createJar.js").Jar} jar
 * @param {import("./createStorage.js").Storage} storage
 * @param {() => string} newId
 */
export const createVisit = (jar, storage, newId) => {
  let fallback = ""; // the session where cookies are forbidden

  const profileKey = (/** @type {string} */ stamp) => "profile" + stamp.slice(36);
  const begin = (/** @type {string} */ stamp) => {
    jar.put(stamp);
    if (!jar.read()) fallback = stamp;
  };

  const visit = {
    /** The session's stamp; "" until settle(). */
    stamp: () => jar.read() || fallback,

    /**
     * The profile ID for a request with this stamp, "" when there is none: an earlier session without one of its own is still
     * this device's, unless it ended in a sign-out.
     *
     * @type {(stamp: string) => string}
     */
    profileFor: (stamp) => storage.load(profileKey(stamp)),

    /**
     * Make the session known to all tabs, unless one of them has been faster. Called under the lock that tabs share, so that
     * tabs opened at the same instant agree on one.
     */
    settle: () => {
      if (jar.fades || !visit.stamp()) begin(visit.stamp() || newId() + storage.load("epoch"));
    },

    /** Sign-out: a new session, and the profile ID forgotten. */
    renew: () => {
      const session = newId();
      const epoch = "." + session.slice(24);
      storage.drop(profileKey(visit.stamp()));
      storage.keep("epoch", epoch);
      begin(session + epoch);
    },

    /**
     * Keep the profile ID of an answer. The newest answer for the current session counts, also when it names another one: the
     * device may have changed hands. An earlier session's counts only where nothing is known yet.
     *
     * @type {(stamp: string, profile: string) => void}
     */
    learn: (stamp, profile) => {
      const now = visit.stamp();
      const key = profileKey(now);
      if (stamp === now || (profileKey(stamp) === key && !storage.load(key))) storage.keep(key, profile);
    },
  };
  return visit;
};

/** @typedef {ReturnType<typeof createVisit>} Visit */
