import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { bundle } from "../bundle.js";
import { createStorage } from "../src/createStorage.js";
import { fakeDocument, fakeLocalStorage, settled } from "./fakes.js";

test("the module exports init, and does nothing until it is called", async () => {
  const url = "data:text/javascript," + encodeURIComponent(bundle("src/onetrail.js", "esm"));
  const module = await import(url);
  assert.deepEqual(Object.keys(module), ["init"]);

  /** @type {any[]} */
  const sent = [];
  const disk = fakeLocalStorage();
  const page = {
    document: Object.assign(fakeDocument(), { title: "Shop", referrer: "", addEventListener() {}, hidden: false }),
    location: { href: "https://shop.example/?utm_source=mail#top", protocol: "https:", search: "" },
    navigator: { language: "en", locks: undefined },
    history: { pushState() {}, replaceState() {} },
    screen: { width: 1, height: 1 },
    crypto: webcrypto,
    console,
    localStorage: disk,
    addEventListener() {},
    setTimeout,
    fetch: async (/** @type {string} */ to, /** @type {{body: string}} */ { body }) => {
      sent.push([to, JSON.parse(body)]);
      return { status: 200, headers: new Headers(), json: async () => ({ profile: { id: "p" } }) };
    },
  };
  Object.assign(globalThis, { window: page });
  const onetrail = module.init({ source: "web", host: "https://c.example" });
  await settled();
  const [to, request] = sent[0];
  assert.equal(to, "https://c.example/track");
  assert.deepEqual(request.events[0].properties, { url: "https://shop.example/?utm_source=mail", title: "Shop" });
  assert.equal(onetrail.profileId(), "p");
  assert.deepEqual(createStorage(() => disk, "onetrail.web.").list("event"), []);
});
