/**
 * The properties of an identify event: what was given, under the names of the wire.
 *
 * @param {Who} who
 * @returns {Record<string, unknown>}
 */
export const identifyProperties = ({ email, phone, userId, traits }) => ({
  email: text(email),
  phone: text(phone),
  user_id: text(userId),
  traits: traits || undefined,
});

/** @type {(value: string | number | null | undefined) => string | undefined} */
const text = (value) => (value || value === 0 ? String(value) : undefined);

/** @typedef {{userId?: string | number | null, email?: string | null, phone?: string | null, traits?: Record<string, unknown> | null}} Who */
