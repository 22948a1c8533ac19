/* Paints the division: fills, backdrop, borders by level and labels, in steps that can be spread over several frames. */

import { LEVEL } from "./model.js";
import { shown } from "./looks.js";

const FONT = '"Noto Sans CJK SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif';

/** Lines of the levels: colour, width in pixels. */
export const BORDERS = {
  [LEVEL.third]: { colour: "#8d979e", width: 0.8 },
  [LEVEL.second]: { colour: "#1d4f7c", width: 1.6 },
  [LEVEL.community]: { colour: "#0f2d49", width: 3 },
};
const GROUND = "#eef0ee";
const PAPER = "#ffffff";
/** Opacity of the fills where a base map lies under them. */
const OVER_BASE_MAP = 0.5;

/** Number of cells, arcs or objects between two checks of the time. */
const CHUNK = 150;

/** Draw x, y pairs in millimetres; vertices about a pixel from the last one are left out. A ring is closed by a line to its first
    vertex: closePath measures the box of all that the path holds so far, which makes a path of many rings quadratic. */
export function trace(context, view, xy, close) {
  const { scale, width, height } = view, least = scale < 4e-4 ? 1.3 : 0.8, ox = width / 2 - view.x * scale, oy = height / 2 + view.y * scale, n = xy.length;
  const x0 = xy[0] * scale + ox, y0 = oy - xy[1] * scale;
  let lx = x0, ly = y0;
  context.moveTo(x0, y0);
  for (let k = 2; k < n; k += 2) {
    const px = xy[k] * scale + ox, py = oy - xy[k + 1] * scale;
    if (k < n - 2 && Math.abs(px - lx) + Math.abs(py - ly) < least) continue;
    context.lineTo(px, py);
    lx = px; ly = py;
  }
  if (close) context.lineTo(x0, y0);
}

/** Outline of a cell as the current path, holes included. */
export function traceCell(context, view, rings) {
  for (const ring of rings.outer) trace(context, view, ring, true);
  for (const ring of rings.inner) trace(context, view, ring, true);
}

/** The highest level whose grids an arc divides. */
export function levelOf(model, { left, right }) {
  if (!left || !right) return LEVEL.community;
  const a = model.parent(left), b = model.parent(right);
  if (a === b) return LEVEL.third;
  return model.parent(a) === model.parent(b) ? LEVEL.second : LEVEL.community;
}

/** Roads, buildings and water that meet a window, drawn between fills and borders. */
export function paintBackdrop(context, view, box, backdrop) {
  for (const layer of backdrop) paintFeatures(context, view, layer, layer.buckets.within(box));
}

function paintFeatures(context, view, layer, features) {
  context.beginPath();
  for (const { lines, area } of features) for (const xy of lines) trace(context, view, xy, area);
  if (layer.fill) { context.fillStyle = shown(layer.fill); context.fill("evenodd"); }
  if (layer.line) {
    context.strokeStyle = shown(layer.line);
    context.lineWidth = Math.max(layer.least ?? 0.7, (layer.width_m ?? 0) * 1000 * view.scale);
    context.lineJoin = context.lineCap = "round";
    context.stroke();
  }
}

export function strokeArcs(context, view, arcs, level, emphasis = 1) {
  const { colour, width } = BORDERS[level], close = view.scale > 2.5e-4;
  context.beginPath();
  for (const { xy } of arcs) trace(context, view, xy, false);
  context.strokeStyle = shown(colour);
  context.lineWidth = (close ? width : width * 0.7) * emphasis;
  context.lineJoin = "round";
  context.stroke();
}

/** Steps that paint a scene: {model, fill(code), levels, backdrop, labels}. */
export function* paintDivision(context, view, margin, scene) {
  const { model, fill, levels, backdrop, baseMap } = scene, box = view.box(margin);
  context.fillStyle = shown(GROUND);
  context.fillRect(-margin, -margin, view.width + 2 * margin, view.height + 2 * margin);
  yield;
  if (baseMap) { baseMap.paint(context, view, margin); yield; }
  const byColour = new Map();
  for (const shape of model.cellsWithin(box)) {
    const colour = fill(shape.code);
    if (!byColour.has(colour)) byColour.set(colour, []);
    byColour.get(colour).push(shape);
  }
  yield;
  for (const [colour, shapes] of byColour) {
    for (let k = 0; k < shapes.length; k += CHUNK) {
      context.beginPath();
      for (const { rings } of shapes.slice(k, k + CHUNK)) traceCell(context, view, rings);
      context.fillStyle = colour ?? shown(PAPER);
      context.globalAlpha = baseMap ? OVER_BASE_MAP : 1;
      context.fill("evenodd");
      context.globalAlpha = 1;
      yield;
    }
  }
  for (const layer of backdrop) {
    const features = [...layer.buckets.within(box)];
    for (let k = 0; k < features.length; k += 2 * CHUNK) { paintFeatures(context, view, layer, features.slice(k, k + 2 * CHUNK)); yield; }
  }
  const sorted = { [LEVEL.third]: [], [LEVEL.second]: [], [LEVEL.community]: [] };
  for (const arc of model.arcBuckets.within(box)) sorted[levelOf(model, arc)].push(arc);
  for (const level of [LEVEL.third, LEVEL.second, LEVEL.community]) {
    if (!levels.has(level)) continue;
    for (let k = 0; k < sorted[level].length; k += 4 * CHUNK) { strokeArcs(context, view, sorted[level].slice(k, k + 4 * CHUNK), level); yield; }
  }
}

/** Names that fit, largest grids first; overlapping names are left out. */
export function* paintLabels(context, view, margin, { model, levels, label }) {
  const taken = [], free = (a) => !taken.some((b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  for (const { level, size, colour, room } of [
    { level: LEVEL.community, size: 15, colour: "#0f2d49", room: 0.6 },
    { level: LEVEL.second, size: 12.5, colour: "#1d4f7c", room: 0.9 },
    { level: LEVEL.third, size: 11, colour: "#3f4b54", room: 1.1 },
  ]) {
    if (!levels.has(level)) continue;
    context.font = `${level === LEVEL.third ? "" : "600 "}${size}px ${FONT}`;
    context.strokeStyle = shown("rgba(255,255,255,.85)");
    context.lineWidth = 3;
    context.fillStyle = shown(colour);
    let count = 0;
    for (const { code, x, y, width_mm } of placesOf(model, view.box(margin), level)) {
      const text = label(code, level), wide = text.length * size * 0.86;
      if (width_mm * view.scale * room < wide) continue;
      const [px, py] = view.toPixels(x, y), spot = [px - wide / 2 - 4, py - size, px + wide / 2 + 4, py + size];
      if (!free(spot)) continue;
      taken.push(spot);
      context.strokeText(text, px, py);
      context.fillText(text, px, py);
      if (++count % 25 === 0) yield;
    }
    yield;
  }
}

/** Where the names of a level stand: of a third-level cell inside it, of a grid on the cell nearest to its middle. */
function placesOf(model, box, level) {
  if (level === LEVEL.third) {
    return [...model.cellsWithin(box)].map(({ code }) => { const { x, y, width } = model.labelPlace(code); return { code, x, y, width_mm: width }; });
  }
  const found = new Map();
  for (const { code, box: own } of model.cellsWithin(box)) {
    const group = level === LEVEL.second ? model.parent(code) : model.community(code), entry = found.get(group);
    if (!entry) found.set(group, { code: group, x: (own[0] + own[2]) / 2, y: (own[1] + own[3]) / 2, n: 1, box: [...own] });
    else {
      entry.x += (own[0] + own[2]) / 2; entry.y += (own[1] + own[3]) / 2; entry.n += 1;
      entry.box = [Math.min(entry.box[0], own[0]), Math.min(entry.box[1], own[1]), Math.max(entry.box[2], own[2]), Math.max(entry.box[3], own[3])];
    }
  }
  return [...found.values()].map(({ code, x, y, n, box: [x0, , x1] }) => ({ code, x: x / n, y: y / n, width_mm: x1 - x0 })).sort((a, b) => b.width_mm - a.width_mm);
}
