/** Events as they are committed. A connection that breaks goes on after the last event it brought. */

import { address, get } from "./api.js";
import { find, h, say } from "./dom.js";
import { eventLine, lostLine } from "./event.js";
import { ways } from "./ways.js";

const MOST = 200; // lines on the page
const list = find("#events");
const chosen = new URLSearchParams(location.search);

/** @type {EventSource | undefined} */
let stream;
let fresh = false; // the first answer brings what was there before

function follow() {
  stream?.close();
  fresh = false;
  list.replaceChildren();
  const filters = Object.fromEntries(new FormData(find("#filters")));
  history.replaceState(null, "", address("/ui/live", filters));
  stream = new EventSource(address("/events/live", filters));
  stream.onopen = () => {
    state("live", "good");
    setTimeout(() => (fresh = true), 500);
  };
  stream.onmessage = (message) => add(eventLine(JSON.parse(message.data), css()), true);
  for (const verdict of ["rejected", "refused"]) stream.addEventListener(verdict, (message) => add(lostLine(JSON.parse(message.data), css())));
  stream.onerror = () => state(stream?.readyState === EventSource.CLOSED ? "refused: see the filters" : "the connection broke; trying again", "wait");
}

const css = () => (fresh ? "new" : "");

/** @param {HTMLElement} line @param {boolean} [stored] */
function add(line, stored = false) {
  find("#none").hidden = true;
  if (stored) find("#onboarding .waiting")?.replaceWith(h("p", { class: "good waiting-over" }, "The first event is here."));
  list.prepend(line);
  while (list.children.length > MOST) list.lastElementChild.remove();
}

/** @param {string} text @param {string} css */
function state(text, css) {
  find("#state").textContent = text;
  find("#state").className = `state ${css}`;
}

/** What a developer pastes, until the first event of a source is there. @param {string} source */
function onboard(source) {
  find("#onboarding").hidden = false;
  find("#onboarding").replaceChildren(
    h("h2", { id: "onboarding-title" }, `Send the first event of ${source}`),
    ways(source),
    h("p", { class: "wait waiting" }, "Waiting for the first event…"),
  );
}

async function begin() {
  const { lines } = await get("/counts/series", { from: "2000-01-01T00:00:00Z", to: new Date().toISOString(), step: "month", by: "source" });
  for (const { label } of lines) find("#filters [name=source]").append(h("option", { value: label }, label));
  for (const [name, value] of chosen) {
    const field = find(`#filters [name="${CSS.escape(name)}"]`);
    if (field) field.value = value;
  }
  if (!lines.length) onboard(chosen.get("source") || "demo");
}

find("#filters").addEventListener("submit", (event) => {
  event.preventDefault();
  follow();
});
find("#pause").addEventListener("click", (event) => {
  const paused = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  event.currentTarget.textContent = paused ? "Go on" : "Pause";
  if (paused) stream?.close();
  else follow();
  if (paused) state("paused", "wait");
});
begin()
  .catch((error) => say(error.message))
  .then(follow);
