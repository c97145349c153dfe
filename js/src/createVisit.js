/**
 * Who is here: the session ID (made here, one for all tabs) and the profile ID (the collector's, never made up here).
 *
 * Both carry an epoch, which changes at each reset(). The cookie holds "<session>.<epoch>" and localStorage "<epoch>.<profile>":
 * a tab that still sees the profile ID from before another tab's sign-out (localStorage lags between processes, cookies do
 * not) finds that the epochs differ, and does not use it.
 *
 * @param {import("./createJar.js").Jar} jar
 * @param {import("./createStorage.js").Storage} storage
 * @param {string} key where the profile ID is kept
 * @param {() => string} newId
 */
export const createVisit = (jar, storage, key, newId) => {
  let draft = ""; // a session that no other tab knows of yet
  let fallback = ""; // the session where cookies are forbidden

  const epochOf = (/** @type {string} */ stamp) => stamp.slice(37);
  const stored = (/** @type {string} */ epoch) => {
    const value = storage.get(key);
    return value.startsWith(epoch + ".") ? value.slice(epoch.length + 1) : "";
  };

  const visit = {
    /** The session's stamp, "<session>.<epoch>"; "" until settle(). */
    stamp: () => jar.read() || fallback,

    /** @returns {string} */
    session: () => (visit.stamp() || visit.draft()).slice(0, 36),

    draft: () => (draft = draft || newId() + "." + storage.get(key).split(".")[0]),

    /** @returns {string} "" until the collector has answered */
    profile: () => stored(epochOf(visit.stamp() || visit.draft())),

    /**
     * Make the session known to all tabs, unless one of them has been faster. Called under the lock that tabs share, so that
     * tabs opened at the same instant agree on one.
     */
    settle: () => {
      if (!visit.stamp()) visit.begin(visit.draft());
      draft = "";
    },

    begin: (/** @type {string} */ stamp) => {
      jar.write(stamp);
      if (jar.read() !== stamp) fallback = stamp;
    },

    /** Sign-out: a new session, and the profile ID forgotten. */
    reset: () => {
      const session = newId();
      const epoch = session.slice(24);
      storage.set(key, epoch + ".");
      visit.begin(session + "." + epoch);
    },

    /**
     * The profile ID for a request that carries this stamp: an earlier session without one of its own is still this device's,
     * unless it ended in a sign-out.
     *
     * @type {(stamp: string) => string}
     */
    profileFor: (stamp) => stored(epochOf(stamp)),

    /**
     * Keep the profile ID of an answer. The newest answer for the current session counts, also when it names another one: the
     * device may have changed hands. An earlier session's counts only where nothing is known yet.
     *
     * @type {(stamp: string, profile: string) => void}
     */
    learn: (stamp, profile) => {
      const now = visit.stamp();
      const known = visit.profile();
      if (epochOf(stamp) === epochOf(now) && profile !== known && (stamp === now || !known)) {
        storage.set(key, epochOf(now) + "." + profile);
      }
    },
  };
  return visit;
};

/** @typedef {ReturnType<typeof createVisit>} Visit */
