/* The view of the map: centre in millimetres from the street's corner, and pixels per millimetre. North is up. */

/** Limits of pixels per millimetre: from a whole street in the window to a useful maximum. */
const SCALE = { least: 1e-5, most: 0.04 };

export class View {
  constructor(x, y, scale, width, height) {
    Object.assign(this, { x, y, scale, width, height });
  }

  copy(changes = {}) {
    const { x, y, scale, width, height } = { ...this, ...changes };
    return new View(x, y, Math.min(SCALE.most, Math.max(SCALE.least, scale)), width, height);
  }

  toPixels(x, y) { return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2]; }
  toPlace(px, py) { return [(px - this.width / 2) / this.scale + this.x, this.y - (py - this.height / 2) / this.scale]; }

  /** The visible window, with a margin in pixels. */
  box(margin = 0) {
    const [x0, y1] = this.toPlace(-margin, -margin), [x1, y0] = this.toPlace(this.width + margin, this.height + margin);
    return [x0, y0, x1, y1];
  }

  panned(dx, dy) { return this.copy({ x: this.x - dx / this.scale, y: this.y + dy / this.scale }); }

  /** Zoom by a factor around a fixed place in the window. */
  zoomed(factor, px, py) {
    const [x, y] = this.toPlace(px, py), next = this.copy({ scale: this.scale * factor });
    return next.copy({ x: x - (px - this.width / 2) / next.scale, y: y + (py - this.height / 2) / next.scale });
  }

  /** The view that shows a box. */
  around([x0, y0, x1, y1], padding = 40) {
    const scale = Math.min((this.width - 2 * padding) / Math.max(1, x1 - x0), (this.height - 2 * padding) / Math.max(1, y1 - y0));
    return this.copy({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale });
  }

  /** CSS transform of a picture drawn for the view `drawn` to this view; its origin is the top left corner. */
  transformOf(drawn) {
    const ratio = this.scale / drawn.scale, [left, top] = this.toPixels(...drawn.toPlace(0, 0));
    return `matrix(${ratio},0,0,${ratio},${left},${top})`;
  }
}
