/** Finds a profile by any of its IDs or keys. */

import { Refused, get } from "./api.js";
import { find, h, say, when } from "./dom.js";

/** What a text is likely to be, as KIND:VALUE. @param {string} text */
function question(text) {
  if (/^[a-z_]+:/.test(text)) return text;
  if (text.includes("@")) return `email:${text}`;
  return /^\+[\d ()-]+$/.test(text) ? `phone:${text}` : `user_id:${text}`;
}

/** @param {string} text @returns {Promise<any[]>} */
async function search(text) {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text)) return byId(text.toLowerCase());
  const found = await get("/profiles", { key: question(text) });
  return found.profiles;
}

/** @param {string} id @returns {Promise<any[]>} */
async function byId(id) {
  try {
    return [await get(`/profiles/${id}`)];
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return [];
    throw error;
  }
}

async function show() {
  const text = find("#search [name=q]").value.trim();
  if (!text) return;
  history.replaceState(null, "", `?q=${encodeURIComponent(text)}`);
  const profiles = await search(text);
  if (profiles.length === 1) location.assign(`/ui/profiles/${encodeURIComponent(profiles[0].id)}`);
  find("#found").replaceChildren(
    profiles.length ? h("ul", { class: "events" }, ...profiles.map(line)) : h("p", { class: "quiet" }, `Nobody is known by “${text}”.`),
  );
}

/** @param {any} profile */
function line(profile) {
  const seen = profile.profile_ids.map((device) => device.last_seen).filter(Boolean).sort();
  return h("li", { class: "card" }, h("a", { href: `/ui/profiles/${encodeURIComponent(profile.id)}` }, profile.keys[0]?.value || profile.id), h("p", { class: "quiet" }, `${profile.profile_ids.length} devices, ${profile.events} events, last seen `, when(seen.at(-1) || null)));
}

let asked = 0; // only the answer to the newest question is shown

async function suggest() {
  const text = find("#search [name=q]").value.trim();
  asked += 1;
  if (text.length < 2) return find("#found").replaceChildren();
  const mine = asked;
  const { found, exact } = await get("/profiles/search", { q: text });
  if (mine !== asked) return;
  const hint = exact ? "Keys are hashed: only whole values are found." : "Beginnings of all keys, and of words in the traits of the 5,000 newest devices.";
  find("#found").replaceChildren(
    found.length ? h("ul", { class: "events", "aria-label": "Found" }, ...found.map((one) => h("li", {}, h("a", { class: "hit", href: `/ui/profiles/${encodeURIComponent(one.profile)}` }, h("strong", {}, one.value), " ", h("span", { class: "tag" }, one.name))))) : h("p", {}, `Nothing begins with “${text}”.`),
    h("p", { class: "quiet" }, hint),
  );
}

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
show().catch((error) => say(error.message));
