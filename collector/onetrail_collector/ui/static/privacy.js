/** A person's data: taken away as a file, or erased after a preview that says exactly what goes. */

import { Refused, post } from "./api.js";
import { figure, h, say } from "./dom.js";

const WORD = "erase";

/** How the parts of a preview are called, in the order of interest. @type {[string, string][]} */
const PARTS = [["events", "events"], ["sessions", "sessions"], ["traits", "traits"], ["links", "links to keys"], ["keys", "keys that nobody else used"], ["contexts", "contexts of events"], ["quarantined", "refused events"]];

/** @param {string} path of the profile in the API @param {string} name @param {any} profile */
export function privacyCard(path, name, profile) {
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "The person's data"),
    h("p", { class: "quiet" }, "Export is one JSON file of all that is stored about them. Erase removes it for good and stores nothing of them again, until that is lifted."),
    h(
      "div",
      { class: "row" },
      h("button", { class: "quiet", type: "button", onclick: () => take(path, name, profile) }, "Export…"),
      h("button", { class: "quiet danger", type: "button", onclick: () => erase(path, name) }, "Erase…"),
    ),
  );
}

/** Says what the file will hold, and gives it. @param {string} path @param {string} name @param {any} profile */
function take(path, name, profile) {
  const so = (count) => (count >= profile.counted_to ? `${figure(count)} or more` : figure(count));
  const held = [[so(profile.events), "events"], [so(profile.sessions), "sessions"], [figure(profile.profile_id_count), "devices"], [figure(profile.key_count), "links to keys"], [figure(Object.keys(profile.traits).length), "traits"]];
  const save = h("a", { class: "button", href: `${path}/export`, download: "profile.json", onclick: () => setTimeout(() => dialog.close()) }, "Save the file");
  const dialog = h(
    "dialog",
    { "aria-label": `Export ${name}` },
    h(
      "div",
      { class: "stack" },
      h("h2", {}, `Export ${name}`),
      h("p", {}, "One JSON file with all that is stored about them, and why:"),
      h("ul", { class: "plain", id: "holds" }, ...held.map(([count, words]) => h("li", {}, h("strong", {}, count), ` ${words}`))),
      h("p", { class: "quiet" }, "Nothing is changed. That it was taken, and by whom, is written to their history."),
      h("div", { class: "row" }, save, h("button", { class: "quiet", type: "button", onclick: () => dialog.close() }, "Cancel")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {string} path @param {string} name */
function erase(path, name) {
  const reason = h("input", { name: "reason", maxlength: 500, autocomplete: "off" });
  const typed = h("input", { name: "typed", autocomplete: "off", spellcheck: "false", autocapitalize: "none", disabled: true });
  const preview = h("div", { class: "stack", role: "status" }, h("p", { class: "quiet" }, "Looking what would go…"));
  const confirm = h("button", { class: "danger", disabled: true }, "Erase for good");
  const form = h(
    "form",
    { class: "stack" },
    h("h2", {}, `Erase ${name}`),
    preview,
    h("label", {}, "Why? It is kept in the receipt, so name nobody.", reason),
    h("label", {}, `Type ${WORD} to confirm`, typed),
    h("div", { class: "row" }, confirm, h("button", { class: "quiet", type: "button", onclick: () => dialog.close() }, "Cancel")),
  );
  const dialog = h("dialog", { "aria-label": `Erase ${name}` }, form);
  const refuse = (error) => {
    preview.replaceChildren(h("p", { class: "bad" }, error.message), error instanceof Refused && error.status === 403 ? h("p", { class: "quiet" }, "Sign in with a token that may erase.") : "");
    typed.disabled = confirm.disabled = true;
  };
  typed.addEventListener("input", () => (confirm.disabled = typed.value.trim().toLowerCase() !== WORD));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (confirm.disabled) return;
    confirm.disabled = true;
    post(`${path}/erase`, { reason: reason.value.trim() })
      .then((done) => {
        dialog.close();
        gone(done);
      })
      .catch(refuse);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  post(`${path}/erase`, {}, { dry_run: 1 })
    .then((found) => {
      preview.replaceChildren(...goes(found));
      typed.disabled = false;
    })
    .catch(refuse);
}

/** What would go, in words. @param {{profile_ids: string[], removed: Record<string, number>}} found */
function goes(found) {
  const devices = found.profile_ids.length;
  return [
    h("p", {}, `This cannot be undone. For good go ${devices} ${devices === 1 ? "device" : "devices"}, and with ${devices === 1 ? "it" : "them"}:`),
    h("ul", { class: "plain", id: "goes" }, ...PARTS.filter(([part]) => found.removed[part]).map(([part, words]) => h("li", {}, h("strong", {}, figure(found.removed[part])), ` ${words}`))),
    h("details", { class: "plain" }, h("summary", {}, "The profile IDs"), h("ul", {}, ...found.profile_ids.map((id) => h("li", { class: "id" }, id)))),
  ];
}

/** The receipt, in the place of the profile. @param {any} done */
function gone(done) {
  const { erasure } = done;
  const page = document.querySelector("#profile");
  page?.replaceChildren(
    h("h1", {}, "Erased"),
    h(
      "section",
      { class: "card" },
      h("p", {}, `Nothing of this person is stored any more, and nothing of ${done.profile_ids.length === 1 ? "its device" : "their devices"} and keys is stored again.`),
      h("ul", {}, ...PARTS.filter(([part]) => erasure.removed[part]).map(([part, words]) => h("li", {}, `${figure(erasure.removed[part])} ${words}`))),
      h("p", {}, "Receipt ", h("code", {}, erasure.id), ", which says nothing about them: keep it."),
      h("p", { class: "quiet" }, "Lifted with ", h("code", {}, `POST /erasures/${erasure.id}/lift`)),
    ),
  );
  document.title = "Erased · onetrail";
  say(erasure.done ? "Erased" : "Erased; the rest is being removed in the background");
}
