/**
 * How long to wait before the next try. Full jitter, so that a million pages do not come back at the same moment; never sooner
 * than the collector asked.
 *
 * @param {number} attempt how many tries have failed, from 1
 * @param {number} random from 0 to 1
 * @param {any} retryAfter the header: seconds; a date is not understood, and not sent by the collector
 * @returns {number} milliseconds; at most an hour, as browsers fire a timer of 25 days at once
 */
export const nextDelay = (attempt, random, retryAfter) =>
  Math.min(3_600_000, Math.max(random * Math.min(60_000, 500 * 2 ** attempt), retryAfter * 1000 || 0));
