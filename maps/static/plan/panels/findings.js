/* Findings of the check of the draft; a click zooms to the place. */

import { button, el } from "../dom.js";
import { firstPlace } from "../log.js";
import { say, spoken } from "../words.js";

export async function showFindings(app, root) {
  root.replaceChildren(el("p", { class: "quiet" }, say("checking")));
  const { ok, findings } = await app.server.get("/findings");
  const text = ({ explanation, kind }) => (typeof explanation === "string" ? explanation : explanation?.[spoken()] ?? kind);
  const visit = ({ place, cells }) => {
    const at = place && firstPlace(place);
    if (at) app.goToPlace(app.model.onLattice(at));
    else app.goTo(cells.filter((code) => app.model.row(code)), { select: true });
  };
  root.replaceChildren(
    ok && !findings.length ? el("p", { class: "sentence" }, `✓ ${say("no_findings")}`) : el("p", { class: "notice" }, `${findings.length}`),
    el("ol", { class: "list" }, ...findings.slice(0, 200).map((finding) => el("li", {}, button(text(finding), () => visit(finding), { class: "link" }), el("small", {}, [finding.kind, ...(finding.cells ?? []).slice(0, 4)].join(" · "))))),
    el("p", {}, button(say("run_check"), () => showFindings(app, root))));
}
