/* Export and import for QGIS, and the workflow of a draft: review, publish. */

import { button, el } from "../dom.js";
import { said, say, spoken } from "../words.js";

export function showExchange(app, root) {
  const file = el("input", { type: "file", id: "file", accept: ".gpkg,.geojson,.zip,.shp", "aria-label": say("import") }), answer = el("div", { id: "imported" });
  file.addEventListener("change", async () => {
    answer.replaceChildren(el("p", { class: "quiet" }, say("computing")));
    try { showImport(app, answer, await app.server.upload("/import", file.files[0])); } catch (error) { answer.replaceChildren(el("p", { class: "fault", role: "alert" }, said(error) || error.message)); }
  });
  root.replaceChildren(el("p", {}, el("a", { href: `${app.server.base}/export`, download: "" }, say("export"))), app.editable ? el("label", { for: "file" }, say("import")) : "", app.editable ? file : "", answer);
}

function showImport(app, box, { edits, findings, consequences }) {
  const text = ({ explanation, kind }) => (typeof explanation === "string" ? explanation : explanation?.[spoken()] ?? kind);
  box.replaceChildren(el("h3", {}, edits.length ? say("import_preview", { n: edits.length }) : say("import_none")), consequences ? el("p", { class: "sentence" }, said(consequences)) : "",
    el("ol", { class: "list" }, ...findings.slice(0, 100).map((finding) => el("li", {}, text(finding), el("small", {}, finding.kind)))),
    edits.length ? el("p", { class: "row" }, button(say("commit"), () => { box.replaceChildren(); app.make(edits); }, { class: "primary" }), button(say("give_up"), () => box.replaceChildren())) : "");
}

/** The next step of the draft: to review, then back or to publish from a day. */
export function askPublish(app) {
  const dialog = document.getElementById("drafts"), note = el("textarea", { rows: "3", id: "note", maxlength: "1000", "aria-label": say("reason") }), fault = el("p", { role: "alert" });
  const day = el("input", { type: "date", id: "valid-from", required: true });
  const act = async (path, body) => {
    try {
      const answer = await app.server.post(path, body);
      dialog.close();
      app.state = path === "/review" ? "review" : path === "/reopen" ? "draft" : "published";
      app.emit("loaded", answer);
    } catch (error) { fault.textContent = said(error) || error.message; }
  };
  const draft = app.state === "draft";
  dialog.replaceChildren(el("h2", { id: "drafts-title" }, say(draft ? "review" : "publish")), el("label", { for: "note" }, say("reason")), note,
    draft ? "" : el("p", { class: "row" }, el("label", { for: "valid-from" }, say("valid_from")), day), fault,
    el("p", { class: "row" }, button(say(draft ? "review" : "publish"), () => (draft ? act("/review", { note: note.value }) : day.reportValidity() && act("/publish", { note: note.value, valid_from: day.value, revision: app.model.revision })), { class: "primary" }),
      draft ? "" : button(say("reopen"), () => act("/reopen", { note: note.value })), button(say("close"), () => dialog.close())));
  dialog.showModal();
}
