import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { bundle, bundlePath, entries } from "../bundle.js";
import { version } from "../src/version.js";

/** Bytes, with brotli, that a page loads. */
const budgets = { "t.js": 3000, "t-more.js": 2000, "t-vitals.js": 3200 };

for (const [name, entry] of Object.entries(entries)) {
  const budget = budgets[/** @type {keyof budgets} */ (name)];
  test(`the committed ${name} is what the sources build`, () => {
    assert.ok(bundle(...entry) === readFileSync(bundlePath(name), "utf8"), `${name} is stale; run: npm run build`);
  });

  test(`${name} is at most ${budget} bytes`, () => {
    const bytes = brotliCompressSync(readFileSync(bundlePath(name))).length;
    assert.ok(bytes <= budget, `${name} is ${bytes} bytes with brotli`);
  });
}

test("the version on the wire is the package's", () => {
  assert.equal(version, JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
});
