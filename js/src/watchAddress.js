/**
 * Hear of each change of the address that loads no document. What the page asked of its history has happened before.
 *
 * @param {Window} window
 * @param {() => void} onChange must not throw
 */
export const watchAddress = (window, onChange) => {
  const { history } = window;
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const original = history[name];
    history[name] = function (...args) {
      original.apply(this, args);
      onChange();
    };
  }
  window.addEventListener("popstate", onChange); // a change of the fragment comes as this too
};
