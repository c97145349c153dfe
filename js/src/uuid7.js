let sequence = 0;

/**
 * A UUIDv7 (RFC 9562): sorts by time, and within one millisecond by the order of the calls.
 * Not crypto.randomUUID: that exists only on https pages, and makes no version 7.
 *
 * @param {number} ms the time, in milliseconds since 1970
 * @param {{getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array}} crypto
 * @returns {string}
 */
export const uuid7 = (ms, crypto) => {
  const known = ms.toString(16).padStart(12, "0") + (4096 + (sequence++ % 4096)).toString(16).slice(1);
  const random = crypto.getRandomValues(new Uint8Array(36));
  let digit = 0;
  return "........-....-7...-8...-............".replace(
    /\./g,
    (_, at) => known[digit++] || (/** @type {number} */ (random[at]) % 16).toString(16),
  );
};
