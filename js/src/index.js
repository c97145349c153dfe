import { createGuard } from "./createGuard.js";
import { start } from "./start.js";

const { document } = window;
const { dataset, src } = /** @type {HTMLScriptElement} */ (document.currentScript);
const guards = createGuard(window.console);

const run = guards.guard(() => {
  const { source, host } = dataset;
  if (source) start(window, /** @type {any} */ (dataset), host ? host + "/" : src, guards);
  else guards.say('the tag needs data-source="…"');
});

// A page that is only prepared for a visitor who may come is no visit yet.
if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", run);
else run();
