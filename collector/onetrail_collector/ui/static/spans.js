/** Spans of time, and the step that shows each in some sixty to a hundred points. */

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @type {Record<string, number>} */
export const SPANS = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY, years: 5 * 365 * DAY };

/** The step for a span, both in the collector's words. @param {number} lengthMs */
export function stepFor(lengthMs) {
  if (lengthMs <= 3 * HOUR) return "minute";
  if (lengthMs <= 8 * DAY) return "hour";
  return lengthMs <= 500 * DAY ? "day" : "month";
}

/** The query for a span of time. @param {number} fromMs @param {number} toMs */
export const asked = (fromMs, toMs) => ({
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  step: stepFor(toMs - fromMs),
});
