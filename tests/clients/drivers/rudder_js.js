// @rudderstack/analytics-js, with its plugins in the bundle
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
import { email, key, play, traits, url, user } from "./browser.js";

const analytics = new RudderAnalytics();
analytics.load(key, url, { configUrl: url });

play({
  page: () => analytics.page(),
  track: (event) => analytics.track(event),
  identify: () => analytics.identify(user, { email, ...traits }),
});
