import { more } from "./more.js";

const { document, onetrail } = window;
const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
const tag = /** @type {HTMLElement | null} */ (document.querySelector("script[data-source]"));

const load = (/** @type {string} */ file) =>
  document.head.append(Object.assign(document.createElement("script"), { src: new URL(file, src).href }));

try {
  if (onetrail && tag) more(window, tag.dataset, onetrail.track, load);
} catch {
  // a page is never hurt
}
