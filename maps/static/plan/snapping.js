/* Snapping of the pointer to vertices of borders, corners of buildings, borders and roads. Alt turns it off. */

import { nearestOnEdge } from "./compile.js";

/** Snapping distance, pixels; larger for touch. */
const REACH = { mouse: 9, pen: 11, touch: 20 };

/** The reach of a pointer in millimetres on the ground. */
export const reachOf = (app, at) => (REACH[at.pointer] ?? REACH.mouse) / app.surface.view.scale;

/** The place to use for a pointer: {x, y, kind}, with `arc` and `k` if it lies on a border. `kinds` are the requested ones. */
export function snap(app, at, { kinds = ["vertex", "corner", "edge", "road"], off = false, without = null } = {}) {
  const plain = { x: Math.round(at.x), y: Math.round(at.y), kind: "" };
  if (off) return plain;
  const reach = reachOf(app, at), found = {};
  const box = [at.x - reach, at.y - reach, at.x + reach, at.y + reach];
  const offer = (kind, place, distance2, more = {}) => {
    if (kinds.includes(kind) && distance2 <= reach * reach && distance2 < (found[kind]?.distance2 ?? Infinity)) found[kind] = { ...place, kind, distance2, ...more };
  };
  for (const arc of app.model.arcBuckets.within(box)) eachPart(arc, at, offer, without);
  for (const layer of app.backdrop) {
    for (const thing of layer.snaps ? layer.buckets.within(box) : []) {
      for (const xy of thing.lines) eachLine(xy, layer.snaps, at, offer);
    }
  }
  // Vertices have priority over nearer roads.
  return found.vertex ?? found.corner ?? found.edge ?? found.road ?? plain;
}

function eachPart(arc, at, offer, without) {
  const { xy } = arc;
  for (let k = 0; k < xy.length; k += 2) {
    const own = without && xy[k] === without[0] && xy[k + 1] === without[1];
    if (!own) offer("vertex", { x: xy[k], y: xy[k + 1] }, (xy[k] - at.x) ** 2 + (xy[k + 1] - at.y) ** 2, { arc, k });
    if (k + 3 >= xy.length) continue;
    const near = nearestOnEdge(xy[k], xy[k + 1], xy[k + 2], xy[k + 3], at.x, at.y);
    offer("edge", { x: near.x, y: near.y }, near.distance2, { arc, k });
  }
}

function eachLine(xy, kind, at, offer) {
  for (let k = 0; k < xy.length; k += 2) {
    offer("corner", { x: Math.round(xy[k]), y: Math.round(xy[k + 1]) }, (xy[k] - at.x) ** 2 + (xy[k + 1] - at.y) ** 2);
    if (kind !== "road" || k + 3 >= xy.length) continue;
    const near = nearestOnEdge(xy[k], xy[k + 1], xy[k + 2], xy[k + 3], at.x, at.y);
    offer("road", { x: near.x, y: near.y }, near.distance2);
  }
}
