let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562): sorts by time, and within one millisecond by the order of the calls.
 * Not crypto.randomUUID: that exists only on https pages, and makes no version 7.
 *
 * @param {number} ms the time, in milliseconds since 1970
 * @param {(bytes: Uint8Array<ArrayBuffer>) => Uint8Array} fillRandom crypto.getRandomValues, or what a test gives
 * @returns {string}
 */
export const uuid7 = (ms, fillRandom) => {
  sequence = ms === lastMs ? (sequence + 1) & 0xfff : 0;
  lastMs = ms;
  const random = fillRandom(new Uint8Array(8));
  random[0] = (/** @type {number} */ (random[0]) & 0x3f) | 0x80;
  const tail = Array.from(random, (byte) => hex(byte, 2)).join("");
  return (hex(ms, 12) + "7" + hex(sequence, 3) + tail).replace(
    /(.{8})(.{4})(.{4})(.{4})/,
    "$1-$2-$3-$4-",
  );
};

/** @type {(value: number, length: number) => string} */
const hex = (value, length) => value.toString(16).padStart(length, "0");
