// Our own tracker; its script tag is in the page and counts the page view.
import { email, play, traits, user } from "./browser.js";

play({
  page: () => {},
  track: (event) => window.onetrail.track(event),
  identify: () => window.onetrail.identify({ userId: user, email, traits }),
});
