import { createGuard } from "./createGuard.js";
import { start } from "./start.js";

const { document } = window;
const guards = createGuard(window.console);
const { source, host, ...rest } = /** @type {HTMLScriptElement} */ (document.currentScript).dataset;
const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);

const run = guards.guard(() => {
  if (source) start(window, { ...rest, source, host: host ? host + "/" : src }, guards);
  else guards.say('the tag needs data-source="…"');
});

// A page that is only prepared for a visitor who may come is no visit yet.
if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", run);
else run();
