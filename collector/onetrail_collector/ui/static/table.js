/** Tables that scroll on a narrow screen. */

import { h } from "./dom.js";

/** @param {string} title for a screen reader @param {string[]} heads @param {any[][]} rows @returns {any} */
export function bare(title, heads, rows) {
  const head = h("thead", {}, h("tr", {}, ...heads.map((name) => (name ? h("th", {}, name) : h("td")))));
  const body = h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, h("table", {}, head, body));
}

/** A card with a title. @param {string} title @param {string[]} heads @param {any[][]} rows @param {string} [none] what is said where there are no rows @returns {any} */
export const table = (title, heads, rows, none = "None.") => h("section", { class: "card" }, h("h2", {}, title), rows.length ? bare(title, heads, rows) : h("p", { class: "quiet" }, none));
