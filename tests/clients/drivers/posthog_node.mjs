// posthog-node, on a server that names people and no devices.
import { PostHog } from "posthog-node";
import { anonymous, email, key, play, traits, url, user } from "./scenario.mjs";

const client = new PostHog(key, { host: url, flushAt: 1, flushInterval: 100, fetchRetryCount: 10, fetchRetryDelay: 200 });
let who = anonymous;

await play({
  track: (event) => client.capture({ distinctId: who, event }),
  identify: () => {
    client.alias({ distinctId: user, alias: anonymous });
    client.identify({ distinctId: user, properties: { email, ...traits } });
    who = user;
  },
  flush: () => client.flush(),
});
