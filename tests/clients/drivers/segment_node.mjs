// @segment/analytics-node
import { Analytics } from "@segment/analytics-node";
import { anonymous, email, key, play, traits, url, user } from "./scenario.mjs";

const analytics = new Analytics({ writeKey: key, host: url, flushInterval: 100, maxRetries: 10 });
const who = { anonymousId: anonymous };
const delivered = [];
const queue = (name, message) =>
  delivered.push(new Promise((done, failed) => analytics[name](message, (error) => (error ? failed(error) : done()))));

await play({
  track: (event) => queue("track", { ...who, event }),
  identify: () => queue("identify", { ...Object.assign(who, { userId: user }), traits: { email, ...traits } }),
  flush: () => Promise.all(delivered),
});
