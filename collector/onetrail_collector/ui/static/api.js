/** The admin API, in the name of who is signed in. */

/** An answer that is no success; `message` is the collector's own sentence. */
export class Refused extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** @param {string} path @param {Record<string, any>} [query] @returns {Promise<any>} */
export const get = (path, query) => call("GET", path, query);

/** @param {string} path @param {any} body @param {Record<string, any>} [query] @returns {Promise<any>} */
export const post = (path, body, query) => call("POST", path, query, body);

/** A path with a query; what is empty is left out. @param {string} path @param {Record<string, any>} query */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** @param {string} method @param {string} path @param {Record<string, any>} [query] @param {any} [body] */
export async function call(method, path, query = {}, body) {
  const answer = await fetch(address(path, query), {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 401) location.assign("/ui/sign-in");
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, said.detail || `the collector answered ${answer.status}`);
  }
  return answer.json();
}
