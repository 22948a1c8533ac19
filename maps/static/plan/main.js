/* Start of the page: selection of the draft, its snapshot, the parts of the page, and handling of the server's events. */

import { App } from "./app.js";
import { chooseDraft } from "./drafts.js";
import { Frame } from "./frame.js";
import { listenToKeys } from "./keyboard.js";
import { loadBackdrop } from "./backdrop.js";
import { whenModeChanges } from "./looks.js";
import { Pointers } from "./pointer.js";
import { Refused, Server, Unreachable, fetched } from "./server.js";
import { Brush, Lasso, Select } from "./tools/selecting.js";
import { DragVertex } from "./tools/vertices.js";
import { DrawBorder, SplitCell } from "./tools/lines.js";
import { Lock, Merge, Redivide, Remark, Transfer } from "./tools/groups.js";
import { say, said, speak } from "./words.js";

const TOOLS = { select: Select, drag: DragVertex, draw: DrawBorder, split: SplitCell, merge: Merge, transfer: Transfer, lasso: Lasso, brush: Brush, redivide: Redivide, lock: Lock, comment: Remark };

async function start() {
  speak(document.documentElement.lang.startsWith("en") ? "en" : "zh");
  const asked = new URLSearchParams(location.search).get("draft");
  const id = asked ?? await newestDraft();
  if (id === null) { document.getElementById("starting").hidden = true; chooseDraft(null); return; }
  const server = new Server(id), [draft, snapshot] = await Promise.all([server.get(""), server.get("/snapshot")]);
  document.getElementById("starting").hidden = true;
  document.getElementById("plan").hidden = false;
  const listeners = [], box = document.getElementById("map");
  const app = new App({ server, snapshot, box, listeners });
  app.version = draft.version;
  for (const [name, Kind] of Object.entries(TOOLS)) app.tools[name] = new Kind(app);
  app.pointers = new Pointers(app, box);
  const frame = new Frame(app);
  listeners.push(frame, { painted: ready });
  listenToKeys(app);
  addEventListener("unhandledrejection", (event) => {
    if (!(event.reason instanceof Refused || event.reason instanceof Unreachable)) return;
    event.preventDefault();
    frame.failed(event.reason);
  });
  whenModeChanges(() => { frame.legend(); app.surface.refresh("division", "overlay"); });
  frame.show();
  app.surface.frame();
  follow(app);
  setTimeout(() => loadBackdrop(app), 300);
  app.outbox.flush();
}

/** The draft used last; null if there is none. */
async function newestDraft() {
  const drafts = await fetched("/api/drafts");
  return (drafts.find(({ state }) => state === "draft") ?? drafts[0])?.id ?? null;
}

function ready() { document.documentElement.dataset.ready = "yes"; }

function follow(app) {
  const patched = (event) => {
    app.log.take(event.patch ?? { from: event.revision - 1, revision: event.revision, remove: [], add: [], cells: {}, gone: [], locked: [...app.model.locked], outline_locked: app.model.outlineLocked }, event.id);
    app.emit("logged", event);
  };
  const state = (event) => { patched(event); app.state = event.state; app.emit("loaded"); };
  app.handlers = {
    edit: patched, undo: patched, redo: patched, comment: patched, reply: patched, resolve: patched, review: state, reopen: state, publish: state,
    presence: ({ here }) => { app.here = here; app.surface.refresh("overlay"); app.emit("present"); },
    consequences: (event) => app.hear(event),
    reload: () => app.log.reload(),
  };
  app.server.follow(app.model.revision, app.handlers);
}

start().catch((error) => {
  const text = error instanceof Refused && error.status === 401 ? say("login") : said(error) || error.message;
  document.getElementById("starting").textContent = say("failed") + text;
  document.getElementById("starting").hidden = false;
});
