import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleText } from "../bundle.js";
import { fakeDocument, settled } from "./fakes.js";

test("the module exports init, and does nothing until it is called", async () => {
  const url = "data:text/javascript," + encodeURIComponent(moduleText());
  const module = await import(url);
  assert.deepEqual(Object.keys(module), ["init"]);

  /** @type {any[]} */
  const sent = [];
  /** @type {Record<string, string>} */
  const disk = {};
  const document = Object.create(fakeDocument(), { title: { value: "Shop" }, referrer: { value: "" } });
  const globals = {
    document,
    location: { href: "https://shop.example/?utm_source=mail#top", protocol: "https:" },
    navigator: { language: "en" },
    history: { pushState() {}, replaceState() {} },
    screen: { width: 1, height: 1 },
    innerWidth: 1,
    innerHeight: 1,
    localStorage: disk,
    addEventListener() {},
    fetch: async (/** @type {URL} */ to, /** @type {{body: string}} */ { body }) => {
      sent.push([to.href, JSON.parse(body)]);
      return { status: 200, headers: new Headers(), json: async () => ({ accepted: 1, profile: { id: "p" } }) };
    },
  };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
  Object.defineProperty(globalThis, "window", { value: globalThis, configurable: true });
  const onetrail = module.init({ source: "web", host: "https://c.example" });
  await settled();
  const [to, request] = sent[0];
  assert.equal(to, "https://c.example/track");
  assert.deepEqual(request.events[0].properties, { url: "https://shop.example/?utm_source=mail", title: "Shop" });
  assert.equal(request.context.first_touch, "https://shop.example/?utm_source=mail");
  assert.equal(onetrail.profileId(), "p");
  assert.deepEqual(Object.keys(disk).filter((key) => key.includes("event")), []);
});
