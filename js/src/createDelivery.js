import { judge } from "./judge.js";
import { nextDelay } from "./nextDelay.js";

const MAX_BYTES = 58_000; // of the browser's 64 KiB for requests that outlive their page; the rest is the envelope's
const PARTS = 4; // so that when the page goes, what fits beside a request in flight goes

/**
 * Bring queued events to the collector: one request in flight in all tabs together, and what is left when the page goes.
 *
 * @param {object} parts
 * @param {import("./createQueue.js").Queue} parts.queue
 * @param {() => boolean} parts.settle makes sure of the session, and that what was tracked is in the queue; false: do not send
 * @param {Set<string>} parts.own the entries that are this page's to send
 * @param {import("./createPost.js").Post} parts.post
 * @param {(batch: import("./createQueue.js").Batch) => string} parts.write makes the body
 * @param {(run: () => Promise<void>) => Promise<unknown>} parts.lock runs one at a time in all tabs
 * @param {(run: () => void, ms: number) => unknown} parts.wait
 * @param {() => number} parts.chance
 * @param {(verdict: string, batch: import("./createQueue.js").Batch, exchange: Exchange) => void} parts.notify
 */
export const createDelivery = ({ queue, settle, own, post, write, lock, wait, chance, notify }) => {
  /** @type {Set<string>} entries in flight, or waiting after a failure: not to be sent as the page goes, which fails requests */
  const busy = new Set();
  let failures = 0;
  let maxBytes = MAX_BYTES;
  /** @type {object | undefined} the wait under way */
  let waiting;
  /** @type {Promise<unknown> | undefined} */
  let running;

  /** @param {import("./createQueue.js").Batch} batch */
  const send = async (batch) => {
    const request = write(batch);
    batch.places.forEach((key) => busy.add(key));
    const { status, retryAfter, answer } = await post(request, batch.bytes <= MAX_BYTES); // the browser refuses a larger one
    const verdict = judge(status, answer);
    maxBytes = verdict === "rejected" ? batch.bytes / 2 : Math.min(MAX_BYTES, maxBytes * 2);
    if (verdict === "kept") {
      const mine = (waiting = {});
      wait(() => mine === waiting && delivery.resume(), nextDelay(++failures, chance(), retryAfter));
    } else {
      failures = 0;
      batch.places.forEach((key) => busy.delete(key));
    }
    notify(verdict, batch, { request, status, answer });
  };

  /** @type {(bytes: number) => Promise<void> | undefined} */
  const sendNext = (bytes) => {
    const batch = queue.take(Math.min(bytes, maxBytes), (key) => own.has(key) && !busy.has(key));
    return batch && send(batch);
  };

  const delivery = {
    /** Send what is queued, unless that is under way, or a wait after a failure. */
    pump: () => {
      if (!running && !waiting) {
        running = lock(async () => {
          let sending;
          while (!waiting && settle() && (sending = sendNext(MAX_BYTES))) await sending;
          running = undefined; // in the same task as the last look, so that no event falls between the two
        }).catch(() => (running = undefined));
      }
      return running;
    },

    /** Try again now: the wait is over, or the network is back. */
    resume: () => {
      waiting = undefined;
      busy.clear();
      return delivery.pump();
    },

    /**
     * The page may be going: send what is not in flight, without asking other tabs. It stays queued until an answer comes, here
     * or at the next page.
     */
    leave: () => {
      for (let part = 0; part < PARTS; part++) if (settle()) void sendNext(MAX_BYTES / PARTS);
    },
  };
  return delivery;
};

/** @typedef {{request: string, status: number, answer?: import("./createPost.js").Answer}} Exchange */
