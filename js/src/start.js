import { api, begin, onAddress } from "./api.js";
import { onClick } from "./clicks.js";
import { arrive } from "./crossDomain.js";
import { leave, resume } from "./delivery.js";
import { guard, say } from "./guard.js";
import { adopt, queue } from "./queue.js";
import { base, configure, options } from "./tag.js";

/**
 * Track this page.
 *
 * @param {import("./tag.js").Options} given
 * @param {string} url where /track is, as a URL that it is relative to
 */
export const start = (given, url) => {
  const early = window.onetrail ? window.onetrail.q : [];
  if (!early) return; // a page has one tracker, also where its tag is there twice
  configure(given, url);
  window.onetrail = api;
  adopt();
  arrive();
  begin();
  for (const [name, args] of early) /** @type {any} */ (api)[name]?.(...args);

  // Changes of the address that load no document; of the fragment too, which come as popstate.
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const original = history[name];
    history[name] = (...args) => {
      original.apply(history, args);
      onAddress();
    };
  }

  const onEvents = {
    online: resume,
    pagehide: leave,
    pageshow: (/** @type {any} */ event) => event.persisted && begin(), // out of the back/forward cache
    visibilitychange: () => document.hidden && leave(),
    click: onClick,
    auxclick: onClick,
    popstate: onAddress,
    storage: (/** @type {any} */ { key, newValue }) => newValue ?? delete queue[key], // another tab has sent it
  };
  for (const name in onEvents) addEventListener(name, guard(/** @type {any} */ (onEvents)[name]), true);

  if (options.auto.replace("page-view", "")) {
    const url = /** @type {any} */ (new URL("t-more.js", base));
    import(/* webpackIgnore: true */ url).then((module) => module.more(options, api.track)).catch(say);
  }
};
