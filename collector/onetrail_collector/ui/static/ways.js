/** How a web page and a Python program send the events of a source. */

import { copyButton, h } from "./dom.js";

/** @param {string} source @returns {HTMLElement} */
export function ways(source) {
  const tag = `<script async src="${location.origin}/t.js" data-source="${source}"></script>`;
  const python = ["from onetrail import Tracker", "", `with Tracker("${location.origin}", source="${source}") as t:`, '    t.track("start")', '    t.identify(email="ann@shop.test")'].join("\n");
  return h("div", { class: "halves" }, block("A web page", tag), block("A Python program", python));
}

/** @param {string} name @param {string} text */
const block = (name, text) => h("div", { class: "stack" }, h("div", { class: "title" }, h("h3", {}, name), copyButton(text, name)), h("pre", { tabindex: 0 }, text));
