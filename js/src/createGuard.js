/**
 * What stands between the tracker and the page: `say` tells a developer what to do, once each, and `guard` turns what goes wrong
 * into a word of that kind.
 *
 * @param {{warn: (text: string) => void}} console
 */
export const createGuard = (console) => {
  const said = new Set();
  const say = (/** @type {string | undefined} */ text) => {
    if (text && !said.has(text)) console.warn("onetrail: " + text);
    said.add(text);
  };
  return {
    say,
    /** @type {<A extends unknown[], R>(run: (...args: A) => R) => (...args: A) => R | undefined} */
    guard: (run) => (...args) => {
      try {
        return run(...args);
      } catch (error) {
        say("" + error);
        return undefined;
      }
    },
  };
};

/** @typedef {ReturnType<typeof createGuard>} Guard */
