import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bundle, bundlePath } from "../bundle.js";
import { version } from "../src/version.js";

test("the committed bundle is what the sources build: npm run build", () => {
  assert.ok(Buffer.from(bundle()).equals(readFileSync(bundlePath)), "t.js is stale; run: npm run build");
});

test("the version on the wire is the package's", () => {
  assert.equal(version, JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
});
