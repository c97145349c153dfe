interface Window {
  onetrail?: ReturnType<typeof import("./createTracker.js").createTracker>["api"];
}
