/**
 * Elements that say what a click on them means: data-onetrail-event="sign-up" data-onetrail-plan="pro".
 *
 * @param {Element} target what was clicked
 * @param {import("./more.js").Track} track
 */
export const watchElements = (target, track) => {
  const element = /** @type {HTMLElement | null} */ (target.closest("[data-onetrail-event]"));
  if (!element) return;
  const { onetrailEvent = "", ...rest } = element.dataset;
  const properties = Object.entries(rest).filter(([name]) => name.startsWith("onetrail"));
  track(
    onetrailEvent,
    Object.fromEntries(properties.map(([name, value]) => [name.charAt(8).toLowerCase() + name.slice(9), value])),
  );
};
