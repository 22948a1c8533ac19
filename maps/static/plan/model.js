/* The division in the page: arcs and cells of a snapshot, changed by the patches of the server and, until these arrive, by
   the page's own edits. Coordinates are integer millimetres from the street's corner; cells are identified by code. */

import { Buckets, boxAround, boxOf } from "./buckets.js";
import { OUTSIDE, doubledArea, inRing, key, refusalOf, reversed, ringsArea, traceRings } from "./exact.js";

/** Levels as numbered by the server. */
export const LEVEL = { street: 0, community: 1, second: 2, third: 3 };

let ownArcs = 0;

/** An arc: its number, the codes on both sides ("" for outside), its first vertex, and steps from position `from` of `values`. */
function decodeArc(id, left, right, x, y, values, from) {
  const xy = new Int32Array(values.length - from + 2);
  xy[0] = x;
  xy[1] = y;
  for (let k = 2; k < xy.length; k++) xy[k] = xy[k - 2] + values[k - 2 + from];
  return { id, left, right, xy, box: boxOf(xy) };
}

/** An arc created by the page before the server knows it. */
export function ownArc(xy, left, right) {
  const whole = Int32Array.from(xy);
  return { id: `own-${++ownArcs}`, left, right, xy: whole, box: boxOf(whole) };
}

export class Model {
  constructor(snapshot) {
    this.origin = snapshot.origin;
    this.columns = snapshot.columns;
    this.rows = new Map();
    this.arcs = new Map();
    this.ofCell = new Map();
    this.arcBuckets = new Buckets();
    this.shapes = new Map();
    this.cellBuckets = null;
    this.children = null;
    this.outlineLocked = snapshot.outline_locked;
    this.locked = new Set(snapshot.locked);
    this.revision = snapshot.revision;
    [snapshot.street, snapshot.communities, snapshot.seconds, snapshot.thirds].forEach((rows, level) => {
      for (const values of rows) this.setRow(level, values);
    });
    const codes = snapshot.thirds.map(([code]) => code), left = new Map();
    snapshot.rings.forEach((rings, k) => { for (const ring of rings) for (const signed of ring) left.set(signed, codes[k]); });
    let id = 0, x = 0, y = 0;
    for (const values of snapshot.arcs) {
      id += values[0]; x += values[1]; y += values[2];
      this.put(decodeArc(id, left.get(id) ?? OUTSIDE, left.get(-id) ?? OUTSIDE, x, y, values, 3));
    }
    snapshot.rings.forEach((rings, k) => this.shapes.set(codes[k], this.shapeOf(codes[k], rings)));
  }

  setRow(level, values) {
    const row = { level };
    this.columns.forEach((column, k) => { row[column] = values[k]; });
    this.rows.set(row.code, row);
  }

  /** Shape of a cell from its rings as lists of arcs, negative where an arc is reversed. */
  shapeOf(code, rings) {
    const found = { outer: [], inner: [] };
    for (const ring of rings) {
      const whole = [];
      for (const signed of ring) {
        const { xy } = this.arcs.get(Math.abs(signed));
        if (signed > 0) for (let k = whole.length ? 2 : 0; k < xy.length; k++) whole.push(xy[k]);
        else for (let k = xy.length - (whole.length ? 4 : 2); k >= 0; k -= 2) whole.push(xy[k], xy[k + 1]);
      }
      (doubledArea(whole) > 0 ? found.outer : found.inner).push(whole);
    }
    return { code, rings: found, box: found.outer.length ? boxAround(found.outer.map(boxOf)) : [0, 0, 0, 0] };
  }

  // Lookup

  row(code) { return this.rows.get(code); }
  name(code) { return this.rows.get(code)?.name ?? code; }
  parent(code) { return this.rows.get(code)?.parent ?? null; }
  level(code) { return this.rows.get(code)?.level ?? LEVEL.third; }
  community(code) { return this.level(code) === LEVEL.third ? this.parent(this.parent(code)) : this.parent(code); }

  /** Codes directly below a code. */
  below(code) {
    if (!this.children) {
      this.children = new Map();
      for (const row of this.rows.values()) {
        if (!this.children.has(row.parent)) this.children.set(row.parent, []);
        this.children.get(row.parent).push(row.code);
      }
      for (const codes of this.children.values()) codes.sort();
    }
    return this.children.get(code) ?? [];
  }

  /** Third-level codes below a code of any level. */
  thirds(code) {
    return this.level(code) === LEVEL.third ? [code] : this.below(code).flatMap((child) => this.thirds(child));
  }

  codesOf(level) { return [...this.rows.values()].filter((row) => row.level === level).map((row) => row.code).sort(); }

  /** Whether a cell or one above it is locked. */
  isLocked(code) {
    for (let at = code; at && this.rows.has(at); at = this.parent(at)) if (this.locked.has(at)) return true;
    return false;
  }

  arcsOfCells(codes) {
    const found = new Set();
    for (const code of codes) for (const arc of this.ofCell.get(code) ?? []) found.add(arc);
    return found;
  }

  outline() { return this.ofCell.get(OUTSIDE) ?? new Set(); }

  /** Arcs that pass a vertex. */
  arcsAt(x, y) {
    const name = key(x, y), found = [];
    for (const arc of this.arcBuckets.within([x, y, x, y])) {
      for (let k = 0; k < arc.xy.length; k += 2) if (key(arc.xy[k], arc.xy[k + 1]) === name) { found.push(arc); break; }
    }
    return found;
  }

  isNode(x, y) {
    return this.arcsAt(x, y).some(({ xy }) => (xy[0] === x && xy[1] === y) || (xy.at(-2) === x && xy.at(-1) === y));
  }

  /** Rings of a cell and derived values, cached until the cell changes. */
  shape(code) {
    let shape = this.shapes.get(code);
    if (!shape) {
      const rings = traceRings(this.ofCell.get(code) ?? [], (other) => other === code);
      shape = { code, rings, box: rings.outer.length ? boxAround(rings.outer.map(boxOf)) : [0, 0, 0, 0] };
      this.shapes.set(code, shape);
    }
    return shape;
  }

  ringsOf(code) { return this.shape(code).rings; }
  area_m2(code) { return ringsArea(this.ringsOf(code)) / 2e6; }

  /** Rings of grids above the third level: the arcs where the grid changes. */
  groupRings(codes) {
    const wanted = new Set(codes.flatMap((code) => this.thirds(code)));
    return traceRings(this.arcsOfCells(wanted), (code) => wanted.has(code));
  }

  /** Cells whose box meets a window. */
  cellsWithin(box) {
    if (!this.cellBuckets) {
      this.cellBuckets = new Buckets();
      for (const code of this.ofCell.keys()) if (code !== OUTSIDE) this.cellBuckets.add(this.shape(code));
    }
    return this.cellBuckets.within(box);
  }

  /** Code of the third-level cell at a place, or null. */
  cellAt(x, y) {
    for (const shape of this.cellsWithin([x, y, x, y])) {
      if (shape.rings.outer.some((ring) => inRing(ring, x, y)) && !shape.rings.inner.some((ring) => inRing(ring, x, y))) return shape.code;
    }
    return null;
  }

  /** A place inside a cell for its label: the middle of the longest stretch at the height of the middle of its largest ring. */
  labelPlace(code) {
    const shape = this.shape(code);
    if (!shape.label) {
      const ring = shape.rings.outer.reduce((a, b) => (doubledArea(b) > doubledArea(a ?? b) ? b : a ?? b), null);
      shape.label = ring ? widestStretch(ring) : { x: 0, y: 0, width: 0 };
    }
    return shape.label;
  }

  // Changes

  put(arc) {
    this.arcs.set(arc.id, arc);
    this.arcBuckets.add(arc);
    for (const code of [arc.left, arc.right]) {
      if (!this.ofCell.has(code)) this.ofCell.set(code, new Set());
      this.ofCell.get(code).add(arc);
    }
  }

  drop(arc) {
    this.arcs.delete(arc.id);
    this.arcBuckets.remove(arc);
    for (const code of [arc.left, arc.right]) {
      const arcs = this.ofCell.get(code);
      arcs?.delete(arc);
      if (arcs?.size === 0) this.ofCell.delete(code);
    }
  }

  /** Replace arcs by others; returns the codes of the adjacent cells. */
  replace(before, after) {
    const touched = new Set([...before, ...after].flatMap((arc) => [arc.left, arc.right]));
    touched.delete(OUTSIDE);
    for (const arc of before) this.drop(arc);
    for (const arc of after) this.put(arc);
    for (const code of touched) {
      const shape = this.shapes.get(code);
      if (shape && this.cellBuckets) this.cellBuckets.remove(shape);
      this.shapes.delete(code);
      if (this.cellBuckets && this.ofCell.has(code)) this.cellBuckets.add(this.shape(code));
    }
    return touched;
  }

  /** Apply a patch of the server: arcs by id, changed rows, retired codes; returns the touched codes. */
  patch({ revision, remove, add, cells, gone, locked, outline_locked }) {
    const before = remove.map((id) => this.arcs.get(id)).filter(Boolean);
    const touched = this.replace(before, add.map((values) => decodeArc(...values.slice(0, 5), values, 5)));
    for (const [code, { level, row }] of Object.entries(cells)) { this.setRow(level, row); touched.add(code); }
    for (const code of gone) { this.rows.delete(code); touched.add(code); }
    this.locked = new Set(locked);
    this.outlineLocked = outline_locked;
    this.children = null;
    this.revision = revision;
    return touched;
  }

  // Checks

  refusalOf(before, after) { return refusalOf(this, before, after); }

  // Units

  /** A place in metres of the division's CRS. */
  inMetres(x, y) { return [(this.origin[0] + x) / 1000, (this.origin[1] + y) / 1000]; }

  /** A place in metres as lattice coordinates of the page. */
  onLattice([x, y]) { return [Math.round(x * 1000) - this.origin[0], Math.round(y * 1000) - this.origin[1]]; }
}

function widestStretch(ring) {
  const box = boxOf(ring), best = { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, width: 0 };
  for (const share of [0.5, 0.35, 0.65]) {
    const y = box[1] + (box[3] - box[1]) * share, cuts = [];
    for (let k = 0; k + 3 < ring.length; k += 2) {
      const ay = ring[k + 1], by = ring[k + 3];
      if (ay > y !== by > y) cuts.push(ring[k] + ((y - ay) / (by - ay)) * (ring[k + 2] - ring[k]));
    }
    cuts.sort((a, b) => a - b);
    for (let k = 0; k + 1 < cuts.length; k += 2) {
      const width = cuts[k + 1] - cuts[k];
      if (width > best.width * (share === 0.5 ? 1 : 1.25)) { best.x = (cuts[k] + cuts[k + 1]) / 2; best.y = y; best.width = width; }
    }
  }
  return best;
}

/** The part of an arc between two of its vertices, directed from the first to the last; null if one is missing. */
export function sectionOf(arc, first, last) {
  const places = (x, y) => { const out = []; for (let k = 0; k < arc.xy.length; k += 2) if (arc.xy[k] === x && arc.xy[k + 1] === y) out.push(k); return out; };
  const from = places(...first), to = places(...last);
  if (!from.length || !to.length) return null;
  return from[0] < to[0] ? { arc, xy: arc.xy, start: from[0], end: to[0], left: arc.left, right: arc.right }
    : { arc, xy: reversed(arc.xy), start: arc.xy.length - 2 - from[0], end: arc.xy.length - 2 - to[0], left: arc.right, right: arc.left };
}
