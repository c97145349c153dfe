/** A customer: traits with their evidence, devices, keys, and what happened. */

import { get } from "./api.js";
import { figure, find, h, say, when } from "./dom.js";
import { eventLine } from "./event.js";

const id = decodeURIComponent(location.pathname.split("/").pop() || "");

/** @param {any} value */
const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** @param {string} title @param {string[]} heads @param {any[][]} rows */
function table(title, heads, rows) {
  const body = rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))));
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    rows.length ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", {}, head)))), h("tbody", {}, ...body))) : h("p", { class: "quiet" }, "none"),
  );
}

async function show() {
  const [profile, page] = await Promise.all([get(`/profiles/${encodeURIComponent(id)}`), get(`/profiles/${encodeURIComponent(id)}/events`, { limit: 50 })]);
  const name = profile.traits.name ? plain(profile.traits.name.value) : profile.keys.find((key) => key.kind === "email" && !key.refused)?.value || profile.id;
  find("#profile").replaceChildren(
    h("div", { class: "title" }, h("h1", {}, name), h("span", { class: "id" }, profile.id)),
    h("ul", { class: "figures" }, ...[["Devices", profile.profile_ids.length], ["Sessions", profile.sessions], ["Events", profile.events]].map(([label, count]) => h("li", {}, h("span", { class: "quiet" }, label), h("strong", {}, figure(count))))),
    h(
      "div",
      { class: "columns" },
      table("Traits", ["Trait", "Value", "Said at"], Object.entries(profile.traits).map(([trait, said]) => [trait, plain(said.value), when(said.time)])),
      table("Keys", ["Key", "Value", "First used", ""], profile.keys.map((key) => [key.kind, key.value, when(key.time), key.refused ? h("span", { class: "tag" }, `joins nobody: ${key.refused}`) : ""])),
    ),
    table("Devices", ["Profile ID", "Source", "First seen", "Last seen", "Sessions", "Events"], profile.profile_ids.map((device) => [h("span", { class: "id" }, device.id), device.source, when(device.first_seen), when(device.last_seen), figure(device.sessions), figure(device.events)])),
    h("section", { class: "stack" }, h("h2", {}, "Events"), h("ol", { class: "events", id: "events" }, ...page.events.map((event) => eventLine(event))), more(page.next_cursor)),
  );
  document.title = `${name} · onetrail`;
}

/** @param {string | null} cursor */
function more(cursor) {
  if (!cursor) return h("span");
  const button = h("button", { class: "quiet", type: "button", onclick: () => next().catch((error) => say(error.message)) }, "Older events");
  const next = async () => {
    const page = await get(`/profiles/${encodeURIComponent(id)}/events`, { limit: 50, cursor });
    find("#events").append(...page.events.map((event) => eventLine(event)));
    button.replaceWith(more(page.next_cursor));
  };
  return button;
}

show().catch((error) => find("#profile").replaceChildren(h("h1", {}, "Not found"), h("p", {}, error.message)));
