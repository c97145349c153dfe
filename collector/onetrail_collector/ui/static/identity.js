/** What was not joined and why, what operators have decided, and the policy in force. */

import { address, get } from "./api.js";
import { decide } from "./decide.js";
import { figure, find, h, say, when } from "./dom.js";
import { dryRun } from "./dry-run.js";
import { inWords } from "./reasons.js";
import { bare, table } from "./table.js";

const profile = (id) => h("a", { class: "id", href: `/ui/profiles/${encodeURIComponent(id)}` }, id.slice(0, 8));
/** All who use a key: whom it would join. @param {any} key */
const users = (key) => h("a", { href: address("/ui/profiles", { q: `${key.kind}:${key.value}` }), title: "Who uses it?" }, `${key.kind} ${key.value}`);
let reason = "exclusive";

async function show() {
  const [policy, blocked, shared, conflicts, decisions] = await Promise.all([get("/identity/policy"), get("/identity/blocked"), get("/identity/shared"), get("/identity/conflicts", { reason }), get("/identity/decisions")]);
  refused(conflicts);
  find("#shared").replaceChildren(table("Shared values", ["Key", "Devices"], shared.keys.map((row) => [users(row.key), figure(row.profile_ids)]), "None: no value is used by more devices than one person has."));
  find("#blocked").replaceChildren(table("Blocked values", ["Kind", "Entry of the list", "Times", "Last sent"], blocked.blocked_values.map((row) => [row.kind, h("code", {}, row.entry), figure(row.count), when(row.last_seen)]), "None of the values that join nobody was sent."));
  find("#decisions").replaceChildren(table("Decisions", ["Number", "When", "What", "By", "Why", ""], decisions.decisions.map(decision), "Nobody has split, joined or refused anything. It is done on a profile's page."));
  find("#policy").replaceChildren(kinds(policy), points(policy));
}

/** @param {any} conflicts of one reason, with the counts of all */
function refused(conflicts) {
  const choose = (name) => async () => {
    reason = name;
    refused(await get("/identity/conflicts", { reason }));
    find(`#counts [data-reason="${name}"]`).focus();
  };
  find("#counts").replaceChildren(...Object.entries(conflicts.counts).map(([name, count]) => h("button", { "data-reason": name, "aria-pressed": String(name === reason), onclick: () => choose(name)().catch((error) => say(error.message)) }, h("span", { class: "quiet" }, name), h("strong", {}, figure(count)))));
  find("#meaning").textContent = `${reason}: ${inWords(reason)}.`;
  const rows = conflicts.links.map((link) => [profile(link.profile_id), users(link.key), when(link.time)]);
  find("#conflicts").replaceChildren(rows.length ? bare("Refused links", ["Device", "Key", "First used"], rows) : "");
}

/** @param {any} policy */
function kinds(policy) {
  const card = table("The policy in force", ["Kind", "Written as", "A person has", "Shared above", "Priority", "Blocked"], policy.kinds.map((kind) => [kind.name, kind.normaliser, kind.exclusive ? "one at most" : `${figure(kind.max_values)} at most`, `${figure(kind.max_profile_ids)} devices`, kind.priority, `${figure(kind.blocked)} entries`]));
  card.append(h("p", { class: "quiet" }, policy.hash_keys ? "Keys are stored as keyed hashes. " : "Keys are stored clear. ", policy.phone_region ? `Phone numbers without a country code are taken as of ${policy.phone_region}.` : "Phone numbers need a country code."));
  return card;
}

/** @param {any} policy */
const points = (policy) => table("Where keys are found", ["Event type", "Property", "Kind"], policy.points.map((point) => [point.event_type, h("code", {}, point.property), point.kind]));

/** @param {any} row */
function decision(row) {
  const undo = () => decide({ title: `Undo decision ${row.id}`, path: `/identity/decisions/${row.id}/undo`, body: {}, done: refresh });
  const undone = row.undone_at ? h("span", { class: "quiet" }, `undone by ${row.undone_by}: ${row.undone_reason}`) : h("button", { class: "quiet small", type: "button", onclick: undo }, "Undo");
  return [row.id, when(row.made_at), row.what, row.made_by, row.reason, undone];
}

const refresh = () => show().catch((error) => say(error.message));
dryRun(find("#dry-run button"), find("#dry-run-said")).catch((error) => say(error.message));
refresh();
