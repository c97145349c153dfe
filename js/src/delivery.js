import { allowed } from "./allowed.js";
import { free, take } from "./batch.js";
import { settle } from "./fresh.js";
import { say } from "./guard.js";
import { judge } from "./judge.js";
import { emit } from "./listeners.js";
import { lock } from "./lock.js";
import { nextDelay } from "./nextDelay.js";
import { post } from "./post.js";
import { add, drop } from "./queue.js";
import { options } from "./tag.js";
import { now } from "./uuid7.js";
import { idOf, learn, profileFor } from "./visit.js";

const MAX_BYTES = 58_000; // of the browser's 64 KiB for requests that outlive their page; the rest is the envelope's
const PARTS = 4; // so that when the page goes, what fits beside a request in flight goes

let failures = 0;
let maxBytes = MAX_BYTES;
/** @type {any} the wait under way */
let timer;
/** @type {Promise<unknown> | undefined} */
let running;

/** @type {(batch: import("./batch.js").Batch, leaving?: boolean) => Promise<unknown>} */
const send = async ([head, keys, lines, bytes], leaving) => {
  const { stamp, profile: issued, context } = JSON.parse(head);
  const envelope = {
    source: { id: options.source },
    session: { id: idOf(stamp) },
    profile: { id: issued || profileFor(stamp) },
    sent_at: now(),
    context,
  };
  const request = JSON.stringify(envelope).slice(0, -1) + `,"events":[${lines}]}`; // they are JSON already
  const [status, retryAfter, answer] = await post(request, bytes <= MAX_BYTES, leaving); // the browser refuses a larger one
  const verdict = judge(status, answer, lines[1]);
  const { detail, profile, rejected = [] } = answer || {};
  say(detail || rejected[0]?.detail);
  maxBytes = verdict === "split" ? bytes / 2 : MAX_BYTES;
  if (verdict === "kept") timer = setTimeout(resume, nextDelay(++failures, Math.random(), retryAfter));
  else {
    failures = 0;
    if (profile?.id && allowed()) learn(stamp, profile.id);
    // Of several, each becomes an entry of its own, so that smaller requests find out which one it is.
    if (verdict === "split") lines.forEach((line) => add(head + "\n" + line));
    if (verdict !== "aside") keys.forEach(drop);
    for (const refusal of verdict === "refused" ? [answer] : rejected) emit("rejected", refusal);
  }
  emit(verdict, { request, status, answer });
  return true;
};

/** @type {(limit: number, leaving?: boolean) => Promise<unknown> | undefined | false | ""} */
const next = (limit, leaving) => {
  const batch = settle() && take(Math.min(limit, maxBytes));
  return batch && send(batch, leaving).catch(say);
};

/** Send what is queued, one request in flight in all tabs, unless that is under way, or a wait after a failure. */
export const pump = () => {
  if (!timer && allowed()) {
    running ||= lock(async () => {
      while (!timer && (await next(MAX_BYTES)));
      running = undefined;
    }).catch(() => (running = undefined));
  }
  return running;
};

/** Try again now: the wait is over, or the network is back. */
export const resume = () => {
  clearTimeout(timer);
  timer = 0;
  free();
  return pump();
};

/**
 * The page may be going: send what is not in flight, without asking other tabs. It stays queued until an answer comes, here or at
 * the next page.
 */
export const leave = () => {
  for (let part = 0; part < PARTS; part++) next(MAX_BYTES / PARTS, true);
};
