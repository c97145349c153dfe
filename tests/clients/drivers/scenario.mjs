// What each client's program does, step by step, as its standard input tells it.
//
//     node segment_node.mjs URL WRITE_KEY USER_ID DEVICE
import { createInterface } from "node:readline";

export const [url, key, user, device] = process.argv.slice(2);
export const anonymous = `${key}-device-${device}`;
export const email = `Ann.${key}@Shop.test`;
export const traits = { 1: { name: "Ann", plan: "pro" }, 2: { plan: "team" } }[device];

/** Take part in the scenario; `track` and `identify` only queue, `flush` waits for the answer. */
export const play = async ({ track, identify, flush }) => {
  for await (const step of createInterface({ input: process.stdin })) {
    if (step === "begin") {
      track("viewed");
      track("viewed");
      await flush();
      identify();
      track("bought");
      await flush();
    } else if (step === "down") {
      track("waited");
    } else if (step === "up") {
      track("returned");
      await flush();
    }
    console.log(step);
  }
  process.exit(0);
};
