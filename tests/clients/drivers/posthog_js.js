// posthog-js
import posthog from "posthog-js";
import { email, key, play, traits, url, user } from "./browser.js";

posthog.init(key, {
  api_host: url,
  capture_pageview: false,
  capture_pageleave: false,
  opt_out_useragent_filter: true, // it takes this browser for a robot, and rightly
});

play({
  page: () => posthog.capture("$pageview"),
  track: (event) => posthog.capture(event),
  identify: () => posthog.identify(user, { email, ...traits }),
});
