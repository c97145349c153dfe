/**
 * The properties of an identify event: what was given, under the names of the wire.
 *
 * @param {Who} who
 * @returns {Record<string, unknown>}
 */
export const identifyProperties = ({ email, phone, userId, traits, signature }) => ({
  email: text(email),
  phone: text(phone),
  user_id: text(userId),
  traits: traits || undefined,
  signature,
});

/** @type {(value: string | number | null | undefined) => string | undefined} */
export const text = (value) => value?.toString() || undefined;

/**
 * @typedef {object} Who
 * @property {string | number | null} [userId] your own ID of this person
 * @property {string | null} [email]
 * @property {string | null} [phone]
 * @property {Record<string, unknown> | null} [traits] facts such as name and plan
 * @property {string} [signature] your server's word that the rest is true
 */
