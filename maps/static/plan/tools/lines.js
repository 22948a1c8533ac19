/* Tools that draw a line: the new border, and the line that splits a cell. Points are clicked, or drawn with the button down. */

import { conflict } from "../exact.js";
import { cuts, reshape } from "../compile.js";
import { snap } from "../snapping.js";
import { Tool, drawCatch, drawLine } from "./tool.js";

/** Tolerance for simplifying hand-drawn lines, pixels. */
const THIN_PX = 2.5;

class LineTool extends Tool {
  cancel() {
    Object.assign(this, { points: [], ends: [], hover: null, freehand: false });
    this.app.setTrial(null);
  }

  enter() { this.cancel(); }

  catch(at) { return snap(this.app, at, { off: at.alt }); }

  down(at) {
    if (this.app.plan) this.app.giveUp();
    this.pressed = at;
    if (!this.points.length) this.begin(this.catch(at));
  }

  begin(place) {
    this.points = [place.x, place.y];
    this.first = place;
  }

  move(at, pressed) {
    this.hover = this.catch(at);
    if (pressed && this.points.length && (this.freehand || Math.hypot(at.px - this.pressed.px, at.py - this.pressed.py) > 6)) {
      this.freehand = true;
      this.points.push(Math.round(at.x), Math.round(at.y));
    }
    this.judge();
    this.app.surface.refresh("overlay");
  }

  up(at) {
    if (!this.freehand) return;
    this.freehand = false;
    const place = this.catch(at), scale = this.app.surface.view.scale;
    this.points = thinned([...this.points.slice(0, -2), place.x, place.y], THIN_PX / scale);
    this.last = place;
    this.finish();
  }

  click(at) {
    const place = this.catch(at);
    const n = this.points.length;
    if (this.points[n - 2] !== place.x || this.points[n - 1] !== place.y) this.points.push(place.x, place.y);
    this.last = place;
    if (this.endsAt(place)) this.finish();
    else this.judge();
    this.app.surface.refresh("overlay");
  }

  double() { if (this.points.length > 2) this.finish(); }

  key(event) {
    if (event.key === "Enter" && this.points.length > 2 && !this.app.plan) { this.finish(); return true; }
    if (event.key === "Backspace" && this.points.length > 2) {
      this.points.length -= 2;
      this.judge();
      this.app.surface.refresh("overlay");
      return true;
    }
    return false;
  }

  /** The line with the place under the pointer. */
  line() {
    const { points, hover, freehand } = this;
    if (freehand || !hover || !points.length || this.app.plan || (points.at(-2) === hover.x && points.at(-1) === hover.y)) return points;
    return [...points, hover.x, hover.y];
  }

  draw(context, view) {
    const fault = this.app.fault;
    drawLine(context, view, this.line(), { colour: fault ? "#b3261e" : "#0b6e4f", points: !this.freehand });
    drawCatch(context, view, this.hover);
  }

  metres(xy = this.points) {
    const line = [];
    for (let k = 0; k < xy.length; k += 2) line.push(this.app.model.inMetres(xy[k], xy[k + 1]));
    return line;
  }
}

export class DrawBorder extends LineTool {
  /** Whether a click ends the line: on another place of the border where it started. */
  endsAt(place) {
    if (this.points.length < 4 || !this.onBorder(place) || !this.onBorder(this.first)) return false;
    return reshape(this.app.model, this.points, this.first, place) !== null;
  }

  onBorder(place) { return place?.kind === "vertex" || place?.kind === "edge"; }

  judge() {
    const line = this.line(), { hover, first, app } = this;
    if (!this.points.length) { app.setTrial(null); return; }
    if (!this.onBorder(first)) { app.setTrial(null, { kind: "misses", words: "draw_from_border", at: [first.x, first.y] }); return; }
    const crossed = selfCrossing(line);
    if (crossed) { app.setTrial(null, { kind: "self_crossing", at: crossed, cells: [] }); return; }
    const local = this.onBorder(hover) && line.length >= 4 ? reshape(app.model, line, first, hover) : null;
    app.setTrial(local, local && app.model.refusalOf(local.before, local.after));
  }

  finish() {
    const { app, first, last } = this;
    if (!this.onBorder(first) || !this.onBorder(last)) {
      app.setTrial(null, { kind: "misses", words: this.onBorder(first) ? "end_on_border" : "draw_from_border", at: [last.x, last.y] });
      return;
    }
    const edits = [];
    for (const end of [first, last]) if (end.kind === "edge") edits.push({ edit: "InsertVertex", at: app.model.inMetres(end.x, end.y) });
    edits.push({ edit: "Reshape", line: this.metres() });
    const local = reshape(app.model, this.points, first, last);
    app.propose({ edits, local, fault: local && app.model.refusalOf(local.before, local.after) });
  }
}

export class SplitCell extends LineTool {
  endsAt() { return false; }

  catch(at) { return snap(this.app, at, { off: at.alt, kinds: ["vertex", "corner", "edge", "road"] }); }

  /** The cell that a line splits: the selected one, or the one that it crosses from border to border. */
  target(line) {
    const { app } = this, crossed = [], candidates = new Set(app.selection.size === 1 ? app.selection : []);
    if (!candidates.size) for (let k = 0; k + 3 < line.length; k += 2) for (const share of [0.25, 0.5, 0.75]) {
      const code = app.model.cellAt(Math.round(line[k] + share * (line[k + 2] - line[k])), Math.round(line[k + 1] + share * (line[k + 3] - line[k + 1])));
      if (code) candidates.add(code);
    }
    for (const code of candidates) {
      const stretches = cuts(app.model, code, line);
      const length = Math.max(0, ...stretches.map((xy) => xy.slice(2).reduce((sum, _, k) => (k % 2 ? sum : sum + Math.hypot(xy[k + 2] - xy[k], xy[k + 3] - xy[k + 1])), 0)));
      if (stretches.length) crossed.push({ code, stretches, length });
    }
    return crossed.sort((a, b) => b.length - a.length)[0] ?? null;
  }

  /** Show a split proposed by the server like a drawn one. */
  take(edit) {
    this.cancel();
    this.points = edit.line.flatMap((place) => this.app.model.onLattice(place));
    this.app.propose({ edits: [edit], cells: [edit.code] });
  }

  judge() {
    const line = this.line();
    if (this.app.plan) return;
    if (line.length < 4) { this.app.setTrial(null); return; }
    const crossed = selfCrossing(line), found = this.target(line);
    this.found = found;
    if (crossed) this.app.setTrial(null, { kind: "self_crossing", at: crossed, cells: [] });
    else if (found && this.app.model.isLocked(found.code)) this.app.setTrial(null, { kind: "locked", at: line.slice(0, 2), cells: [found.code] });
    else if (found?.stretches.length > 1) this.app.setTrial(null, { kind: "crosses", words: "cut_once", at: found.stretches[1].slice(0, 2), cells: [found.code] });
    else this.app.setTrial(null);
  }

  finish() {
    const found = this.target(this.points);
    if (!found) { this.app.setTrial(null, { kind: "misses", words: "no_cell_cut", at: this.points.slice(0, 2), cells: [] }); return; }
    this.found = found;
    this.app.propose({ edits: [{ edit: "Split", code: found.code, line: this.metres() }], cells: [found.code], fault: this.app.fault });
  }

  draw(context, view) {
    super.draw(context, view);
    if (this.found && this.points.length) for (const stretch of this.found.stretches) drawLine(context, view, stretch, { colour: "#123f66", points: false });
  }
}

/** Where a line crosses or touches itself, or null. */
function selfCrossing(xy) {
  for (let i = 2; i + 3 < xy.length; i += 2) {
    for (let j = 0; j < i; j += 2) {
      if (conflict(xy[i], xy[i + 1], xy[i + 2], xy[i + 3], xy[j], xy[j + 1], xy[j + 2], xy[j + 3])) return [xy[i], xy[i + 1]];
    }
  }
  return null;
}

/** Simplify a line with tolerance `reach` (Douglas-Peucker). */
function thinned(xy, reach) {
  const keep = new Set([0, xy.length - 2]), open = [[0, xy.length - 2]];
  while (open.length) {
    const [a, b] = open.pop();
    const dx = xy[b] - xy[a], dy = xy[b + 1] - xy[a + 1], length = Math.hypot(dx, dy) || 1;
    let most = reach, at = -1;
    for (let k = a + 2; k < b; k += 2) {
      const off = length > 1 ? Math.abs(dx * (xy[k + 1] - xy[a + 1]) - dy * (xy[k] - xy[a])) / length : Math.hypot(xy[k] - xy[a], xy[k + 1] - xy[a + 1]);
      if (off > most) { most = off; at = k; }
    }
    if (at > 0) { keep.add(at); open.push([a, at], [at, b]); }
  }
  return [...keep].sort((a, b) => a - b).flatMap((k) => [xy[k], xy[k + 1]]);
}
