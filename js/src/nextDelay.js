/**
 * How long to wait before the next try. Full jitter, so that a million pages do not come back at the same moment; never sooner
 * than the collector asked.
 *
 * @param {number} attempt how many tries have failed, from 1
 * @param {number} random from 0 to 1
 * @param {string | null | undefined} retryAfter seconds; a date is not understood, and not sent by the collector
 * @returns {number} milliseconds
 */
export const nextDelay = (attempt, random, retryAfter) =>
  Math.max(random * Math.min(60_000, 500 * 2 ** attempt), Math.min(3600, Number(retryAfter) || 0) * 1000);
