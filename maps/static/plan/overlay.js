/* The second canvas: cells changed since the division was painted, the preview of a tool, selection and marks. */

import { LEVEL } from "./model.js";
import { traceRings } from "./exact.js";
import { shown } from "./looks.js";
import { boxAround, boxOf } from "./buckets.js";
import { levelOf, paintBackdrop, strokeArcs, trace, traceCell } from "./painting.js";

const GOOD = "#0b6e4f";
const BAD = "#b3261e";
const PICKED = "#1d5fa8";

/** Cells adjacent to replaced arcs with their new rings, and the arcs around them. */
function asItWouldBe(model, { before, after }) {
  const gone = new Set(before), codes = new Set([...before, ...after].flatMap((arc) => [arc.left, arc.right]).filter(Boolean));
  const arcs = [...[...model.arcsOfCells(codes)].filter((arc) => !gone.has(arc)), ...after];
  const shapes = [...codes].map((code) => ({ code, rings: traceRings(arcs.filter((arc) => arc.left === code || arc.right === code), (other) => other === code) }));
  return { arcs, shapes };
}

/** A painter of cells with what lies under them and the arcs around them. */
function cellsPainter(app, view, shapes, arcs) {
  const boxes = shapes.flatMap(({ rings }) => rings.outer.map(boxOf));
  if (!boxes.length) return () => {};
  const box = boxAround(boxes), sorted = [[], [], [], []];
  for (const arc of arcs) sorted[levelOf(app.model, arc)].push(arc);
  return (context) => paintCells(app, context, view, { shapes, box, sorted });
}

function paintCells(app, context, view, { shapes, box, sorted }) {
  context.save();
  context.beginPath();
  for (const { rings } of shapes) traceCell(context, view, rings);
  context.clip("evenodd");
  for (const { code, rings } of shapes) {
    context.beginPath();
    traceCell(context, view, rings);
    context.fillStyle = app.fills.colour(code);
    context.fill("evenodd");
  }
  // The clip keeps it inside the cells, so it does not change what is measured.
  if (!context.measures) paintBackdrop(context, view, box, app.shownBackdrop());
  context.restore();
  for (const level of [LEVEL.third, LEVEL.second, LEVEL.community]) if (sorted[level].length) strokeArcs(context, view, sorted[level], level);
}

/** A painter of what is being edited, for a context; it is called twice, first to measure. */
export function overlayPainter(app, view) {
  const { model, trial } = app;
  const dirty = [...app.dirty].filter((code) => model.ofCell.has(code)).map((code) => model.shape(code));
  const changed = cellsPainter(app, view, dirty, model.arcsOfCells(dirty.map(({ code }) => code)));
  const would = trial && asItWouldBe(model, trial), tried = trial && cellsPainter(app, view, would.shapes, would.arcs);
  return (context) => {
    changed(context);
    if (trial) { tried(context); drawTrial(app, context, view); }
    drawMarks(app, context, view);
  };
}

function drawTrial({ trial, fault }, context, view) {
  context.beginPath();
  for (const { xy } of trial.after) trace(context, view, xy, false);
  context.strokeStyle = shown(fault ? BAD : GOOD);
  context.lineWidth = 3;
  context.stroke();
}

function drawMarks(app, context, view) {
  const { model, fault } = app;
  drawSelection(app, context, view);
  for (const code of app.locksShown()) drawLockSign(context, view, model.labelPlace(code));
  if (app.plan?.cells) hatch(app, context, view, app.plan.cells);
  app.tool.draw(context, view);
  for (const { held, name, colour } of app.others()) drawHolder(app, context, view, held, name, colour);
  for (const remark of app.remarks()) drawRemark(context, view, remark);
  if (fault?.at) drawFault(context, view, fault.at);
  if (app.place) drawPlace(context, view, app.place);
}

function drawSelection(app, context, view) {
  const { model, selection } = app;
  if (!selection.size) return;
  context.beginPath();
  for (const code of selection) if (model.ofCell.has(code)) traceCell(context, view, model.ringsOf(code));
  context.fillStyle = "rgba(29,95,168,.13)";
  context.fill("evenodd");
  context.beginPath();
  for (const arc of model.arcsOfCells(selection)) if (selection.has(arc.left) !== selection.has(arc.right)) trace(context, view, arc.xy, false);
  context.strokeStyle = shown(PICKED);
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.stroke();
}

/** The cells of an edit of complete cells. */
function hatch(app, context, view, codes) {
  context.save();
  context.beginPath();
  for (const code of codes.flatMap((one) => app.model.thirds(one))) if (app.model.ofCell.has(code)) traceCell(context, view, app.model.ringsOf(code));
  context.strokeStyle = shown(app.plan.refused ? BAD : GOOD);
  context.lineWidth = 3;
  context.stroke();
  context.clip("evenodd");
  context.lineWidth = 1;
  context.globalAlpha = 0.5;
  context.beginPath();
  for (let x = -view.height; x < view.width; x += 9) { context.moveTo(x, view.height + 200); context.lineTo(x + view.height + 200, 0); }
  context.stroke();
  context.restore();
}

function drawFault(context, view, at) {
  const [px, py] = view.toPixels(...at);
  context.strokeStyle = shown(BAD);
  context.lineWidth = 3;
  context.beginPath();
  context.arc(px, py, 11, 0, 2 * Math.PI);
  context.moveTo(px - 5, py - 5);
  context.lineTo(px + 5, py + 5);
  context.moveTo(px + 5, py - 5);
  context.lineTo(px - 5, py + 5);
  context.stroke();
}

/** A place selected in a list. */
function drawPlace(context, view, place) {
  const [px, py] = view.toPixels(...place);
  context.strokeStyle = "#b35c00";
  context.lineWidth = 3;
  context.beginPath();
  context.arc(px, py, 16, 0, 2 * Math.PI);
  context.stroke();
}

function drawLockSign(context, view, { x, y }) {
  const [px, py] = view.toPixels(x, y);
  context.fillStyle = context.strokeStyle = "#6b2f00";
  context.lineWidth = 1.8;
  context.fillRect(px - 6, py - 2 - 12, 12, 9);
  context.beginPath();
  context.arc(px, py - 14, 4, Math.PI, 0);
  context.stroke();
}

function drawHolder(app, context, view, code, name, colour) {
  const rings = app.model.groupRings([code]);
  context.save();
  context.setLineDash([8, 5]);
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.beginPath();
  for (const ring of rings.outer) trace(context, view, ring, true);
  context.stroke();
  context.restore();
  if (!rings.outer.length) return;
  const [x0, , , y1] = boxOf(rings.outer[0]), [px, py] = view.toPixels(x0, y1);
  context.font = '600 12px "Noto Sans CJK SC",sans-serif';
  context.textAlign = "left";
  context.fillStyle = colour;
  context.fillText(name, px, py - 5);
}

function drawRemark(context, view, { at, open, number }) {
  const [px, py] = view.toPixels(...at);
  context.fillStyle = open ? "#8a3ffc" : "#8d979e";
  context.beginPath();
  context.moveTo(px, py);
  context.lineTo(px - 8, py - 12);
  context.arc(px, py - 17, 9.5, Math.PI * 0.8, Math.PI * 0.2);
  context.closePath();
  context.fill();
  context.fillStyle = "#ffffff";
  context.font = "600 11px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(number), px, py - 17);
}
