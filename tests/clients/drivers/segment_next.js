// @segment/analytics-next
import { AnalyticsBrowser } from "@segment/analytics-next";
import { email, key, play, traits, url, user } from "./browser.js";

const analytics = AnalyticsBrowser.load({ writeKey: key, cdnURL: url });

play({
  page: () => analytics.page(),
  track: (event) => analytics.track(event),
  identify: () => analytics.identify(user, { email, ...traits }),
});
