/* Remarks on the map: write, reply, resolve; a click zooms to the place. */

import { button, el } from "../dom.js";
import { uuid } from "../server.js";
import { moment, say } from "../words.js";

export async function showComments(app, root) {
  const list = app.comments = await app.server.get("/comments");
  app.surface.refresh("overlay");
  const time = (at) => (at ? moment(at) : "");
  const send = async (path, body) => { await app.server.post(path, body); await showComments(app, root); };
  const line = ({ text, author, time: at }) => el("p", {}, text, el("small", {}, `${author ?? ""} ${time(at)}`));
  if (root.querySelector("form")) return;
  root.replaceChildren(el("ol", { class: "list" }, ...list.map((remark, k) => {
    const answer = el("input", { type: "text", maxlength: "500", "aria-label": say("reply"), placeholder: say("reply") });
    answer.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing && answer.value.trim()) send(`/comments/${remark.comment}/replies`, { text: answer.value.trim() }); });
    return el("li", { class: remark.resolved ? "undone" : "" }, button(`${k + 1}. ${remark.text}`, () => app.goToPlace(app.model.onLattice(remark.at)), { class: "link" }), el("small", {}, `${remark.author ?? ""} ${time(remark.time)}`),
      ...remark.replies.map(line), el("span", { class: "row" }, answer, button(say(remark.resolved ? "reopen_comment" : "resolve"), () => send(`/comments/${remark.comment}/resolve`, { resolved: !remark.resolved }))));
  })), list.length ? "" : el("p", { class: "quiet" }, say("no_comments")));
}

/** A field for a new remark at a place of the map. */
export function writeRemark(app, root, place) {
  app.place = place;
  app.surface.refresh("overlay");
  const text = el("textarea", { rows: "4", id: "remark", maxlength: "2000", required: true, "aria-label": say("write_comment"), placeholder: say("write_comment") });
  const done = () => { app.place = null; app.surface.refresh("overlay"); root.replaceChildren(); return showComments(app, root); };
  const form = el("form", { onsubmit: async (event) => { event.preventDefault(); await app.server.post("/comments", { id: uuid(), at: app.model.inMetres(...place), text: text.value.trim() }); await done(); } },
    text, el("p", { class: "row" }, el("button", { type: "submit", class: "primary" }, say("send")), button(say("give_up"), done)));
  root.replaceChildren(form);
  text.focus();
}
