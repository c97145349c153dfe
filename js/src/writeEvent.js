import { attempt } from "./attempt.js";

/**
 * An event as JSON, taken at the call: what a page changes in its object afterwards is not part of it.
 *
 * @param {{id: string, type: string, time: string}} event
 * @param {object | undefined} properties
 * @param {(text: string) => void} say
 * @returns {string} without a line break
 */
export const writeEvent = (event, properties, say) => {
  const text = attempt(() => JSON.stringify({ ...event, properties: properties && { ...properties } }));
  if (!text) say(event.type + ": its properties are no JSON"); // a circle, a BigInt
  return text || JSON.stringify(event);
};
