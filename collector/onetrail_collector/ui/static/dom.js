/** Elements made by hand: what a stranger has sent goes in as text, and never as HTML. */

/**
 * An element: `h("a", { href: "/ui", class: "brand", onclick: f }, "text", h("b", {}, "more"))`.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** The same for a picture. @param {string} tag @param {Record<string, any>} [attributes] @param {...any} children */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** The element that must be there. @param {string} selector @returns {any} */
export const find = (selector) => document.querySelector(selector);

/** A time for a reader here, the exact one on hover. @param {string | null} time */
export function when(time) {
  if (!time) return h("span", { class: "quiet" }, "never");
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return h("time", { datetime: time, title: time }, today ? date.toLocaleTimeString() : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
}

/** @param {number} number */
export const figure = (number) => number.toLocaleString();

/** So many of something. @param {number} number @param {string} noun */
export const counted = (number, noun) => `${figure(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A size for people. @param {number} size */
export function bytes(size) {
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), 4);
  return `${figure(Number((size / 1000 ** power).toPrecision(3)))} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** Says something at the foot of the page, also to a screen reader. @param {string} text */
export function say(text) {
  find("#said").replaceChildren(h("p", {}, text));
  setTimeout(() => find("#said").replaceChildren(), 8000);
}

/** A button that copies a text. @param {string} text @param {string} what */
export function copyButton(text, what) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  };
  return h("button", { type: "button", class: "quiet small", onclick: () => copy().catch(() => say("This browser does not copy; mark the text instead.")) }, "Copy");
}
