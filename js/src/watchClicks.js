/**
 * Elements that say what a click on them means, and links that lead to another of the company's domains. The click itself is
 * never held up: an address is only extended, before the browser follows it.
 *
 * @param {Document} document
 * @param {string[]} domains
 * @param {(run: (event: Event) => void) => (event: Event) => void} guard
 * @param {(type: string, properties: Record<string, unknown>) => void} track
 * @param {() => string | undefined} pass what the other domain is told
 */
export const watchClicks = (document, domains, guard, track, pass) => {
  const onClick = guard(({ target }) => {
    const element = /** @type {Element} */ (target);
    const marked = /** @type {HTMLElement | null} */ (element.closest("[data-onetrail-event]"));
    if (marked) {
      const { onetrailEvent, ...rest } = marked.dataset;
      track(
        onetrailEvent || "",
        Object.fromEntries(
          Object.entries(rest)
            .filter(([name]) => name.startsWith("onetrail"))
            .map(([name, value]) => [name.charAt(8).toLowerCase() + name.slice(9), value]),
        ),
      );
    }
    const link = /** @type {HTMLAnchorElement | null} */ (element.closest("a[href]"));
    const told = pass();
    if (link && told && domains.includes(link.hostname)) {
      const url = new URL(link.href);
      url.searchParams.set("onetrail", told);
      link.href = url.href;
    }
  });
  document.addEventListener("click", onClick, true);
  document.addEventListener("auxclick", onClick, true); // the middle button
};
