import { settle } from "./fresh.js";
import { queue } from "./queue.js";

/** Entries in flight, set aside, or waiting after a failure: not to be sent as the page goes, which fails requests. */
let busy = /** @type {Record<string, unknown>} */ ({});

/** Let them be sent again. */
export const free = () => {
  busy = {};
};

/**
 * The oldest entries that may travel together: those with the same head, up to `limit` bytes, at least one.
 *
 * @param {number} limit
 * @returns {[head: string | undefined, keys: string[], lines: string[], bytes: number]} without a head where there is nothing to send
 */
export const take = (limit) => {
  let bytes = 0;
  let head;
  const keys = [];
  const lines = [];
  for (const key in /** @type {{}} */ (settle() && queue)) {
    if (!busy[key]) {
      const entry = /** @type {string} */ (queue[key]);
      const [its, ...more] = entry.split("\n");
      const size = new Blob([entry]).size;
      head ||= its;
      if (head !== its || (bytes && bytes + size > limit)) break;
      busy[key] = 1;
      keys.push(key);
      lines.push(...more);
      bytes += size;
    }
  }
  return [head, keys, lines, bytes];
};
