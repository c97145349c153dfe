/** What a developer pastes until the first event of a source is there, and what to do then. */

import { get } from "./api.js";
import { find, h } from "./dom.js";
import { ways } from "./ways.js";

/** @type {string | null} */
let awaited = null; // the source whose first event is not there yet

/** Opens the panel where the chosen source, or with none chosen any, has sent nothing. @param {string} source @param {string[]} sources all that there are */
export async function onboard(source, sources) {
  const { lines } = await get("/counts/series", { metric: "sessions", by: "source", source, from: "2000-01-01T00:00:00Z", to: new Date(Date.now() + 864e5).toISOString(), step: "month" });
  awaited = lines.length ? null : source || (sources.includes("demo") ? "demo" : sources[0] || null);
  const panel = find("#onboarding");
  panel.hidden = awaited === null;
  if (awaited === null) return;
  const demo = awaited === "demo" && panel.dataset.demo;
  panel.replaceChildren(
    h("h2", { id: "onboarding-title" }, `Send the first event of ${awaited}`),
    demo ? h("p", {}, "Open ", h("a", { href: demo, target: "_blank" }, "the demo page"), " beside this one, click there, and see it here. Or paste this:") : h("p", {}, "Paste this, and see here what arrives:"),
    ways(awaited),
    h("p", { class: "wait waiting", role: "status" }, `Waiting for the first event of ${awaited}…`),
  );
}

/** An event has come. @param {any} event */
export function arrived(event) {
  if (event.source !== awaited) return;
  awaited = null;
  const trail = h("a", { href: `/ui/profiles/${encodeURIComponent(event.profile_id)}` }, "See whose it is");
  find("#onboarding .waiting")?.replaceWith(h("p", { class: "good waiting-over", role: "status" }, "The first event is here. ", trail, "."));
}
