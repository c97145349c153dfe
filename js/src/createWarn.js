/**
 * Say what a developer should do, once each, and never into a page that has no console.
 *
 * @param {{warn: (text: string) => void} | undefined} console
 */
export const createWarn = (console) => {
  const said = new Set();
  return (/** @type {string} */ text) => {
    if (!said.has(text)) console?.warn("onetrail: " + text);
    said.add(text);
  };
};

/** @typedef {ReturnType<typeof createWarn>} Warn */
