/* History of the draft: author, time, and change; each step can be shown and undone. */

import { button, el } from "../dom.js";
import { moment, said, say } from "../words.js";

export async function showHistory(app, root) {
  const steps = await app.server.get("/history?limit=200");
  const back = app.past !== null ? [el("p", { class: "notice" }, say("visiting", { n: app.past })), button(say("back_to_now"), () => app.visit(null), { class: "primary" })] : [];
  root.replaceChildren(...back, el("ol", { class: "list", reversed: true }, ...steps.map((step) => el("li", { "data-revision": step.revision, class: step.in_force === false ? "undone" : "", "aria-current": app.past === step.revision ? "step" : null },
    el("span", {}, el("b", {}, `${step.revision}. ${said(step.words)}`), el("small", {}, `${step.author ?? ""} ${moment(step.at)}`)),
    el("span", { class: "row" }, button(say("visit"), () => app.visit(step.revision)),
      step.cells?.length ? button(say("locate"), () => app.goTo(step.cells.filter((code) => app.model.row(code)))) : null,
      step.kind === "edit" && step.in_force && app.editable ? button(say("undo_this"), () => app.log.undoStep(step.revision)) : null)))),
  ...(steps.length ? [] : [el("p", { class: "quiet" }, say("none"))]));
}
