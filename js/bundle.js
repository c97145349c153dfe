import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";
import { minify_sync } from "terser";

/**
 * What is built: by the name that the collector serves it under, the module that it begins with, and whether it still is one.
 *
 * @type {Record<string, [entry: string, format: "iife" | "esm"]>}
 */
export const entries = {
  "t.js": ["src/index.js", "iife"],
  "t-more.js": ["src/more/more.js", "esm"],
  "t-vitals.js": ["src/vitals.js", "esm"],
};

/** Where the collector serves a bundle from. @type {(name: string) => string} */
export const bundlePath = (name) =>
  fileURLToPath(new URL(`../collector/onetrail_collector/static/${name}`, import.meta.url));

/** The module for an app's own bundler, as the npm package ships it. */
export const modulePath = fileURLToPath(new URL("dist/onetrail.js", import.meta.url));

/**
 * A bundle, minified twice: esbuild joins the modules and terser, which also inlines across them, is a few percent better at the rest.
 *
 * @type {(entry: string, format: "iife" | "esm") => string}
 */
export const bundle = (entry, format) => {
  const compress = /** @type {const} */ ({ ecma: 2020, inline: 1, passes: 3, booleans_as_integers: true, unsafe_arrows: true, pure_getters: true });
  return minify_sync(join(entry, format, true), { ecma: 2020, toplevel: true, compress, format: { ascii_only: false } }).code || "";
};

/** That module's text: joined and readable, as its bundler minifies it. */
export const moduleText = () => join("src/onetrail.js", "esm", false);

/** @type {(entry: string, format: "iife" | "esm", minify: boolean) => string} */
const join = (entry, format, minify) =>
  buildSync({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format,
    minify,
    target: "es2020",
    charset: "utf8",
    legalComments: "none",
    tsconfigRaw: {}, // no "use strict": modules are so anyway, and it costs bytes
    write: false,
  }).outputFiles[0]?.text || "";
