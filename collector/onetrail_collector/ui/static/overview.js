/** How much is arriving: counts over a span of time that the reader chooses. */

import { get } from "./api.js";
import { draw } from "./chart.js";
import { figure, find, h, say, when } from "./dom.js";
import { SPANS, asked } from "./spans.js";

const METRICS = { events: "Events", sessions: "Sessions", profile_ids: "New devices", merges: "Merges", rejected: "Rejected" };
const LABELLED = ["events", "rejected"];
const REFRESH_MS = 10_000;

let span = "day";
/** @type {[number, number] | null} */
let closer = null; // what a drag over the chart chose

async function show() {
  const now = Date.now();
  const [from, to] = closer || [now - SPANS[span], now];
  const query = { ...asked(from, to), source: find("#source").value };
  const coarse = { ...query, by: "label", step: query.step === "minute" ? "hour" : query.step };
  const metric = find("#shown").value;
  const [shown, types, sources, pages, referrers, rejected, status, ...totals] = await Promise.all([
    get("/counts/series", { ...query, metric, by: LABELLED.includes(metric) ? "label" : "" }),
    get("/counts/series", { ...query, by: "label" }),
    get("/counts/series", { ...query, by: "source" }),
    get("/counts/series", { ...coarse, metric: "pages" }),
    get("/counts/series", { ...coarse, metric: "referrers" }),
    get("/counts/series", { ...query, metric: "rejected", by: "label" }),
    get("/status"),
    ...Object.keys(METRICS).map((metric) => get("/counts/series", { ...query, metric })),
  ]);
  draw(find("#chart"), shown, (fromMs, toMs) => look(fromMs, toMs));
  find("#figures").replaceChildren(
    ...Object.values(METRICS).map((name, place) => h("li", {}, h("span", { class: "quiet" }, name), h("strong", {}, figure(totals[place].total)))),
  );
  for (const line of rejected.lines) line.href = `/errors#${line.label}`;
  fill("#rejected", rejected.lines);
  health(status);
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

/** @param {string} table @param {{label: string, total: number, href?: string}[]} lines */
function fill(table, lines) {
  const rows = lines.map((line) => h("tr", {}, h("td", {}, line.href ? h("a", { href: line.href }, line.label) : line.label), h("td", { class: "number" }, figure(line.total))));
  find(`${table} tbody`).replaceChildren(...(rows.length ? rows : [h("tr", {}, h("td", { colspan: 2, class: "quiet" }, "nothing in this span of time"))]));
}

/** How the collector itself is doing. @param {any} status */
function health(status) {
  const shown = [
    ["Storing", status.not_ready ? h("span", { class: "bad" }, status.not_ready) : h("span", { class: "good" }, "ready")],
    ["Last commit", when(status.last_commit)],
    ["Waiting", `${figure(status.queue_requests)} requests, ${bytes(status.queue_bytes)}`],
    ["Database", bytes(status.database_bytes + status.database_wal_bytes)],
    ["Free on its disk", bytes(status.disk_free_bytes)],
  ];
  find("#status").replaceChildren(...shown.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** @param {number} size */
function bytes(size) {
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), 4);
  return `${figure(Number((size / 1000 ** power).toPrecision(3)))} ${["B", "kB", "MB", "GB", "TB"][power]}`;
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
for (const choice of ["#source", "#shown"]) find(choice).addEventListener("change", update);
setInterval(() => document.hidden || closer || update(), REFRESH_MS);
update();
