/**
 * What `run` returns, or undefined where it throws: browsers forbid storage and cookies by throwing.
 *
 * @type {<R>(run: () => R) => R | undefined}
 */
export const attempt = (run) => {
  try {
    return run();
  } catch {
    return undefined;
  }
};
