import { guard, say } from "./guard.js";
import { start } from "./start.js";

const { dataset, src } = /** @type {HTMLScriptElement} */ (document.currentScript);

const run = guard(() => {
  if (dataset.source) start(/** @type {any} */ (dataset), dataset.host ? dataset.host + "/" : src);
  else say("tag needs data-source");
});

// A page that is only prepared for a visitor who may come is no visit yet.
if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", run);
else run();
