import { base } from "./tag.js";

/**
 * POST to the collector. The body goes as text/plain and without credentials, so that the browser asks no preflight; keepalive
 * lets the request outlive the page. A redirect is an error: events go to the collector that the page names, and nowhere else.
 * Where a page that is leaving cannot keep a request alive (Firefox before 133) it sends a beacon, which brings no answer.
 *
 * @param {string} body
 * @param {boolean} keepalive
 * @param {boolean} [leaving]
 * @returns {Promise<[number, (string | null)?, any?]>} status (0: no answer), Retry-After, the answer if it is JSON
 */
export const post = async (body, keepalive, leaving) => {
  const url = new URL("track", base);
  try {
    if (leaving && !("keepalive" in Request.prototype)) throw navigator.sendBeacon(url, body);
    const response = await fetch(url, {
      method: "POST",
      body,
      keepalive,
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout?.(30_000),
    });
    return [response.status, response.headers.get("retry-after"), await response.json().catch(() => {})];
  } catch {
    return [0]; // offline, refused, blocked
  }
};
