/* The drawing surface: a picture of the whole division, the changed cells and the tool's drawing on a canvas above it, names above them,
   and handles as SVG. While the map is dragged the pictures are moved as they are; the division is repainted out of sight, a few milliseconds
   a frame, and the finished picture replaces the one shown. No frame waits for anything. */

import { Extent } from "./extent.js";
import { View } from "./view.js";
import { paintDivision, paintLabels } from "./painting.js";

/** Margin of the image around the window, pixels, so that dragging shows no empty border. */
const MARGIN = 220;

/** Sizes and places of the canvas of what is being edited are multiples of this, pixels. */
const TILE = 64;

/** Time per frame for describing what is painted, milliseconds: while the hand moves something, and otherwise. The browser then takes
    about three times as long to paint it. */
const SLICE_MS = { busy: 1, idle: 6 };

/** How long after the last movement the hand counts as moving, milliseconds. */
const BUSY_MS = 150;

/** Idle time after which the division is redrawn for the new view, milliseconds. */
const SETTLE_MS = 90;

const SVG = "http://www.w3.org/2000/svg";

function* both(first, second) {
  yield* first;
  yield* second;
}

export class Surface {
  /** `scene` gives what is painted: see `paintDivision`; `overlay(view)` gives a painter of what is being edited. */
  constructor(box, { scene, overlay, handles, seen }) {
    Object.assign(this, { box, scene, overlay, handles, seen });
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.division = this.canvas("division");
    this.top = this.canvas("touched");
    this.names = this.canvas("names");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "handles");
    this.stage.append(this.division, this.top, this.names, this.svg);
    box.append(this.stage);
    this.view = new View(0, 0, 1e-3, box.clientWidth || 800, box.clientHeight || 600);
    this.drawn = this.view;
    this.papers = {};
    this.job = null;
    this.asked = false;
    this.settled = this.moved = 0;
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
    this.svg.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`);
    this.placed(this.svg);
    this.job = null;
    this.refresh("division");
  }

  placed(node) {
    Object.assign(node.style, { left: `${-MARGIN}px`, top: `${-MARGIN}px`, width: `${this.width + 2 * MARGIN}px`, height: `${this.height + 2 * MARGIN}px` });
  }

  /** Size of the pictures, pixels of the screen. */
  size() { return [Math.round((this.width + 2 * MARGIN) * this.ratio), Math.round((this.height + 2 * MARGIN) * this.ratio)]; }

  /** An empty picture that is not shown yet; one canvas of each name serves all pictures. */
  hidden(name, options) {
    const [width, height] = this.size(), context = (this.papers[name] ??= document.createElement("canvas").getContext("2d", options)), { canvas } = context;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(this.ratio, 0, 0, this.ratio, MARGIN * this.ratio, MARGIN * this.ratio);
    return context;
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
    this.moved = performance.now();
    this.stage.style.transform = view.transformOf(this.drawn);
    if (!this.job) this.settled = performance.now() + (shift > MARGIN * 0.6 ? 0 : SETTLE_MS);
    this.stale.division = true;
    this.ask();
    this.seen(view);
  }

  frame() {
    if (this.stale.division && !this.job && performance.now() >= this.settled) this.begin();
    if (this.job?.steps) this.proceed();
    if (this.stale.overlay) this.drawOverlay();
    if (this.stale.handles) this.drawHandles();
    if (this.job?.steps || this.stale.division) this.ask();
  }

  begin() {
    this.stale.division = false;
    const view = this.view;
    const division = this.hidden("division", { alpha: false }), names = this.hidden("names"), scene = this.scene();
    this.job = { view, scene, division, names, steps: both(paintDivision(division, view, MARGIN, scene), paintLabels(names, view, MARGIN, scene)) };
  }

  proceed() {
    const now = performance.now(), until = now + SLICE_MS[now - this.moved < BUSY_MS ? "busy" : "idle"], { job } = this;
    let step;
    do step = job.steps.next(); while (!step.done && performance.now() < until);
    if (step.done) { job.steps = null; this.show(job); }
  }

  /** Show the finished pictures. A canvas that shows a bitmap costs nothing in a frame in which it does not change, whereas a 2D canvas
      of this size is copied in every frame that changes anything in the window. */
  async show(job) {
    const [division, names] = await Promise.all([job.division, job.names].map(({ canvas }) => createImageBitmap(canvas)));
    if (this.job !== job) return;
    for (const [canvas, picture] of [[this.division, division], [this.names, names]]) {
      canvas.getContext("bitmaprenderer").transferFromImageBitmap(picture);
      this.placed(canvas);
    }
    this.drawn = job.view;
    this.job = null;
    this.painted += 1;
    this.stage.style.transform = this.view.transformOf(this.drawn);
    this.refresh("overlay", "handles");
    job.scene.painted?.();
  }

  drawOverlay() {
    this.stale.overlay = false;
    this.moved = performance.now();
    const extent = new Extent(), paint = this.overlay(this.drawn);
    paint(extent);
    const [x0, y0, x1, y1] = this.tiled(extent.box);
    this.top.hidden = extent.empty || x0 >= x1 || y0 >= y1;
    if (this.top.hidden) return;
    const { top, ratio } = this, width = (x1 - x0) * ratio, height = (y1 - y0) * ratio, context = top.getContext("2d");
    if (top.width !== width || top.height !== height) Object.assign(top, { width, height });
    Object.assign(top.style, { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio, 0, 0, ratio, -x0 * ratio, -y0 * ratio);
    paint(context);
  }

  /** A box of pixels grown to whole tiles, within the pictures: while something small is dragged the canvas seldom changes its size. */
  tiled([x0, y0, x1, y1]) {
    const low = (v) => TILE * Math.floor(Math.max(v, -MARGIN) / TILE), high = (v, most) => TILE * Math.ceil(Math.min(v, most + MARGIN) / TILE);
    return [low(x0), low(y0), high(x1, this.width), high(y1, this.height)];
  }

  drawHandles() {
    this.stale.handles = false;
    this.handles(this.svg, this.drawn);
  }
}
