/* The parts of the page around the map: header, tools, options, legend, panel, hint; updated on changes. */

import { Address } from "./address.js";
import { Compare } from "./compare.js";
import { chooseDraft } from "./drafts.js";
import { button, el } from "./dom.js";
import { FILLS } from "./fills.js";
import { icon } from "./icons.js";
import { TOOL_KEYS, showKeys } from "./keyboard.js";
import { LEVEL } from "./model.js";
import { showBalance } from "./panels/balance.js";
import { listed, showCells } from "./panels/cells.js";
import { showChange } from "./panels/change.js";
import { showComments, writeRemark } from "./panels/comments.js";
import { showExchange, askPublish } from "./panels/exchange.js";
import { showFindings } from "./panels/findings.js";
import { showHistory } from "./panels/history.js";
import { Holding } from "./holding.js";
import { clock, said, say, speak } from "./words.js";

const PANELS = { change: showChange, cells: showCells, balance: showBalance, findings: showFindings, history: showHistory, comments: showComments, compare: (app, root) => app.compare.panel(root), exchange: showExchange };
const at = (id) => document.getElementById(id);

/** Interval of presence messages, milliseconds. */
const PRESENCE_MS = 10000;

export class Frame {
  constructor(app) {
    this.app = app;
    this.tab = "change";
    app.compare = new Compare(app, at("compare"));
    this.address = new Address(app, this);
    document.addEventListener("wangge:language", () => { speak(document.documentElement.lang.startsWith("en") ? "en" : "zh"); this.show(); });
    at("draft").addEventListener("click", () => chooseDraft(app.server.draft));
    at("undo").addEventListener("click", () => app.undo());
    at("redo").addEventListener("click", () => app.redo());
    at("review").addEventListener("click", () => askPublish(app));
    setInterval(() => this.presence(), PRESENCE_MS);
    this.holding = new Holding(at("panel"), () => this.later());
  }

  /** Redraw everything: at the start and after a change of language. */
  show() {
    this.rail();
    this.choices();
    this.tabs();
    const zoom = (text, label, act) => button(text, act, { "aria-label": say(label), title: say(label) });
    document.querySelector(".zoom").replaceChildren(zoom("+", "zoom_in", () => this.app.zoom(1.5)), zoom("−", "zoom_out", () => this.app.zoom(1 / 1.5)), zoom(icon("whole"), "whole", () => this.app.showAll()), zoom("?", "keys", showKeys));
    at("map").setAttribute("aria-label", say("map"));
    this.loaded();
    this.saved();
    this.legend();
    this.present();
    this.hint();
    if (!this.started) { this.started = true; this.address.restore(); this.presence(); }
    this.refresh();
  }

  rail() {
    document.querySelector(".rail").setAttribute("aria-label", say("actions"));
    document.querySelector(".rail").replaceChildren(...Object.entries(TOOL_KEYS).map(([key, name]) => {
      const node = button(icon(name), () => this.app.use(name), { "data-tool": name, "aria-keyshortcuts": key.toUpperCase(), title: `${say(`tool.${name}`)}（${key.toUpperCase()}）` });
      node.append(el("span", {}, say(`tool.${name}`)), el("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
      return node;
    }));
    this.tool(this.app.toolName);
  }

  choices() {
    const { app } = this, find = el("input", { type: "search", id: "find", placeholder: say("find"), "aria-label": say("find"), autocomplete: "off" });
    find.addEventListener("input", () => { if (find.value.trim()) this.panel("cells"); if (this.tab === "cells") this.refresh(); });
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      const found = listed(app, find.value.trim());
      if (found.length) app.goTo(found.slice(0, 400), { select: found.length <= 400 });
    });
    const option = (value, text, now) => { const node = el("option", { value }, text); node.selected = String(now) === String(value); return node; };
    const fill = el("select", { "aria-label": say("fill"), id: "fill" }, ...FILLS.map((name) => option(name, say(`fill.${name}`), app.fills.mode)));
    fill.addEventListener("change", () => { app.fills.mode = fill.value; app.fills.forget(); this.legend(); app.surface.refresh("division", "overlay"); });
    const unit = el("select", { "aria-label": say("pick_level"), id: "unit" }, ...[3, 2, 1].map((level) => option(level, say(`level.${level}`), app.unitLevel)));
    unit.addEventListener("change", () => { app.unitLevel = Number(unit.value); });
    const tick = (text, on, change, attributes = {}) => { const box = el("input", { type: "checkbox", ...attributes }); box.checked = on; box.addEventListener("change", () => change(box.checked)); return el("label", {}, box, text); };
    const layers = ["roads", "buildings", "water", ...(app.baseMap ? ["base_map"] : [])].map((name) => tick(say(name), !app.hidden.has(name), (on) => { if (on) app.hidden.delete(name); else app.hidden.add(name); this.legend(); app.surface.refresh("division", "overlay"); }, { id: `layer-${name}` }));
    const levels = [LEVEL.third, LEVEL.second, LEVEL.community].map((level) => tick(say(`level.${level}`), app.levels.has(level), (on) => { if (on) app.levels.add(level); else app.levels.delete(level); app.surface.refresh("division", "overlay"); }));
    const outline = tick(say("outline_locked"), app.model.outlineLocked, (on) => app.make([{ edit: on ? "LockOutline" : "UnlockOutline" }]), { id: "outline" });
    const asked = at("find")?.value ?? "", open = document.querySelector(".choices details")?.open ?? false;
    document.querySelector(".choices").replaceChildren(el("span", {}, find), el("label", {}, say("pick_level"), unit), el("label", {}, say("fill"), fill),
      el("details", {}, el("summary", {}, say("layers")), ...levels, ...layers, outline));
    at("find").value = asked;
    document.querySelector(".choices details").open = open;
  }

  tabs() {
    const list = document.querySelector(".tabs");
    list.setAttribute("aria-label", say("actions"));
    list.replaceChildren(...Object.keys(PANELS).map((name) => button(say(`tab.${name}`), () => this.panel(name), { role: "tab", id: `tab-${name}`, "aria-controls": "panel" })));
    list.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], names = Object.keys(PANELS);
      if (!step) return;
      event.preventDefault();
      this.panel(names[(names.indexOf(this.tab) + step + names.length) % names.length]);
      at(`tab-${this.tab}`).focus();
    };
    this.markTab();
  }

  markTab() {
    for (const node of document.querySelectorAll("[role=tab]")) {
      const on = node.id === `tab-${this.tab}`;
      node.setAttribute("aria-selected", String(on));
      node.tabIndex = on ? 0 : -1;
    }
    at("panel").setAttribute("aria-labelledby", `tab-${this.tab}`);
  }

  legend() {
    const { fills, surface } = this.app, title = fills.mode === "balance" ? say("legend_balance") : say(`fill.${fills.mode}`);
    const metres = niceLength(90 / surface.view.scale / 1000), bar = el("span", { class: "scale" });
    bar.style.width = `${metres * 1000 * surface.view.scale}px`;
    document.querySelector(".legend").replaceChildren(el("b", {}, title), ...fills.legend().map(([colour, text]) => { const chip = el("i"); chip.style.background = colour; return el("span", {}, chip, text); }),
      el("span", {}, bar, ` ${metres >= 1000 ? `${metres / 1000} km` : `${metres} m`}`),
      ...(this.app.baseMap && !this.app.hidden.has("base_map") ? [el("small", {}, this.app.baseMap.credit)] : []));
  }

  panel(name) {
    if (!Object.hasOwn(PANELS, name)) return;
    if (this.tab === name) { this.refresh(); return; }
    this.tab = name;
    this.markTab();
    this.holding.end();
    at("panel").replaceChildren();
    this.app.compare.open(name === "compare");
    this.refresh();
    this.address.push();
  }

  /** Draw the open panel; failed requests are reported there. */
  async refresh() {
    if (this.holding.waits()) return;
    const root = at("panel"), name = this.tab, back = focusIn(root);
    try {
      await PANELS[name](this.app, root);
      back();
    } catch (error) {
      // A remark that is being written stays.
      if (root.querySelector("#remark")) this.failed(error);
      else if (name === this.tab) root.replaceChildren(el("p", { class: "fault", role: "alert" }, say("failed"), said(error) || error.message));
    }
  }

  later(names = [this.tab]) {
    if (!names.includes(this.tab) || this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.refresh(); });
  }

  hint() {
    const { app } = this, fault = app.fault, left = fault ? el("span", { class: "fault" }, say("impossible"), app.reason(fault), app.tool.held ? `　${say("released")}` : "") : el("span", {}, say(`hint.${app.toolName}`));
    at("hint").replaceChildren(left, el("span", {}, `${say("hint.pan")} · ${app.crs} · 1 mm`));
  }

  /** A request that no part of the page answers for failed, for example without a network. */
  failed(error) {
    this.announce(`${say("failed")}${said(error) || error.message}`);
    at("hint").replaceChildren(el("span", { class: "fault" }, at("said").textContent));
  }

  announce(text) { at("said").textContent = text; }

  // Notifications of the application

  tool(name) {
    for (const node of document.querySelectorAll(".rail button")) {
      node.setAttribute("aria-pressed", String(node.dataset.tool === name));
      node.disabled = !this.app.editable && !["select", "lasso", "brush", "comment"].includes(node.dataset.tool);
    }
    at("map").dataset.tool = name;
    this.hint();
    if (this.started) { if (["draw", "split", "merge", "transfer", "redivide", "drag"].includes(name)) this.panel("change"); this.address.push(); this.presence(); }
  }

  /** During dragging the panel is redrawn only if its content changes. */
  trial() {
    const { fault, trial, plan } = this.app, sign = [fault?.kind, fault?.words, fault?.cells?.join(), Boolean(trial), Boolean(plan)].join("|");
    if (sign === this.sign) return;
    this.sign = sign;
    this.hint();
    this.later(["change"]);
  }
  plan() { this.hint(); if (this.app.plan) this.panel("change"); this.later(["change"]); }
  previewed() {
    this.later(["change"]);
    const told = this.app.previews.shown?.consequences;
    if (told) this.announce(said(told));
  }
  told({ key, fault, text }) { this.announce(text ? said(text) || text.message : `${say("impossible")}${this.app.reason(fault)} ${say(key)}`); at("hint").replaceChildren(el("span", { class: "fault" }, at("said").textContent)); }
  selected() { this.later(["cells", "change", "balance"]); this.address.push(); this.presenceSoon(); if (this.app.toolName === "merge" && !this.app.plan) this.later(["change"]); }
  changed() { this.later(["cells", "balance"]); this.buttons(); const outline = at("outline"); if (outline) outline.checked = this.app.model.outlineLocked; }
  made(answer) { this.announce(`${say("done")}${said(answer.words)}`); this.panel(this.tab === "cells" ? "cells" : this.tab); this.later(["history", "change", "cells"]); this.app.undoable = { undo: true, redo: null }; this.buttons(); }
  /** A new entry of the log; entries of others are reported. */
  logged(event) {
    this.later(["history", "comments"]);
    if (event.client && event.client !== this.app.server.client) this.announce(`${event.author ?? ""}：${said(event.words)}`);
  }
  looked() { this.legend(); this.address.soon(); this.app.compare.follow(); }
  layered() { this.choices(); }
  loaded() { this.buttons(); this.tool(this.app.toolName); at("draft").textContent = `${this.app.name} · ${say("based_on", { n: this.app.version })} ▾`; if (this.started) this.refresh(); }
  remark(place) { this.panel("comments"); writeRemark(this.app, at("panel"), place); }
  present() { const others = this.app.here.filter(({ client }) => client !== this.app.server.client); at("here").replaceChildren(...others.map(({ name, holds }) => el("span", { class: "who", title: holds.length ? say("holds", { cells: holds.map((code) => this.app.model.name(code)).join("、") }) : say("here") }, name))); }
  fork() { chooseDraft(this.app.server.draft); }

  buttons() {
    const { app } = this;
    at("undo").replaceChildren(say("undo"), el("kbd", {}, " Ctrl+Z"));
    at("redo").replaceChildren(say("redo"), el("kbd", {}, " Ctrl+Shift+Z"));
    at("undo").disabled = at("redo").disabled = !app.editable;
    at("review").textContent = say(app.state === "draft" ? "review" : app.state === "review" ? "publish" : "published");
    at("review").disabled = app.state === "published";
  }

  saved() {
    const { outbox } = this.app;
    if (!outbox) return;
    const state = outbox.offline ? "offline" : outbox.items.length ? "saving" : "saved";
    at("saved").dataset.state = state;
    at("saved").textContent = state === "offline" ? say("unsent", { n: outbox.items.length }) : state === "saving" ? say("saving") : `${say("saved")} ${clock(Date.now())}`;
  }

  presenceSoon() { clearTimeout(this.soon); this.soon = setTimeout(() => this.presence(), 400); }

  presence() {
    const { app } = this, { model, selection, lastPlace } = app;
    if (app.past !== null || document.hidden) return;
    const holds = [...new Set([...selection].map((code) => model.parent(code)))].slice(0, 20);
    app.server.post("/presence", { client: app.server.client, holds, at: lastPlace ? model.inMetres(Math.round(lastPlace.x), Math.round(lastPlace.y)) : null, tool: app.toolName })
      .then(({ here }) => { app.here = here; app.surface.refresh("overlay"); this.present(); }).catch(() => {});
  }
}

/** A round length of a scale bar, metres. */
function niceLength(metres) {
  const power = 10 ** Math.floor(Math.log10(metres));
  return power * [5, 2, 1].find((step) => step * power <= metres);
}


/** Restores the focus, and what is selected in a field, after a panel was redrawn. */
function focusIn(root) {
  const named = (node) => node.getAttribute("aria-label") || node.id || (node.labels?.[0] ?? node).textContent;
  const before = document.activeElement, name = root.contains(before) ? named(before) : "";
  // Fields without a text, such as numbers, have no selection.
  const range = name && typeof before.selectionStart === "number" ? [before.selectionStart, before.selectionEnd] : null;
  return () => {
    if (!name || root.contains(document.activeElement)) return;
    const node = [...root.querySelectorAll("input, select, button, textarea")].find((one) => named(one) === name);
    node?.focus({ preventScroll: true });
    if (range && node?.value === before.value) node.setSelectionRange(...range);
  };
}
