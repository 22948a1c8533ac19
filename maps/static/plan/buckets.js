/* A spatial index of boxes in grid buckets: queries by window without a full scan,
   and insertion and removal of single objects. */

/** Side of a bucket, millimetres: about that of a third-level cell. */
const SIDE = 60000;

export class Buckets {
  constructor() {
    this.buckets = new Map();
    this.all = new Set();
  }

  /** Insert an object with its `box`. */
  add(thing) {
    this.all.add(thing);
    const [x0, y0, x1, y1] = thing.box, i1 = Math.floor(x1 / SIDE), j0 = Math.floor(y0 / SIDE), j1 = Math.floor(y1 / SIDE);
    for (let i = Math.floor(x0 / SIDE); i <= i1; i++) {
      for (let j = j0; j <= j1; j++) {
        const bucket = this.buckets.get(i * 65536 + j);
        if (bucket) bucket.push(thing);
        else this.buckets.set(i * 65536 + j, [thing]);
      }
    }
  }

  /** Remove an object; its `box` must be the one at insertion. */
  remove(thing) {
    this.all.delete(thing);
    const [x0, y0, x1, y1] = thing.box;
    for (let i = Math.floor(x0 / SIDE); i <= Math.floor(x1 / SIDE); i++) {
      for (let j = Math.floor(y0 / SIDE); j <= Math.floor(y1 / SIDE); j++) {
        const bucket = this.buckets.get(i * 65536 + j), at = bucket?.indexOf(thing) ?? -1;
        if (at >= 0) bucket.splice(at, 1);
      }
    }
  }

  /** The objects whose box intersects a window, each once. */
  within([x0, y0, x1, y1]) {
    const i0 = Math.floor(x0 / SIDE), i1 = Math.floor(x1 / SIDE), j0 = Math.floor(y0 / SIDE), j1 = Math.floor(y1 / SIDE), found = new Set();
    const meets = ({ box }) => box[0] <= x1 && box[2] >= x0 && box[1] <= y1 && box[3] >= y0;
    // For large windows it is faster to test all objects than all buckets.
    if ((i1 - i0 + 1) * (j1 - j0 + 1) > this.buckets.size) {
      for (const thing of this.all) if (meets(thing)) found.add(thing);
      return found;
    }
    for (let i = i0; i <= i1; i++) {
      for (let j = j0; j <= j1; j++) {
        const bucket = this.buckets.get(i * 65536 + j);
        if (bucket) for (const thing of bucket) if (meets(thing)) found.add(thing);
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

/** The bounding box of several boxes. */
export function boxAround(boxes) {
  const out = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) for (let k = 0; k < 4; k++) out[k] = k < 2 ? Math.min(out[k], box[k]) : Math.max(out[k], box[k]);
  return out;
}
