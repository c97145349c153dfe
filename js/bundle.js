import { buildSync, transformSync } from "esbuild";
import { fileURLToPath } from "node:url";

/** Where the collector serves the tracker from. */
export const bundlePath = fileURLToPath(new URL("../collector/onetrail_collector/static/t.js", import.meta.url));

/**
 * Properties that pass between our own modules only, and so may be one letter in the bundle. A name that the browser, the wire or
 * a page uses too must not be here.
 */
const internal = [
  ...["allowed", "api", "begin", "bytes", "chance", "drop", "fades", "getContext", "getPage", "getTime", "guard", "issued", "jar"],
  ...["keep", "learn", "leave", "lines", "list", "load", "lock", "moved", "newId", "notify", "own", "places", "post", "profileFor"],
  ...["pump", "put", "queue", "read", "renew", "resume", "retryAfter", "say", "settle", "sourceId", "stamp", "storage", "take"],
  ...["view", "visit", "wait", "write"],
];

const options = /** @type {const} */ ({ minify: true, target: "es2020", charset: "utf8" });

/** @returns {string} the bundle, minified; twice, as the second pass joins what the modules declare */
export const bundle = () =>
  transformSync(
    buildSync({
      ...options,
      entryPoints: [fileURLToPath(new URL("src/index.js", import.meta.url))],
      bundle: true,
      format: "iife",
      mangleProps: new RegExp(`^(${internal.join("|")})$`),
      tsconfigRaw: {}, // no "use strict": modules are so anyway, and it costs bytes
      write: false,
    }).outputFiles[0]?.text || "",
    options,
  ).code;
