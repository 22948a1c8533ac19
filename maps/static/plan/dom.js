/* Creates DOM nodes. Strings become text nodes, so names and remarks never become markup. */

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") {
      // The given value stays known as the default, so that a field shows whether something was typed into it.
      if (node instanceof HTMLInputElement) node.defaultValue = value;
      node.value = value;
    }
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element: attributes by name, `onclick` and similar ones as listeners, then children or texts. */
export const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
