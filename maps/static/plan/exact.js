/* Exact tests on lattice coordinates: integer millimetres from the corner of the street. Products of differences stay under
   2^53, so nothing is rounded. The rules are those of the engine on the server: new borders meet others only at common ends,
   rings keep their orientation and number, inner rings stay inside, the outline and locked cells are unchanged. */

/** Code of the ground outside the street. */
export const OUTSIDE = "";

/** Minimum area of a cell, square metres, as on the server. */
export const MIN_AREA_M2 = 4;

/** On which side of a-b the point p lies: 1 left, -1 right, 0 on the line. */
export function side(ax, ay, bx, by, px, py) {
  return Math.sign((bx - ax) * (py - ay) - (by - ay) * (px - ax));
}

function between(ax, ay, bx, by, px, py) {
  const along = (px - ax) * (bx - ax) + (py - ay) * (by - ay);
  return along > 0 && along < (bx - ax) ** 2 + (by - ay) ** 2;
}

/** Kind of intersection of edge a-b with edge c-d, other than in a common end: "", "crosses" or "touches". */
export function conflict(ax, ay, bx, by, cx, cy, dx, dy) {
  if (Math.max(ax, bx) < Math.min(cx, dx) || Math.max(cx, dx) < Math.min(ax, bx)) return "";
  if (Math.max(ay, by) < Math.min(cy, dy) || Math.max(cy, dy) < Math.min(ay, by)) return "";
  const c = side(ax, ay, bx, by, cx, cy), d = side(ax, ay, bx, by, dx, dy);
  const a = side(cx, cy, dx, dy, ax, ay), b = side(cx, cy, dx, dy, bx, by);
  if (c * d < 0 && a * b < 0) return "crosses";
  const same = (ax === cx && ay === cy && bx === dx && by === dy) || (ax === dx && ay === dy && bx === cx && by === cy);
  if (same || (c === 0 && between(ax, ay, bx, by, cx, cy)) || (d === 0 && between(ax, ay, bx, by, dx, dy))) return "touches";
  return (a === 0 && between(cx, cy, dx, dy, ax, ay)) || (b === 0 && between(cx, cy, dx, dy, bx, by)) ? "touches" : "";
}

/** Twice the signed area of a closed ring of x, y pairs, square lattice units. */
export function doubledArea(ring) {
  let doubled = 0, ax = 0, ay = 0;
  const x0 = ring[0], y0 = ring[1];
  for (let k = 2; k < ring.length; k += 2) {
    const bx = ring[k] - x0, by = ring[k + 1] - y0;
    doubled += ax * by - bx * ay;
    ax = bx; ay = by;
  }
  return doubled;
}

/** Whether a point lies inside a closed ring or on its border. */
export function inRing(ring, x, y) {
  let odd = false;
  for (let k = 0; k + 3 < ring.length; k += 2) {
    const ax = ring[k], ay = ring[k + 1], bx = ring[k + 2], by = ring[k + 3];
    const turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (turn === 0 && Math.min(ax, bx) <= x && x <= Math.max(ax, bx) && Math.min(ay, by) <= y && y <= Math.max(ay, by)) return true;
    if ((ay > y) !== (by > y) && turn > 0 === by > ay) odd = !odd;
  }
  return odd;
}

/** A number as key of a vertex; coordinates are below 2^26. */
export const key = (x, y) => x * 67108864 + y;

/** The vertices of a line from its other end. */
export function reversed(xy) {
  const out = new Int32Array(xy.length);
  for (let k = 0; k < xy.length; k += 2) { out[k] = xy[xy.length - k - 2]; out[k + 1] = xy[xy.length - k - 1]; }
  return out;
}

/** Compares two directions counter-clockwise from east. */
function compareDirections(ax, ay, bx, by) {
  const half = (x, y) => (y > 0 || (y === 0 && x > 0) ? 0 : 1);
  return half(ax, ay) - half(bx, by) || -Math.sign(ax * by - ay * bx);
}

/** The line that bounds the same sector on the left of a walk: the first one clockwise from the reversed last edge. */
function leftmost(ring, choices, lines) {
  const n = ring.length, x = ring[n - 2], y = ring[n - 1], bx = ring[n - 4] - x, by = ring[n - 3] - y;
  const away = choices.map((k) => ({ k, dx: lines[k][2] - x, dy: lines[k][3] - y })).sort((p, q) => compareDirections(p.dx, p.dy, q.dx, q.dy));
  const below = away.filter((p) => compareDirections(p.dx, p.dy, bx, by) < 0);
  return (below.length ? below : away).at(-1).k;
}

/** Cut a closed walk into simple rings. */
function simpleRings(ring) {
  const rings = [], stack = [], place = new Map();
  for (let k = 0; k < ring.length; k += 2) {
    const name = key(ring[k], ring[k + 1]);
    if (place.has(name)) {
      const start = place.get(name);
      rings.push([...stack.slice(start).flat(), ring[k], ring[k + 1]]);
      for (const [x, y] of stack.slice(start + 1)) place.delete(key(x, y));
      stack.length = start + 1;
    } else {
      place.set(name, stack.length);
      stack.push([ring[k], ring[k + 1]]);
    }
  }
  return rings.filter((closed) => closed.length > 6);
}

/** Rings of a cell, or of several cells as one area, traced on the surrounding arcs: {outer, inner}, arrays of x, y pairs. */
export function traceRings(arcs, isInside) {
  const lines = [];
  for (const arc of arcs) {
    const left = isInside(arc.left);
    if (left !== isInside(arc.right)) lines.push(left ? arc.xy : reversed(arc.xy));
  }
  const leaving = new Map();
  lines.forEach((line, k) => {
    const name = key(line[0], line[1]);
    if (leaving.has(name)) leaving.get(name).push(k);
    else leaving.set(name, [k]);
  });
  const result = { outer: [], inner: [] }, left = new Set(lines.keys());
  for (const first of lines.keys()) {
    if (!left.has(first)) continue;
    const ring = [lines[first][0], lines[first][1]], start = key(ring[0], ring[1]);
    let k = first;
    while (left.delete(k)) {
      const line = lines[k];
      for (let i = 2; i < line.length; i++) ring.push(line[i]);
      const at = key(ring.at(-2), ring.at(-1));
      if (at === start && leaving.get(start).length === 1) break;
      const choices = (leaving.get(at) ?? []).filter((other) => left.has(other));
      if (!choices.length) break;
      k = choices.length === 1 ? choices[0] : leftmost(ring, choices, lines);
      if (at === start) break;
    }
    const names = new Set();
    for (let i = 0; i < ring.length; i += 2) names.add(key(ring[i], ring[i + 1]));
    const simple = names.size === ring.length / 2 - 1 && ring.length > 6;
    for (const closed of simple ? [ring] : simpleRings(ring)) (doubledArea(closed) > 0 ? result.outer : result.inner).push(closed);
  }
  return result;
}

/** Twice the area of rings, square lattice units. */
export const ringsArea = (rings) => [...rings.outer, ...rings.inner].reduce((sum, ring) => sum + doubledArea(ring), 0);

const edgeKey = (ax, ay, bx, by) => (ax < bx || (ax === bx && ay < by) ? `${ax},${ay},${bx},${by}` : `${bx},${by},${ax},${ay}`);

function edgesOf(arcs) {
  const found = new Map();
  for (const { xy } of arcs) for (let k = 0; k + 3 < xy.length; k += 2) found.set(edgeKey(xy[k], xy[k + 1], xy[k + 2], xy[k + 3]), xy.slice(k, k + 4));
  return found;
}

const refusal = (kind, x, y, cells = []) => ({ kind, at: [x, y], cells });

/** An inner vertex of a new arc that also lies on another arc, or twice on the same one. */
function vertexMetTwice(rest, after) {
  const others = new Set(), count = new Map();
  for (const { xy } of rest) for (let k = 0; k < xy.length; k += 2) others.add(key(xy[k], xy[k + 1]));
  const add = (name) => count.set(name, (count.get(name) ?? 0) + 1);
  for (const { xy } of after) {
    for (let k = 2; k < xy.length - 2; k += 2) add(key(xy[k], xy[k + 1]));
    for (const name of new Set([key(xy[0], xy[1]), key(xy.at(-2), xy.at(-1))])) add(name);
  }
  for (const { xy, left, right } of after) {
    const cells = [left, right].filter(Boolean), seen = new Set(), n = xy.length;
    const closed = xy[0] === xy[n - 2] && xy[1] === xy[n - 1];
    if (closed && n < 8) return refusal("touches", xy[0], xy[1], cells);
    for (let k = 0; k < n; k += 2) {
      const name = key(xy[k], xy[k + 1]);
      if (k && xy[k] === xy[k - 2] && xy[k + 1] === xy[k - 1]) return refusal("touches", xy[k], xy[k + 1], cells);
      if (seen.has(name) && !(closed && k === n - 2)) return refusal("self_crossing", xy[k], xy[k + 1], cells);
      seen.add(name);
      if (k && k < n - 2 && (others.has(name) || count.get(name) > 1)) return refusal("touches", xy[k], xy[k + 1], cells);
    }
  }
  return null;
}

/** The first new edge that intersects another edge of the touched cells other than at a common end. */
function edgeConflict(rest, before, after) {
  const known = edgesOf(before), fresh = [], kept = [];
  for (const [name, edge] of edgesOf(after)) (known.has(name) ? kept : fresh).push(edge);
  for (let i = 0; i < fresh.length; i++) {
    const [ax, ay, bx, by] = fresh[i];
    for (const { xy, box } of rest) {
      if (box && (Math.max(ax, bx) < box[0] || Math.min(ax, bx) > box[2] || Math.max(ay, by) < box[1] || Math.min(ay, by) > box[3])) continue;
      for (let k = 0; k + 3 < xy.length; k += 2) {
        const found = conflict(ax, ay, bx, by, xy[k], xy[k + 1], xy[k + 2], xy[k + 3]);
        if (found) return refusal(found, (ax + bx) / 2, (ay + by) / 2);
      }
    }
    for (const other of kept) {
      const found = conflict(ax, ay, bx, by, ...other);
      if (found) return refusal(found, (ax + bx) / 2, (ay + by) / 2);
    }
    for (let j = 0; j < i; j++) if (conflict(ax, ay, bx, by, ...fresh[j])) return refusal("self_crossing", (ax + bx) / 2, (ay + by) / 2);
  }
  return null;
}

function ringFault(code, before, after) {
  const [x, y] = (after.outer[0] ?? before.outer[0] ?? [0, 0]);
  if (after.outer.length < Math.max(1, before.outer.length)) return refusal("flips", x, y, [code]);
  if (after.outer.length > Math.max(1, before.outer.length)) return refusal("detached", x, y, [code]);
  if (after.inner.length > before.inner.length) return refusal("encloses", x, y, [code]);
  for (const hole of after.inner) {
    const inside = (shell) => { for (let k = 0; k < hole.length - 2; k += 2) if (!inRing(shell, hole[k], hole[k + 1])) return false; return true; };
    if (!after.outer.some(inside)) return refusal("encloses", hole[0], hole[1], [code]);
  }
  const area = ringsArea(after);
  return area < 2 * MIN_AREA_M2 * 1e6 && area < ringsArea(before) ? refusal("too_small", x, y, [code]) : null;
}

/** Whether arcs of the street may be replaced: null, or {kind, at, cells} as the server would refuse it.
 *
 * `model` provides `arcsOfCells(codes)`, `outline()`, `ringsOf(code)`, `isLocked(code)` and `outlineLocked`. */
export function refusalOf(model, before, after) {
  const touched = new Set([...before, ...after].flatMap((arc) => [arc.left, arc.right]));
  const outside = touched.delete(OUTSIDE), cells = [...touched];
  const locked = cells.find((code) => model.isLocked(code));
  if (locked) return refusal("locked", after[0].xy[0], after[0].xy[1], [locked]);
  if (model.outlineLocked && outside) {
    const rim = (arcs) => edgesOf(arcs.filter((arc) => arc.left === OUTSIDE || arc.right === OUTSIDE));
    const old = rim(before), now = rim(after), odd = [...now].find(([name]) => !old.has(name));
    if (odd || now.size !== old.size) return refusal("outline", ...(odd?.[1] ?? after[0].xy).slice(0, 2), cells);
  }
  const gone = new Set(before), around = new Set(model.arcsOfCells(cells));
  if (outside) for (const arc of model.outline()) around.add(arc);
  const rest = [...around].filter((arc) => !gone.has(arc));
  const met = vertexMetTwice(rest, after) ?? edgeConflict(rest, before, after);
  if (met) return { ...met, cells: met.cells.length ? met.cells : cells };
  for (const code of cells) {
    const arcs = [...rest, ...after].filter((arc) => arc.left === code || arc.right === code);
    const fault = ringFault(code, model.ringsOf(code), traceRings(arcs, (other) => other === code));
    if (fault) return fault;
  }
  return null;
}
