/* Effect of an edit on the arcs, computed in the page for drawing and validation while the mouse moves: the arcs before
   and the arcs after. If the page cannot compute them, the result is null, and the server decides. */

import { OUTSIDE, doubledArea, inRing, reversed } from "./exact.js";
import { ownArc } from "./model.js";

const withPoints = (arc, xy) => ownArc(xy, arc.left, arc.right);

/** Move a vertex or node in all arcs that contain it. */
export function moveVertex(model, [x, y], [tx, ty]) {
  const before = model.arcsAt(x, y);
  const after = before.map((arc) => {
    const xy = Int32Array.from(arc.xy);
    for (let k = 0; k < xy.length; k += 2) if (xy[k] === x && xy[k + 1] === y) { xy[k] = tx; xy[k + 1] = ty; }
    return withPoints(arc, xy);
  });
  return before.length ? { before, after } : null;
}

/** Insert a vertex on the edge that begins at position `k` of an arc. */
export function insertVertex(arc, k, [x, y]) {
  return { before: [arc], after: [withPoints(arc, withVertex(arc.xy, k, x, y))] };
}

export function withVertex(xy, k, x, y) {
  return [...xy.slice(0, k + 2), x, y, ...xy.slice(k + 2)];
}

/** Remove a vertex; null if borders meet there. */
export function removeVertex(model, [x, y]) {
  const before = model.arcsAt(x, y);
  if (before.length !== 1 || model.isNode(x, y)) return null;
  const xy = [];
  for (let k = 0; k < before[0].xy.length; k += 2) if (before[0].xy[k] !== x || before[0].xy[k + 1] !== y) xy.push(before[0].xy[k], before[0].xy[k + 1]);
  return { before, after: [withPoints(before[0], xy)] };
}

function positions(xy, x, y) {
  const found = [];
  for (let k = 0; k < xy.length; k += 2) if (xy[k] === x && xy[k + 1] === y) found.push(k);
  return found;
}

/** An arc with its vertices, and vertices inserted for the two ends of a line; null if an end is not on it. */
function withEnds(arc, ends) {
  let xy = [...arc.xy];
  const inserts = [];
  for (const end of ends) {
    if (positions(arc.xy, end.x, end.y).length) continue;
    if (end.arc !== arc) return null;
    inserts.push({ k: end.k, x: end.x, y: end.y, along: (end.x - arc.xy[end.k]) ** 2 + (end.y - arc.xy[end.k + 1]) ** 2 });
  }
  inserts.sort((a, b) => b.k - a.k || b.along - a.along);
  for (const { k, x, y } of inserts) xy = withVertex(xy, k, x, y);
  return xy;
}

/** The ways from one end to the other along an arc: {xy, start, end, left, right}. */
function sections(arc, xy, first, last) {
  const n = xy.length, closed = xy[0] === xy[n - 2] && xy[1] === xy[n - 1];
  if (closed) {
    const from = positions(xy, first.x, first.y)[0], ring = [...xy.slice(from, n - 2), ...xy.slice(0, from), first.x, first.y];
    return [{ xy: ring, left: arc.left, right: arc.right }, { xy: Array.from(reversed(ring)), left: arc.right, right: arc.left }]
      .map((way) => ({ arc, ...way, start: 0, end: positions(way.xy, last.x, last.y)[0] }));
  }
  const a = positions(xy, first.x, first.y)[0], b = positions(xy, last.x, last.y)[0];
  return a < b ? [{ arc, xy, start: a, end: b, left: arc.left, right: arc.right }]
    : [{ arc, xy: Array.from(reversed(xy)), start: n - 2 - a, end: n - 2 - b, left: arc.right, right: arc.left }];
}

/** Area between a section and a line; of a line that crosses it, the difference of both sides. */
function gap(section, line) {
  const back = Array.from(reversed(line)), ring = [...section.xy.slice(section.start, section.end + 2), ...back];
  return Math.abs(doubledArea([...ring, ring[0], ring[1]]));
}

/** Replace a border by a line between two places on one arc, as the server does; null if it has several arcs. */
export function reshape(model, line, first, last) {
  const arcs = new Set([...model.arcsAt(first.x, first.y), ...(first.arc ? [first.arc] : [])]), ways = [];
  for (const arc of arcs) {
    const xy = withEnds(arc, [first, last]);
    if (xy) ways.push(...sections(arc, xy, first, last));
  }
  const inner = ways.filter((way) => way.left !== OUTSIDE && way.right !== OUTSIDE), usable = inner.length ? inner : ways;
  if (!usable.length) return null;
  const way = usable.reduce((best, other) => (gap(other, line) < gap(best, line) ? other : best));
  const points = [...way.xy.slice(0, way.start), ...line, ...way.xy.slice(way.end + 2)], kept = [];
  for (let k = 0; k < points.length; k += 2) if (!k || points[k] !== points[k - 2] || points[k + 1] !== points[k - 1]) kept.push(points[k], points[k + 1]);
  return { before: [way.arc], after: [ownArc(kept, way.left, way.right)] };
}

/** Stretches of a line inside a cell that run from border to border: arrays of x, y pairs. */
export function cuts(model, code, line) {
  const rings = model.ringsOf(code), stretches = [];
  const inside = (x, y) => rings.outer.some((ring) => inRing(ring, x, y)) && !rings.inner.some((ring) => inRing(ring, x, y));
  const meets = [];
  let along = 0;
  for (let k = 0; k + 3 < line.length; k += 2) {
    const [ax, ay, bx, by] = line.slice(k, k + 4);
    for (const ring of [...rings.outer, ...rings.inner]) {
      for (let j = 0; j + 3 < ring.length; j += 2) {
        const t = meeting(ax, ay, bx, by, ring[j], ring[j + 1], ring[j + 2], ring[j + 3]);
        if (t !== null) meets.push({ along: along + t, x: ax + t * (bx - ax), y: ay + t * (by - ay) });
      }
    }
    along += 1;
  }
  meets.sort((a, b) => a.along - b.along);
  for (let k = 0; k + 1 < meets.length; k++) {
    const a = meets[k], b = meets[k + 1], middle = placeAt(line, (a.along + b.along) / 2);
    if (b.along - a.along < 1e-9 || !inside(...middle)) continue;
    const points = [a.x, a.y];
    for (let i = Math.floor(a.along) + 1; i < b.along; i++) points.push(line[2 * i], line[2 * i + 1]);
    stretches.push([...points, b.x, b.y]);
  }
  return stretches;
}

function placeAt(line, along) {
  const k = Math.min(Math.floor(along), line.length / 2 - 2), t = along - k;
  return [line[2 * k] + t * (line[2 * k + 2] - line[2 * k]), line[2 * k + 1] + t * (line[2 * k + 3] - line[2 * k + 1])];
}

/** Where along a-b the edge c-d is met: 0 to 1, or null. */
function meeting(ax, ay, bx, by, cx, cy, dx, dy) {
  const rx = bx - ax, ry = by - ay, sx = dx - cx, sy = dy - cy, cross = rx * sy - ry * sx;
  if (cross === 0) return null;
  const t = ((cx - ax) * sy - (cy - ay) * sx) / cross, u = ((cx - ax) * ry - (cy - ay) * rx) / cross;
  return t >= 0 && t <= 1 && u >= 0 && u < 1 ? t : null;
}

/** The nearest place on an edge, as lattice coordinates, with its distance squared. */
export function nearestOnEdge(ax, ay, bx, by, x, y) {
  const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  const px = Math.round(ax + t * dx), py = Math.round(ay + t * dy);
  return { x: px, y: py, distance2: (px - x) ** 2 + (py - y) ** 2 };
}

/** Apply edits of borders to the page's model before the server answers; returns the steps, empty if not possible. */
export function makeLocally(model, edits) {
  const steps = [];
  for (const edit of edits) {
    const step = stepOf(model, edit);
    if (!step) { unmake(model, steps); return []; }
    model.replace(step.before, step.after);
    steps.push(step);
  }
  return steps;
}

/** Undo steps, the last one first; returns the codes of the adjacent cells. */
export function unmake(model, steps) {
  const touched = new Set();
  for (const { before, after } of [...steps].reverse()) for (const code of model.replace(after, before)) touched.add(code);
  return touched;
}

function stepOf(model, edit) {
  const at = edit.at && model.onLattice(edit.at);
  if (edit.edit === "MoveVertex") return moveVertex(model, at, model.onLattice(edit.to));
  if (edit.edit === "RemoveVertex") return removeVertex(model, at);
  if (edit.edit === "InsertVertex") {
    const edge = edgeAt(model, at);
    return edge && insertVertex(edge.arc, edge.k, at);
  }
  if (edit.edit !== "Reshape") return null;
  const line = edit.line.flatMap((place) => model.onLattice(place));
  return reshape(model, line, { x: line[0], y: line[1] }, { x: line.at(-2), y: line.at(-1) });
}

/** The edge at a place, within the tolerance of 5 mm of the server. */
function edgeAt(model, [x, y]) {
  let best = null;
  for (const arc of model.arcBuckets.within([x - 5, y - 5, x + 5, y + 5])) {
    for (let k = 0; k + 3 < arc.xy.length; k += 2) {
      const { distance2 } = nearestOnEdge(arc.xy[k], arc.xy[k + 1], arc.xy[k + 2], arc.xy[k + 3], x, y);
      if (distance2 <= 25 && distance2 < (best?.distance2 ?? Infinity)) best = { arc, k, distance2 };
    }
  }
  return best;
}
