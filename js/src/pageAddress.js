/**
 * An address as it may be reported: without what a page keeps for itself.
 *
 * @param {string} href
 * @param {{hash?: string, scrub?: string}} options
 * @returns {string}
 */
export const pageAddress = (href, { hash, scrub = "" }) => {
  if (!href) return href;
  const url = new URL(href);
  if (!hash) url.hash = "";
  for (const name of ["onetrail", ...scrub.split(",")]) if (url.searchParams.has(name)) url.searchParams.delete(name);
  return url.href;
};
