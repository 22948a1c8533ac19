/* The drawing surface: a picture of the whole division on one canvas, the touched cells and the tool's drawing on a second one,
   names above them, and handles as SVG. While the map is dragged the pictures are moved as they are; the division is drawn anew a few milliseconds
   a frame on a canvas that is not shown, which then takes the place of the other. No frame waits for anything. */

import { View } from "./view.js";
import { paintDivision, paintLabels } from "./painting.js";

/** Margin of the image around the window, pixels, so that dragging shows no empty border. */
const MARGIN = 220;

/** Time per frame for painting the division, milliseconds. */
const SLICE_MS = 6;

/** Idle time after which the division is redrawn for the new view, milliseconds. */
const SETTLE_MS = 90;

const SVG = "http://www.w3.org/2000/svg";

function* both(first, second) {
  yield* first;
  yield* second;
}

export class Surface {
  /** `scene` gives what is painted: see `paintDivision`; `overlay(context, view)` draws what is being edited. */
  constructor(box, { scene, overlay, handles, seen }) {
    Object.assign(this, { box, scene, overlay, handles, seen });
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.front = this.canvas("division");
    this.back = this.canvas("division");
    this.top = this.canvas("touched");
    this.names = this.canvas("names");
    this.nextNames = this.canvas("names");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "handles");
    this.back.hidden = this.nextNames.hidden = true;
    this.stage.append(this.front, this.back, this.top, this.names, this.nextNames, this.svg);
    box.append(this.stage);
    this.view = new View(0, 0, 1e-3, box.clientWidth || 800, box.clientHeight || 600);
    this.drawn = this.view;
    this.job = null;
    this.asked = false;
    this.settled = 0;
    this.painted = 0;
    this.stale = { division: true, overlay: true, handles: true };
    new ResizeObserver(() => this.resize()).observe(box);
    this.resize();
  }

  canvas(name) {
    const canvas = document.createElement("canvas");
    canvas.className = name;
    canvas.setAttribute("aria-hidden", "true");
    return canvas;
  }

  resize() {
    const width = this.box.clientWidth, height = this.box.clientHeight;
    if (!width || !height || (width === this.width && height === this.height)) return;
    Object.assign(this, { width, height, ratio: Math.min(2, window.devicePixelRatio || 1) });
    this.view = this.view.copy({ width, height });
    this.top.width = 1;
    this.svg.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`);
    this.placed(this.svg);
    this.job = null;
    this.refresh("division");
  }

  placed(node) {
    Object.assign(node.style, { left: `${-MARGIN}px`, top: `${-MARGIN}px`, width: `${this.width + 2 * MARGIN}px`, height: `${this.height + 2 * MARGIN}px` });
  }

  sized(canvas) {
    canvas.width = Math.round((this.width + 2 * MARGIN) * this.ratio);
    canvas.height = Math.round((this.height + 2 * MARGIN) * this.ratio);
    this.placed(canvas);
  }

  /** Mark "division", "overlay" or "handles" as outdated; "division" redraws all three. */
  refresh(...names) {
    for (const name of names) {
      this.stale[name] = true;
      if (name === "division") { this.job = null; this.settled = Math.max(this.settled, performance.now()); }
    }
    this.ask();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.frame(); });
  }

  /** Change the view; the image is transformed at once and redrawn when the view is idle. */
  look(view) {
    const shift = Math.hypot((view.x - this.drawn.x) * view.scale, (view.y - this.drawn.y) * view.scale);
    this.view = view;
    this.stage.style.transform = view.transformOf(this.drawn);
    if (!this.job) this.settled = performance.now() + (shift > MARGIN * 0.6 ? 0 : SETTLE_MS);
    this.stale.division = true;
    this.ask();
    this.seen(view);
  }

  frame() {
    if (this.stale.division && !this.job && performance.now() >= this.settled) this.begin();
    if (this.job) this.proceed();
    if (this.stale.overlay) this.drawOverlay();
    if (this.stale.handles) this.drawHandles();
    if (this.job || this.stale.division) this.ask();
  }

  begin() {
    this.stale.division = false;
    const view = this.view;
    this.sized(this.back);
    this.sized(this.nextNames);
    const context = this.back.getContext("2d", { alpha: false }), names = this.nextNames.getContext("2d"), scene = this.scene();
    this.origin(context);
    this.origin(names);
    this.job = { view, scene, steps: both(paintDivision(context, view, MARGIN, scene), paintLabels(names, view, MARGIN, scene)) };
  }

  origin(context) {
    context.setTransform(this.ratio, 0, 0, this.ratio, MARGIN * this.ratio, MARGIN * this.ratio);
  }

  proceed() {
    const until = performance.now() + SLICE_MS, { job } = this;
    let step;
    do step = job.steps.next(); while (!step.done && performance.now() < until);
    if (!step.done) return;
    [this.front, this.back] = [this.back, this.front];
    [this.names, this.nextNames] = [this.nextNames, this.names];
    this.front.hidden = this.names.hidden = false;
    this.back.hidden = this.nextNames.hidden = true;
    this.drawn = job.view;
    this.job = null;
    this.painted += 1;
    this.stage.style.transform = this.view.transformOf(this.drawn);
    this.stale.overlay = this.stale.handles = true;
    job.scene.painted?.();
  }

  drawOverlay() {
    this.stale.overlay = false;
    if (this.top.width !== this.front.width) this.sized(this.top);
    const context = this.top.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.top.width, this.top.height);
    this.origin(context);
    this.overlay(context, this.drawn);
  }

  drawHandles() {
    this.stale.handles = false;
    this.handles(this.svg, this.drawn);
  }
}
