import { judge } from "./judge.js";
import { nextDelay } from "./nextDelay.js";

const MAX_BYTES = 58_000; // of the browser's 64 KiB for requests that outlive their page; the rest is the envelope's
const MAX_EVENTS = 500;

/**
 * Bring queued events to the collector: one request in flight in all tabs together, and what is left when the page goes.
 *
 * @param {object} parts
 * @param {import("./createQueue.js").Queue} parts.queue
 * @param {import("./createVisit.js").Visit} parts.visit
 * @param {Set<string>} parts.own the entries that this page has written
 * @param {import("./createPost.js").Post} parts.post
 * @param {(batch: import("./createQueue.js").Batch) => string} parts.write makes the body
 * @param {(run: () => Promise<void>) => Promise<unknown>} parts.lock runs one at a time in all tabs
 * @param {(run: () => void, ms: number) => unknown} parts.wait
 * @param {() => number} parts.random
 * @param {(event: string, detail: object) => void} parts.notify
 */
export const createDelivery = ({ queue, visit, own, post, write, lock, wait, random, notify }) => {
  /** @type {Set<string>} entries in flight, and those that this page has given up */
  const busyKeys = new Set();
  let bytesInFlight = 0;
  let running = false;
  let adopting = true; // entries of pages that have gone; only until there are none, as a page that is there sends its own
  let paused = 0; // the number of the wait under way; 0 when there is none
  let waits = 0;
  let failures = 0;
  let maxEvents = MAX_EVENTS;

  /** @param {string | null} retryAfter */
  const pause = (retryAfter) => {
    const mine = (paused = ++waits);
    wait(() => mine === paused && delivery.resume(), nextDelay(++failures, random(), retryAfter));
  };

  /** @param {import("./createQueue.js").Batch} batch */
  const send = async (batch) => {
    const body = write(batch);
    batch.keys.forEach((key) => busyKeys.add(key));
    bytesInFlight += batch.bytes;
    const { status, retryAfter, answer } = await post(body, batch.bytes <= MAX_BYTES); // the browser refuses a larger one
    const verdict = judge(status, answer, batch.lines.length);
    bytesInFlight -= batch.bytes;
    if (verdict !== "aside") batch.keys.forEach((key) => busyKeys.delete(key));
    if (verdict === "retry") pause(retryAfter);
    else failures = 0;
    if (verdict === "split") maxEvents = Math.ceil(batch.lines.length / 2);
    if (verdict === "sent") {
      maxEvents = Math.min(MAX_EVENTS, maxEvents * 2);
      if (answer?.profile?.id) visit.learn(batch.stamp, answer.profile.id);
    }
    if (verdict === "sent" || verdict === "refused") queue.remove(batch);
    notify(verdict, { request: body, status, answer });
  };

  const wanted = (/** @type {string} */ key) => (adopting || own.has(key)) && !busyKeys.has(key);

  const settle = () => {
    visit.settle();
    queue.stamp(visit.stamp());
  };

  const delivery = {
    /** Send what is queued, unless that is under way, or a wait after a failure. */
    pump: () => {
      if (running || paused) return;
      running = true;
      lock(async () => {
        settle();
        let batch;
        while (!paused && (batch = queue.take(MAX_BYTES, maxEvents, wanted))) await send(batch);
        adopting = adopting && paused > 0;
        running = false; // in the same task as the last look, so that no event falls between the two
      }).catch(() => {
        running = false;
      });
    },

    /** Try again now: the wait is over, or the network is back. */
    resume: () => {
      paused = 0;
      adopting = true;
      delivery.pump();
    },

    /**
     * The page may be going: send, beside what is in flight, what the browser's budget allows. Only this page's own entries, as
     * there is no time to ask other tabs; and they stay queued until an answer comes, here or at the next page.
     */
    leave: () => {
      settle();
      let batch;
      while (
        bytesInFlight < MAX_BYTES &&
        (batch = queue.take(MAX_BYTES - bytesInFlight, maxEvents, (key) => own.has(key) && !busyKeys.has(key)))
      ) {
        void send(batch);
      }
    },
  };
  return delivery;
};
