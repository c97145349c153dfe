import { version } from "./version.js";

/**
 * What a request's events share. What the browser sends anyway (its name, client hints) is not repeated.
 *
 * @param {Window} window
 */
export const createContext = (window) => () => ({
  library: { name: "onetrail-js", version },
  screen: window.screen.width + "x" + window.screen.height,
  viewport: window.innerWidth + "x" + window.innerHeight,
  locale: window.navigator.language,
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});
