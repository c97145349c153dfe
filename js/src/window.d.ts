type Tracker = import("./api.js").Api;

interface Window {
  /** The tracker, or before it has loaded the stub that keeps calls for it: each a method's name and its arguments. */
  onetrail?: Tracker & { q?: Array<[string, unknown[]]> };
}
