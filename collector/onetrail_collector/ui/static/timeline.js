/** What a person did: sessions, the newest first, each with its events. */

import { get } from "./api.js";
import { inWords } from "./client.js";
import { h, say } from "./dom.js";
import { eventLine } from "./event.js";

const PAGE = 50;

/** @param {string} path of the profile in the API @param {any} page the newest events @param {any[]} sessions the newest */
export function timeline(path, page, sessions) {
  const clients = new Map(sessions.map((session) => [session.id, inWords(session.client)]));
  const whole = h("div", { id: "events" });
  /** @type {{session: string, device: string, lines: any} | null} */
  let last = null;
  const add = (events) => {
    for (const event of events) {
      if (last?.session !== event.session || last.device !== event.profile_id) {
        last = { session: event.session, device: event.profile_id, lines: h("ol", { class: "events", "aria-label": `Events of session ${event.session}` }) };
        whole.append(h("section", {}, head(event, clients.get(event.session)), last.lines));
      }
      last.lines.append(eventLine(event));
    }
  };
  const older = async (cursor) => {
    const next = await get(`${path}/events`, { limit: PAGE, cursor });
    add(next.events);
    button.replaceWith(more(next.next_cursor));
  };
  /** @type {any} */
  let button;
  const more = (cursor) => (button = cursor ? h("button", { class: "quiet", type: "button", onclick: () => older(cursor).catch((error) => say(error.message)) }, "Older events") : "");
  add(page.events);
  return h("section", { class: "stack" }, h("h2", {}, "What happened"), page.events.length ? whole : h("p", { class: "quiet" }, "No event is stored any more."), more(page.next_cursor));
}

/** @param {any} event the newest of its session @param {string | undefined} client where it comes from, in words */
const head = (event, client) => h("h3", { class: "session", title: `Session ${event.session}` }, h("strong", {}, day(event.time)), `session in ${event.source}, on device `, h("span", { class: "id" }, event.profile_id.slice(0, 8)), client ? h("span", {}, client) : "");

/** @param {string} time */
const day = (time) => new Date(time).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
