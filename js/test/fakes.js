/**
 * localStorage on a shared `disk`, as one tab sees it: its entries are own properties, as the browser's are, and what changes is told
 * to the other tabs. Where `refuses` is true nothing can be written.
 *
 * @param {Record<string, string>} disk
 * @param {() => boolean} refuses
 * @param {(change: {key: string, newValue: string | null}) => void} tell
 */
export const fakeLocalStorage = (disk, refuses, tell) =>
  new Proxy(disk, {
    set: (_, /** @type {string} */ key, value) => {
      if (refuses()) throw new DOMException("full", "QuotaExceededError");
      disk[key] = "" + value;
      tell({ key, newValue: disk[key] });
      return true;
    },
    deleteProperty: (_, /** @type {string} */ key) => {
      if (key in disk) tell({ key, newValue: null });
      delete disk[key];
      return true;
    },
  });

/** A cookie jar as document.cookie; `written` keeps the attributes. */
export const fakeDocument = () => {
  /** @type {Map<string, string>} */
  const cookies = new Map();
  return {
    /** @type {string[]} */
    written: [],
    get cookie() {
      return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    },
    set cookie(text) {
      this.written.push(text);
      const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(text) || [];
      if (/max-age=-/.test(text)) cookies.delete(name);
      else cookies.set(name, value);
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
    wait: (/** @type {() => void} */ run, /** @type {number} */ ms = 0) => timers.push({ run, ms }),
    clear: (/** @type {number} */ timer) => void (timers[timer - 1] && Object.assign(timers[timer - 1] || {}, { run: () => {} })),
    fire: () => timers.splice(0).forEach(({ run }) => run()),
  };
};

/** Everything that has been promised so far has happened: some turns of the event loop, after all microtasks. */
export const settled = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};
