/** A chart of counts over time; a drag over it asks for a closer look. */

import { find } from "./dom.js";

const COLOURS = ["#0b5fff", "#e07a00", "#0a7a45", "#a23bd1", "#d1345b", "#00838f", "#7a5c00", "#566474"];

/** @type {any} */
let chart;

/**
 * @param {HTMLElement} place
 * @param {{starts: string[], lines: {label: string, counts: number[]}[]}} series
 * @param {(fromMs: number, toMs: number) => void} look
 */
export function draw(place, series, look) {
  const style = getComputedStyle(document.documentElement);
  const quiet = style.getPropertyValue("--quiet");
  const axis = { stroke: quiet, grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { show: false } };
  const lines = series.lines.map((line, place) => ({
    label: line.label,
    stroke: COLOURS[place % COLOURS.length],
    width: 2,
    points: { show: series.starts.length < 40 },
  }));
  chart?.destroy();
  place.replaceChildren();
  chart = new window["uPlot"](
    {
      width: place.clientWidth,
      height: 260,
      series: [{}, ...lines],
      axes: [axis, { ...axis, size: 60 }],
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 4)] } },
      hooks: { setSelect: [(u) => u.select.width > 4 && look(u.posToVal(u.select.left, "x") * 1e3, u.posToVal(u.select.left + u.select.width, "x") * 1e3)] },
    },
    [series.starts.map((start) => Date.parse(start) / 1e3), ...series.lines.map((line) => line.counts)],
    place,
  );
}

addEventListener("resize", () => chart?.setSize({ width: find("#chart").clientWidth, height: 260 }));
