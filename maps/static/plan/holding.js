/* Delays the redrawing of a panel while its user is in the middle of something: a redrawn field loses what was typed and not
   yet used, and a button that is replaced between press and release is not clicked. */

const isText = (node) => node instanceof HTMLTextAreaElement || (node instanceof HTMLInputElement && !["checkbox", "radio", "file"].includes(node.type));

export class Holding {
  /** `redraw` is called when a delayed redrawing can be done. */
  constructor(root, redraw) {
    Object.assign(this, { root, redraw, pressed: false, composing: false, owed: false });
    root.addEventListener("pointerdown", () => { this.pressed = true; });
    for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => this.release("pressed"), true);
    // Space presses a button when it is released.
    root.addEventListener("keydown", (event) => { if (event.code === "Space" && event.target instanceof HTMLButtonElement) this.pressed = true; });
    addEventListener("keyup", () => this.release("pressed"), true);
    addEventListener("blur", () => this.release("pressed"));
    root.addEventListener("compositionstart", () => { this.composing = true; });
    root.addEventListener("compositionend", () => this.release("composing"));
    // A value that was used is no longer a draft.
    root.addEventListener("change", ({ target }) => { if (isText(target)) { target.defaultValue = target.value; this.settle(); } });
    root.addEventListener("focusout", () => this.settle());
  }

  /** Whether a redrawing has to wait; it is then made up for. */
  waits() {
    const field = document.activeElement, typed = this.root.contains(field) && isText(field) && field.value !== field.defaultValue;
    if (this.pressed || this.composing || typed) this.owed = true;
    return this.owed;
  }

  release(what) {
    if (!this[what]) return;
    this[what] = false;
    this.settle();
  }

  /** After the event, because the click follows the release. */
  settle() { setTimeout(() => { if (this.owed) { this.owed = false; this.redraw(); } }); }

  /** The panel is replaced by another one. */
  end() { this.pressed = this.composing = this.owed = false; }
}
