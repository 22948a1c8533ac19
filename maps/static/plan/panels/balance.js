/* Workload of the second-level grids over their community's mean, as bars with the tolerance, and transfers that balance it. */

import { button, el } from "../dom.js";
import { LEVEL } from "../model.js";
import { Refused } from "../server.js";
import { said, say } from "../words.js";
import { balanceBar } from "./change.js";

export function showBalance(app, root) {
  const { model, fills } = app, communities = model.codesOf(LEVEL.community), first = [...app.selection][0];
  const now = app.balanceOf ?? (first ? model.community(first) : communities[0]);
  const pick = el("select", { id: "community", "aria-label": say("level.1") }, ...communities.map((code) => { const node = el("option", { value: code }, model.name(code)); node.selected = code === now; return node; }));
  pick.addEventListener("change", () => { app.balanceOf = pick.value; showBalance(app, root); });
  const rows = model.below(now).map((code) => ({ code, name: model.name(code), balance_after: fills.balance(code), balance_before: null })).sort((a, b) => (b.balance_after ?? 0) - (a.balance_after ?? 0));
  root.replaceChildren(el("p", { class: "row" }, pick, app.editable ? button(say("propose"), () => propose(app, root, now), { id: "propose" }) : null), el("div", { id: "proposal" }),
    el("p", { class: "quiet" }, `${say("legend_balance")}；${say("tolerance")}`), el("div", { class: "bars" }, ...rows.map((row) => balanceBar(app, row))));
}

async function propose(app, root, code) {
  const box = root.querySelector("#proposal");
  box.replaceChildren(el("p", { class: "quiet" }, say("computing")));
  try {
    const { edits, consequences } = await app.server.post("/proposals", { code, tolerance: 0.05 });
    const cells = edits.flatMap(({ codes }) => codes ?? []);
    box.replaceChildren(el("p", { class: "sentence" }, said(consequences)), el("p", { class: "row" },
      button(say("try_proposal"), () => { app.goTo(cells); app.propose({ edits, cells }); }), button(say("take"), () => { box.replaceChildren(); app.make(edits); }, { class: "primary" }), button(say("leave"), () => box.replaceChildren())));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    box.replaceChildren(el("p", { class: "notice" }, error.kind === "nothing" ? said(error) || say("no_proposal") : said(error) || error.message));
  }
}
