let last = 11e11; // a time of eleven hex digits, as all are from 2004 to 2527

/** @type {(ms: number) => string} twelve digits */
export const hexTime = (ms) => "0" + ms.toString(16);

/** The time, RFC 3339. */
export const now = () => new Date().toISOString();

/**
 * A UUIDv7 (RFC 9562): sorts by time, and within one millisecond by the order of the calls, as each is at least a millisecond later
 * than the one before it. Not crypto.randomUUID: that exists only on https pages, and makes no version 7.
 *
 * @returns {string}
 */
export const uuid7 = () => {
  last = Math.max(Date.now(), last + 1);
  const random = crypto.getRandomValues(new Uint8Array(36));
  return (hexTime(last).replace(/.{8}/, "$&-") + "-7...-8...-............").replace(/\./g, (_, at) =>
    (/** @type {number} */ (random[at]) % 16).toString(16),
  );
};
