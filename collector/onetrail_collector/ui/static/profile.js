/** A customer: traits with their evidence, devices, keys, the graph that makes them one, and what happened. */

import { address, get } from "./api.js";
import * as client from "./client.js";
import { decide } from "./decide.js";
import { copyButton, figure, find, h, say, when } from "./dom.js";
import { evidence, statedBy } from "./evidence.js";
import { picture } from "./graph.js";
import { privacyCard } from "./privacy.js";
import { inWords } from "./reasons.js";
import { table } from "./table.js";
import { timeline } from "./timeline.js";

const id = decodeURIComponent(location.pathname.split("/").pop() || "");
const path = `/profiles/${encodeURIComponent(id)}`;
/** @type {string[]} */
let devicesChosen = []; // in the picture: two of them ask why they are one

/** @param {any} value */
const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));

async function show() {
  const [profile, page, graph, history] = await Promise.all([get(path), get(`${path}/events`, { limit: 50 }), get(`${path}/graph`), get(`${path}/history`, { limit: 20 })]);
  const name = profile.traits.name ? plain(profile.traits.name.value) : profile.keys.find((key) => key.kind === "email" && !key.refused)?.value || profile.id;
  devicesChosen = [];
  find("#profile").replaceChildren(
    h("div", { class: "title" }, h("h1", {}, name), h("div", { class: "row" }, h("span", { class: "id" }, profile.id), copyButton(profile.id, "The profile ID"))),
    figures(profile),
    h("div", { class: "halves" }, traits(profile), keys(profile)),
    graphCard(graph),
    timeline(path, page, profile.recent_sessions),
    devices(profile),
    historyCard(history),
    privacyCard(path, name, profile),
  );
  document.title = `${name} · onetrail`;
}

/** @param {any} profile */
function figures(profile) {
  const so = (count) => (profile.counted_to && count >= profile.counted_to ? `${figure(count)}+` : figure(count));
  const shown = [["Devices", figure(profile.profile_id_count)], ["Sessions", so(profile.sessions)], ["Events", so(profile.events)], ["First seen", when(profile.first_seen)], ["Last seen", when(profile.last_seen)]];
  return h("ul", { class: "figures card" }, ...shown.map(([label, count]) => h("li", {}, h("span", { class: "quiet" }, label), h("strong", {}, count))));
}

/** @param {any} profile */
function traits(profile) {
  const rows = Object.entries(profile.traits).map(([name, said]) => {
    const lost = said.lost.length ? h("p", { class: "quiet" }, `before or elsewhere: ${said.lost.map((other) => plain(other.value)).join(", ")}`) : null;
    return [name, h("div", {}, plain(said.value), lost), statedBy(when(said.time), said.event_id, `${name}: ${plain(said.value)}`)];
  });
  return table("Traits", ["Trait", "Value", "Said at"], rows);
}

/** @param {any} profile */
function keys(profile) {
  /** @type {Map<string, any>} */
  const once = new Map(); // a key that several devices used is one line
  for (const key of profile.keys) {
    const line = once.get(`${key.kind}:${key.value}`) || { ...key, devices: 0 };
    line.devices += 1;
    once.set(`${key.kind}:${key.value}`, line);
  }
  const refuse = (key) => h("button", { class: "quiet small", type: "button", onclick: () => refuseKey(key.kind, key.value) }, "Refuse");
  const rows = [...once.values()].map((key) => [key.kind, key.value, figure(key.devices), key.refused ? h("span", { class: "tag", title: inWords(key.refused) }, `joins nobody: ${key.refused}`) : refuse(key)]);
  return table("Keys", ["Kind", "Value", "Devices", ""], rows);
}

/** @param {string} kind @param {string} value */
const refuseKey = (kind, value) => decide({ title: `Let ${kind} ${value} join nobody`, path: "/identity/refuse-key", body: { key: `${kind}:${value}` }, done: refresh });

/** @param {any} profile */
function devices(profile) {
  const rows = profile.profile_ids.map((device) => [
    h("input", { type: "checkbox", name: "device", value: device.id, "aria-label": `Choose device ${device.id}` }),
    h("div", {}, h("span", { class: "id" }, device.id), h("p", { class: "quiet" }, client.inWords(device.client))),
    device.source,
    when(device.first_seen),
    when(device.last_seen),
    figure(device.sessions),
    figure(device.events),
  ]);
  const card = table("Devices", ["", "Device", "Source", "First seen", "Last seen", "Sessions", "Events"], rows);
  const split = () => {
    const chosen = [...card.querySelectorAll("[name=device]:checked")].map((box) => box.value);
    if (!chosen.length || chosen.length === rows.length) return say("Choose some of the devices, not all of them.");
    return decide({ title: `Split off ${chosen.length} ${chosen.length === 1 ? "device" : "devices"}`, path: `${path}/split`, body: { profile_ids: chosen }, done: refresh });
  };
  const join = () => decide({ title: "Join with another profile", path: `${path}/join`, body: {}, ask: { name: "other", label: "Any profile ID of the other profile" }, done: refresh });
  card.append(h("div", { class: "row" }, h("button", { class: "quiet", type: "button", onclick: split }, "Split off the chosen"), h("button", { class: "quiet", type: "button", onclick: join }, "Join with another profile")));
  return card;
}

/** @param {any} graph */
function graphCard(graph) {
  const said = h("div", { class: "stack", id: "said-by-graph", role: "status" }, h("p", { class: "quiet" }, "Choose a line to see its evidence, or two devices to see why they are one."));
  const left = graph.left_out.profile_ids ? h("p", { class: "quiet" }, `${figure(graph.left_out.links)} links of the devices that are not drawn are left out; the export holds all.`) : null;
  const tell = (...parts) => said.replaceChildren(...parts.filter((part) => part !== null));
  const node = (chosen) => (chosen.more ? tell(h("p", {}, `${chosen.value}; those with the most links are drawn.`)) : chosen.type === "key" ? tell(...keyChosen(chosen)) : deviceChosen(chosen, tell).catch((error) => say(error.message)));
  const link = (chosen) => linkChosen(chosen, tell).catch((error) => say(error.message));
  return h("section", { class: "card" }, h("h2", {}, "Why these are one"), picture(graph, { node, link }), left, said);
}

/** @param {any} key */
function keyChosen(key) {
  return [h("p", {}, `${key.kind} ${key.value}`), h("div", {}, h("button", { class: "quiet", type: "button", onclick: () => refuseKey(key.kind, key.value) }, "Let it join nobody"))];
}

/** @param {any} link @param {(...parts: any[]) => void} tell */
async function linkChosen(link, tell) {
  if (link.type === "more") return tell(h("p", {}, "Links of those that are not drawn one by one."));
  if (link.type !== "link") return tell(h("p", {}, `${link.made_by}: ${link.type} (${link.reason}), `, when(link.time)));
  const refuse = () => decide({ title: "Refuse this link", path: `/profiles/${encodeURIComponent(link.from)}/split`, body: { link: { profile_id: link.from, key: link.to } }, done: refresh });
  tell(
    h("p", {}, "Device ", h("span", { class: "id" }, link.from), " used ", h("strong", {}, link.to), `, first in this event of ${link.source}, `, when(link.time)),
    link.refused ? h("p", { class: "wait" }, `It joins nobody: ${inWords(link.refused)}.`) : null,
    await evidence(link.event_id, link.source),
    link.refused ? null : h("div", {}, h("button", { class: "quiet", type: "button", onclick: refuse }, "Refuse this link")),
  );
}

/** @param {any} device @param {(...parts: any[]) => void} tell */
async function deviceChosen(device, tell) {
  devicesChosen = [...devicesChosen.filter((chosen) => chosen !== device.id), device.id].slice(-2);
  for (const drawn of document.querySelectorAll(".node")) drawn.classList.toggle("chosen", devicesChosen.includes(drawn.getAttribute("data-id") || ""));
  if (devicesChosen.length < 2) return tell(h("p", {}, "Device ", h("span", { class: "id" }, device.id), ". Choose another to see why they are one, or why not."));
  const [a, b] = devicesChosen;
  const why = await get("/why", { a, b });
  return tell(h("p", {}, why.sentence));
}

const BY = { policy: "a changed policy", erasure: "somebody else's erasure", background: "the background" };

/** @param {any} page */
function historyCard(page) {
  const by = (line) => line.cause === "event" ? (line.event_id ? statedBy("an event", line.event_id, line.what) : "an event") : BY[line.cause] || (line.cause === "undo" ? `${line.made_by}, who undid decision ${line.decision}` : line.made_by);
  const undo = (line) => decide({ title: `Undo decision ${line.decision}`, path: `/identity/decisions/${line.decision}/undo`, body: {}, done: refresh });
  const undone = new Set(page.history.filter((line) => line.cause === "undo").map((line) => line.decision));
  const button = (line) => (line.cause !== "decision" || undone.has(line.decision) ? "" : h("button", { class: "quiet small", type: "button", onclick: () => undo(line) }, "Undo"));
  const why = (line) => line.reason || (line.refused ? inWords(line.refused) : "");
  const rows = page.history.map((line) => [when(line.time), line.what, h("span", { class: "id" }, line.other.slice(0, 8)), line.key ? `${line.key.kind} ${line.key.value}` : "", why(line), by(line), button(line)]);
  return table("What became of this profile", ["When", "What", "Device", "Key", "Why", "By", ""], rows);
}

const refresh = () => show().catch((error) => find("#profile").replaceChildren(h("h1", {}, "Not found"), h("p", {}, error.message), h("p", {}, h("a", { href: address("/ui/profiles", { q: id }) }, "Search"))));
refresh();
