/**
 * POST to the collector. The body goes as text/plain and without credentials, so that the browser asks no preflight; keepalive
 * lets the request outlive the page. A redirect is an error: events go to the collector that the page names, and nowhere else.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @returns {Post}
 */
export const createPost = (fetch, url) => async (body, keepalive) => {
  let status = 0;
  let retryAfter = null;
  let answer;
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      keepalive,
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout?.(30_000),
    });
    status = response.status;
    retryAfter = response.headers.get("retry-after");
    answer = await response.json();
  } catch {
    // offline, refused, blocked, not JSON: what status and answer say is enough
  }
  return { status, retryAfter, answer };
};

/** @typedef {{profile?: {id?: string}, rejected?: Array<{index: number, id: string, error: string, detail: string}>, warnings?: Array<{warning: string, detail: string}>, error?: string, detail?: string}} Answer */
/** @typedef {(body: string, keepalive: boolean) => Promise<{status: number, retryAfter: string | null, answer: Answer | undefined}>} Post */
