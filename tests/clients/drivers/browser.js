// What each client in a browser does, step by step; the page's address says who it is.
const query = new URLSearchParams(location.search);
export const [url, key, user, device] = ["url", "key", "user", "device"].map((name) => query.get(name));
export const email = `Ann.${key}@Shop.test`;
export const traits = { 1: { name: "Ann", plan: "pro" }, 2: { plan: "team" } }[device];

/** Take part in the scenario; each function only queues, the client sends when it likes. */
export const play = ({ page, track, identify }) => {
  window.steps = {
    begin: async () => {
      page();
      track("viewed");
      track("viewed");
      await identify();
      track("bought");
    },
    down: () => void track("waited"),
    up: () => void track("returned"),
  };
};
