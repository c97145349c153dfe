/**
 * What becomes of a request's events. Only a 2xx that is the collector's own JSON takes them off the queue: a hotel's sign-in
 * page also answers 200. What is about the request and not its events (a source not there yet, a limit, a restart, a proxy's
 * 404) ends well later.
 *
 * @param {number} status 0 when there was no answer
 * @param {unknown} answer the parsed body
 * @returns {"sent" | "kept" | "rejected"} rejected: it is too large, or one of its events spoils it
 */
export const judge = (status, answer) => {
  if (status >= 200 && status < 300 && answer instanceof Object) return "sent";
  return [400, 413, 422].includes(status) ? "rejected" : "kept";
};
