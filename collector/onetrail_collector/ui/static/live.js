/** Events as they are committed. A connection that breaks goes on after the last event it brought. */

import { Refused, address, get } from "./api.js";
import { find, h, say } from "./dom.js";
import { eventLine, lostLine } from "./event.js";
import { arrived, onboard } from "./onboarding.js";

const MOST = 200; // lines on the page
const list = find("#events");
const chosen = new URLSearchParams(location.search);

const AGAIN_MS = 2_000;

/** @type {EventSource | undefined} */
let stream;
let last = ""; // the id of the last event that came
let fresh = false; // the first answer brings what was there before
/** @type {any} */
let waiting;

const filters = () => Object.fromEntries(new FormData(find("#filters")));

/** From the newest on, as the filters say. */
function follow() {
  list.replaceChildren();
  find("#none").hidden = false;
  [fresh, last] = [false, ""];
  history.replaceState(null, "", address("/ui/live", filters()));
  listen();
}

/** After the last event that came. */
function listen() {
  stop();
  stream = new EventSource(address("/events/live", { ...filters(), last_event_id: last }));
  stream.onopen = () => {
    state("live", "good");
    setTimeout(() => (fresh = true), 500);
  };
  on("message", (event) => {
    add(eventLine(event, css()));
    arrived(event);
  });
  for (const verdict of ["rejected", "refused"]) on(verdict, (lost) => add(lostLine(lost, css())));
  stream.onerror = broken;
}

/** @param {string} name @param {(data: any) => void} act */
function on(name, act) {
  stream?.addEventListener(name, (message) => {
    last = message.lastEventId;
    act(JSON.parse(message.data));
  });
}

function stop() {
  clearTimeout(waiting);
  stream?.close();
}

/** The browser tries again by itself, but not where the answer was an error: a proxy's, or a wrong filter's. */
function broken() {
  state("the connection broke; trying again", "wait");
  if (stream?.readyState === EventSource.CLOSED) waiting = setTimeout(again, AGAIN_MS);
}

async function again() {
  const { profile_id } = filters();
  try {
    await get(profile_id ? `/profiles/${encodeURIComponent(profile_id)}` : "/status");
    listen();
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return state(error.message, "wait");
    broken();
  }
}

const css = () => (fresh ? "new" : "");

/** @param {HTMLElement} line */
function add(line) {
  find("#none").hidden = true;
  list.prepend(line);
  while (list.children.length > MOST) list.lastElementChild.remove();
}

/** @param {string} text @param {string} css */
function state(text, css) {
  find("#state").textContent = text;
  find("#state").className = `state ${css}`;
}

/** @type {string[]} */
let sources = [];

async function begin() {
  sources = (await get("/sources")).sources.map((source) => source.id);
  for (const id of sources) find("#filters [name=source]").append(h("option", { value: id }, id));
  for (const [name, value] of chosen) {
    const field = find(`#filters [name="${CSS.escape(name)}"]`);
    if (field) field.value = value;
  }
  await onboard(find("#filters [name=source]").value, sources);
}

find("#filters").addEventListener("submit", (event) => {
  event.preventDefault();
  follow();
});
find("#filters [name=source]").addEventListener("change", (event) => {
  onboard(event.target.value, sources).catch((error) => say(error.message));
  follow();
});
find("#pause").addEventListener("click", (event) => {
  const paused = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  event.currentTarget.textContent = paused ? "Resume" : "Pause";
  if (!paused) return listen();
  stop();
  state("paused", "wait");
});
begin()
  .catch((error) => say(error.message))
  .then(follow);
