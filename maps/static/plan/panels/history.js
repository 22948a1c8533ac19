/* Every step of the draft: who, when, what; each can be visited and taken back. */

import { button, el } from "../dom.js";
import { said, say } from "../words.js";

export async function showHistory(app, root) {
  const steps = await app.server.get("/history?limit=200");
  const time = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
  const back = app.past !== null ? [el("p", { class: "notice" }, say("visiting", { n: app.past })), button(say("back_to_now"), () => app.visit(null), { class: "primary" })] : [];
  root.replaceChildren(...back, el("ol", { class: "list", reversed: true }, ...steps.map((step) => el("li", { "data-revision": step.revision, class: step.in_force === false ? "undone" : "", "aria-current": app.past === step.revision ? "step" : null },
    el("span", {}, el("b", {}, `${step.revision}. ${said(step.words)}`), el("small", {}, `${step.author ?? ""} ${time(step.at)}`)),
    el("span", { class: "row" }, button(say("visit"), () => app.visit(step.revision)),
      step.cells?.length ? button("⌖", () => app.goTo(step.cells.filter((code) => app.model.row(code))), { "aria-label": say("visit") }) : null,
      step.kind === "edit" && step.in_force && app.editable ? button(say("undo_this"), () => app.log.undoStep(step.revision)) : null)))),
  ...(steps.length ? [] : [el("p", { class: "quiet" }, say("none"))]));
}
