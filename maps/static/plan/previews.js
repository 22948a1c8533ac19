/* Previews of an edit requested during dragging: one request at a time, always for the newest state. */

import { Refused, uuid } from "./server.js";

/** Idle time before the first request, milliseconds. */
const PAUSE_MS = 90;

export class Previews {
  constructor(app) {
    Object.assign(this, { app, wanted: null, asking: false, shown: null, timer: 0 });
  }

  ask(edits) {
    this.wanted = edits;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.next(), PAUSE_MS);
  }

  /** Cancel the preview. */
  drop() {
    clearTimeout(this.timer);
    this.wanted = null;
    if (this.shown) { this.shown = null; this.app.emit("previewed"); }
  }

  async next() {
    if (this.asking || !this.wanted) return;
    const edits = this.wanted, { app } = this, id = uuid();
    this.asking = true;
    let shown = null, refused = null;
    try {
      shown = { ...await app.server.post("/consequences", { id, client: app.server.client, base: app.model.revision, edits }), edits };
    } catch (error) {
      if (error instanceof Refused) refused = error;
    }
    this.asking = false;
    if (this.wanted === edits) {
      this.wanted = null;
      this.shown = shown;
      const { plan } = app;
      if (plan?.edits === edits) { plan.refused = refused; plan.preview = shown; }
      if (refused && !app.fault && (plan || app.trial)) app.setFault(refused);
      app.emit("previewed");
    } else if (this.wanted) this.next();
  }
}
