const FILE = /\.(7z|avi|csv|dmg|docx?|epub|exe|gz|iso|jar|mov|mp[34]|msi|odt|pdf|pkg|pptx?|rar|rtf|tar|txt|wav|webm|xlsx?|zip)$/i;

/**
 * Links that lead away, to a file, or to another of the company's domains. A click is never held up: the address of a link to
 * such a domain is extended before the browser follows it, and that is all.
 *
 * @param {Element} target what was clicked
 * @param {object} parts
 * @param {{hostname: string}} parts.location
 * @param {string} parts.auto
 * @param {string[]} parts.domains
 * @param {string} parts.profileId
 * @param {number} parts.now
 * @param {import("./more.js").Track} parts.track
 */
export const watchLinks = (target, { location, auto, domains, profileId, now, track }) => {
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a[href]"));
  if (!link || !link.hostname) return;
  const url = link.origin + link.pathname;
  const away = link.hostname !== location.hostname;
  if (away && domains.includes(link.hostname)) {
    if (!profileId) return;
    const extended = new URL(link.href);
    extended.searchParams.set("onetrail", profileId + "~" + now.toString(36));
    link.href = extended.href;
  } else if (auto.includes("downloads") && FILE.test(link.pathname)) track("download", { url });
  else if (auto.includes("outbound") && away) track("outbound-click", { url });
};
