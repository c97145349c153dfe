/** localStorage in memory, whose entries are own properties as the browser's are. Set `full` and it refuses. */
export const fakeLocalStorage = () => {
  const disk = /** @type {any} */ ({});
  const methods = {
    full: false,
    getItem: (/** @type {string} */ key) => (Object.hasOwn(disk, key) ? disk[key] : null),
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => {
      if (disk.full) throw new DOMException("full", "QuotaExceededError");
      disk[key] = value;
    },
    removeItem: (/** @type {string} */ key) => {
      delete disk[key];
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(disk, name, { value, writable: true, enumerable: false });
  }
  return disk;
};

/** A cookie jar as document.cookie: session cookies only. */
export const fakeDocument = () => {
  /** @type {Map<string, string>} */
  const cookies = new Map();
  return {
    get cookie() {
      return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    },
    set cookie(text) {
      const [name = "", value = ""] = (text.split(";")[0] || "").split("=");
      cookies.set(name, value);
    },
    /** The browser was closed. */
    close: () => cookies.clear(),
  };
};

/** A clock that stands still, and timers that fire when told. */
export const fakeClock = (startMs = Date.parse("2026-11-23T14:05:06.789Z")) => {
  /** @type {Array<{run: () => void, ms: number}>} */
  const timers = [];
  return {
    ms: startMs,
    timers,
    now() {
      return this.ms;
    },
    wait: (/** @type {() => void} */ run, /** @type {number} */ ms) => timers.push({ run, ms }),
    fire: () => timers.splice(0).forEach(({ run }) => run()),
  };
};

/** Everything that has been promised so far has happened: a turn of the event loop, after all microtasks. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
