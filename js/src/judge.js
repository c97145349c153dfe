/**
 * What becomes of a request's events. Only the collector's own receipt takes them off the queue as stored: a hotel's sign-in page
 * also answers 200. A source not there yet, a limit, a restart end well later. What blames the events themselves is split until the
 * one that spoils it is alone. Any other 4xx (a proxy's 404) sets them aside: out of the way of this page's, for a later page.
 *
 * @param {any} status a number, 0 when there was no answer
 * @param {any} answer the parsed body
 * @param {unknown} several whether there was more than one event
 * @returns {"sent" | "kept" | "split" | "refused" | "aside"}
 */
export const judge = (status, answer, several) => {
  if (status < 300 && answer?.accepted >= 0) return "sent";
  if (/^4(00|13|22)/.test(status)) return several ? "split" : "refused";
  return /^4(?!0[138]|2[59])/.test(status) ? "aside" : "kept"; // not 401, 403, 408, 425, 429
};
