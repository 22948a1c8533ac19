/* Measures the box that a drawing covers, without drawing: it takes the place of a canvas's context, and the same code runs on both.
   The canvas of a drawing then has the size of the drawing; a canvas of the size of the window is copied at every frame. */

const NOTHING = [Infinity, Infinity, -Infinity, -Infinity];

/** Room for a character in each direction, pixels: no text on the map is larger. */
const CHARACTER = 20;

function grow(box, x0, y0, x1 = x0, y1 = y0) {
  if (x0 < box[0]) box[0] = x0;
  if (y0 < box[1]) box[1] = y0;
  if (x1 > box[2]) box[2] = x1;
  if (y1 > box[3]) box[3] = y1;
}

const common = (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];

export class Extent {
  constructor() {
    this.box = [...NOTHING];
    this.path = [...NOTHING];
    this.limit = [-Infinity, -Infinity, Infinity, Infinity];
    this.lineWidth = 1;
    this.states = [];
  }

  /** That this is no canvas: what a clip hides need not be drawn. */
  get measures() { return true; }
  get empty() { return this.box[0] > this.box[2]; }

  /** Add a box that is painted on, as far as the clip lets it. */
  cover(box, margin) {
    if (box[0] > box[2]) return;
    const seen = common([box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin], this.limit);
    if (seen[0] < seen[2] && seen[1] < seen[3]) grow(this.box, ...seen);
  }

  beginPath() { this.path = [...NOTHING]; }
  closePath() {}
  moveTo(x, y) { grow(this.path, x, y); }
  lineTo(x, y) { grow(this.path, x, y); }
  arc(x, y, r) { grow(this.path, x - r, y - r, x + r, y + r); }
  rect(x, y, width, height) { grow(this.path, x, y, x + width, y + height); }

  fill() { this.cover(this.path, 1); }
  // Twice the width leaves room for the mitres of sharp corners.
  stroke() { this.cover(this.path, 1 + 2 * this.lineWidth); }
  fillRect(x, y, width, height) { this.cover([x, y, x + width, y + height], 1); }
  fillText(text, x, y) { const reach = text.length * CHARACTER; this.cover([x - reach, y, x + reach, y], CHARACTER); }
  strokeText(text, x, y) { this.fillText(text, x, y); }
  setLineDash() {}

  clip() { this.limit = common(this.limit, this.path); }
  save() { this.states.push([this.limit, this.lineWidth]); }
  restore() { [this.limit, this.lineWidth] = this.states.pop() ?? [this.limit, this.lineWidth]; }
}
