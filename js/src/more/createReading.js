/**
 * How long a page was in view, and how far down it was seen.
 *
 * @param {() => number} now a clock that never jumps, in milliseconds
 */
export const createReading = (now) => {
  let since = now();
  let depth = 0;
  let visible = true;

  return {
    /** @type {(bottom: number, height: number) => void} the lowest line in view, and the page's height */
    scrolled: (bottom, height) => {
      depth = Math.max(depth, Math.min(100, Math.round((100 * bottom) / (height || 1))));
    },
    shown: () => {
      visible = true;
      since = now();
    },
    /** @returns {{engaged_s: number, scroll_percent: number} | undefined} since the last report, if it was in view */
    hidden: () => {
      if (!visible) return undefined;
      visible = false;
      return { engaged_s: Math.round((now() - since) / 100) / 10, scroll_percent: depth };
    },
  };
};
