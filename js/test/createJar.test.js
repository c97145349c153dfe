import assert from "node:assert/strict";
import { test } from "node:test";
import { createJar } from "../src/createJar.js";

const STAMP = "019acd5e-0000-7000-8000-000000000001";

/** What is written into document.cookie. */
const written = (/** @type {string} */ protocol, /** @type {object} */ options) => {
  const document = { cookie: "" };
  createJar(document, protocol, options).put(STAMP);
  return document.cookie;
};

test("the session's cookie ends with the browser, is the whole site's, and stays on https where it was made there", () => {
  assert.equal(written("http:", {}), `onetrail=${STAMP};path=/;samesite=lax`);
  assert.equal(written("https:", {}), `onetrail=${STAMP};path=/;samesite=lax;secure`);
});

test("a time-out and a domain are the tag's to ask for", () => {
  const options = { sessionTimeout: "30", cookieDomain: "shop.example" };
  assert.equal(written("http:", options), `onetrail=${STAMP};path=/;samesite=lax;max-age=1800;domain=shop.example`);
});

test("a cookie that is not ours, or was tampered with, is no session", () => {
  const read = (/** @type {string} */ cookie) => createJar({ cookie }, "http:", {}).read();
  assert.equal(read(`a=b; onetrail=${STAMP}.0123; c=d`), `${STAMP}.0123`);
  assert.equal(read("onetrail=<script>"), "");
  assert.equal(read(`notonetrail=${STAMP}`), "");
  assert.equal(read(""), "");
});
