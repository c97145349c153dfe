import { allowed } from "./allowed.js";
import { free, take } from "./batch.js";
import { say } from "./guard.js";
import { text } from "./identifyProperties.js";
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

/**
 * Send the oldest events that may travel together, up to so many bytes; whether there were any.
 *
 * @type {(limit: number, leaving?: boolean) => Promise<boolean>}
 */
const send = async (limit, leaving) => {
  const [head, keys, lines, bytes] = take(limit);
  if (!head) return false;
  const [stamp, issued, context] = JSON.parse(head);
  const request = JSON.stringify({
    source: { id: options.source },
    profile: { id: text(profileFor(stamp) || issued) }, // by what was sent since then the device may have changed hands
    session: { id: idOf(stamp) },
    sent_at: now(),
    context,
    events: JSON.parse(`[${lines}]`),
  });
  const [status, retryAfter, answer] = await post(request, bytes <= MAX_BYTES, leaving); // the browser refuses a larger one
  const verdict = judge(status, answer, lines[1]);
  const { profile, rejected = [] } = answer || {};
  say((rejected[0] || answer)?.detail);
  maxBytes = verdict === "split" ? bytes / 2 : MAX_BYTES;
  if (verdict === "kept") timer = setTimeout(resume, nextDelay(++failures, Math.random(), retryAfter));
  else {
    failures = 0;
    if (profile?.id && allowed()) learn(stamp, profile.id);
    // Of several, each becomes an entry of its own, so that smaller requests find out which one it is.
    if (verdict === "split") lines.forEach((line) => add(head + "\n" + line));
    if (verdict !== "aside") keys.forEach(drop);
    (verdict === "refused" ? [answer] : rejected).forEach((/** @type {unknown} */ refusal) => emit("rejected", refusal));
  }
  emit(verdict, { request, status, answer });
  return true;
};

/** Send what is queued, one request in flight in all tabs, unless that is under way, or a wait after a failure. */
export const pump = () =>
  (running ||= lock(async () => {
    while (!timer && (await send(maxBytes).catch(say)));
    running = undefined;
  }).catch(() => (running = undefined)));

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
  for (let part = 0; part < PARTS; part++) send(maxBytes / PARTS, true).catch(say);
};
