/** How much is arriving: counts over a span of time that the reader chooses. */

import { get } from "./api.js";
import { draw } from "./chart.js";
import { figure, find, h, say } from "./dom.js";
import { SPANS, asked } from "./spans.js";

const METRICS = { events: "Events", sessions: "Sessions", profile_ids: "New devices" };
const REFRESH_MS = 10_000;

let span = "day";
/** @type {[number, number] | null} */
let closer = null; // what a drag over the chart chose

async function show() {
  const now = Date.now();
  const [from, to] = closer || [now - SPANS[span], now];
  const query = { ...asked(from, to), source: find("#source").value };
  const coarse = { ...query, by: "label", step: query.step === "minute" ? "hour" : query.step };
  const [types, sources, pages, referrers, ...totals] = await Promise.all([
    get("/counts/series", { ...query, by: "label" }),
    get("/counts/series", { ...query, by: "source" }),
    get("/counts/series", { ...coarse, metric: "pages" }),
    get("/counts/series", { ...coarse, metric: "referrers" }),
    ...Object.keys(METRICS).map((metric) => get("/counts/series", { ...query, metric })),
  ]);
  draw(find("#chart"), types, (fromMs, toMs) => look(fromMs, toMs));
  find("#figures").replaceChildren(
    ...Object.values(METRICS).map((name, place) => h("li", {}, h("span", { class: "quiet" }, name), h("strong", {}, figure(totals[place].total)))),
  );
  fill("#types", types.lines);
  fill("#sources", sources.lines);
  fill("#pages", pages.lines);
  fill("#referrers", referrers.lines);
  for (const { label } of sources.lines) {
    if (![...find("#source").options].some((option) => option.value === label)) find("#source").append(h("option", { value: label }, label));
  }
  for (const button of document.querySelectorAll("#span button")) button.setAttribute("aria-pressed", String(!closer && button.dataset.span === span));
  find("#hint").textContent = closer ? "Choose a span of time to look from further away." : "Drag over the chart to look closer.";
}

/** @param {string} table @param {{label: string, total: number}[]} lines */
function fill(table, lines) {
  const rows = lines.map((line) => h("tr", {}, h("td", {}, line.label), h("td", { class: "number" }, figure(line.total))));
  find(`${table} tbody`).replaceChildren(...(rows.length ? rows : [h("tr", {}, h("td", { colspan: 2, class: "quiet" }, "nothing in this span of time"))]));
}

/** @param {number} fromMs @param {number} toMs */
function look(fromMs, toMs) {
  closer = [fromMs, Math.max(toMs, fromMs + 5 * 60e3)];
  update();
}

const update = () => show().catch((error) => say(error.message));

for (const button of document.querySelectorAll("#span button")) {
  button.addEventListener("click", () => {
    [span, closer] = [button.dataset.span, null];
    update();
  });
}
find("#source").addEventListener("change", update);
setInterval(() => document.hidden || closer || update(), REFRESH_MS);
update();
