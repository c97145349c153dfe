const FILE = /\.(7z|avi|csv|dmg|docx?|epub|exe|gz|iso|jar|mov|mp[34]|msi|odt|pdf|pkg|pptx?|rar|rtf|tar|txt|wav|webm|xlsx?|zip)$/i;

/**
 * Links that lead away, or to a file. A click is never held up.
 *
 * @param {Element} target what was clicked
 * @param {string} auto
 * @param {string[]} ours the hosts that are not away
 * @param {import("./more.js").Track} track
 */
export const watchLinks = (target, auto, ours, track) => {
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest?.("a[href]"));
  if (!link || !link.hostname) return;
  const url = link.origin + link.pathname; // without the query, which may hold anything
  if (auto.includes("downloads") && FILE.test(link.pathname)) track("download", { url });
  else if (auto.includes("outbound") && !ours.includes(link.hostname)) track("outbound-click", { url });
};
