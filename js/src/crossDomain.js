import { api } from "./api.js";

/**
 * A visitor comes from another of the company's domains, whose tracker has passed on the profile ID it knows: tell the
 * collector, which joins the two if it issued both and the stamp is fresh, and tidy the address bar.
 */
export const arrive = () => {
  const url = new URL(location.href);
  const [profile_id, left_at] = (url.searchParams.get("onetrail") || "").split("~");
  if (profile_id) {
    url.searchParams.delete("onetrail");
    history.replaceState(history.state, "", url);
    api.track("arrival", { profile_id, left_at });
  }
};
