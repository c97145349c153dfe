import { guard } from "./guard.js";

/** @type {Array<[string, (detail: any) => void]>} */
const listeners = [];

/** @type {(name: string, listen: (detail: any) => void) => unknown} */
export const on = (...listener) => listeners.push(listener);

/** @type {(name: string, detail: unknown) => void} */
export const emit = (name, detail) => {
  for (const [wanted, listen] of listeners) if (wanted === name) guard(listen)(detail);
};
