import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";

/** Where the collector serves the tracker from. */
export const bundlePath = fileURLToPath(new URL("../collector/onetrail_collector/static/t.js", import.meta.url));

/** @returns {Uint8Array} the bundle, minified */
export const bundle = () =>
  /** @type {Uint8Array} */ (
    buildSync({
      entryPoints: [fileURLToPath(new URL("src/index.js", import.meta.url))],
      bundle: true,
      minify: true,
      format: "iife",
      target: "es2020",
      charset: "utf8",
      write: false,
    }).outputFiles[0]?.contents
  );
