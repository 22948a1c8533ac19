/* The draft's log in the page: pending edits, answers and events, in the order of their revisions. */


/** Maximum wait for missing revisions before the snapshot is reloaded, milliseconds. */
const GAP_MS = 2500;

export class Log {
  constructor(app) {
    this.app = app;
    this.pending = [];
    this.waiting = new Map();
    for (const item of app.outbox.items) this.track(item);
  }

  /** Send edits. */
  put(edits, accept) {
    const { app } = this;
    app.last = null;
    this.track(app.outbox.put("/edits", { base: app.model.revision, edits, accept }));
  }

  /** Show an edit of the outbox in the page before it is answered. */
  track(item) {
    const made = item.path === "/edits" ? this.app.makeLocally(item.body.edits) : { steps: [], touched: [] };
    this.pending.push({ item, steps: made.steps });
    this.app.changed(made.touched);
  }

  undo() {
    const { app } = this, dropped = app.outbox.dropLast();
    if (dropped) { this.forget(dropped.body.id); return; }
    this.track(app.outbox.put("/undo", {}));
  }

  redo() { this.track(this.app.outbox.put("/redo", {})); }
  undoStep(revision) { this.track(this.app.outbox.put("/undo", { of: revision })); }

  /** Revert unacknowledged edits in the model; returns the touched cells. */
  withdraw() {
    const touched = new Set();
    for (const one of [...this.pending].reverse()) {
      for (const code of this.app.unmake(one.steps)) touched.add(code);
      one.steps = [];
    }
    return touched;
  }

  replay(touched) {
    for (const one of this.pending) {
      if (one.item.path !== "/edits") continue;
      const made = this.app.makeLocally(one.item.body.edits);
      one.steps = made.steps;
      for (const code of made.touched) touched.add(code);
    }
  }

  forget(id) {
    const touched = this.withdraw();
    this.pending = this.pending.filter(({ item }) => item.body.id !== id);
    this.replay(touched);
    this.app.changed(touched);
  }

  /** Receive a patch; patches are applied in the order of their revisions, regardless of their source. */
  take(patch, id) {
    const { app } = this, touched = this.withdraw();
    this.pending = this.pending.filter(({ item }) => item.body.id !== id);
    // No patches are applied while an earlier step is shown; on return the newest snapshot is loaded.
    if (app.past !== null) return;
    if (patch.from >= app.model.revision) this.waiting.set(patch.from, patch);
    while (this.waiting.has(app.model.revision)) {
      const next = this.waiting.get(app.model.revision);
      this.waiting.delete(app.model.revision);
      for (const code of app.model.patch(next)) touched.add(code);
    }
    for (const from of this.waiting.keys()) if (from < app.model.revision) this.waiting.delete(from);
    this.replay(touched);
    app.changed(touched);
    clearTimeout(this.gap);
    if (this.waiting.size) this.gap = setTimeout(() => this.reload(), GAP_MS);
  }

  async reload() {
    const { app } = this;
    this.waiting.clear();
    this.withdraw();
    app.load(await app.server.get("/snapshot"));
    for (const one of this.pending) one.steps = [];
    const touched = new Set();
    this.replay(touched);
    app.changed(touched);
    app.server.follow(app.model.revision, app.handlers);
  }

  accepted(item, answer) {
    const { app } = this;
    app.last = { words: answer.words, consequences: answer.consequences, warnings: answer.warnings, id: answer.id };
    this.take(answer.patch, item.body.id);
    app.emit("made", answer);
  }

  refused(item, problem) {
    const { app } = this;
    this.forget(item.body.id);
    if (problem.kind === "nothing") { app.emit("told", { text: problem }); return; }
    const place = problem.place && firstPlace(problem.place);
    app.plan = {
      edits: item.body.edits ?? [], cells: problem.cells?.filter((code) => app.model.row(code)), accept: item.body.accept ?? {}, refused: problem,
      conflict: problem.status === 409, path: item.path,
    };
    app.fault = { ...problem, at: place && app.model.onLattice(place) };
    app.surface.refresh("overlay");
    app.emit("plan");
    app.panel("change");
  }

  /** After a conflict: the same edit on the newest revision. */
  again(plan) {
    this.app.giveUp();
    this.put(plan.edits, plan.accept);
  }
}

/** Any place of a GeoJSON geometry. */
export function firstPlace(geometry) {
  let at = geometry.coordinates ?? geometry.geometries?.[0]?.coordinates;
  while (Array.isArray(at?.[0])) at = at[0];
  return at ?? null;
}

