/** The event that is the evidence for a link or a trait. */

import { get } from "./api.js";
import { h, say } from "./dom.js";

/** The event as it is stored, to be read. @param {string} eventId @param {string} [source] @returns {Promise<HTMLElement>} */
export async function evidence(eventId, source) {
  const { events } = await get("/events", { id: eventId });
  const event = events.find((one) => !source || one.source === source);
  if (!event) return h("p", { class: "quiet" }, "The event ", h("code", {}, eventId), " itself is not stored any more.");
  return h("pre", { tabindex: 0, "aria-label": "The event" }, JSON.stringify(event, null, 2));
}

/** What opens the event that stated something. @param {any} shown @param {string} eventId @param {string} what it states */
export function statedBy(shown, eventId, what) {
  const open = async () => {
    const close = h("button", { class: "quiet", type: "button", onclick: () => dialog.close() }, "Close");
    const dialog = h("dialog", { "aria-label": what }, h("div", { class: "stack" }, h("h2", {}, what), await evidence(eventId), h("div", { class: "row" }, close)));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  return h("button", { class: "link", type: "button", title: `${what}: the event that says so`, onclick: () => open().catch((error) => say(error.message)) }, shown);
}
