"use strict";
/* Placement of labels on a map: without overlaps, inside the frame, the most important first. */
wangge.Labels = (() => {
  const { el } = wangge;
  const GAP = 2; // pixels between two names

  class Labels {
    /** Names on `map`; a new value for each view. */
    constructor(map) {
      const { x, y } = map.getSize();
      Object.assign(this, { map, width: x, height: y, taken: [] });
      const style = getComputedStyle(document.documentElement);
      this.rem = parseFloat(style.fontSize);
      this.family = style.fontFamily;
      this.pen = (Labels.pen ??= document.createElement("canvas").getContext("2d"));
    }

    /** Width and height in pixels of lines of text; the first is heavier. */
    measure(lines, { plate = false, size = 0.8 } = {}) {
      let width = 0;
      lines.forEach((line, i) => {
        this.pen.font = `${i ? 400 : 700} ${size * this.rem}px ${this.family}`;
        width = Math.max(width, this.pen.measureText(typeof line === "string" ? line : line.textContent).width + (typeof line === "string" ? 0 : 10));
      });
      return { width: width + (plate ? 10 : 4), height: lines.length * size * this.rem * 1.25 + (plate ? 5 : 2) };
    }

    /** Whether a box is inside the frame and free. */
    free({ left, top, right, bottom }) {
      if (left < 0 || top < 0 || right > this.width || bottom > this.height) return false;
      return !this.taken.some((other) => left < other.right + GAP && right > other.left - GAP && top < other.bottom + GAP && bottom > other.top - GAP);
    }

    boxAt({ x, y }, { width, height }) {
      return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
    }

    /** Reserve a place at a point, or near it within `reach`. Returns the place or null. */
    take(point, size, reach = 0) {
      for (const [dx, dy] of Labels.STEPS) {
        if (Math.max(Math.abs(dx) * size.width * 0.5, Math.abs(dy) * size.height * 0.6) > reach) continue;
        const at = { x: point.x + dx * size.width * 0.5, y: point.y + dy * size.height * 0.6 }, box = this.boxAt(at, size);
        if (this.free(box)) {
          this.taken.push(box);
          return at;
        }
      }
      return null;
    }

    /** An icon for a marker of Leaflet with lines of text, moved from its point by `dx`, `dy`. */
    static icon(lines, { plate, quiet, dx, dy }) {
      const nodes = lines.map((line, i) => (typeof line === "string" ? el(i ? "span" : "b", {}, line) : line));
      const html = el("div", { className: `${plate ? "plate" : ""} ${quiet ? "quiet" : ""}`.trim(), style: `left:${dx.toFixed(1)}px;top:${dy.toFixed(1)}px` }, ...nodes);
      return L.divIcon({ className: "label", iconSize: [0, 0], html });
    }
  }

  /** Steps from a point, nearest first. */
  Labels.STEPS = [];
  for (let dx = -3; dx <= 3; dx++) for (let dy = -3; dy <= 3; dy++) Labels.STEPS.push([dx, dy]);
  Labels.STEPS.sort((a, b) => Math.hypot(...a) - Math.hypot(...b));

  return Labels;
})();
