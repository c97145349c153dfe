import { attempt } from "./attempt.js";

/**
 * The tracker's part of localStorage, which cannot throw: what the browser refuses to keep (forbidden, private, full) is kept in
 * memory, for as long as the page lives.
 *
 * @param {() => globalThis.Storage} open reads window.localStorage, which may itself throw, or be null
 * @param {string} prefix of the keys that are the tracker's
 */
export const createStorage = (open, prefix) => {
  /** @type {Record<string, string>} */
  const memory = {};

  return {
    /** @type {(start: string) => string[]} sorted */
    list: (start) =>
      [
        ...Object.keys(memory),
        ...(attempt(() => Object.keys(open()).map((key) => key.split(prefix)[1] || "")) || []),
      ]
        .filter((key) => key.startsWith(start))
        .sort(),

    /** @type {(key: string) => string} "" when there is none */
    load: (key) => memory[key] || attempt(() => open().getItem(prefix + key)) || "",

    /** @type {(key: string, value: string) => void} */
    keep: (key, value) => {
      memory[key] = value;
      attempt(() => {
        open().setItem(prefix + key, value);
        delete memory[key];
      });
    },

    /** @type {(key: string) => void} */
    drop: (key) => {
      delete memory[key];
      attempt(() => open().removeItem(prefix + key));
    },
  };
};

/** @typedef {ReturnType<typeof createStorage>} Storage */
