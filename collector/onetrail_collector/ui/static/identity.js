/** What was not joined and why, and what operators have decided. */

import { get } from "./api.js";
import { decide } from "./decide.js";
import { copyButton, figure, find, h, say, when } from "./dom.js";
import { table } from "./table.js";

const profile = (id) => h("a", { class: "id", href: `/ui/profiles/${encodeURIComponent(id)}` }, id.slice(0, 8));

async function show() {
  const reason = find("#reason").value;
  const [policy, blocked, shared, conflicts, decisions] = await Promise.all([get("/identity/policy"), get("/identity/blocked"), get("/identity/shared"), get("/identity/conflicts", { reason }), get("/identity/decisions")]);
  find("#policy").replaceChildren(kinds(policy), points(policy));
  find("#blocked").replaceChildren(table("Blocked values that were sent: they join nobody", ["Kind", "Entry of the list", "Times", "First sent", "Last sent"], blocked.blocked_values.map((row) => [row.kind, h("code", {}, row.entry), figure(row.count), when(row.first_seen), when(row.last_seen)])));
  find("#counts").replaceChildren(...Object.entries(conflicts.counts).map(([name, count]) => h("li", {}, h("span", { class: "quiet" }, name), h("strong", {}, figure(count)))));
  find("#conflicts").replaceChildren(table("Refused links", ["Device", "Key", "First used", "Why"], conflicts.links.map((link) => [profile(link.profile_id), `${link.key.kind} ${link.key.value}`, when(link.time), link.refused])));
  find("#shared").replaceChildren(table("Shared values: seen on too many devices to say who it is", ["Key", "Devices"], shared.keys.map((row) => [`${row.key.kind} ${row.key.value}`, figure(row.profile_ids)])));
  find("#decisions").replaceChildren(table("Decisions", ["Number", "When", "What", "By", "Why", ""], decisions.decisions.map(decision)));
}

/** @param {any} policy */
function kinds(policy) {
  const card = table("The policy in force", ["Kind", "Written as", "A person has", "Shared above", "Priority", "Blocked"], policy.kinds.map((kind) => [kind.name, kind.normaliser, kind.exclusive ? "one at most" : `${figure(kind.max_values)} at most`, `${figure(kind.max_profile_ids)} devices`, kind.priority, `${figure(kind.blocked)} entries`]));
  card.append(h("p", { class: "quiet" }, policy.hash_keys ? "Keys are stored as keyed hashes. " : "Keys are stored clear. ", policy.phone_region ? `Phone numbers without a country code are taken as of ${policy.phone_region}.` : "Phone numbers need a country code."));
  return card;
}

/** @param {any} policy */
function points(policy) {
  const dryRun = "onetrail-collector identity rebuild --dry-run";
  const card = table("Where keys are found", ["Event type", "Property", "Kind"], policy.points.map((point) => [point.event_type, h("code", {}, point.property), point.kind]));
  card.append(
    h("p", { class: "quiet" }, "Both are changed in the section [identity] of the configuration, and applied at the next start. What a change would do to the people who are stored is said by:"),
    h("div", { class: "row" }, h("code", {}, dryRun), copyButton(dryRun, "The command")),
  );
  return card;
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
