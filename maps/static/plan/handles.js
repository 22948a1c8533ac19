/* Handles on the vertices of the selection: SVG circles with role, label and keys, for the hand, the keyboard and a screen reader. */

import { svg } from "./dom.js";
import { key } from "./exact.js";
import { say } from "./words.js";

/** Handles of at most this many cells are shown. */
const MOST_CELLS = 40;

/** Vertices nearer than this to another handle get none of their own, pixels; nodes always have one. */
const APART_PX = 9;

/** Idle time after which a vertex moved by arrow keys is sent, milliseconds. */
const NUDGE_MS = 700;

/** How far the arrow keys move a vertex, millimetres. */
const STEP_MM = { plain: 100, shift: 1000 };

export class Handles {
  constructor(app) {
    this.app = app;
    this.circles = new Map();
    this.shown = new Map();
    this.nudge = null;
  }

  draw(root, view) {
    const { app } = this;
    const wanted = app.toolName === "drag" && app.selection.size <= MOST_CELLS ? this.wanted(view) : new Map();
    this.shown = wanted;
    for (const [name, circle] of this.circles) if (!wanted.has(name)) { circle.remove(); this.circles.delete(name); }
    for (const [name, place] of wanted) {
      let circle = this.circles.get(name);
      if (!circle) { circle = this.make(place); this.circles.set(name, circle); root.append(circle); }
      const [cx, cy] = view.toPixels(place.x, place.y), cells = [...place.cells].map((code) => app.model.name(code)).join("、");
      circle.setAttribute("cx", cx.toFixed(1));
      circle.setAttribute("cy", cy.toFixed(1));
      circle.setAttribute("r", place.node ? 6 : 4);
      circle.setAttribute("class", place.node ? "node" : "vertex");
      circle.setAttribute("aria-label", place.node ? say("node_of", { n: place.cells.size, cells }) : say("vertex_of", { cells }));
    }
    if (this.focus) { this.circles.get(this.focus)?.focus({ preventScroll: true }); this.focus = null; }
  }

  /** The handle nearest to a pointer, within a distance in millimetres; only visible handles. */
  nearest(at, reach) {
    let best = null, least = reach * reach;
    for (const place of this.shown.values()) {
      const distance2 = (place.x - at.x) ** 2 + (place.y - at.y) ** 2;
      if (distance2 <= least) { best = place; least = distance2; }
    }
    return best;
  }

  /** While arrow keys move a vertex only its handle moves. */
  follow(view, held, target) {
    const circle = this.circles.get(key(held.x, held.y)), [cx, cy] = view.toPixels(target.x, target.y);
    circle?.setAttribute("cx", cx.toFixed(1));
    circle?.setAttribute("cy", cy.toFixed(1));
  }

  wanted(view) {
    const { model, selection } = this.app, places = new Map(), [x0, y0, x1, y1] = view.box(60);
    for (const arc of model.arcsOfCells(selection)) {
      for (let k = 0; k < arc.xy.length; k += 2) {
        const x = arc.xy[k], y = arc.xy[k + 1];
        if (x < x0 || x > x1 || y < y0 || y > y1) continue;
        const name = key(x, y), place = places.get(name) ?? { x, y, node: false, cells: new Set() };
        place.node ||= k === 0 || k === arc.xy.length - 2;
        for (const code of [arc.left, arc.right]) if (code) place.cells.add(code);
        places.set(name, place);
      }
    }
    const kept = new Map(), taken = new Set();
    for (const [name, place] of [...places].sort((a, b) => Number(b[1].node) - Number(a[1].node))) {
      const i = Math.round((place.x * view.scale) / APART_PX), j = Math.round((place.y * view.scale) / APART_PX), spot = i * 100003 + j;
      if (!place.node && taken.has(spot)) continue;
      taken.add(spot);
      kept.set(name, place);
    }
    return kept;
  }

  make({ x, y }) {
    const circle = svg("circle", { role: "button", tabindex: "0" });
    circle.addEventListener("keydown", (event) => this.onKey(event, x, y));
    return circle;
  }

  onKey(event, x, y) {
    const step = event.shiftKey ? STEP_MM.shift : STEP_MM.plain;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    const { app } = this;
    if (by) this.move([x, y], by);
    else if (event.key === "Delete") { app.tool.remove(x, y); }
    else if (event.key === "Enter" && this.nudge) this.send();
    else if (event.key === "Escape" && this.nudge) { this.forget(); app.setTrial(null); app.surface.refresh("handles"); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(from, [dx, dy]) {
    const { app } = this, now = this.nudge ?? { from, to: [...from] };
    now.to = [now.to[0] + dx, now.to[1] + dy];
    clearTimeout(now.timer);
    now.timer = setTimeout(() => this.send(), NUDGE_MS);
    this.nudge = now;
    app.nudged(now.from, now.to);
    this.follow(app.surface.drawn, { x: now.from[0], y: now.from[1] }, { x: now.to[0], y: now.to[1] });
  }

  forget() {
    clearTimeout(this.nudge?.timer);
    this.nudge = null;
  }

  send() {
    const { from, to } = this.nudge;
    this.forget();
    const held = document.activeElement?.closest?.("svg.handles");
    if (this.app.makeNudge(from, to) && held) this.focus = key(...to);
    this.app.surface.refresh("handles");
  }
}
