/**
 * What of an error is reported: message and place.
 *
 * @param {{message?: string, filename?: string, lineno?: number, colno?: number, reason?: unknown}} event an error, or a rejection that nobody handled
 */
export const errorProperties = ({ message, filename, lineno, colno, reason }) => ({
  message: String(message || /** @type {any} */ (reason)?.message || reason).slice(0, 300),
  file: filename?.split(/[?#]/)[0] || undefined,
  line: lineno,
  column: colno,
});
