/** @type {Record<string, unknown>} */
const said = {};

/**
 * Tell the developer what to do, once each.
 *
 * @param {string | undefined} text
 */
export const say = (text) => {
  if (text && !said[text]) console.warn("onetrail: " + text);
  said[/** @type {string} */ (text)] = 1;
};

/**
 * What stands between the tracker and the page: what goes wrong becomes a word in the console.
 *
 * @type {<A extends unknown[], R>(run: (...args: A) => R) => (...args: A) => R | undefined}
 */
export const guard = (run) => (...args) => {
  try {
    return run(...args);
  } catch (error) {
    say("" + error);
  }
};

/**
 * What `run` returns, or undefined where it throws: browsers forbid storage and cookies by throwing.
 *
 * @type {<R>(run: () => R) => R | undefined}
 */
export const attempt = (run) => {
  try {
    return run();
  } catch {
    // and that is all
  }
};
