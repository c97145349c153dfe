import { buildSync, transformSync } from "esbuild";
import { fileURLToPath } from "node:url";

/**
 * What is built: by the name that the collector serves it under, the module that it begins with.
 *
 * @type {Record<string, string>}
 */
export const entries = { "t.js": "src/index.js", "t-more.js": "src/more/index.js" };

/** The module for an app's own bundler, as the npm package ships it. */
export const modulePath = fileURLToPath(new URL("dist/onetrail.js", import.meta.url));

/** Where the collector serves a bundle from. @type {(name: string) => string} */
export const bundlePath = (name) =>
  fileURLToPath(new URL(`../collector/onetrail_collector/static/${name}`, import.meta.url));

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

/**
 * A bundle, minified; twice, as the second pass joins what the modules declare.
 *
 * @type {(entry: string, format?: "iife" | "esm") => string}
 */
export const bundle = (entry, format = "iife") =>
  transformSync(
    buildSync({
      ...options,
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
      bundle: true,
      format,
      mangleProps: new RegExp(`^(${internal.join("|")})$`),
      tsconfigRaw: {}, // no "use strict": modules are so anyway, and it costs bytes
      write: false,
    }).outputFiles[0]?.text || "",
    options,
  ).code;
