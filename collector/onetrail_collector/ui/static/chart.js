/** A chart of counts over time; a drag over it asks for a closer look. */

const HEIGHT = 240;
const COLOURS = 8; // --c1 to --c8 in ui.css

/** @type {any} */
let chart;

/**
 * @param {HTMLElement} place
 * @param {string[]} starts of the steps
 * @param {{label: string, counts: number[]}[]} counted a line for each label
 * @param {(fromMs: number, toMs: number) => void} look
 */
export function draw(place, starts, counted, look) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  const alone = counted.length === 1;
  const lines = counted.map((line, number) => {
    const stroke = colour(`c${1 + (number % COLOURS)}`);
    return { label: line.label, stroke, fill: alone ? `${stroke}1f` : undefined, width: 2, points: { show: starts.length < 3 } };
  });
  chart?.destroy();
  place.replaceChildren();
  chart = new window["uPlot"](
    {
      width: place.clientWidth,
      height: HEIGHT,
      series: [{}, ...lines],
      axes: [{ ...axis, grid: { show: false } }, { ...axis, size: 48 }],
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 4)] } },
      hooks: { setSelect: [(u) => u.select.width > 4 && look(u.posToVal(u.select.left, "x") * 1e3, u.posToVal(u.select.left + u.select.width, "x") * 1e3)] },
    },
    [starts.map((start) => Date.parse(start) / 1e3), ...counted.map((line) => line.counts)],
    place,
  );
}

addEventListener("resize", () => chart?.setSize({ width: chart.root.parentElement.clientWidth, height: HEIGHT }));
