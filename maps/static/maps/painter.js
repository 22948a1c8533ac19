"use strict";
/* A canvas renderer for Leaflet whose shapes are projected once. Leaflet projects, clips and simplifies every vertex again after each
   zoom, which takes most of a second for 3,052 grids. Here a shape keeps its vertices in units of one pixel of zoom 18, counted from
   the middle of the map, and a zoom changes only the transform of the canvas; shapes of one style are painted as one path, with the
   vertices that can be seen at the zoom. */
Object.assign(wangge, (() => {
  const ZOOM = 18, CHUNK = 128;
  const SIDE = 256 * 2 ** ZOOM;

  /** Origin of a map in units, so that vertices stay small numbers: canvas paths have single precision. */
  function originOf(map) {
    if (!map.wanggeOrigin) {
      const { x, y } = map.project(map.getCenter(), ZOOM);
      map.wanggeOrigin = { x: Math.round(x), y: Math.round(y) };
    }
    return map.wanggeOrigin;
  }

  /** A ring or line of places as x, y, x, y ... in units. */
  function unitsOf(places, origin, bounds) {
    const units = new Float64Array(2 * places.length);
    for (let i = 0; i < places.length; i++) {
      const { lat, lng } = places[i].lat === undefined ? { lat: places[i][0], lng: places[i][1] } : places[i];
      const sine = Math.sin((lat * Math.PI) / 180);
      const x = (SIDE * (lng + 180)) / 360 - origin.x, y = SIDE * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) - origin.y;
      units[2 * i] = x;
      units[2 * i + 1] = y;
      if (x < bounds[0]) bounds[0] = x;
      if (y < bounds[1]) bounds[1] = y;
      if (x > bounds[2]) bounds[2] = x;
      if (y > bounds[3]) bounds[3] = y;
    }
    return units;
  }

  /** Twice the signed area of a ring; positive if it turns clockwise on the screen. */
  function turn(ring) {
    let sum = 0;
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
    return sum;
  }

  const turned = (ring) => {
    const back = new Float64Array(ring.length);
    for (let i = 0, j = ring.length - 2; j >= 0; i += 2, j -= 2) { back[i] = ring[j]; back[i + 1] = ring[j + 1]; }
    return back;
  };

  const isPlace = (value) => value instanceof L.LatLng || typeof value?.[0] === "number";

  /** Nested places of a polygon as parts of rings, or of a line as one part of lines. */
  function partsOf(places, closed) {
    if (!places.length) return [];
    if (isPlace(places[0])) return [[places]];
    return closed && !isPlace(places[0][0]) ? places : [places];
  }

  /** Rings in units with bounds. Outer rings turn clockwise and holes the other way, so one path can hold shapes that overlap. */
  function geometryOf(layer, origin) {
    const closed = layer instanceof L.Polygon, bounds = [Infinity, Infinity, -Infinity, -Infinity], rings = [];
    for (const part of partsOf(layer.getLatLngs(), closed)) {
      part.forEach((places, k) => {
        const ring = unitsOf(places, origin, bounds);
        rings.push(closed && turn(ring) > 0 === k > 0 ? turned(ring) : ring);
      });
    }
    return { closed, bounds, rings };
  }

  /** Vertices of a line or ring without those that lie closer than `tolerance` to the rest (Douglas and Peucker). */
  function simplified(ring, tolerance) {
    const n = ring.length / 2, kept = new Uint8Array(n), open = [0, n - 1], limit = tolerance * tolerance;
    let count = 2;
    kept[0] = kept[n - 1] = 1;
    while (open.length) {
      const last = open.pop(), first = open.pop();
      const ax = ring[2 * first], ay = ring[2 * first + 1], dx = ring[2 * last] - ax, dy = ring[2 * last + 1] - ay, length = dx * dx + dy * dy;
      let far = limit, at = 0;
      for (let i = first + 1; i < last; i++) {
        const x = ring[2 * i] - ax, y = ring[2 * i + 1] - ay, t = length ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
        const away = (x - t * dx) ** 2 + (y - t * dy) ** 2;
        if (away > far) { far = away; at = i; }
      }
      if (at) { kept[at] = 1; count += 1; open.push(first, at, at, last); }
    }
    const rest = new Float64Array(2 * count);
    for (let i = 0, k = 0; i < n; i++) if (kept[i]) { rest[k++] = ring[2 * i]; rest[k++] = ring[2 * i + 1]; }
    return rest;
  }

  function trace(path, { closed, rings }, tolerance) {
    for (const whole of rings) {
      const ring = tolerance && whole.length > 6 ? simplified(whole, tolerance) : whole;
      if (!ring.length) continue;
      path.moveTo(ring[0], ring[1]);
      for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
      if (closed) path.closePath();
    }
  }

  /** Whether a point is inside the rings, by the even-odd rule, or at most `reach` from their lines. */
  function hits({ closed, rings }, filled, x, y, reach) {
    let inside = false;
    for (const ring of rings) {
      const from = closed ? 0 : 2;
      for (let i = from, j = closed ? ring.length - 2 : 0; i < ring.length; j = i, i += 2) {
        const ax = ring[j], ay = ring[j + 1], bx = ring[i], by = ring[i + 1];
        if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
        if (reach <= 0) continue;
        const length = (bx - ax) ** 2 + (by - ay) ** 2, t = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
        if ((ax + t * (bx - ax) - x) ** 2 + (ay + t * (by - ay) - y) ** 2 <= reach * reach) return true;
      }
    }
    return closed && filled && inside;
  }

  /** Polygons and lines that leave their geometry to a Painter; with another renderer they are Leaflet's own. */
  const shape = (base) => ({
    _project() { if (!this.onPainter()) base._project.call(this); },
    _update() { if (!this.onPainter()) base._update.call(this); },
    _containsPoint(point, closed) { return this.onPainter() ? this._renderer.touches(this, point) : base._containsPoint.call(this, point, closed); },
    setLatLngs(places) { this.units = null; return base.setLatLngs.call(this, places); },
    onPainter() { return this._renderer instanceof Painter; },
  });

  const FILL = ["fillColor", "fillOpacity", "color"], LINE = ["color", "weight", "opacity", "dashArray", "lineCap", "lineJoin"];
  const filled = ({ options }) => options.fill && options.fillOpacity > 0;
  const lined = ({ options }) => options.stroke && options.weight > 0 && options.opacity > 0;
  const alike = (keys, a, b) => keys.every((key) => a[key] === b[key]);

  // A painter shows several panes of the map on one canvas, from the lowest to the highest.
  const RANKS = ["ground", "buildings", "lines", "cells", "outline"];

  const Painter = L.Canvas.extend({
    getEvents() {
      const events = L.Canvas.prototype.getEvents.call(this);
      if (this.options.later) events.moveend = this.paintLater;
      return events;
    },

    /** Paint after the next frame: after a zoom, what lies below is seen scaled until then, and the page answers sooner. */
    paintLater() {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => { if (this._map) this._update(); });
    },

    /** What is painted of a pane is made again when one of its shapes changes. */
    forget({ options }) { this.plans?.delete(options.pane); },

    _initPath(layer) { this.forget(layer); L.Canvas.prototype._initPath.call(this, layer); },
    _removePath(layer) { this.forget(layer); L.Canvas.prototype._removePath.call(this, layer); },
    _updatePath(layer) { this.forget(layer); L.Canvas.prototype._updatePath.call(this, layer); },
    _updateStyle(layer) { this.forget(layer); L.Canvas.prototype._updateStyle.call(this, layer); },
    _bringToFront(layer) { this.forget(layer); L.Canvas.prototype._bringToFront.call(this, layer); },
    _bringToBack(layer) { this.forget(layer); L.Canvas.prototype._bringToBack.call(this, layer); },
    _extendRedrawBounds() {}, // all is painted again, which costs less than to find what a region holds

    geometry(layer) { return (layer.units ??= geometryOf(layer, originOf(this._map))); },

    /** Scale from units to pixels of the map's layer, and the place of the origin there. */
    frame() {
      const map = this._map, scale = 2 ** (map.getZoom() - ZOOM), origin = originOf(map), corner = map.getPixelOrigin();
      return { scale, x: origin.x * scale - corner.x, y: origin.y * scale - corner.y };
    },

    touches(layer, point) {
      const { scale, x, y } = this.frame(), geometry = this.geometry(layer), { bounds } = geometry;
      const reach = layer.options.stroke ? (layer.options.weight / 2 + this.options.tolerance) / scale : 0, u = (point.x - x) / scale, v = (point.y - y) / scale;
      if (u < bounds[0] - reach || u > bounds[2] + reach || v < bounds[1] - reach || v > bounds[3] + reach) return false;
      return hits(geometry, layer.options.fill, u, v, reach);
    },

    /** What is painted of a pane at a zoom, in order: paths of up to CHUNK shapes of one style, and single circles. */
    plan(layers, zoom) {
      // Half a pixel at the largest zoom that is painted with this plan.
      const tolerance = zoom < ZOOM ? 2 ** (ZOOM - zoom - 2) : 0, steps = [];
      let open = [];
      const collect = (layer, keys, fill, line) => {
        let at = open.findIndex((step) => step.fill === fill && step.line === line && alike(keys, step.options, layer.options));
        if (at >= 0 && open[at].count >= CHUNK) { open.splice(at, 1); at = -1; }
        if (at < 0) {
          at = open.push({ options: layer.options, path: new Path2D(), bounds: [Infinity, Infinity, -Infinity, -Infinity], count: 0, fill, line }) - 1;
          steps.push(open[at]);
        }
        const step = open[at], { bounds } = this.geometry(layer);
        trace(step.path, this.geometry(layer), tolerance);
        step.count += 1;
        for (const k of [0, 1]) { step.bounds[k] = Math.min(step.bounds[k], bounds[k]); step.bounds[k + 2] = Math.max(step.bounds[k + 2], bounds[k + 2]); }
      };
      const apart = layers.filter((layer) => layer.options.apart);
      for (const layer of layers) {
        if (!layer.onPainter) { steps.push({ circle: layer }); open = []; continue; }
        if (layer.options.apart) {
          // Shapes that do not overlap: first all fills, then all lines, each style as one path.
          if (layer !== apart[0]) continue;
          apart.filter(filled).forEach((one) => collect(one, FILL, true, false));
          apart.filter(lined).forEach((one) => collect(one, LINE, false, true));
          open = [];
          continue;
        }
        const fill = Boolean(filled(layer)), line = Boolean(lined(layer)), keys = [...FILL, ...LINE];
        if (open.length && !(open[0].fill === fill && open[0].line === line && alike(keys, open[0].options, layer.options))) open = [];
        if (fill || line) collect(layer, keys, fill, line);
      }
      return steps;
    },

    /** The plans of all panes at a zoom, from the lowest pane to the highest. */
    stepsAt(zoom) {
      const panes = new Map();
      for (let order = this._drawFirst; order; order = order.next) {
        const { layer } = order, { pane } = layer.options;
        if (!panes.has(pane)) panes.set(pane, []);
        panes.get(pane).push(layer);
      }
      this.plans ??= new Map();
      return [...panes].sort(([a], [b]) => RANKS.indexOf(a) - RANKS.indexOf(b)).flatMap(([pane, layers]) => {
        if (!this.plans.has(pane)) this.plans.set(pane, new Map());
        const plans = this.plans.get(pane);
        if (!plans.has(zoom)) plans.set(zoom, this.plan(layers, zoom));
        return plans.get(zoom);
      });
    },

    _draw() {
      const pen = this._ctx, { scale, x, y } = this.frame(), { min, max } = this._bounds, fine = L.Browser.retina ? 2 : 1;
      const seen = [(min.x - x) / scale, (min.y - y) / scale, (max.x - x) / scale, (max.y - y) / scale];
      const zoom = Math.min(ZOOM, Math.floor(this._map.getZoom()));
      this._drawing = true;
      pen.save();
      const still = pen.getTransform();
      for (const { circle, options, path, bounds, fill, line } of this.stepsAt(zoom)) {
        if (circle) {
          pen.setTransform(still);
          circle._updatePath();
          continue;
        }
        if (options.fromZoom > this._map.getZoom()) continue;
        const wide = line ? options.weight / scale : 0;
        if (bounds[0] - wide > seen[2] || bounds[2] + wide < seen[0] || bounds[1] - wide > seen[3] || bounds[3] + wide < seen[1]) continue;
        pen.setTransform(fine * scale, 0, 0, fine * scale, fine * (x - min.x), fine * (y - min.y));
        if (fill) {
          const paint = options.fillColor ?? options.color;
          wangge.levelPattern(paint, scale, x, y);
          pen.globalAlpha = options.fillOpacity;
          pen.fillStyle = paint;
          pen.fill(path, "nonzero");
        }
        if (line) {
          pen.setLineDash((options._dashArray ?? []).map((length) => length / scale));
          pen.globalAlpha = options.opacity;
          pen.lineWidth = options.weight / scale;
          pen.strokeStyle = options.color;
          pen.lineCap = options.lineCap;
          pen.lineJoin = options.lineJoin;
          pen.stroke(path);
        }
      }
      pen.restore();
      this._drawing = false;
    },
  });

  const Polygon = L.Polygon.extend(shape(L.Polygon.prototype)), Polyline = L.Polyline.extend(shape(L.Polyline.prototype));
  /** Renderers of a map: on the screen a canvas for each group of panes; on paper SVG for each pane, because browsers print a canvas that is not redrawn in time as a white sheet. */
  class Painters {
    constructor(groups) { this.groups = groups; this.made = new Map(); }

    /** The renderer of a pane. */
    of(pane) {
      const name = this.onPaper ? pane : this.groups.find((group) => group.includes(pane))[0];
      if (!this.made.has(name)) this.made.set(name, this.onPaper ? L.svg({ pane: name, padding: 0.1 }) : new Painter({ pane: name, padding: 0.2, tolerance: 4, later: name === "ground" }));
      return this.made.get(name);
    }

    /** Style of a shape in a pane, with its renderer. */
    style(pane, options) { return { pane, renderer: this.of(pane), interactive: false, ...options }; }

    /** Discard the renderers; those of the screen or of paper are made when they are needed. */
    turn(onPaper) {
      for (const painter of this.made.values()) wangge.discard(painter);
      this.made.clear();
      this.onPaper = onPaper;
    }
  }

  const polygon = (places, options) => new Polygon(places, options), polyline = (places, options) => new Polyline(places, options);

  return { Painters, polygon, polyline };
})());
