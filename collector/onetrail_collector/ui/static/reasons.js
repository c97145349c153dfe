/** Why a link joins nobody, in the words of people. */

/** @type {Record<string, string>} */
export const REASONS = {
  exclusive: "the person already has another value of a kind of which there is one at most",
  limit: "the person would have more values of this kind than the policy allows",
  apart: "an operator has said that these are two people",
  link_refused: "an operator has refused this link",
  key_refused: "an operator has refused this key for everyone",
  shared: "more devices use it than one person has",
  blocked: "it is on the list of blocked values",
  unknown_kind: "the policy knows no such kind of key",
  unsettled: "so much hangs on it that it is being worked out in the background",
};

/** @param {string} reason */
export const inWords = (reason) => REASONS[reason] || reason;
