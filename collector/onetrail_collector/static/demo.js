// Until the tracker has loaded, this stub keeps the calls; the tracker makes them good.
window.onetrail ??= new Proxy({ q: [] }, { get: (stub, name) => stub[name] ?? ((...args) => void stub.q.push([name, args])) });

const states = {
  sent: "stored",
  retry: "kept, will be sent again",
  aside: "kept for the next page",
  split: "too large, sent in parts",
  refused: "refused",
};
const element = (id) => document.getElementById(id);

const make = (name, text, className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};

const block = (title, value) => {
  const pre = make("pre", "");
  pre.append(make("b", title), JSON.stringify(value, null, 2) ?? "none");
  return pre;
};

const showIds = () => {
  element("session").textContent = window.onetrail.sessionId() || "…";
  element("profile").textContent = window.onetrail.profileId() || "none yet";
};

const showExchange = (state, { request, status, answer }) => {
  const sent = JSON.parse(request);
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(
    make("strong", sent.events.map((event) => event.type).join(", ")),
    make("span", `${states[state]}${status ? "" : " (no answer)"}`, `state ${answer?.rejected?.length ? "rejected" : state}`),
    make("time", new Date(sent.sent_at).toLocaleTimeString()),
  );
  details.append(summary, block("Sent", sent), block(`Answered${status ? `, ${status}` : ""}`, answer));
  const item = document.createElement("li");
  item.append(details);
  element("log").prepend(item);
  element("empty").hidden = true;
  showIds();
};

for (const state of Object.keys(states)) window.onetrail.on(state, (exchange) => showExchange(state, exchange));

window.addEventListener("load", () => {
  const onSubmit = (id, act) =>
    element(id).addEventListener("submit", (event) => {
      event.preventDefault();
      act();
      showIds();
    });
  onSubmit("track", () => window.onetrail.track(element("type").value));
  onSubmit("identify", () => window.onetrail.identify({ email: element("email").value }));
  onSubmit("reset", () => window.onetrail.reset());
  showIds();
});
