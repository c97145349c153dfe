import { allowed } from "./allowed.js";
import { context } from "./context.js";
import { add } from "./queue.js";
import { options } from "./tag.js";
import { begin, profileFor, stamp } from "./visit.js";

/** The events that this task has tracked, or that wait for a browser's first session: each a line break and its JSON. */
export let fresh = "";

/** @type {() => any} */
export const clear = () => {
  fresh = "";
};

/** @type {(line: string) => void} */
export const put = (line) => {
  if ((fresh += "\n" + line).length > 20_000) settle(); // an entry must fit into a request
};

/**
 * Make sure of the session, and that what was tracked is in the queue; false where nothing may be, which is asked here, once a task:
 * localStorage and cookies are slow.
 */
export const settle = () => {
  if (!allowed()) return clear();
  if (!stamp() || options.sessionTimeout) begin();
  if (fresh) {
    const now = stamp();
    add(JSON.stringify([now, profileFor(now), context()]) + fresh);
    clear();
  }
  return true;
};
