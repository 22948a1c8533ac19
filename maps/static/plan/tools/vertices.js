/* Dragging vertices and borders: the adjacent cells follow, and are red while the position is invalid. */

import { insertVertex, moveVertex, nearestOnEdge } from "../compile.js";
import { reachOf, snap } from "../snapping.js";
import { Tool, drawCatch } from "./tool.js";

export class DragVertex extends Tool {
  get dragsMap() { return !this.held; }

  enter() { this.app.surface.refresh("handles"); }

  leave() {
    this.cancel();
    this.app.surface.refresh("handles");
  }

  cancel() {
    this.held = this.target = null;
    this.app.setTrial(null);
  }

  down(at) {
    const place = this.grip(at);
    if (!place.kind) return;
    if (this.app.plan) this.app.giveUp();
    this.held = place;
    const beside = [place.arc.left, place.arc.right].filter(Boolean);
    if (!beside.some((code) => this.app.selection.has(code))) this.app.select(beside, "only");
  }

  /** The object grabbed by a press: a visible handle, otherwise a vertex, otherwise a border. */
  grip(at) {
    const seen = this.app.handles.nearest(at, reachOf(this.app, at));
    if (!seen) return snap(this.app, at, { kinds: ["vertex", "edge"] });
    const [arc] = this.app.model.arcsAt(seen.x, seen.y);
    return arc ? { x: seen.x, y: seen.y, kind: "vertex", arc } : { kind: "" };
  }

  click(at) {
    this.held = null;
    if (this.grip(at).kind) return;
    const code = this.app.model.cellAt(at.x, at.y);
    this.app.select(code ? [code] : [], at.shift ? "toggle" : "only");
  }

  move(at, pressed) {
    if (!pressed || !this.held) return;
    const { app, held } = this;
    const on = held.kind === "vertex" ? [held.x, held.y] : null;
    this.slides = at.shift && on !== null;
    this.target = this.slides ? alongBorders(app, on, at) : snap(app, at, { off: at.alt, kinds: ["corner", "road"], without: on });
    const to = [this.target.x, this.target.y];
    // The server slides the node and adapts the third border; the preview shows the moved node only.
    const local = on ? moveVertex(app.model, on, to) : insertVertex(held.arc, held.k, to);
    // Another planner may have moved or removed the vertex meanwhile.
    if (!local) { app.giveUp(); return; }
    app.setTrial(this.slides ? null : local, this.slides ? null : app.model.refusalOf(local.before, local.after), this.edits(to));
    app.surface.refresh("overlay");
  }

  edits(to) {
    const { app, held } = this, at = app.model.inMetres(held.x, held.y), there = app.model.inMetres(...to);
    if (held.kind === "edge") return [{ edit: "InsertVertex", at }, { edit: "MoveVertex", at, to: there }];
    return [this.slides ? { edit: "SlideNode", at, to: there } : { edit: "MoveVertex", at, to: there }];
  }

  up() {
    const { app, held, target } = this;
    if (!held || !target) { this.cancel(); return; }
    const to = [target.x, target.y], edits = this.edits(to), fault = app.fault;
    this.held = this.target = null;
    if (fault) { app.setTrial(null); app.tell("released", fault); }
    else if (to[0] !== held.x || to[1] !== held.y) app.make(edits);
    else app.setTrial(null);
    app.surface.refresh("overlay", "handles");
  }

  /** Remove a vertex, by its handle. */
  remove(x, y) {
    this.app.make([{ edit: "RemoveVertex", at: this.app.model.inMetres(x, y) }]);
  }

  draw(context, view) {
    const { held, target } = this;
    if (!target) return;
    drawCatch(context, view, target);
    if (held?.kind !== "vertex") return;
    // The handle stays where the vertex was: a drawing in SVG that changes costs more than the rest of the frame.
    context.fillStyle = "#1d5fa8";
    context.beginPath();
    context.arc(...view.toPixels(target.x, target.y), 5, 0, 2 * Math.PI);
    context.fill();
  }
}

/** The place nearest to the pointer on the borders that end in a node. */
function alongBorders(app, [x, y], at) {
  let best = { x, y, distance2: Infinity, kind: "" };
  for (const { xy } of app.model.arcsAt(x, y)) {
    for (let k = 0; k + 3 < xy.length; k += 2) {
      const near = nearestOnEdge(xy[k], xy[k + 1], xy[k + 2], xy[k + 3], at.x, at.y);
      if (near.distance2 < best.distance2) best = { ...near, kind: "edge" };
    }
  }
  return best;
}
