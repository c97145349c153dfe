/** One event as a line that opens to its JSON. */

import { h, when } from "./dom.js";

const MOST_WORDS = 3;

/** What tells one event from the next of its type: its page, or its first few properties; pure. @param {any} event */
export function gist(event) {
  const properties = event.properties || {};
  if (typeof properties.url === "string" && URL.canParse(properties.url)) {
    const { host, pathname, protocol } = new URL(properties.url);
    return protocol.startsWith("http") ? host + pathname : properties.url;
  }
  const plain = Object.entries(properties).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return plain.slice(0, MOST_WORDS).map(([name, value]) => `${name}: ${value}`).join(", ").slice(0, 200);
}

/** @param {any} event @param {string} [css] */
export function eventLine(event, css = "") {
  const from = h("span", { class: "from" }, h("span", { class: "tag" }, event.source), h("span", { class: "id" }, event.profile_id.slice(0, 8)));
  const details = h("details", {}, h("summary", {}, h("strong", {}, event.type), h("span", { class: "gist" }, gist(event)), from, when(event.time)));
  const open = () => details.append(h("pre", { tabindex: 0 }, JSON.stringify(event, null, 2)), h("p", { class: "foot" }, h("a", { href: `/ui/profiles/${encodeURIComponent(event.profile_id)}` }, "Whose trail is this?")));
  details.addEventListener("toggle", open, { once: true });
  return h("li", { class: css }, details);
}

/** An event that was not stored, or a request refused as a whole, with the reason. @param {any} lost @param {string} [css] */
export function lostLine(lost, css = "") {
  const type = typeof lost.event?.type === "string" && lost.event.type ? lost.event.type : lost.verdict === "refused" ? "a request" : "an event";
  const from = h("span", { class: "from" }, h("span", { class: "tag bad" }, `${lost.verdict}: ${lost.error}`), lost.source ? h("span", { class: "tag" }, lost.source) : null);
  const details = h(
    "details",
    {},
    h("summary", {}, h("strong", {}, type), h("span", { class: "gist" }), from, when(lost.received), h("span", { class: "detail bad" }, lost.detail)),
    lost.event === null ? null : h("pre", { tabindex: 0 }, JSON.stringify(lost.event, null, 2)),
    h("p", { class: "foot" }, h("a", { href: lost.help }, `What ${lost.error} means, and what to do`)),
  );
  return h("li", { class: `lost ${css}` }, details);
}
