/**
 * What becomes of a request's events. Only a 2xx that is the collector's own JSON takes them off the queue: a hotel's sign-in
 * page also answers 200.
 *
 * @param {number} status 0 when there was no answer
 * @param {unknown} answer the parsed body
 * @param {number} count how many events were sent
 * @returns {"sent" | "retry" | "split" | "refused" | "aside"}
 */
export const judge = (status, answer, count) => {
  if (status >= 200 && status < 300 && answer && typeof answer === "object") return "sent";
  // The request is too large, or one of its events spoils it: smaller requests find out which.
  if (status === 400 || status === 413 || status === 422) return count > 1 ? "split" : "refused";
  // A source that is not there yet, a limit, a restart: all end well later.
  if (status < 400 || status >= 500 || [401, 403, 408, 425, 429].includes(status)) return "retry";
  return "aside"; // not about the events (a proxy's 404): leave them for the next page
};
