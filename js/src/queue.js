import { attempt } from "./guard.js";
import { each, remove } from "./storage.js";
import { events } from "./tag.js";
import { hexTime, uuid7 } from "./uuid7.js";

const MAX_CHARACTERS = 500_000; // a tenth of what browsers give a site's localStorage; some thousand events
const MAX_AGE_MS = 2_600_000_000; // thirty days

/**
 * Events that no collector has acknowledged: here, and for the next page in localStorage.
 *
 * Each task's events are one entry under a key of its own, which is written once and removed once: tabs never write over each
 * other's, and none reads, changes and writes a shared value. An entry is text: its head (stamp, profile ID and context, as JSON),
 * then an event's JSON a line. What a page finds at its start is of pages that have gone, or nearly always; what other tabs have
 * sent since is taken out as localStorage tells of it.
 *
 * @type {Record<string, string>}
 */
export let queue = {};

/** How many events this page had to give up, if any. @type {number | undefined} */
export let dropped;

/** Forget all of it here; localStorage is another's to clear. */
export const empty = () => {
  queue = {};
};

/** @type {(key: string) => void} */
export const drop = (key) => {
  delete queue[key];
  remove(key);
};

/** Take over what earlier pages could not send. */
export const adopt = () => each(events, (key) => (queue[key] = localStorage[key]));

/**
 * Queue an entry; the oldest go where it is too much, or where they are too old.
 *
 * @type {(entry: string) => void}
 */
export const add = (entry) => {
  const added = events + uuid7();
  let size = 0;
  queue[added] = entry;
  attempt(() => (localStorage[added] = entry));
  for (const key of Object.keys(queue).sort().reverse()) {
    const its = /** @type {string} */ (queue[key]);
    if ((size += its.length) > MAX_CHARACTERS || key < events + hexTime(Date.now() - MAX_AGE_MS)) {
      dropped = ~~(/** @type {any} */ (dropped)) + its.split("\n").length - 1;
      drop(key);
    }
  }
};
