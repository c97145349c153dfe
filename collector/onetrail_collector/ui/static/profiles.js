/** Finds a profile by any of its IDs or keys. */

import { Refused, get } from "./api.js";
import { counted, find, h, say, when } from "./dom.js";

/** What a text is likely to be, as KIND:VALUE. @param {string} text */
function question(text) {
  if (/^[a-z_]+:/.test(text)) return text;
  if (text.includes("@")) return `email:${text}`;
  return /^\+[\d ()-]+$/.test(text) ? `phone:${text}` : `user_id:${text}`;
}

/** Those whom a whole ID or key names. @param {string} text @returns {Promise<any[]>} */
async function search(text) {
  try {
    if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text)) return [await get(`/profiles/${text.toLowerCase()}`)];
    return (await get("/profiles", { key: question(text) })).profiles;
  } catch (error) {
    if (error instanceof Refused && [404, 422].includes(error.status)) return []; // no such ID; no whole key
    throw error;
  }
}

const open = (id) => location.assign(`/ui/profiles/${encodeURIComponent(id)}`);

/** @param {boolean} [jump] to the only one whom the text means; not when a reader comes back from there */
async function show(jump = true) {
  const text = find("#search [name=q]").value.trim();
  if (!text) return;
  history.replaceState(null, "", `?q=${encodeURIComponent(text)}`);
  const profiles = await search(text);
  if (jump && profiles.length === 1) return open(profiles[0].id);
  if (!profiles.length) {
    const people = await suggest();
    if (jump && people.length === 1) open(people[0][0]);
    return;
  }
  find("#found").replaceChildren(h("ul", { class: "events", "aria-label": "Found" }, ...profiles.map(line)));
}

/** @param {any} profile */
function line(profile) {
  const seen = profile.profile_ids.map((device) => device.last_seen).filter(Boolean).sort();
  const known = h("span", { class: "quiet" }, `${counted(profile.profile_id_count, "device")}, ${counted(profile.events, "event")}, last seen `, when(seen.at(-1) || null));
  return h("li", {}, h("a", { class: "hit", href: `/ui/profiles/${encodeURIComponent(profile.id)}` }, h("strong", {}, profile.keys[0]?.value || profile.id), known));
}

let asked = 0; // only the answer to the newest question is shown

/** Whom a beginning may mean; answers them, each with what was found. @returns {Promise<[string, any[]][]>} */
async function suggest() {
  const text = find("#search [name=q]").value.trim();
  asked += 1;
  if (text.length < 2) {
    find("#found").replaceChildren();
    return [];
  }
  const mine = asked;
  const { found, exact } = await get("/profiles/search", { q: text });
  if (mine !== asked) return [];
  /** @type {Map<string, any[]>} */
  const byPerson = new Map();
  for (const one of found) byPerson.set(one.profile, [...(byPerson.get(one.profile) || []), one]);
  const people = [...byPerson];
  const hint = exact ? "Keys are hashed: only whole values of them are found." : "Found by the beginning of a profile ID, a key, or a word in a trait; by a whole session or event ID.";
  find("#found").replaceChildren(
    people.length ? h("ul", { class: "events", "aria-label": "Found" }, ...people.map(hit)) : h("p", {}, `Nobody is known by “${text}”.`),
    h("p", { class: "quiet" }, hint),
  );
  return people;
}

/** All by which a person was found. @param {[string, any[]]} person their profile, and what was found of it */
const hit = ([id, found]) => h("li", {}, h("a", { class: "hit", href: `/ui/profiles/${encodeURIComponent(id)}` }, ...found.flatMap((one) => [h("strong", {}, one.value), " ", h("span", { class: "tag" }, one.name), " "])));

/** @type {any} */
let pause;
find("#search").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => suggest().catch((error) => say(error.message)), 120);
});
find("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  asked += 1;
  show().catch((error) => say(error.message));
});
find("#search [name=q]").value = new URLSearchParams(location.search).get("q") || "";
const [opened] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
show(opened?.type !== "back_forward").catch((error) => say(error.message));
