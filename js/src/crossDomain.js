import { api } from "./api.js";
import { options } from "./tag.js";
import { now } from "./uuid7.js";

/**
 * A visitor comes from another of the company's domains, whose tracker has passed on the profile ID it knows: tell the
 * collector, which joins the two if it issued both and the stamp is fresh, and tidy the address bar.
 */
export const arrive = () => {
  const url = new URL(location.href);
  const [profile_id, left_at] = url.searchParams.get("onetrail")?.split("~") || [];
  if (profile_id) {
    url.searchParams.delete("onetrail");
    history.replaceState(history.state, "", url);
    api.track("arrival", { profile_id, left_at });
  }
};

/**
 * A click on a link to one of the company's other domains. It is never held up: the link's address is extended before the browser
 * follows it, and that is all.
 *
 * @param {any} event
 */
export const depart = ({ target }) => {
  const link = target.closest?.("a[href]");
  const host = link?.hostname;
  const id = api.profileId();
  if (id && host !== location.hostname && options.domains?.split(",").includes(host)) {
    const url = new URL(link.href);
    url.searchParams.set("onetrail", id + "~" + now());
    link.href = url;
  }
};
