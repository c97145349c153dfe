import { api } from "./api.js";
import { options } from "./tag.js";
import { now } from "./uuid7.js";

/**
 * A click, of which two things may come. It is never held up.
 *
 * An element, or one around it, says what the click means: data-onetrail-event="sign-up" data-onetrail-plan="pro". And a link to
 * another of the company's domains takes the profile ID along: its address is extended before the browser follows it.
 *
 * @param {any} event
 */
export const onClick = ({ target }) => {
  const around = (/** @type {string} */ selector) => target.closest?.(selector) || {};

  const { onetrailEvent, ...rest } = around("[data-onetrail-event]").dataset || {};
  /** @type {Record<string, unknown>} */
  const properties = {};
  for (const name in rest) {
    const own = name.split("onetrail")[1];
    if (own) properties[/** @type {any} */ (own)[0].toLowerCase() + own.slice(1)] = rest[name];
  }
  if (onetrailEvent) api.track(onetrailEvent, properties);

  const link = around("a[href]");
  const host = link.hostname;
  const id = api.profileId();
  if (id && host !== location.hostname && options.domains?.split(",").includes(host)) {
    const url = new URL(link.href);
    url.searchParams.set("onetrail", id + "~" + now());
    link.href = url;
  }
};
