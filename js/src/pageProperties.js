/**
 * The properties of a page view.
 *
 * @param {{title: string, referrer: string}} document
 * @param {{href: string}} location
 */
export const pageProperties = (document, location) => ({
  url: location.href,
  title: document.title,
  referrer: document.referrer || undefined,
});
