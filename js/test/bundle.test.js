import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { bundle, bundlePath } from "../bundle.js";
import { version } from "../src/version.js";

test("the committed bundle is what the sources build: npm run build", () => {
  assert.ok(bundle() === readFileSync(bundlePath, "utf8"), "t.js is stale; run: npm run build");
});

test("the version on the wire is the package's", () => {
  assert.equal(version, JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
});

test("a page loads at most 3,300 bytes of tracker", () => {
  const bytes = brotliCompressSync(readFileSync(bundlePath)).length;
  assert.ok(bytes <= 3300, `t.js is ${bytes} bytes with brotli`);
});
