/* The state of the page and its operations; used by tools, panels and the surface. */

import { makeLocally, moveVertex, unmake } from "./compile.js";
import { Fills } from "./fills.js";
import { Handles } from "./handles.js";
import { LEVEL, Model } from "./model.js";
import { overlayPainter } from "./overlay.js";
import { Outbox } from "./server.js";
import { Previews } from "./previews.js";
import { Surface } from "./surface.js";
import { Log, firstPlace } from "./log.js";
import { say } from "./words.js";

/** Digits of a code that name the community. */
const COMMUNITY_DIGITS = 12;

const OTHERS = ["#8a3ffc", "#b35c00", "#00705a", "#a3195b"];

export class App {
  constructor({ server, snapshot, box, listeners }) {
    Object.assign(this, { server, listeners, state: snapshot.state, name: snapshot.name, crs: snapshot.crs });
    this.model = new Model(snapshot);
    this.fills = new Fills(this.model);
    this.selection = new Set();
    this.unitLevel = LEVEL.third;
    this.levels = new Set([LEVEL.third, LEVEL.second, LEVEL.community]);
    this.backdrop = [];
    this.baseMap = null;
    this.hidden = new Set(["base_map"]);
    this.dirty = new Set();
    this.here = [];
    this.comments = [];
    this.later = new Map();
    this.last = this.plan = this.trial = this.fault = this.place = this.past = null;
    this.tools = {};
    this.toolName = "select";
    this.undoable = { undo: snapshot.undo, redo: snapshot.redo };
    this.previews = new Previews(this);
    this.handles = new Handles(this);
    this.surface = new Surface(box, {
      scene: () => this.scene(),
      overlay: (view) => overlayPainter(this, view),
      handles: (root, view) => this.handles.draw(root, view),
      seen: (view) => this.emit("looked", view),
    });
    this.outbox = new Outbox(server, {
      accepted: (item, answer) => this.log.accepted(item, answer),
      refused: (item, problem) => this.log.refused(item, problem),
      changed: () => this.emit("saved"),
    });
    this.log = new Log(this);
  }

  get tool() { return this.tools[this.toolName]; }
  get editable() { return this.state === "draft" && !this.past; }
  emit(what, value) { for (const listener of this.listeners) listener[what]?.(value); }
  panel(name) { this.emit("panel", name); }
  tell(key, fault) { this.emit("told", { key, fault }); }

  // What is drawn

  scene() {
    const shown = new Set(this.dirty);
    return {
      model: this.model, levels: this.levels, backdrop: this.shownBackdrop(), baseMap: this.hidden.has("base_map") ? null : this.baseMap,
      fill: (code) => this.fills.colour(code),
      label: (code, level) => this.label(code, level),
      painted: () => { for (const code of shown) this.dirty.delete(code); this.emit("painted"); },
    };
  }

  shownBackdrop() { return this.backdrop.filter((layer) => !this.hidden.has(layer.name)); }

  /** A name without that of the community, which is shown once on the map; `given` if the page has no such cell. */
  label(code, level, given = null) {
    const { model } = this, name = model.row(code)?.name ?? given ?? code;
    if (level === LEVEL.community) return name;
    const community = model.row(code) ? model.community(code) : code.slice(0, COMMUNITY_DIGITS);
    const prefix = model.row(community)?.name ?? "";
    return prefix && name.startsWith(prefix) ? name.slice(prefix.length) : name;
  }

  others() {
    return this.here.filter(({ client }) => client !== this.server.client)
      .flatMap(({ name, holds }, k) => holds.filter((code) => this.model.row(code)).map((held) => ({ held, name, colour: OTHERS[k % OTHERS.length] })));
  }

  locksShown() {
    return [...this.model.locked].filter((code) => this.model.row(code)).flatMap((code) => this.model.thirds(code)).slice(0, 400);
  }

  remarks() { return this.comments.map(({ at, resolved }, k) => ({ at: this.model.onLattice(at), open: !resolved, number: k + 1 })); }

  /** Changed cells: drawn on the second canvas at once, and with all others when idle. */
  changed(codes) {
    for (const code of codes) this.dirty.add(code);
    for (const code of this.selection) if (!this.model.row(code)) this.selection.delete(code);
    this.fills.forget();
    this.surface.refresh("division", "overlay", "handles");
    this.emit("changed", codes);
  }

  // Selecting

  /** The third-level cells selected by a click, according to the selection level. */
  unit(code) {
    let at = code;
    while (this.model.level(at) > this.unitLevel) at = this.model.parent(at);
    return this.model.thirds(at);
  }

  /** The selection as codes of the selection level. */
  selectedUnits() {
    const units = new Set([...this.selection].map((code) => {
      let at = code;
      while (this.model.level(at) > this.unitLevel) at = this.model.parent(at);
      return at;
    }));
    return [...units].sort();
  }

  select(codes, how = "only") {
    const before = this.selection;
    if (how === "only") this.selection = new Set(codes);
    else {
      const all = codes.every((code) => before.has(code));
      this.selection = new Set(before);
      for (const code of codes) if (how === "remove" || (how === "toggle" && all)) this.selection.delete(code); else this.selection.add(code);
    }
    this.place = null;
    this.surface.refresh("overlay", "handles");
    this.emit("selected");
  }

  goTo(codes, { select = false, padding = Math.min(160, this.surface.width / 5) } = {}) {
    const boxes = codes.flatMap((code) => this.model.thirds(code)).map((code) => this.model.shape(code).box);
    if (!boxes.length) return;
    if (select) this.select(codes.flatMap((code) => this.model.thirds(code)));
    const box = [Math.min(...boxes.map((b) => b[0])), Math.min(...boxes.map((b) => b[1])), Math.max(...boxes.map((b) => b[2])), Math.max(...boxes.map((b) => b[3]))];
    this.surface.look(this.surface.view.around(box, padding));
  }

  goToPlace(at) {
    this.place = at;
    this.surface.look(this.surface.view.copy({ x: at[0], y: at[1], scale: Math.max(this.surface.view.scale, 1e-3) }));
    this.surface.refresh("overlay");
  }

  showAll() { this.goTo(this.model.codesOf(LEVEL.community), { padding: 24 }); }
  zoom(factor) { const { view } = this.surface; this.surface.look(view.zoomed(factor, view.width / 2, view.height / 2)); }
  pointerAt(at) { this.lastPlace = at; }

  use(name) {
    if (!Object.hasOwn(this.tools, name)) return;
    if (!this.editable && !["select", "lasso", "brush", "comment"].includes(name)) return;
    this.pointers?.abandon();
    this.tool.leave();
    this.plan = null;
    this.previews.drop();
    this.toolName = name;
    this.tool.enter();
    this.surface.refresh("overlay", "handles");
    this.emit("tool", name);
  }

  // Planning and making edits

  /** The edit in preparation: replaced arcs, the reason for a refusal, and the edits whose consequences are requested. */
  setTrial(local, fault = null, edits = null) {
    if (this.trial === local && this.fault === fault && !edits) return;
    Object.assign(this, { trial: local, fault });
    if (edits && !fault) this.previews.ask(edits);
    else this.previews.drop();
    this.surface.refresh("overlay");
    this.emit("trial");
  }

  /** A reason known only to the server. */
  setFault(problem) {
    const place = problem.place && firstPlace(problem.place);
    this.fault = { ...problem, at: place && this.model.onLattice(place) };
    this.surface.refresh("overlay");
    this.emit("trial");
  }

  /** Show an edit with its consequences; Enter or the button applies it. */
  propose(plan) {
    if (!this.editable) return;
    this.plan = { ...plan, accept: {} };
    this.setTrial(plan.local ?? null, plan.fault ?? null, plan.edits);
    this.emit("plan");
  }

  commit() {
    const { plan } = this;
    if (!plan || plan.fault || (plan.refused && !plan.accept.cut_building)) return;
    this.plan = null;
    this.make(plan.edits, { accept: plan.accept });
    this.tool.cancel();
    this.emit("plan");
  }

  giveUp({ keepTool = false } = {}) {
    this.plan = null;
    if (!keepTool) { this.pointers?.abandon(); this.tool.cancel(); }
    this.setTrial(null);
    this.previews.drop();
    this.surface.refresh("overlay", "handles");
    this.emit("plan");
  }

  /** Apply edits: at once in the page if possible, and finally when the server has stored them. */
  make(edits, { accept = {} } = {}) {
    if (!this.editable) return;
    this.setTrial(null);
    this.log.put(edits, accept);
  }

  undo() { this.giveUp(); if (this.editable) this.log.undo(); }
  redo() { this.giveUp(); if (this.editable) this.log.redo(); }

  nudged(from, to) {
    const local = moveVertex(this.model, from, to);
    if (local) this.setTrial(local, this.model.refusalOf(local.before, local.after), this.moveOf(from, to));
  }

  moveOf(from, to) { return [{ edit: "MoveVertex", at: this.model.inMetres(...from), to: this.model.inMetres(...to) }]; }

  makeNudge(from, to) {
    const { fault } = this;
    if (fault) { this.setTrial(null); this.tell("released", fault); return false; }
    this.make(this.moveOf(from, to));
    return true;
  }

  writeRemark(at) { this.emit("remark", at); }

  /** The reason of a refusal in words. */
  reason(fault) { return fault.words ? say(fault.words) : fault.zh ? (document.documentElement.lang === "en" ? fault.en : fault.zh) : say(`kind.${fault.kind}`); }

  makeLocally(edits) {
    const steps = makeLocally(this.model, edits);
    return { steps, touched: new Set(steps.flatMap(({ before, after }) => [...before, ...after].flatMap((arc) => [arc.left, arc.right])).filter(Boolean)) };
  }

  unmake(steps) { return unmake(this.model, steps); }

  /** Results computed later by the server: incidents and verdicts that would change. */
  hear(event) {
    if (this.later.size > 50) this.later.clear();
    this.later.set(event.id, event);
    this.emit("previewed");
  }

  /** Show the draft after an earlier step; null for the newest. */
  async visit(revision) {
    const snapshot = await this.server.get(revision === null ? "/snapshot" : `/snapshot?revision=${revision}`);
    this.past = revision;
    if (revision === null) { await this.log.reload(); return; }
    this.server.events?.close();
    if (!["select", "lasso", "brush"].includes(this.toolName)) this.use("select");
    this.log.withdraw();
    this.load(snapshot);
  }

  /** Show another snapshot: the draft after a step, or the newest one. */
  load(snapshot) {
    this.model = new Model(snapshot);
    const { mode } = this.fills;
    this.fills = new Fills(this.model);
    this.fills.mode = mode;
    this.state = snapshot.state;
    this.dirty.clear();
    this.selection = new Set([...this.selection].filter((code) => this.model.row(code)));
    this.plan = this.trial = this.fault = null;
    this.undoable = { undo: snapshot.undo, redo: snapshot.redo };
    this.surface.refresh("division", "overlay", "handles");
    this.emit("changed", []);
    this.emit("loaded");
  }
}
