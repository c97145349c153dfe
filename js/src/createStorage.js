/**
 * localStorage that cannot throw: what the browser refuses to keep (forbidden, private, full) is kept in memory,
 * for as long as the page lives.
 *
 * @param {() => globalThis.Storage | null} open reads window.localStorage, which may itself throw
 */
export const createStorage = (open) => {
  /** @type {Map<string, string>} */
  const memory = new Map();

  /** @type {<T>(use: (disk: globalThis.Storage | null) => T) => T | undefined} */
  const attempt = (use) => {
    try {
      return use(open());
    } catch {
      return undefined;
    }
  };

  return {
    /** @returns {string[]} sorted */
    keys: () => [...new Set([...memory.keys(), ...(attempt((disk) => Object.keys(disk || {})) || [])])].sort(),

    /** @type {(key: string) => string} "" when there is none */
    get: (key) => memory.get(key) || attempt((disk) => disk?.getItem(key)) || "",

    /** @type {(key: string, value: string) => void} */
    set: (key, value) => {
      memory.set(key, value);
      attempt((disk) => {
        if (disk) {
          disk.setItem(key, value);
          memory.delete(key);
        }
      });
    },

    /** @type {(key: string) => void} */
    remove: (key) => {
      memory.delete(key);
      attempt((disk) => disk?.removeItem(key));
    },
  };
};

/** @typedef {ReturnType<typeof createStorage>} Storage */
