/** What an operator decides, confirmed after a preview that says exactly what will change. */

import { post } from "./api.js";
import { h, say } from "./dom.js";

/**
 * Asks for a reason, shows the preview, and does it when the reader confirms.
 * @param {{title: string, path: string, body: Record<string, any>, ask?: {name: string, label: string}, done: () => void}} decision
 */
export function decide({ title, path, body, ask, done }) {
  const reason = h("input", { name: "reason", required: true, maxlength: 500, autocomplete: "off" });
  const other = ask && h("input", { name: ask.name, required: true, autocomplete: "off", spellcheck: "false" });
  const preview = h("div", { class: "stack", role: "status" });
  const confirm = h("button", { value: "confirm", disabled: true }, title);
  const filled = (why) => ({ ...body, ...(ask ? { [ask.name]: other.value.trim() } : {}), reason: why });
  const look = async () => {
    confirm.disabled = true;
    preview.replaceChildren(h("p", { class: "quiet" }, "Looking what would change…"));
    const found = await post(path, filled(reason.value.trim() || "preview"), { dry_run: "true" });
    preview.replaceChildren(...changes(found));
    confirm.disabled = false;
  };
  const refuse = (error) => preview.replaceChildren(h("p", { class: "bad" }, error.message));
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h(
      "form",
      { method: "dialog", class: "stack" },
      h("h2", {}, title),
      ask ? h("label", {}, ask.label, other) : null,
      h("label", {}, "Why? It is kept in the history.", reason),
      ask ? h("button", { type: "button", class: "quiet", onclick: () => look().catch(refuse) }, "Preview") : null,
      preview,
      h("div", { class: "row" }, confirm, h("button", { value: "cancel", class: "quiet", formnovalidate: true }, "Cancel")),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "confirm") return;
    post(path, filled(reason.value.trim()))
      .then(() => say("Done. It can be undone under Identity."))
      .then(done)
      .catch((error) => say(error.message));
  });
  document.body.append(dialog);
  dialog.showModal();
  if (!ask) look().catch(refuse);
}

/** What a preview says, in words. @param {any} found */
function changes(found) {
  const group = (profile) => h("li", {}, h("span", { class: "id" }, profile.id), ` with ${profile.profile_ids.length} ${profile.profile_ids.length === 1 ? "device" : "devices"}`);
  const links = found.links.map((link) => h("li", {}, `${link.key.kind} ${link.key.value}: ${link.refused_after ? `joins nobody (${link.refused_after})` : "joins again"}`));
  const undone = found.undone_before;
  if (undone) return [h("p", {}, `It was undone already, at ${undone.undone_at}, by ${undone.undone_by}: ${undone.undone_reason}`)];
  if (!found.before.length && !links.length) return [h("p", {}, "Nothing changes now; it will hold for what comes.")];
  return [
    found.before.length ? h("div", { class: "columns" }, h("div", {}, h("h3", {}, "Now"), h("ul", { class: "plain" }, ...found.before.map(group))), h("div", {}, h("h3", {}, "Then"), h("ul", { class: "plain" }, ...found.after.map(group)))) : null,
    links.length ? h("div", {}, h("h3", {}, found.more_links ? "Links that change, and more" : "Links that change"), h("ul", { class: "plain" }, ...links)) : null,
    h("p", { class: "quiet" }, "No event and no trait is changed; it can be undone."),
  ].filter((part) => part !== null);
}
