import { api } from "./api.js";
import { guard } from "./guard.js";
import { start } from "./start.js";

/**
 * Track this page, for an app that brings the tracker in its own bundle. What the tag's data- attributes say is said here:
 *
 *     import { init } from "onetrail";
 *     const onetrail = init({ source: "web", host: "https://c.example" });
 *     onetrail.track("sign-up", { plan: "pro" });
 *
 * A page has one tracker: call it once.
 *
 * @param {import("./tag.js").Options & {host: string}} options
 */
export const init = (options) => {
  guard(start)(options, options.host + "/");
  return api;
};
