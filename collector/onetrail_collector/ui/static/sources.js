/** Who may send events, from which pages, how much, and with which secret. */

import { call, get, post } from "./api.js";
import { copyButton, counted, figure, find, h, say } from "./dom.js";
import { ways } from "./ways.js";

const DAY_MS = 864e5;
const KINDS = ["web", "app", "server", "iot"];

async function show(open = "") {
  const now = Date.now();
  const by = { by: "source", to: new Date(now + DAY_MS).toISOString() };
  const [{ sources }, today, ever] = await Promise.all([
    get("/sources"),
    get("/counts/series", { ...by, from: new Date(now - DAY_MS).toISOString(), step: "hour" }),
    get("/counts/series", { ...by, metric: "sessions", from: "2000-01-01T00:00:00Z", step: "month" }),
  ]);
  const total = (series, id) => series.lines.find((line) => line.label === id)?.total || 0;
  find("#sources").replaceChildren(...sources.map((source) => card(source, source.id === open, total(today, source.id), total(ever, source.id) > 0)));
}

/** What holds for a source, in a line of words. @param {any} source @param {number} today events of the last day @param {boolean} ever whether it has sent any */
function facts(source, today, ever) {
  const said = [
    source.name === source.id ? "" : source.name,
    source.origins.length ? `from ${source.origins.join(", ")}` : source.kind === "web" ? "from pages of any origin" : "",
    source.events_per_second ? `at most ${figure(source.events_per_second)} events a second` : "",
    ever ? `${counted(today, "event")} in the last day` : "",
  ];
  const words = said.filter(Boolean).join(" · ");
  return h("p", { class: "quiet" }, words, ever ? "" : h("span", {}, words ? " · " : "", "no event yet: ", h("a", { href: live(source) }, "send the first one")));
}

/** @param {any} source */
const live = (source) => `/ui/live?source=${encodeURIComponent(source.id)}`;

/** @param {any} source @param {boolean} open @param {number} today @param {boolean} ever */
function card(source, open, today, ever) {
  const path = `/sources/${encodeURIComponent(source.id)}`;
  const said = h("div", { class: "stack", role: "status" });
  const act = (doing) => doing.catch((error) => said.replaceChildren(h("p", { class: "bad" }, error.message)));
  const change = (body, words) => act(call("PATCH", path, {}, body).then(() => show(source.id)).then(() => say(words)));
  const form = h(
    "form",
    { class: "stack" },
    h("div", { class: "fields" }, ...fields(source)),
    h("div", { class: "row" }, h("button", { class: "quiet" }, "Save"), ...secretButtons(source, path, said, act)),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change(read(form), `${source.id} saved`);
  });
  const toggle = () => change({ enabled: !source.enabled }, source.enabled ? `${source.id} disabled: what it sends is refused` : `${source.id} enabled`);
  return h(
    "section",
    { class: "card", "data-source": source.id, "aria-label": `Source ${source.id}` },
    h(
      "div",
      { class: "title" },
      h("h2", {}, source.id, " ", h("span", { class: "tag" }, source.kind), " ", source.enabled ? null : h("span", { class: "tag bad" }, "disabled"), " ", source.needs_secret ? h("span", { class: "tag" }, "with a secret") : null, " ", source.needs_signature ? h("span", { class: "tag" }, "signed keys alone") : null),
      h("div", { class: "row" }, h("a", { href: live(source) }, "Live"), h("button", { class: "quiet small", type: "button", onclick: toggle }, source.enabled ? "Disable" : "Enable")),
    ),
    facts(source, today, ever),
    h("div", { class: "folds" }, h("details", { class: "plain", open }, h("summary", {}, "Change"), form), h("details", { class: "plain" }, h("summary", {}, "How to send its events"), ways(source.id))),
    said,
  );
}

/** @param {any} source what the fields hold at first @returns {HTMLElement[]} */
function fields(source) {
  const kinds = KINDS.map((kind) => h("option", { selected: kind === source.kind }, kind));
  return [
    h("label", {}, "Name", h("input", { name: "name", value: source.name, maxlength: 128, autocomplete: "off" })),
    h("label", {}, "Kind", h("select", { name: "kind" }, ...kinds)),
    h("label", {}, "Events a second at most; empty: the configuration's limit", h("input", { name: "events_per_second", type: "number", min: 1, max: 1_000_000, value: source.events_per_second })),
    h("label", { class: "wide" }, "Origins of its pages, one a line, as https://shop.example; empty: any", h("textarea", { name: "origins", rows: Math.max(source.origins.length, 2), spellcheck: "false" }, source.origins.join("\n"))),
  ];
}

/** The fields in the API's words. @param {HTMLFormElement} form */
function read(form) {
  const given = Object.fromEntries(new FormData(form));
  const most = String(given.events_per_second);
  return {
    ...(String(given.name).trim() ? { name: String(given.name).trim() } : {}),
    kind: given.kind,
    origins: String(given.origins).split(/[\s,]+/).filter(Boolean),
    events_per_second: most ? Number(most) : null,
  };
}

/** @param {any} source @param {string} path @param {HTMLElement} said @param {(doing: Promise<any>) => any} act */
function secretButtons(source, path, said, act) {
  const make = async () => {
    if (source.needs_secret && !confirm(`Make a new secret for ${source.id}? From now on it sends with the new one and no other.`)) return;
    const { secret } = await post(`${path}/secret`, undefined);
    await show(source.id);
    find(`[data-source="${CSS.escape(source.id)}"] > [role=status]`).replaceChildren(
      h("p", { class: "good" }, `The secret of ${source.id}, shown this once: keep it where ${source.id} reads it.`),
      h("div", { class: "row" }, h("code", { class: "secret" }, secret), copyButton(secret, "The secret")),
      h("p", { class: "quiet" }, "It is sent in the header ", h("code", {}, "Authorization: Bearer SECRET"), ". A web page cannot keep one."),
    );
  };
  const remove = async () => {
    if (!confirm(`Let ${source.id} send without a secret? Whoever knows its id can send then.`)) return;
    await call("DELETE", `${path}/secret`);
    await show(source.id);
  };
  const button = (text, doing) => h("button", { class: "quiet", type: "button", onclick: () => act(doing()) }, text);
  return [button("New secret", make), ...(source.needs_secret ? [button("Remove the secret", remove)] : [])];
}

function add() {
  const said = h("p", { class: "bad", role: "alert" });
  const id = h("input", { name: "id", required: true, maxlength: 128, pattern: "[A-Za-z0-9._:~\\-]+", autocomplete: "off", spellcheck: "false" });
  const form = h("form", { class: "stack" }, h("h2", {}, "Add a source"), h("div", { class: "fields" }, h("label", { class: "wide" }, "ID: letters, digits and . _ : ~ -; it stands in the page's tag", id), ...fields({ name: "", kind: "web", origins: [] })), said);
  const dialog = h("dialog", { "aria-label": "Add a source" }, form);
  form.append(h("div", { class: "row" }, h("button", {}, "Add"), h("button", { class: "quiet", type: "button", onclick: () => dialog.close() }, "Cancel")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    post("/sources", { id: id.value, ...read(form) })
      .then(async (source) => {
        dialog.close();
        await show();
        const added = find(`[data-source="${CSS.escape(source.id)}"]`);
        added.querySelector("details:last-of-type").open = true;
        added.scrollIntoView({ block: "nearest" });
        say(`${source.id} added; it may send from now on`);
      })
      .catch((error) => (said.textContent = error.message));
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

find("#add").addEventListener("click", add);
show().catch((error) => say(error.message));
