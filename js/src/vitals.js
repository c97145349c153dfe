import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";

/**
 * How fast the page was for its visitor: each of the Web Vitals, once it is known.
 *
 * @see https://web.dev/vitals
 * @param {import("./more/more.js").Track} track
 */
export const report = (track) => {
  const tell = (/** @type {import("web-vitals").Metric} */ { name, value, rating, navigationType }) =>
    track("web-vital", {
      name,
      value: Math.round(value * 1000) / 1000, // milliseconds; of CLS a score
      rating,
      navigation: navigationType,
    });
  for (const measure of [onCLS, onFCP, onINP, onLCP, onTTFB]) measure(tell);
};
