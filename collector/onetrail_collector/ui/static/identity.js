/** What was not joined and why, and what operators have decided. */

import { get } from "./api.js";
import { decide } from "./decide.js";
import { figure, find, h, say, when } from "./dom.js";
import { table } from "./table.js";

const profile = (id) => h("a", { class: "id", href: `/ui/profiles/${encodeURIComponent(id)}` }, id.slice(0, 8));

async function show() {
  const reason = find("#reason").value;
  const [shared, conflicts, decisions] = await Promise.all([get("/identity/shared"), get("/identity/conflicts", { reason }), get("/identity/decisions")]);
  find("#counts").replaceChildren(...Object.entries(conflicts.counts).map(([name, count]) => h("li", {}, h("span", { class: "quiet" }, name), h("strong", {}, figure(count)))));
  find("#conflicts").replaceChildren(table("Refused links", ["Device", "Key", "First used", "Why"], conflicts.links.map((link) => [profile(link.profile_id), `${link.key.kind} ${link.key.value}`, when(link.time), link.refused])));
  find("#shared").replaceChildren(table("Shared values: seen on too many devices to say who it is", ["Key", "Devices"], shared.keys.map((row) => [`${row.key.kind} ${row.key.value}`, figure(row.profile_ids)])));
  find("#decisions").replaceChildren(table("Decisions", ["Number", "When", "What", "By", "Why", ""], decisions.decisions.map(decision)));
}

/** @param {any} row */
function decision(row) {
  const undo = () => decide({ title: `Undo decision ${row.id}`, path: `/identity/decisions/${row.id}/undo`, body: {}, done: refresh });
  const undone = row.undone_at ? h("span", { class: "tag" }, `undone by ${row.undone_by}: ${row.undone_reason}`) : h("button", { class: "quiet small", type: "button", onclick: undo }, "Undo");
  return [row.id, when(row.made_at), row.what, row.made_by, row.reason, undone];
}

const refresh = () => show().catch((error) => say(error.message));
find("#reason").addEventListener("change", refresh);
refresh();
