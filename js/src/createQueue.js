/**
 * Events that no collector has acknowledged, in localStorage.
 *
 * Each task's events are one entry under a key of its own, which is written once: tabs never write over each other's, so none
 * of them reads, changes and writes a shared value. An entry is text: the stamp of the visit, the profile ID, then an event's
 * JSON a line.
 *
 * @param {import("./createStorage.js").Storage} storage
 * @param {string} prefix
 * @param {(dropped: number) => void} onDrop told how many of the oldest events had to go
 * @param {{characters: number, events: number}} bounds so little that the page's own use of localStorage never suffers
 */
export const createQueue = (storage, prefix, onDrop, bounds) => {
  let characters = 0; // about: exact after each read
  let events = 0;
  const keys = () => storage.keys().filter((key) => key.startsWith(prefix));

  /** Measure what is there, and let go of the oldest entries of a queue that is out of bounds. */
  const trim = () => {
    let dropped = 0;
    characters = events = 0;
    for (const key of keys().reverse()) {
      const text = storage.get(key);
      const count = text.split("\n").length - 2;
      if (dropped || characters + text.length > bounds.characters || events + count > bounds.events) {
        storage.remove(key);
        dropped += count;
      } else {
        characters += text.length;
        events += count;
      }
    }
    if (dropped) onDrop(dropped);
  };

  return {
    /** @type {(id: string, stamp: string, profile: string, lines: string[]) => string} the entry's key */
    add: (id, stamp, profile, lines) => {
      const text = [stamp, profile, ...lines].join("\n");
      storage.set(prefix + id, text);
      characters += text.length;
      events += lines.length;
      if (characters > bounds.characters || events > bounds.events) trim();
      return prefix + id;
    },

    /**
     * Entries written before the session was settled are of the session that it was settled on.
     *
     * @type {(stamp: string) => void}
     */
    stamp: (stamp) => {
      for (const key of keys()) {
        const text = storage.get(key);
        if (text[0] === "\n") storage.set(key, stamp + text);
      }
    },

    /**
     * The oldest events that may travel together: of one session, up to `maxBytes` and `maxEvents`, at least one.
     *
     * @param {number} maxBytes
     * @param {number} maxEvents
     * @param {(key: string) => boolean} wanted
     * @returns {Batch | undefined}
     */
    take: (maxBytes, maxEvents, wanted) => {
      /** @type {Batch | undefined} */
      let batch;
      for (const key of keys()) {
        if (!wanted(key)) continue;
        const [stamp = "", profile = "", ...lines] = storage.get(key).split("\n");
        batch = batch || { stamp, profile, keys: [], lines: [], bytes: 0 };
        if (batch.stamp !== stamp) continue;
        batch.profile = batch.profile || profile;
        batch.keys.push(key);
        for (const line of lines) {
          const bytes = new TextEncoder().encode(line).length + 1;
          if (batch.lines.length && (batch.bytes + bytes > maxBytes || batch.lines.length >= maxEvents)) return batch;
          batch.lines.push(line);
          batch.bytes += bytes;
        }
      }
      return batch;
    },

    /**
     * Forget events that were acknowledged. By content: another tab may have shortened the same entry meanwhile.
     *
     * @type {(batch: Batch) => void}
     */
    remove: (batch) => {
      const gone = new Set(batch.lines);
      for (const key of batch.keys) {
        const [stamp, profile, ...lines] = storage.get(key).split("\n");
        const rest = lines.filter((line) => !gone.has(line));
        if (rest.length) storage.set(key, [stamp, profile, ...rest].join("\n"));
        else storage.remove(key);
      }
      trim();
    },
  };
};

/** @typedef {{stamp: string, profile: string, keys: string[], lines: string[], bytes: number}} Batch */
/** @typedef {ReturnType<typeof createQueue>} Queue */
