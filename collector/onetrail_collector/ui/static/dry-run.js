/** A rebuild's dry run: started here, worked out beside the collector, and told when it is done. */

import { get, post } from "./api.js";
import { h, say, when } from "./dom.js";

const LOOK_MS = 700;

/** @param {any} button starts one @param {HTMLElement} said where it is told */
export async function dryRun(button, said) {
  const tell = (run) => {
    button.disabled = run.state === "running";
    if (run.state === "running") said.replaceChildren(h("p", { class: "wait" }, "A copy of the database is being resolved…"));
    if (run.state === "done") said.replaceChildren(h("p", { class: "quiet" }, "The result of ", when(run.ended), ":"), h("ul", { class: "plain" }, ...run.said.map((line) => h("li", {}, line))));
    if (run.state === "failed") said.replaceChildren(h("p", { class: "bad" }, run.said.join(" ")));
    if (run.state === "running") setTimeout(() => look().catch((error) => say(error.message)), LOOK_MS);
  };
  const look = async () => tell(await get("/identity/dry-run"));
  button.addEventListener("click", () => post("/identity/dry-run", undefined).then(tell).catch((error) => said.replaceChildren(h("p", { class: "bad" }, error.message))));
  await look();
}
