import { more } from "./more.js";

const tag = /** @type {HTMLElement | null} */ (window.document.querySelector("script[data-source]"));
try {
  if (window.onetrail && tag) more(window, tag.dataset, window.onetrail);
} catch {
  // a page is never hurt
}
