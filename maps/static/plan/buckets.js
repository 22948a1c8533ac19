/* A grid of buckets over boxes: what lies in a window is found without looking at everything, and one thing is put in or taken
   out at a time. */

/** Side of a bucket, millimetres: about that of a third-level cell. */
const SIDE = 60000;

export class Buckets {
  constructor() {
    this.buckets = new Map();
  }

  /** Names of the buckets that a box [x0, y0, x1, y1] lies in. */
  *names([x0, y0, x1, y1]) {
    for (let i = Math.floor(x0 / SIDE); i <= Math.floor(x1 / SIDE); i++) {
      for (let j = Math.floor(y0 / SIDE); j <= Math.floor(y1 / SIDE); j++) yield i * 65536 + j;
    }
  }

  /** Put a thing with its `box` in. */
  add(thing) {
    for (const name of this.names(thing.box)) {
      const bucket = this.buckets.get(name);
      if (bucket) bucket.push(thing);
      else this.buckets.set(name, [thing]);
    }
  }

  /** Take a thing out again; its `box` must be that with which it was put in. */
  remove(thing) {
    for (const name of this.names(thing.box)) {
      const bucket = this.buckets.get(name), at = bucket?.indexOf(thing) ?? -1;
      if (at >= 0) bucket.splice(at, 1);
    }
  }

  /** The things whose box meets a window, each once. */
  within(box) {
    const found = new Set();
    for (const name of this.names(box)) {
      for (const thing of this.buckets.get(name) ?? []) {
        const [x0, y0, x1, y1] = thing.box;
        if (x0 <= box[2] && x1 >= box[0] && y0 <= box[3] && y1 >= box[1]) found.add(thing);
      }
    }
    return found;
  }
}

/** Box of an array of x, y pairs. */
export function boxOf(xy) {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (let k = 0; k < xy.length; k += 2) {
    if (xy[k] < x0) x0 = xy[k];
    if (xy[k] > x1) x1 = xy[k];
    if (xy[k + 1] < y0) y0 = xy[k + 1];
    if (xy[k + 1] > y1) y1 = xy[k + 1];
  }
  return [x0, y0, x1, y1];
}

/** The box round several boxes. */
export function boxAround(boxes) {
  const out = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) for (let k = 0; k < 4; k++) out[k] = k < 2 ? Math.min(out[k], box[k]) : Math.max(out[k], box[k]);
  return out;
}
