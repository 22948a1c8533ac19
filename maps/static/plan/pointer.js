/* Pointer events on the map: navigation, or input of the tool. */

/** Maximum movement of a click, pixels. */
const CLICK_PX = 5;

export class Pointers {
  constructor(app, box) {
    Object.assign(this, { app, box, down: new Map(), space: false, press: null });
    box.addEventListener("pointerdown", (event) => this.onDown(event));
    box.addEventListener("pointermove", (event) => this.onMove(event));
    box.addEventListener("pointerup", (event) => this.onUp(event));
    box.addEventListener("pointercancel", (event) => this.onCancel(event));
    box.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    box.addEventListener("dblclick", (event) => { if (!this.space) app.tool.double(this.place(event)); });
    box.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  place(event) {
    // While a button is held the map stays where it is, and asking for its place would lay the page out at every movement.
    const { left, top } = this.press?.corner ?? this.box.getBoundingClientRect(), px = event.clientX - left, py = event.clientY - top;
    const [x, y] = this.app.surface.view.toPlace(px, py);
    return { px, py, x, y, pointer: event.pointerType || "mouse", alt: event.altKey, shift: event.shiftKey };
  }

  onDown(event) {
    if (event.target.closest?.("button, input, select, a")) return;
    // Otherwise every movement of a drag would also arrive as a mouse event. The focus has to be set then.
    event.preventDefault();
    (event.target.closest("[tabindex]") ?? this.box).focus({ preventScroll: true, focusVisible: false });
    const at = this.place(event);
    this.down.set(event.pointerId, at);
    this.box.setPointerCapture(event.pointerId);
    if (this.down.size === 2) { this.app.tool.cancel(); this.press = null; this.pinch = this.span(); return; }
    const pans = this.space || event.button === 1 || event.button === 2;
    this.press = { at, corner: this.box.getBoundingClientRect(), view: this.app.surface.view, pans, moved: false, used: !pans };
    if (!pans) this.app.tool.down(at);
  }

  span() {
    const [a, b] = [...this.down.values()];
    return { x: (a.px + b.px) / 2, y: (a.py + b.py) / 2, length: Math.hypot(a.px - b.px, a.py - b.py) || 1 };
  }

  onMove(event) {
    const at = this.place(event), { app, press } = this;
    if (this.down.has(event.pointerId)) this.down.set(event.pointerId, at);
    if (this.down.size === 2 && this.pinch) {
      const now = this.span(), view = app.surface.view.panned(now.x - this.pinch.x, now.y - this.pinch.y);
      app.surface.look(view.zoomed(now.length / this.pinch.length, now.x, now.y));
      this.pinch = now;
      return;
    }
    if (press && !press.moved && Math.hypot(at.px - press.at.px, at.py - press.at.py) > CLICK_PX) {
      press.moved = true;
      press.pans ||= app.tool.dragsMap;
    }
    if (press?.pans) { if (press.moved) app.surface.look(press.view.panned(at.px - press.at.px, at.py - press.at.py)); }
    else app.tool.move(at, Boolean(press));
    app.pointerAt(at);
  }

  onUp(event) {
    const { app, press } = this, at = this.place(event);
    this.down.delete(event.pointerId);
    if (this.down.size < 2) this.pinch = null;
    this.press = null;
    if (!press) return;
    if (press.used && !(press.pans && press.moved)) {
      if (press.moved) app.tool.up(at);
      else app.tool.click(at);
    }
  }

  /** End a press in its middle: what was begun is given up, and the release does nothing. */
  abandon() { this.press = null; }

  onCancel(event) {
    this.down.delete(event.pointerId);
    this.press = this.pinch = null;
    this.app.tool.cancel();
  }

  onWheel(event) {
    event.preventDefault();
    const { px, py } = this.place(event), step = Math.max(-120, Math.min(120, event.deltaY * (event.deltaMode ? 30 : 1)));
    this.app.surface.look(this.app.surface.view.zoomed(2 ** (-step / 240), px, py));
  }

  /** While the space bar is held, dragging moves the map. */
  holdSpace(held) {
    this.space = held;
    this.box.classList.toggle("panning", held);
  }
}
