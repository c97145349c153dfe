// @snowplow/browser-tracker; who somebody is, it says with setUserId and a self-describing event.
import {
  newTracker,
  setUserId,
  trackPageView,
  trackSelfDescribingEvent,
  trackStructEvent,
} from "@snowplow/browser-tracker";
import { email, key, play, traits, url, user } from "./browser.js";

const schema = "iglu:com.example/identify/jsonschema/1-0-0";
newTracker("scenario", url, { appId: key });

play({
  page: () => trackPageView(),
  track: (action) => trackStructEvent({ category: "scenario", action }),
  identify: () => {
    setUserId(user);
    trackSelfDescribingEvent({ event: { schema, data: { email, traits } } });
  },
});
