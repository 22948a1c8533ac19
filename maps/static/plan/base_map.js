/* Base map set by the administrator: tiles in Web Mercator under the fills. It is off by default, and no tile is requested before the
   planner turns it on. */

const TILE_PX = 256;
/** Mercator metres from the middle of the world to its edge. */
const HALF = 20037508.342789244;
const MOST_ZOOM = 18;
/** Maximum number of cached tiles, and of tiles drawn together. */
const KEPT = 400, MOST_TILES = 120;

/** Description of the base map: address of the tiles and polynomials between Mercator metres and the draft's millimetres. */
export class BaseMap {
  constructor(told, origin, changed) {
    Object.assign(this, told, { shift: [told.origin[0] - origin[0], told.origin[1] - origin[1]], changed, tiles: new Map() });
  }

  /** Millimetres of the draft for a place in Mercator metres. */
  toDraft(mx, my) {
    const [x, y] = polynomial(this.to_draft, (mx - this.mercator[0]) / 1000, (my - this.mercator[1]) / 1000);
    return [x + this.shift[0], y + this.shift[1]];
  }

  toMercator(x, y) {
    const [mx, my] = polynomial(this.to_mercator, (x - this.shift[0]) / 1e6, (y - this.shift[1]) / 1e6);
    return [mx + this.mercator[0], my + this.mercator[1]];
  }

  /** Draw the loaded tiles; request the missing ones. */
  paint(context, view, margin) {
    const [x0, y0, x1, y1] = view.box(margin);
    const corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(([x, y]) => this.toMercator(x, y));
    const [west, east] = bounds(corners.map(([mx]) => mx)), [south, north] = bounds(corners.map(([, my]) => my));
    let zoom = Math.max(0, Math.min(MOST_ZOOM, Math.round(Math.log2((2 * HALF) / TILE_PX / ((east - west) / (view.width + 2 * margin))))));
    while (zoom > 0 && (((east - west) * 2 ** zoom) / (2 * HALF) + 1) * (((north - south) * 2 ** zoom) / (2 * HALF) + 1) > MOST_TILES) zoom -= 1;
    const side = (2 * HALF) / 2 ** zoom, column = (mx) => Math.floor((mx + HALF) / side), row = (my) => Math.floor((HALF - my) / side);
    for (let i = column(west); i <= column(east); i++) {
      for (let j = row(north); j <= row(south); j++) {
        const image = this.tile(zoom, i, j);
        if (image) this.draw(context, view, image, i * side - HALF, HALF - j * side, side);
      }
    }
  }

  draw(context, view, image, west, north, side) {
    const [ax, ay] = view.toPixels(...this.toDraft(west, north)), [bx, by] = view.toPixels(...this.toDraft(west + side, north));
    const [cx, cy] = view.toPixels(...this.toDraft(west, north - side)), size = image.naturalWidth;
    context.save();
    context.transform((bx - ax) / size, (by - ay) / size, (cx - ax) / size, (cy - ay) / size, ax, ay);
    context.drawImage(image, 0, 0, size + 0.5, size + 0.5);
    context.restore();
  }

  /** The image of a tile, once loaded. */
  tile(zoom, i, j) {
    const address = this.url.replace("{z}", zoom).replace("{x}", i).replace("{y}", j), known = this.tiles.get(address);
    if (known) return known.complete && known.naturalWidth ? known : null;
    if (this.tiles.size >= KEPT) this.tiles.delete(this.tiles.keys().next().value);
    const image = new Image();
    image.onload = () => this.changed();
    image.src = address;
    this.tiles.set(address, image);
    return null;
  }
}

const bounds = (values) => [Math.min(...values), Math.max(...values)];

/** Both coordinates of a polynomial of the second degree: coefficients of 1, u, v, uu, uv, vv. */
function polynomial([x, y], u, v) {
  const terms = [1, u, v, u * u, u * v, v * v], sum = (factors) => factors.reduce((total, factor, k) => total + factor * terms[k], 0);
  return [sum(x), sum(y)];
}
