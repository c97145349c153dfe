/**
 * Whether this visitor may be tracked. What the visitor has said here counts most; else what the browser says for them.
 *
 * @param {string} said "in", "out" or ""
 * @param {{consent?: string, respectDnt?: string}} options
 * @param {{doNotTrack?: string | null, globalPrivacyControl?: boolean}} navigator
 */
export const mayTrack = (said, { consent, respectDnt }, { doNotTrack, globalPrivacyControl }) =>
  said
    ? said === "in"
    : consent !== "required" && (respectDnt === "false" || !(doNotTrack === "1" || !!globalPrivacyControl));
