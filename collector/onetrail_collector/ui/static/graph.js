/** The identity graph as a picture: devices on the left, keys on the right, evidence between. */

import { h, svg } from "./dom.js";

const ROW = 46;
const BOX_HEIGHT = 34;
/** Widths in pixels: of all, of a node, of the room at the left for what operators joined; letters in a node. */
const WIDE = { width: 760, box: 250, left: 60, letters: 34 };
const NARROW = { width: 262, box: 110, left: 24, letters: 12 };
const COLOURS = ["var(--c1)", "var(--c3)", "var(--c4)", "var(--c2)", "var(--c5)", "var(--c6)"];

const MOST = 100; // nodes of a column; more are drawn as one

/**
 * The graph with at most MOST devices and keys, those with the most links, and the others as one node; pure.
 * @param {{nodes: any[], links: any[], left_out: {profile_ids: number}}} graph
 */
export function clustered(graph) {
  /** @type {Map<string, number>} */
  const uses = new Map();
  for (const end of graph.links.flatMap((link) => [link.from, link.to])) uses.set(end, (uses.get(end) || 0) + 1);
  const first = (a, b) => Number(b.own) - Number(a.own) || (uses.get(b.id) || 0) - (uses.get(a.id) || 0);
  /** @type {Map<string, string>} */
  const drawnAs = new Map();
  const column = (type, name, unseen) => {
    const nodes = graph.nodes.filter((node) => node.type === type).sort(first);
    const more = nodes.length - Math.min(nodes.length, MOST) + unseen;
    const together = { id: `more:${type}`, type, own: true, kind: null, more, value: `${more.toLocaleString()} more ${name}` };
    nodes.forEach((node, place) => drawnAs.set(node.id, place < MOST ? node.id : together.id));
    return [...nodes.slice(0, MOST), ...(more ? [together] : [])];
  };
  const nodes = [...column("profile_id", "devices", graph.left_out.profile_ids), ...column("key", "keys", 0)];
  /** @type {Map<string, any>} */
  const links = new Map();
  for (const link of graph.links) {
    const [from, to] = [drawnAs.get(link.from), drawnAs.get(link.to)];
    const whole = from === link.from && to === link.to;
    if (whole) links.set(`${link.type} ${from} ${to}`, link);
    else if (link.type === "link" && !(from?.startsWith("more:") && to?.startsWith("more:"))) links.set(`more ${from} ${to}`, { from, to, type: "more" });
  }
  return { nodes, links: [...links.values()] };
}

/**
 * Where each node stands; pure. Keys are put beside the devices that use them, so that few lines cross.
 * @param {{nodes: any[], links: any[]}} graph @param {typeof WIDE} shape
 */
export function layout(graph, shape = WIDE) {
  const devices = graph.nodes.filter((node) => node.type === "profile_id");
  const keys = graph.nodes.filter((node) => node.type === "key");
  const rows = new Map(devices.map((node, row) => [node.id, row]));
  const middle = (key) => {
    const used = graph.links.filter((link) => link.to === key.id).map((link) => rows.get(link.from) ?? 0);
    return used.reduce((sum, row) => sum + row, 0) / Math.max(used.length, 1);
  };
  keys.sort((a, b) => middle(a) - middle(b) || a.id.localeCompare(b.id));
  const most = Math.max(devices.length, keys.length, 1);
  const places = new Map();
  for (const [side, column] of [[0, devices], [shape.width - shape.box, keys]]) {
    const gap = (most * ROW) / Math.max(column.length, 1);
    column.forEach((node, row) => places.set(node.id, { x: side, y: (row + 0.5) * gap }));
  }
  return { places, height: most * ROW, kinds: [...new Set(keys.map((key) => key.kind))] };
}

/**
 * @param {any} whole the graph, as the API answers it
 * @param {{node: (node: any) => void, link: (link: any) => void}} chosen what a click tells
 */
export function picture(whole, chosen) {
  const graph = clustered(whole);
  const shape = matchMedia("(max-width: 40rem)").matches ? NARROW : WIDE;
  const { places, height, kinds } = layout(graph, shape);
  const drawn = graph.links.filter((link) => places.has(link.from) && places.has(link.to));
  return h(
    "div",
    { class: "scroll graph", tabindex: 0, role: "region", "aria-label": "Identity graph" },
    svg(
      "svg",
      { viewBox: `${-shape.left} 0 ${shape.width + shape.left + 4} ${height}`, width: shape.width + shape.left + 4, height, role: "group" },
      ...drawn.map((link) => line(link, places, kinds, shape, chosen.link)),
      ...graph.nodes.map((node) => box(node, places.get(node.id), kinds, shape, chosen.node)),
    ),
  );
}

/** What keys and pointer do alike; without a label the text inside is its name. @param {string | null} label @param {() => void} act */
const pressable = (label, act) => ({
  tabindex: 0,
  role: "button",
  "aria-label": label,
  onclick: act,
  onkeydown: (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  },
});

/** @param {string | null} kind @param {string[]} kinds */
const colour = (kind, kinds) => (kind === null ? "var(--text)" : COLOURS[kinds.indexOf(kind) % COLOURS.length]);

/** @param {any} node @param {{x: number, y: number}} place @param {string[]} kinds @param {typeof WIDE} shape @param {(node: any) => void} chosen */
function box(node, place, kinds, shape, chosen) {
  const kind = node.more ? "not drawn one by one" : node.kind || (node.own ? "device" : shape === NARROW ? "of another profile" : "device of another profile");
  const whole = node.type === "key" || node.more ? node.value : node.value.slice(0, 8);
  const short = whole.length > shape.letters ? `${whole.slice(0, shape.letters - 1)}…` : whole;
  return svg(
    "g",
    { class: `node ${node.more ? "more" : node.own ? "" : "other"}`, "data-id": node.id, transform: `translate(${place.x} ${place.y - BOX_HEIGHT / 2})`, ...pressable(null, () => chosen(node)) },
    svg("rect", { width: shape.box, height: BOX_HEIGHT, rx: 9, stroke: colour(node.kind, kinds) }),
    svg("text", { x: 12, y: 14, class: "kind" }, kind),
    svg("text", { x: 12, y: 27 }, short, short === whole ? "" : svg("title", {}, whole)),
  );
}

/** @param {any} link @param {Map<string, {x: number, y: number}>} places @param {string[]} kinds @param {typeof WIDE} shape @param {(link: any) => void} chosen */
function line(link, places, kinds, shape, chosen) {
  const [from, to] = [places.get(link.from), places.get(link.to)];
  const decided = link.type === "join" || link.type === "part";
  const d = decided
    ? `M0 ${from.y} C ${-0.8 * shape.left} ${from.y}, ${-0.8 * shape.left} ${to.y}, 0 ${to.y}`
    : `M${shape.box} ${from.y} C ${shape.width / 2} ${from.y}, ${shape.width / 2} ${to.y}, ${to.x} ${to.y}`;
  const refused = link.refused || link.type === "part";
  const words = decided ? `an operator: ${link.type === "part" ? "parted" : "joined"}` : link.refused ? `refused: ${link.refused}` : link.type === "more" ? "some of them" : "evidence";
  const middle = { x: decided ? -0.6 * shape.left : shape.width / 2, y: (from.y + to.y) / 2 - 4 };
  return svg(
    "g",
    { class: `line ${refused ? "refused" : ""}`, ...pressable(`${words}, ${link.from} and ${link.to}`, () => chosen(link)) },
    svg("path", { d, class: "hit" }),
    svg("path", { d, class: "stroke", stroke: decided ? "var(--text)" : colour(link.to.split(":")[0], kinds) }),
    refused ? svg("text", { ...middle, "text-anchor": "middle", class: "why" }, link.refused || "parted") : "",
  );
}
