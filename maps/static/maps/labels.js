"use strict";
/* Placement of labels on a map: without overlaps, inside the frame, the most important first. */
Object.assign(wangge, (() => {
  const { el } = wangge;
  const GAP = 2; // pixels between two names

  class Labels {
    /** Names on the map of a LabelLayer; a new value for each view. */
    constructor(layer) {
      const { map } = layer, { x, y } = map.getSize();
      Object.assign(this, { layer, map, width: x, height: y, taken: [], written: [] });
      const style = getComputedStyle(document.documentElement);
      this.rem = parseFloat(style.fontSize);
      this.family = style.fontFamily;
      this.pen = (Labels.pen ??= document.createElement("canvas").getContext("2d"));
    }

    /** Width and height in pixels of lines of text; the first is heavier. */
    measure(lines, { plate = false, size = 0.8 } = {}) {
      let width = 0;
      lines.forEach((line, i) => {
        const text = typeof line === "string" ? line : line.textContent;
        width = Math.max(width, this.widthOf(text, `${i ? 400 : 700} ${size * this.rem}px ${this.family}`) + (typeof line === "string" ? 0 : 10));
      });
      return { width: width + (plate ? 10 : 4), height: lines.length * size * this.rem * 1.25 + (plate ? 5 : 2) };
    }

    /** Width of a text in a font. The same names are measured at every move of the map. */
    widthOf(text, font) {
      const key = `${font}\n${text}`;
      if (!Labels.widths.has(key)) {
        if (Labels.widths.size > 20000) Labels.widths.clear();
        if (this.pen.font !== font) this.pen.font = font;
        Labels.widths.set(key, this.pen.measureText(text).width);
      }
      return Labels.widths.get(key);
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

    /** An element with lines of text, moved from its point by `dx`, `dy`. */
    static lines(lines, { plate, quiet, dx, dy }) {
      const nodes = lines.map((line, i) => (typeof line === "string" ? el(i ? "span" : "b", {}, line) : line));
      return el("div", { className: `${plate ? "plate" : ""} ${quiet ? "quiet" : ""}`.trim(), style: `left:${dx.toFixed(1)}px;top:${dy.toFixed(1)}px` }, ...nodes);
    }

    /** Add an element at a place, in a pane of the map; `show` shows all of them. */
    write(pane, place, className, content) { this.written.push({ pane, place: L.latLng(place), className, content }); }

    show() { this.layer.show(this.written); }
  }

  Labels.widths = new Map();

  /**
   * The labels that are shown. The labels of a pane are in one element, which is moved and scaled as a whole while the map is zoomed:
   * a browser makes each element that is animated a layer of its own, which takes most of the time of a zoom with hundreds of names.
   */
  class LabelLayer {
    constructor(map) {
      Object.assign(this, { map, groups: new Map() });
      map.on("zoomanim", ({ zoom, center }) => this.move((at) => map._latLngToNewLayerPoint(at, zoom, center), zoom));
      map.on("zoom viewreset", () => this.move((at) => map.latLngToLayerPoint(at), map.getZoom()));
    }

    move(pointOf, zoom) {
      for (const group of this.groups.values()) L.DomUtil.setTransform(group, pointOf(this.origin), this.map.getZoomScale(zoom, this.zoom));
    }

    show(labels) {
      this.zoom = this.map.getZoom();
      this.origin = this.map.layerPointToLatLng([0, 0]);
      const nodes = new Map();
      for (const { pane, place, className, content } of labels) {
        const { x, y } = this.map.latLngToLayerPoint(place).round();
        if (!nodes.has(pane)) nodes.set(pane, []);
        nodes.get(pane).push(el("div", { className, style: `position:absolute;width:0;height:0;left:${x}px;top:${y}px` }, content));
      }
      for (const pane of nodes.keys()) {
        if (!this.groups.has(pane)) this.groups.set(pane, this.map.getPane(pane).appendChild(el("div", { className: "leaflet-zoom-animated" })));
      }
      for (const [pane, group] of this.groups) group.replaceChildren(...(nodes.get(pane) ?? []));
      this.move((at) => this.map.latLngToLayerPoint(at), this.zoom);
    }
  }

  /** Steps from a point, nearest first. */
  Labels.STEPS = [];
  for (let dx = -3; dx <= 3; dx++) for (let dy = -3; dy <= 3; dy++) Labels.STEPS.push([dx, dy]);
  Labels.STEPS.sort((a, b) => Math.hypot(...a) - Math.hypot(...b));

  return { LabelLayer, Labels };
})());
