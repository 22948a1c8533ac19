/* The list of drafts, and a field to create another. */

import { button, el } from "./dom.js";
import { fetched, send, uuid } from "./server.js";
import { say } from "./words.js";

/** Show the list of drafts; `open` is the number of the current one. */
export async function chooseDraft(open) {
  const dialog = document.getElementById("drafts"), drafts = await fetched("/api/drafts");
  const name = el("input", { type: "text", id: "draft-name", required: true, maxlength: "80", placeholder: say("draft_name") });
  const begin = async (event) => {
    event.preventDefault();
    const made = await send("/api/drafts", { id: uuid(), name: name.value.trim() });
    location.assign(`/plan?draft=${made.id}`);
  };
  dialog.replaceChildren(
    el("h2", { id: "drafts-title" }, say("drafts")),
    ...(drafts.length ? [] : [el("p", {}, say("no_drafts"))]),
    el("ul", { class: "list" }, ...drafts.map((draft) => el("li", {},
      el("span", {}, el("b", {}, draft.name), el("small", {}, `${say(`state.${draft.state}`)} · ${say("based_on", { n: draft.version })} · ${draft.created_by ?? ""} · ${draft.revision} ${say("step")}`)),
      String(draft.id) === String(open) ? null : el("a", { href: `/plan?draft=${draft.id}` }, say("open"))))),
    el("form", { class: "row", onsubmit: begin }, el("label", { for: "draft-name", class: "hidden" }, say("draft_name")), name, el("button", { type: "submit", class: "primary" }, say("new_draft")),
      open === null ? null : button(say("close"), () => dialog.close())),
  );
  dialog.showModal();
}
