/* Base of all tools. A tool gets places {px, py, x, y, pointer, alt, shift}: pixels of the window and millimetres. */

export class Tool {
  constructor(app) { this.app = app; }

  /** Whether dragging with this tool moves the map. */
  get dragsMap() { return false; }

  enter() {}
  leave() { this.cancel(); }
  down() {}
  move() {}
  up() {}
  click() {}
  double() {}
  cancel() {}

  /** Whether a key was used. */
  key() { return false; }

  draw() {}
}

/** A small mark at the snapped place. */
export function drawCatch(context, view, place) {
  if (!place?.kind) return;
  const [px, py] = view.toPixels(place.x, place.y);
  context.lineWidth = 2;
  context.strokeStyle = "#b3261e";
  context.beginPath();
  if (place.kind === "vertex" || place.kind === "corner") context.rect(px - 6, py - 6, 12, 12);
  else context.arc(px, py, 6, 0, 2 * Math.PI);
  context.stroke();
}

/** A line as it is drawn, with its points. */
export function drawLine(context, view, xy, { colour = "#b3261e", dash = [], points = true } = {}) {
  if (xy.length < 2) return;
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  for (let k = 0; k < xy.length; k += 2) context[k ? "lineTo" : "moveTo"](...view.toPixels(xy[k], xy[k + 1]));
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = "#ffffff";
  if (points) for (let k = 0; k < xy.length; k += 2) { context.beginPath(); context.arc(...view.toPixels(xy[k], xy[k + 1]), 3.2, 0, 2 * Math.PI); context.fill(); context.stroke(); }
  context.restore();
}
