/** One event as a line that opens to its JSON. */

import { h, when } from "./dom.js";

/** @param {any} event @param {string} [css] */
export function eventLine(event, css = "") {
  const details = h(
    "details",
    {},
    h("summary", {}, h("strong", {}, event.type), h("span", { class: "tag" }, event.source), h("span", { class: "id" }, event.profile_id.slice(0, 8)), when(event.time)),
  );
  const open = () => details.append(h("pre", { tabindex: 0 }, JSON.stringify(event, null, 2)), h("p", { class: "foot" }, h("a", { href: `/ui/profiles/${encodeURIComponent(event.profile_id)}` }, "Whose trail is this?")));
  details.addEventListener("toggle", open, { once: true });
  return h("li", { class: css }, details);
}
