/**
 * A visitor comes from another of the company's domains, whose tracker has passed on the profile ID it knows: tell the
 * collector, which joins the two if it issued both and the stamp is fresh, and tidy the address bar.
 *
 * @param {{href: string}} location
 * @param {{state: unknown, replaceState: (state: unknown, unused: string, url: string) => void}} history
 * @param {import("./more.js").Track} track
 */
export const arrive = (location, history, track) => {
  const url = new URL(location.href);
  const [profileId, time] = url.searchParams.get("onetrail")?.split("~") || [];
  if (!profileId) return;
  url.searchParams.delete("onetrail");
  history.replaceState(history.state, "", url.href);
  const leftMs = parseInt(time || "", 36);
  if (leftMs > 0 && leftMs < 1e14) track("arrival", { profile_id: profileId, left_at: new Date(leftMs).toISOString() });
};
