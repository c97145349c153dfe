/** How much is arriving: counts over a span of time that the reader chooses, as the address says. */

import { address, get } from "./api.js";
import { draw } from "./chart.js";
import { bytes, figure, find, h, say, when } from "./dom.js";

/** A metric of the collector, and its name here. @type {[string, string][]} */
const METRICS = [["events", "Events"], ["sessions", "Sessions"], ["profile_ids", "New devices"], ["merges", "Merges"], ["rejected", "Rejected"]];
const REFRESH_MS = 10_000;

const USUAL = { span: "day", source: "", show: "events" };
const chosen = { ...USUAL, ...Object.fromEntries(new URLSearchParams(location.search)) };
if (!find(`#span [data-span="${CSS.escape(chosen.span)}"]`)) chosen.span = USUAL.span;
/** @type {[number, number] | null} */
let closer = null; // what a drag over the chart chose
/** @type {any} */
let counts = null;

async function show() {
  const iso = (ms) => new Date(ms).toISOString();
  const span = closer ? { from: iso(closer[0]), to: iso(closer[1]) } : { span: chosen.span };
  const [found, status] = await Promise.all([get("/counts/overview", { ...span, source: chosen.source }), get("/status")]);
  counts = found;
  fill("#pages", counts.pages, () => null);
  fill("#referrers", counts.referrers, () => null);
  fill("#types", counts.drawn.events, (type) => address("/ui/live", { type, source: chosen.source }));
  fill("#sources", counts.sources, (source) => here({ source }));
  fill("#rejected", counts.drawn.rejected, (reason) => `/errors#${reason}`);
  health(status);
  offer(counts.sources.lines.map((line) => line.label));
  redraw();
}

/** The address of this view, or of one that differs a little. @param {Partial<typeof USUAL>} change */
const here = (change) => address("/ui", Object.fromEntries(Object.entries({ ...chosen, ...change }).filter(([name, value]) => value !== USUAL[name])));

/** All that needs no new answer of the collector. */
function redraw() {
  if (!(chosen.show in counts.drawn)) chosen.show = "events";
  history.replaceState(null, "", here({}));
  const choose = (metric) => () => {
    chosen.show = metric;
    redraw();
    find(`#figures [data-metric=${metric}]`).focus();
  };
  find("#figures").replaceChildren(
    ...METRICS.map(([metric, name]) => h("button", { "data-metric": metric, "aria-pressed": String(metric === chosen.show), onclick: choose(metric) }, h("span", { class: "quiet" }, name), h("strong", {}, figure(counts.drawn[metric].total)))),
  );
  for (const button of document.querySelectorAll("#span button")) button.setAttribute("aria-pressed", String(!closer && button.dataset.span === chosen.span));
  find("#hint").textContent = closer ? "Choose a span of time to look from further away." : "Drag over the chart to look closer.";
  draw(find("#chart"), counts.starts, counts.drawn[chosen.show].lines, look);
}

/** The most frequent, each with a bar as long as its share of the first. @param {string} table @param {any} counted @param {(label: string) => string | null} href */
function fill(table, counted, href) {
  const most = Math.max(...counted.lines.map((line) => line.total), 1);
  const row = (line) => {
    const to = line.label === "(other)" ? null : href(line.label);
    const label = h(to ? "a" : "span", { class: "share", title: line.label, href: to }, line.label);
    label.style.setProperty("--share", `${(100 * line.total) / most}%`);
    return h("tr", {}, h("td", {}, label), h("td", { class: "number" }, figure(line.total)));
  };
  const none = h("tr", {}, h("td", { colspan: 2, class: "quiet" }, "none in this span of time"));
  find(`${table} tbody`).replaceChildren(...(counted.lines.length ? counted.lines.map(row) : [none]));
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

/** Sources to choose from. @param {string[]} names */
function offer(names) {
  const select = find("#source");
  for (const name of [...names, chosen.source]) if (![...select.options].some((option) => option.value === name)) select.append(h("option", { value: name }, name));
  select.value = chosen.source;
}

/** @param {number} fromMs @param {number} toMs */
function look(fromMs, toMs) {
  closer = [fromMs, Math.max(toMs, fromMs + 5 * 60e3)];
  update();
}

const update = () => show().catch((error) => say(error.message));

for (const button of document.querySelectorAll("#span button")) {
  button.addEventListener("click", () => {
    [chosen.span, closer] = [button.dataset.span, null];
    update();
  });
}
find("#source").addEventListener("change", (event) => {
  chosen.source = event.target.value;
  update();
});
setInterval(() => document.hidden || closer || update(), REFRESH_MS);
update();
