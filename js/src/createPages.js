/**
 * The page that is looked at, in a site of one document too: there the page before is the referrer.
 *
 * @param {{title: string, referrer: string}} document
 * @param {{href: string}} location
 * @param {(href: string) => string} clean
 */
export const createPages = (document, location, clean) => {
  let url = "";
  let referrer = clean(document.referrer);

  const pages = {
    /** Whether the address is another one than at the last view. */
    moved: () => clean(location.href) !== url,
    view: () => {
      if (url && pages.moved()) referrer = url;
      url = clean(location.href);
      return { url, title: document.title, referrer: referrer || undefined };
    },
  };
  return pages;
};
