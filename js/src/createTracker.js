import { createDelivery } from "./createDelivery.js";
import { createQueue } from "./createQueue.js";
import { createVisit } from "./createVisit.js";
import { identifyProperties } from "./identifyProperties.js";
import { version } from "./version.js";
import { writeRequest } from "./writeRequest.js";

/**
 * The tracker, with the browser as a parameter.
 *
 * @param {Surroundings} surroundings
 */
export const createTracker = ({ source, jar, storage, post, lock, wait, now, random, newId, warn, page }) => {
  /** @type {Map<string, Array<(detail: any) => void>>} */
  const listeners = new Map();
  /** @type {string[]} JSON of the events that this task has tracked */
  let fresh = [];
  let freshId = "";
  let stamp = "";
  let profile = "";
  /** @type {Set<string>} */
  const own = new Set();

  const visit = createVisit(jar, storage, `onetrail.${source}.profile`, newId);
  const queue = createQueue(
    storage,
    `onetrail.${source}.event.`,
    (dropped) => warn(`the queue is full; ${dropped} of the oldest events were dropped`),
    { characters: 500_000, events: 1000 },
  );
  const write = (/** @type {import("./createQueue.js").Batch} */ batch) =>
    writeRequest({
      source,
      session: batch.stamp.slice(0, 36),
      profile: batch.profile || visit.profileFor(batch.stamp),
      sentAt: new Date(now()).toISOString(),
      context: { library: { name: "onetrail-js", version } },
      lines: batch.lines,
    });

  /** @param {string} verdict @param {any} detail */
  const notify = (verdict, detail) => {
    const { answer } = detail;
    if (verdict !== "sent" && answer?.detail) warn(answer.detail);
    for (const refusal of answer?.rejected || []) {
      warn(`an event was rejected: ${refusal.detail}`);
      emit("rejected", refusal);
    }
    emit(verdict, detail);
  };
  /** @param {string} name @param {object} detail */
  const emit = (name, detail) => (listeners.get(name) || []).forEach((listen) => safely(() => listen(detail)));
  const delivery = createDelivery({ queue, visit, own, post, write, lock, wait, random, notify });

  /** @param {() => void} run nothing that goes wrong here reaches the page */
  const safely = (run) => {
    try {
      run();
    } catch (error) {
      warn(String(error));
    }
  };

  const save = () => {
    if (fresh.length) own.add(queue.add(freshId, stamp, profile, fresh));
    fresh = [];
  };

  const api = {
    /** @type {(type: string, properties?: Record<string, unknown>) => void} */
    track: (type, properties) =>
      safely(() => {
        if (!type || typeof type !== "string") return warn('track() needs a type: onetrail.track("sign-up", {plan: "pro"})');
        const id = newId();
        const event = { id, type, time: new Date(now()).toISOString(), properties };
        let line;
        try {
          if (properties && (typeof properties !== "object" || Array.isArray(properties))) throw TypeError();
          line = JSON.stringify(event);
        } catch {
          warn(`the properties of "${type}" were left out: they must be a plain object of JSON values`);
          line = JSON.stringify({ ...event, properties: undefined });
        }
        if (!fresh.push(line) || fresh.length > 1) return;
        freshId = id;
        stamp = visit.stamp();
        profile = visit.profile();
        queueMicrotask(() => {
          safely(save);
          safely(delivery.pump);
        });
      }),

    /** @type {(properties?: Record<string, unknown>) => void} */
    page: (properties) => safely(() => api.track("page-view", { ...page(), ...properties })),

    /** @type {(who: import("./identifyProperties.js").Who) => void} */
    identify: (who) =>
      safely(() => {
        const properties = identifyProperties(who || {});
        if (JSON.stringify(properties) === "{}") warn('identify() needs one of email, phone, userId, traits: onetrail.identify({email: "ann@example.com"})');
        else api.track("identify", properties);
      }),

    reset: () =>
      safely(() => {
        visit.settle();
        save();
        visit.reset();
      }),

    /** @type {() => string} */
    sessionId: () => visit.session(),
    /** @type {() => string | undefined} */
    profileId: () => visit.profile() || undefined,
    /** @type {(name: string, listen: (detail: any) => void) => void} */
    on: (name, listen) => void listeners.set(name, [...(listeners.get(name) || []), listen]),
  };

  return {
    api,
    start: delivery.pump,
    resume: delivery.resume,
    leave: () =>
      safely(() => {
        save();
        delivery.leave();
      }),
  };
};

/**
 * @typedef {object} Surroundings
 * @property {string} source
 * @property {import("./createJar.js").Jar} jar
 * @property {import("./createStorage.js").Storage} storage
 * @property {import("./createPost.js").Post} post
 * @property {(run: () => Promise<void>) => Promise<unknown>} lock runs one at a time in all tabs
 * @property {(run: () => void, ms: number) => unknown} wait
 * @property {() => number} now
 * @property {() => number} random
 * @property {() => string} newId
 * @property {import("./createWarn.js").Warn} warn
 * @property {() => Record<string, unknown>} page
 */
