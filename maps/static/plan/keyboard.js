/* The keys of the page. Letter keys are disabled in fields and while an input method is composing. */

import { button, el } from "./dom.js";
import { say } from "./words.js";

export const TOOL_KEYS = { v: "select", d: "drag", e: "draw", s: "split", m: "merge", t: "transfer", l: "lasso", b: "brush", r: "redivide", k: "lock", c: "comment" };

const typing = (node) => node instanceof HTMLElement && (node.isContentEditable || /^(input|textarea|select)$/i.test(node.tagName));

export function listenToKeys(app) {
  addEventListener("keydown", (event) => { if (use(app, event)) event.preventDefault(); });
  addEventListener("keyup", (event) => { if (event.code === "Space") app.pointers.holdSpace(false); });
  addEventListener("blur", () => app.pointers.holdSpace(false));
}

function use(app, event) {
  if (event.isComposing || event.keyCode === 229) return false;
  if (event.key === "Escape") {
    if (document.querySelector("dialog[open]")) return false;
    if (typing(event.target)) {
      // What was typed is given up, too; the search has its own way to be emptied.
      if (event.target.closest("#panel") && "defaultValue" in event.target) event.target.value = event.target.defaultValue;
      event.target.blur();
    }
    app.giveUp();
    return true;
  }
  if (typing(event.target) || document.querySelector("dialog[open]")) return false;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") { (event.shiftKey ? app.redo() : app.undo()); return true; }
    if (key === "y") { app.redo(); return true; }
    return false;
  }
  if (event.altKey) return event.key === "Alt";
  if (event.code === "Space" && !event.target.closest?.("button, a, summary, [role=tab]")) { app.pointers.holdSpace(true); return true; }
  const onButton = event.target.closest?.("button, a, summary, [role=tab], tr");
  if (event.key === "Enter" && onButton) return false;
  if (app.tool.key(event)) return true;
  if (event.key === "Enter" && app.plan) { app.commit(); return true; }
  if (event.key === "?") { showKeys(); return true; }
  if (event.key === "/") { document.getElementById("find").focus(); return true; }
  if (event.key === "+" || event.key === "=") { app.zoom(1.5); return true; }
  if (event.key === "-") { app.zoom(1 / 1.5); return true; }
  if (event.key === "0") { app.showAll(); return true; }
  if (TOOL_KEYS[key] && !event.repeat) { app.use(TOOL_KEYS[key]); return true; }
  return false;
}

/** The list of the keys. */
export function showKeys() {
  const dialog = document.getElementById("keys");
  const rows = [
    ...Object.entries(TOOL_KEYS).map(([key, tool]) => [key.toUpperCase(), say(`tool.${tool}`)]),
    ["Ctrl+Z", say("undo")], ["Ctrl+Shift+Z", say("redo")], ["Enter", say("commit")], ["Esc", say("give_up")],
    ["Space", say("key.space")], ["Alt", say("key.alt")], ["Shift", say("key.shift")], ["Backspace", say("key.backspace")], ["← ↑ → ↓", say("key.arrows")], ["Delete", say("key.delete")], ["/", say("find")], ["+ − 0", say("key.zoom")], ["?", say("keys")],
  ];
  dialog.replaceChildren(
    el("h2", {}, say("keys")),
    el("dl", {}, ...rows.map(([key, text]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)))),
    button(say("close"), () => dialog.close(), { class: "quiet-button" }),
  );
  dialog.showModal();
}
