import { pump, resume } from "./delivery.js";
import { clear, fresh, put, settle } from "./fresh.js";
import { guard, say } from "./guard.js";
import { identifyProperties } from "./identifyProperties.js";
import { on } from "./listeners.js";
import { moved, view } from "./pages.js";
import { empty, queue } from "./queue.js";
import { forget, keep } from "./storage.js";
import { options } from "./tag.js";
import { now, uuid7 } from "./uuid7.js";
import { idOf, profileFor, renew, stamp } from "./visit.js";

/**
 * What the page can call: window.onetrail.
 *
 * @type {Api}
 */
export const api = {
  track: (type, properties) => {
    if (typeof type !== "string") return say("track() needs a type");
    if (!fresh) {
      queueMicrotask(
        guard(() => {
          if (stamp()) settle(); // into the queue at once; a browser's first session waits for the lock
          pump();
        }),
      );
    }
    const event = { id: uuid7(), type, time: now() };
    // As JSON at the call: what a page changes in its object afterwards is not part of it. A circle or a BigInt is no JSON.
    put(guard(() => JSON.stringify({ ...event, properties }))() || JSON.stringify(event));
  },

  page: (properties) => api.track("page-view", { ...view(), ...properties }),

  identify: (who) => {
    const properties = identifyProperties(who || {});
    if (JSON.stringify(properties)[2]) api.track("identify", properties); // more than {}
    else say("identify() needs userId, email, phone or traits");
  },

  reset: () => settle() && renew(),

  optOut: () => {
    empty();
    clear();
    forget();
    keep("consent", "0");
  },

  optIn: () => {
    if (settle()) return; // else what came before it is forgotten
    keep("consent", "1");
    begin();
  },

  flush: async () => {
    await resume();
    return !Object.keys(queue)[0];
  },

  sessionId: () => idOf(stamp()),
  profileId: () => profileFor(stamp()) || "",
  on,
};
for (const name in api) /** @type {any} */ (api)[name] = guard(/** @type {any} */ (api)[name]);

const autoPage = () => options.auto.includes("page-view") && api.page();

/** What happens at the start, at an opt-in, and when a page comes out of the back/forward cache. */
export const begin = () => {
  autoPage();
  resume();
};

/** The address has changed. Looked at later, as frameworks set the title after it. */
export const onAddress = () => setTimeout(() => moved() && autoPage());

/**
 * @typedef {object} Api
 * @property {(type: string, properties?: Record<string, unknown>) => void} track
 * @property {(properties?: Record<string, unknown>) => void} page
 * @property {(who: import("./identifyProperties.js").Who) => void} identify
 * @property {() => void} reset sign-out: what comes is another session, of a profile yet unknown
 * @property {() => void} optOut
 * @property {() => void} optIn
 * @property {() => Promise<boolean>} flush whether all that this page has to send is acknowledged, after one more try
 * @property {() => string} sessionId "" in a browser's first moment, until its tabs have agreed on one
 * @property {() => string} profileId "" until the collector has answered
 * @property {(name: Outcome | "rejected", listen: (detail: any) => void) => void} on of a request, {request, status, answer}; of an event
 *   that the collector refuses, {id, error, detail}
 * @typedef {"sent" | "kept" | "split" | "refused" | "aside"} Outcome what became of a request
 */
