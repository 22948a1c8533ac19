/* The address of the view: position, selection, panel and tool, so that links and the back button work. */

export class Address {
  constructor(app, frame) {
    Object.assign(this, { app, frame, still: false });
    addEventListener("popstate", () => this.restore());
  }

  text() {
    const { app, frame } = this, { view } = app.surface, [x, y] = app.model.inMetres(view.x, view.y), parts = new URLSearchParams();
    parts.set("at", `${x.toFixed(1)},${y.toFixed(1)},${(1 / view.scale / 1000).toPrecision(4)}`);
    if (app.selection.size && app.selection.size <= 30) parts.set("cells", [...app.selection].sort().join(","));
    if (frame.tab !== "change") parts.set("panel", frame.tab);
    if (app.toolName !== "select") parts.set("tool", app.toolName);
    return `${location.pathname}?draft=${app.server.draft}#${parts}`.replaceAll("%2C", ",");
  }

  /** A change that the back button undoes. */
  push() {
    if (this.still || !this.frame.started) return;
    const text = this.text();
    if (text !== location.pathname + location.search + location.hash) history.pushState(null, "", text);
  }

  /** The position changes continuously, so it replaces the current address. */
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.still) history.replaceState(null, "", this.text()); }, 300);
  }

  restore() {
    const { app, frame } = this, parts = new URLSearchParams(location.hash.slice(1));
    this.still = true;
    const place = (parts.get("at") ?? "").split(",").map(Number);
    if (place.length === 3 && place.every(Number.isFinite) && place[2] > 0) {
      const [x, y] = app.model.onLattice(place);
      app.surface.look(app.surface.view.copy({ x, y, scale: 1 / place[2] / 1000 }));
    } else app.showAll();
    app.select((parts.get("cells") ?? "").split(",").filter((code) => app.model.row(code)));
    const tool = parts.get("tool") ?? "select";
    if (tool !== app.toolName) app.use(tool);
    frame.panel(parts.get("panel") ?? "change");
    this.still = false;
  }
}
