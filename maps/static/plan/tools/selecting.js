/* Selecting: by click, with a lasso, with a brush. */

import { inRing } from "../exact.js";
import { boxOf } from "../buckets.js";
import { Tool, drawLine } from "./tool.js";

export class Select extends Tool {
  get dragsMap() { return true; }

  click(at) {
    const code = this.app.model.cellAt(at.x, at.y);
    this.app.select(code ? this.app.unit(code) : [], at.shift ? "toggle" : "only");
  }

  double(at) {
    const code = this.app.model.cellAt(at.x, at.y);
    if (code) this.app.goTo([code]);
  }
}

export class Lasso extends Tool {
  down(at) { this.loop = [at.x, at.y]; }

  move(at, pressed) {
    if (!pressed || !this.loop) return;
    this.loop.push(at.x, at.y);
    this.app.surface.refresh("overlay");
  }

  up(at) {
    const { loop, app } = this;
    this.loop = null;
    if (!loop || loop.length < 6) return;
    const ring = [...loop, loop[0], loop[1]].map(Math.round), found = [];
    for (const { code } of app.model.cellsWithin(boxOf(ring))) {
      const { x, y } = app.model.labelPlace(code);
      if (inRing(ring, Math.round(x), Math.round(y))) found.push(...app.unit(code));
    }
    app.select(found, at.alt ? "remove" : at.shift ? "add" : "only");
    app.surface.refresh("overlay");
  }

  cancel() { this.loop = null; }
  draw(context, view) { if (this.loop) drawLine(context, view, this.loop, { colour: "#1d5fa8", dash: [6, 4], points: false }); }
}

export class Brush extends Tool {
  down(at) {
    if (!at.shift && !at.alt) this.app.select([], "only");
    this.paint(at);
  }

  move(at, pressed) { if (pressed) this.paint(at); }

  paint(at) {
    const code = this.app.model.cellAt(at.x, at.y);
    if (code) this.app.select(this.app.unit(code), at.alt ? "remove" : "add");
  }
}
