/* Tools for whole cells: merge, transfer, redivide, lock, and remarks at a place. */

import { LEVEL } from "../model.js";
import { Tool } from "./tool.js";

export class Merge extends Tool {
  get dragsMap() { return true; }

  enter() { this.proposeSelected(); }

  click(at) {
    const code = this.app.model.cellAt(at.x, at.y);
    if (code) this.app.select(this.app.unit(code), "toggle");
    this.proposeSelected();
  }

  /** With two or more cells selected, their merge is previewed; Enter applies it. */
  proposeSelected() {
    const codes = this.app.selectedUnits();
    if (codes.length > 1) this.app.propose({ edits: [{ edit: "Merge", codes }], cells: codes });
    else this.app.giveUp({ keepTool: true });
  }
}

export class Transfer extends Tool {
  get dragsMap() { return true; }

  move(at, pressed) {
    if (pressed || !this.app.selection.size || this.app.plan) return;
    const code = this.app.model.cellAt(at.x, at.y), grid = code ? this.app.model.parent(code) : null;
    if (grid !== this.over) { this.over = grid; this.app.surface.refresh("overlay"); }
  }

  click(at) {
    const { app } = this, code = app.model.cellAt(at.x, at.y);
    if (!code) return;
    const grid = app.model.parent(code), codes = [...app.selection].filter((one) => app.model.parent(one) !== grid);
    if (at.shift || !codes.length || app.selection.has(code)) { app.giveUp({ keepTool: true }); app.select([code], at.shift ? "toggle" : "only"); return; }
    this.over = grid;
    app.propose({ edits: [{ edit: "Transfer", codes, to: grid }], cells: codes });
  }

  cancel() { this.over = null; }

  draw(context, view) {
    if (!this.over || !this.app.model.row(this.over)) return;
    const rings = this.app.model.groupRings([this.over]);
    context.strokeStyle = "#0b6e4f";
    context.lineWidth = 4;
    context.beginPath();
    for (const ring of [...rings.outer, ...rings.inner]) for (let k = 0; k < ring.length; k += 2) context[k ? "lineTo" : "moveTo"](...view.toPixels(ring[k], ring[k + 1]));
    context.stroke();
  }
}

export class Redivide extends Tool {
  get dragsMap() { return true; }

  enter() { this.app.panel("change"); }

  click(at) {
    const code = this.app.model.cellAt(at.x, at.y);
    this.app.select(code ? this.app.model.thirds(this.app.model.parent(code)) : [], "only");
    this.app.panel("change");
  }
}

export class Lock extends Tool {
  get dragsMap() { return true; }

  click(at) {
    const { app } = this, { model } = app, code = model.cellAt(at.x, at.y);
    if (!code) return;
    let target = at.shift ? model.parent(code) : code;
    // Cells locked through an ancestor are unlocked at the ancestor.
    while (!model.locked.has(target) && model.isLocked(target) && model.level(target) > LEVEL.community) target = model.parent(target);
    app.make([{ edit: model.locked.has(target) ? "Unlock" : "Lock", codes: [target] }]);
  }
}

export class Remark extends Tool {
  get dragsMap() { return true; }
  click(at) { this.app.writeRemark([Math.round(at.x), Math.round(at.y)]); }
}
