import { createDelivery } from "./createDelivery.js";
import { createQueue } from "./createQueue.js";
import { createVisit } from "./createVisit.js";
import { identifyProperties } from "./identifyProperties.js";
import { writeEvent } from "./writeEvent.js";

/**
 * The tracker, with the browser as a parameter.
 *
 * @param {Surroundings} surroundings
 */
export const createTracker = (surroundings) => {
  const { sourceId, jar, storage, getTime, newId, say, guard, allowed, begin, getPage, getContext } = surroundings;
  /** @type {Record<string, Array<(detail: any) => void>>} */
  const listeners = {};
  /** @type {string[]} the events that this task has tracked, or that wait for a browser's first session */
  let fresh = [];
  let freshId = "";
  let size = 0;
  // What a page finds at its start is of pages that have gone, or nearly always; what comes later is of tabs that send it.
  const own = new Set(storage.list("event"));

  const emit = (/** @type {string} */ name, /** @type {object} */ detail) =>
    listeners[name]?.forEach((listen) => guard(listen)(detail));

  const visit = createVisit(jar, storage, newId);
  const sessionId = () => visit.stamp().slice(0, 36);
  const profileId = () => visit.profileFor(visit.stamp());
  const queue = createQueue(storage, (count) => {
    say("queue full, oldest dropped");
    storage.keep("dropped", "" + (+storage.load("dropped") + count));
  });
  const save = () => {
    if (!fresh[0] || !visit.stamp()) return;
    own.add(queue.add(freshId, [visit.stamp(), profileId(), ...fresh]));
    fresh = [];
    size = 0;
  };
  const settle = () => {
    const may = allowed();
    if (may) {
      visit.settle();
      save();
    }
    return may;
  };
  const delivery = createDelivery({
    ...surroundings,
    queue,
    own,
    settle,
    // Events are JSON already, one a line of the queue.
    write: ({ stamp, issued, lines }) =>
      JSON.stringify({
        source: { id: sourceId },
        session: { id: stamp.slice(0, 36) },
        profile: (issued ||= visit.profileFor(stamp)) ? { id: issued } : undefined,
        sent_at: getTime(),
        context: { ...getContext(), dropped: +storage.load("dropped") || undefined },
      }).slice(0, -1) + `,"events":[${lines}]}`,
    notify: guard((verdict, { stamp, issued, places, lines }, exchange) => {
      const { answer = {} } = exchange;
      const { profile, rejected = verdict === "rejected" ? [answer] : [] } = answer;
      say(answer.detail || rejected[0]?.detail);
      if (verdict === "sent") {
        storage.drop("dropped");
        if (profile?.id && allowed()) visit.learn(stamp, profile.id);
      }
      // Of several, each becomes an entry of its own, so that smaller requests find out which one it is.
      if (verdict === "rejected" && lines[1]) {
        verdict = "split";
        for (const line of lines) own.add(queue.add(newId(), [stamp, issued, line]));
      }
      if (verdict !== "kept") places.forEach(storage.drop);
      if (verdict !== "split") for (const refusal of rejected) emit("rejected", refusal);
      if (verdict !== "rejected") emit(verdict, exchange);
    }),
  });

  const pump = () => {
    save();
    delivery.pump();
  };

  const api = {
    /** @type {(type: string, properties?: Record<string, unknown>) => void} */
    track: (type, properties) => {
      if (!fresh[0] && !allowed()) return; // asked once a task: localStorage is slow
      if (typeof type !== "string") return say("track(type, {…}) needs a type");
      const id = newId();
      if (!fresh[0]) {
        freshId = id;
        if (visit.stamp()) visit.settle(); // activity, from which a time-out begins anew
        queueMicrotask(guard(pump));
      }
      const line = writeEvent({ id, type, time: getTime() }, properties, say);
      fresh.push(line);
      if ((size += line.length) > 20_000) settle(); // an entry must fit into a request
    },

    /** @type {(properties?: Record<string, unknown>) => void} */
    page: (properties) => api.track("page-view", { ...getPage(), ...properties }),

    /** @type {(who: import("./identifyProperties.js").Who) => void} */
    identify: (who) => {
      const properties = identifyProperties(who || {});
      if (Object.values(properties).some(Boolean)) api.track("identify", properties);
      else say("identify({…}) needs userId, email, phone or traits");
    },

    /** Sign-out: what comes is another session, of a profile yet unknown. */
    reset: () => settle() && visit.renew(),

    optOut: () => {
      storage.list("").forEach(storage.drop);
      storage.keep("consent", "out");
      fresh = [];
      jar.put("", -1);
    },

    optIn: () => {
      if (allowed()) return;
      storage.keep("consent", "in");
      begin();
    },

    /** @type {() => Promise<boolean>} whether all that this page tracked is acknowledged, after one more try */
    flush: async () => {
      await delivery.resume();
      return ![...own].some(storage.load);
    },

    /** @type {() => string} "" in a browser's first moment, until its tabs have agreed on one */
    sessionId,
    /** @type {() => string} "" until the collector has answered */
    profileId,
    /** @type {(name: string, listen: (detail: any) => void) => void} */
    on: (name, listen) => void (listeners[name] ||= []).push(listen),
  };
  for (const [name, run] of Object.entries(api)) /** @type {any} */ (api)[name] = guard(/** @type {any} */ (run));

  return {
    api,
    resume: delivery.resume,
    leave: delivery.leave,
  };
};

/** @template {unknown[]} A @template R @typedef {(...args: A) => R} Run */

/**
 * @typedef {object} Surroundings
 * @property {string} sourceId
 * @property {import("./createJar.js").Jar} jar
 * @property {import("./createStorage.js").Storage} storage
 * @property {import("./createPost.js").Post} post
 * @property {(run: () => Promise<void>) => Promise<unknown>} lock runs one at a time in all tabs
 * @property {(run: () => void, ms: number) => unknown} wait
 * @property {() => string} getTime RFC 3339
 * @property {() => number} chance
 * @property {() => string} newId
 * @property {(text?: string) => void} say warns the developer, once
 * @property {<A extends unknown[], R>(run: Run<A, R>) => Run<A, R | undefined>} guard keeps what goes wrong from the page
 * @property {() => boolean} allowed whether this visitor may be tracked
 * @property {() => void} begin what happens at the start, and at an opt-in
 * @property {() => Record<string, unknown>} getPage
 * @property {() => Record<string, unknown>} getContext
 */
