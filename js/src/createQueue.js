const MAX_CHARACTERS = 500_000; // a tenth of what browsers give a site's localStorage

/**
 * Events that no collector has acknowledged, in localStorage.
 *
 * Each task's events are one entry under a key of its own, which is written once and removed once: tabs never write over each
 * other's, and none reads, changes and writes a shared value. An entry is text: the stamp of the visit, the profile ID, then an
 * event's JSON a line.
 *
 * Bounded by size alone, which bounds the count too; not by age, as the clock of a device that has just started may be years off.
 *
 * @param {import("./createStorage.js").Storage} storage
 * @param {(dropped: number) => void} onDrop told how many of the oldest events had to go
 */
export const createQueue = (storage, onDrop) => {
  const list = () => storage.list("event");
  const read = (/** @type {string} */ key) => storage.load(key).split("\n");

  return {
    /** @type {(id: string, entry: string[]) => string} the entry's key */
    add: (id, entry) => {
      const added = "event." + id;
      storage.keep(added, entry.join("\n"));
      let size = 0;
      for (const key of list().reverse()) {
        if ((size += storage.load(key).length) > MAX_CHARACTERS) {
          onDrop(read(key).length - 2);
          storage.drop(key);
        }
      }
      return added;
    },

    /**
     * The oldest entries that may travel together: of one session, up to `maxBytes`, at least one.
     *
     * @type {(maxBytes: number, wanted: (key: string) => boolean) => Batch | undefined}
     */
    take: (maxBytes, wanted) => {
      /** @type {Batch | undefined} */
      let batch;
      for (const key of list().filter(wanted)) {
        const [stamp, issued, ...lines] = /** @type {[string, string, ...string[]]} */ (read(key));
        const bytes = new Blob(lines).size + lines.length;
        batch ||= { stamp, issued, places: [], lines: [], bytes: 0 };
        if (batch.stamp !== stamp || (batch.bytes && batch.bytes + bytes > maxBytes)) break;
        if (!batch.issued) batch.issued = issued;
        batch.places.push(key);
        batch.lines.push(...lines);
        batch.bytes += bytes;
      }
      return batch;
    },
  };
};

/** @typedef {{stamp: string, issued: string, places: string[], lines: string[], bytes: number}} Batch */
/** @typedef {ReturnType<typeof createQueue>} Queue */
