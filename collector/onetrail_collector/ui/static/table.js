/** A card with a table that scrolls on a narrow screen. */

import { h } from "./dom.js";

/** @param {string} title @param {string[]} heads @param {any[][]} rows @returns {any} */
export function table(title, heads, rows) {
  const head = h("thead", {}, h("tr", {}, ...heads.map((name) => (name ? h("th", {}, name) : h("td")))));
  const body = h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))));
  const scroll = () => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, h("table", {}, head, body));
  return h("section", { class: "card" }, h("h2", {}, title), rows.length ? scroll() : h("p", { class: "quiet" }, "none"));
}
