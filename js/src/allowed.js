import { load } from "./storage.js";
import { options } from "./tag.js";

/**
 * Whether this visitor may be tracked. What the visitor has said here, "1" or "0", counts most; else what the browser says for them.
 */
export const allowed = () =>
  +(
    load("consent") ||
    !(
      options.consent ||
      (options.respectDnt !== "false" &&
        (/** @type {any} */ (navigator).doNotTrack == 1 || /** @type {any} */ (navigator).globalPrivacyControl))
    )
  );
