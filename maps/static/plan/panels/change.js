/* Consequences of an edit: one sentence, the cells, the workload with the tolerance, and the leaders concerned. */

import { button, el, svg } from "../dom.js";
import { TOLERANCE } from "../fills.js";
import { LEVEL } from "../model.js";
import { Refused } from "../server.js";
import { count, said, say, signed } from "../words.js";

export function showChange(app, root) {
  const { plan, fault } = app, nodes = [];
  if (!app.editable && app.past !== null) nodes.push(el("p", { class: "notice" }, say("visiting", { n: app.past })));
  if (plan?.conflict) nodes.push(conflict(app, plan));
  else if (fault && !(plan && needsReason(plan))) nodes.push(faultBox(app, fault, Boolean(plan)));
  const told = app.previews.shown ?? plan?.preview ?? (plan || app.trial ? null : app.last);
  // What was done comes before what the tool needs next.
  const made = told !== null && told === app.last;
  if (!made) nodes.push(...forms(app));
  if (told?.consequences) nodes.push(...consequences(app, told));
  else if ((plan || app.trial) && !fault) nodes.push(el("p", { class: "quiet" }, say("computing")));
  if (made) nodes.push(...forms(app));
  if (plan && !plan.conflict) nodes.push(decision(app, plan));
  if (!nodes.length) nodes.push(el("p", { class: "quiet" }, say("nothing_planned")));
  root.replaceChildren(...nodes);
}

const needsReason = (plan) => plan.refused?.kind === "cut_building" || plan.preview?.warnings?.some(({ kind }) => kind === "cut_building");

function faultBox(app, fault, planned) {
  const box = el("div", { class: "fault", role: "alert" }, el("b", {}, say("impossible")), app.reason(fault), !planned && app.trial ? el("span", {}, " ", say("released")) : null);
  if (fault.proposal) box.append(el("p", {}, button(say("try_proposal"), () => app.propose({ edits: [fault.proposal], cells: fault.cells }))));
  return box;
}

function conflict(app, plan) {
  const { refused } = plan, others = (refused.touched_by ?? []).map((one) => el("li", {}, `${one.author ?? ""}　${said(one.words)}`));
  const answers = plan.path === "/edits" && refused.kind === "stale"
    ? [button(say("mine"), () => app.log.again(plan), { class: "primary" }), button(say("theirs"), () => app.giveUp()), button(say("fork"), () => app.emit("fork", plan))]
    : [button(say("close"), () => app.giveUp())];
  return el("div", { class: "fault", role: "alert" }, el("b", {}, refused.kind === "stale" ? say("stale") : said(refused) || refused.message), el("ul", {}, ...others), el("p", { class: "row" }, ...answers));
}

/** Fields required by some tools: number of parts, cells to merge. */
function forms(app) {
  if (app.plan || !app.editable) return [];
  if (app.toolName === "redivide") return [redivideForm(app)];
  if (app.toolName === "split" && app.selection.size === 1) return [splitForm(app, [...app.selection][0])];
  if (app.toolName === "merge" && app.selectedUnits().length < 2) return [el("p", { class: "quiet" }, say("select_two"))];
  if (app.toolName === "transfer" && !app.selection.size) return [el("p", { class: "quiet" }, say("select_first"))];
  return [];
}

function redivideForm(app) {
  const grids = new Set([...app.selection].map((code) => app.model.parent(code)));
  if (grids.size !== 1) return el("p", { class: "quiet" }, say("pick_second"));
  const [grid] = grids, parts = el("input", { type: "number", min: "2", max: "40", value: String(app.model.below(grid).length), id: "parts" });
  const ask = () => app.propose({ edits: [{ edit: "Redivide", code: grid, counts: [Number(parts.value)], seed: 1 }], cells: [grid] });
  return el("form", { class: "row", onsubmit: (event) => { event.preventDefault(); ask(); } },
    el("b", {}, app.label(grid, LEVEL.second)), el("label", { for: "parts" }, say("parts"), " ", parts), el("button", { type: "submit" }, say("redivide_now")));
}

/** A split between groups of the cell's buildings, computed by the server. */
function splitForm(app, code) {
  const parts = el("input", { type: "number", min: "2", max: "50", value: "2", id: "parts" }), go = el("button", { type: "submit", id: "by-buildings" }, say("by_buildings"));
  const ask = async () => {
    go.disabled = true;
    try {
      const { edits } = await app.server.post("/proposals/split", { code, parts: Number(parts.value) });
      if (app.toolName === "split") app.tool.take(edits[0]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      app.setFault(error);
    } finally { go.disabled = false; }
  };
  return el("form", { class: "row", onsubmit: (event) => { event.preventDefault(); ask(); } }, el("b", {}, app.label(code, LEVEL.third)), el("label", { for: "parts" }, say("parts"), " ", parts), go);
}

function decision(app, plan) {
  const row = el("div", { class: "decision" }), cut = needsReason(plan);
  const go = button(say("commit"), () => app.commit(), { class: "primary", title: "Enter", id: "commit" });
  const allowed = () => app.editable && !(app.fault && app.fault.kind !== "cut_building") && (!plan.refused || plan.refused.kind === "cut_building") && (!cut || Boolean(plan.accept.cut_building));
  if (cut) {
    const reason = el("input", { type: "text", id: "reason", maxlength: "200", value: plan.accept.cut_building ?? "" });
    reason.addEventListener("input", () => { plan.accept = reason.value.trim() ? { cut_building: reason.value.trim() } : {}; go.disabled = !allowed(); });
    reason.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing && allowed()) app.commit(); });
    const words = plan.refused ?? plan.preview.warnings.find(({ kind }) => kind === "cut_building");
    row.append(el("p", { class: "notice" }, said(words)), el("label", { for: "reason" }, say("accept_cut"), reason));
  }
  go.disabled = !allowed();
  row.append(el("p", { class: "row" }, go, button(say("give_up"), () => app.giveUp(), { title: "Esc" })));
  return row;
}

function consequences(app, { consequences: what, words, id, warnings }) {
  const nodes = [el("p", { class: "sentence", "data-what": "sentence" }, words ? el("b", {}, say("done"), said(words), "。") : null, said(what))];
  const cells = what.cells.filter(isTouched);
  if (cells.length) nodes.push(table(app, "level.3", cells.slice(0, 60), ["population", "area_m2"]));
  if (what.grids.length) nodes.push(el("h3", {}, say("legend_balance")), el("div", { class: "bars" }, ...what.grids.slice(0, 30).map((grid) => balanceBar(app, grid))), el("p", { class: "quiet" }, say("tolerance")), gridTable(app, what.grids.slice(0, 30)));
  nodes.push(el("h3", {}, say("affected")), facts(app, what, id));
  for (const warning of warnings ?? []) if (warning.kind !== "cut_building") nodes.push(el("p", { class: "notice" }, said(warning)));
  return nodes;
}

/** Neighbours whose border only got an additional vertex are omitted. */
function isTouched(row) {
  const changed = (column, least) => Math.abs((row[`${column}_after`] ?? 0) - (row[`${column}_before`] ?? 0)) >= least;
  return changed("population", 1) || changed("households", 1) || changed("units", 1) || changed("area_m2", 0.5);
}

const cellName = (app, row) => button(app.label(row.code, app.model.level(row.code), row.name), () => app.goTo([row.code], { select: true }), { class: "link", title: `${row.name ?? ""} ${row.code}` });

function table(app, caption, rows, columns) {
  const shown = columns.map((column) => ({ column, title: say(column === "population" ? "residents" : "area") }));
  return el("table", { class: "figures" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say(caption)), ...shown.flatMap(({ title }) => [el("th", { scope: "col" }, title), el("th", { scope: "col" }, "±")]))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, el("th", { scope: "row" }, cellName(app, row)), ...shown.flatMap(({ column }) => pair(row[`${column}_before`], row[`${column}_after`]))))));
}

function pair(before, after) {
  const change = (after ?? 0) - (before ?? 0), round = Math.round(change);
  return [el("td", {}, count(after)), el("td", { class: round > 0 ? "more" : round < 0 ? "less" : "same" }, round ? signed(change) : "·")];
}

/** Workload over the community's mean, before as a hollow bar and after as a full one, with the tolerance dashed. */
export function balanceBar(app, { code, name, balance_before: before, balance_after: after }) {
  const most = Math.max(1.6, before ?? 0, after ?? 0), at = (value) => (100 * value) / most, now = after ?? before;
  const inside = now !== null && now !== undefined && Math.abs(now - 1) <= TOLERANCE;
  const text = now === null || now === undefined ? "—" : before !== null && before !== undefined && after !== null && Math.abs(before - after) >= 0.005 ? `${before.toFixed(2)} → ${after.toFixed(2)}` : now.toFixed(2);
  const line = (value, dash) => svg("line", { x1: at(value), x2: at(value), y1: 0, y2: 14, class: dash ? "tolerance" : "mean" });
  return el("div", { class: "bar" }, button(app.label(code, LEVEL.second) || name || code, () => app.goTo([code]), { class: "link" }), el("span", { class: "number" }, text),
    svg("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", role: "img", "aria-label": `${name ?? code} ${text}` },
      svg("rect", { x: 0, y: 2, width: at(now ?? 0), height: 10, class: inside ? "inside" : "off" }),
      before !== null && before !== undefined && Math.abs(before - (after ?? before)) >= 0.005 ? svg("rect", { x: 0, y: 2, width: at(before), height: 10, class: "before" }) : null,
      line(1 - TOLERANCE, true), line(1, false), line(1 + TOLERANCE, true)));
}

function gridTable(app, grids) {
  const share = (value) => (value === null || value === undefined ? "—" : `${Math.round(100 * value)}%`);
  const both = (before, after, format) => (format(before) === format(after) ? format(after) : `${format(before)} → ${format(after)}`);
  return el("details", {}, el("summary", {}, say("more")), el("table", { class: "figures" },
    el("thead", {}, el("tr", {}, ...["level.2", "residents", "households", "units", "compactness", "road_share"].map((key) => el("th", { scope: "col" }, say(key))))),
    el("tbody", {}, ...grids.map((grid) => el("tr", {}, el("th", { scope: "row" }, cellName(app, grid)),
      ...["population", "households", "units"].map((column) => el("td", {}, both(grid[`${column}_before`], grid[`${column}_after`], count))),
      ...["compactness", "road_share"].map((column) => el("td", {}, both(grid[`${column}_before`], grid[`${column}_after`], share))))))));
}

function facts(app, what, id) {
  const later = id ? app.later.get(id) : undefined, waiting = id ? say("waiting") : "—";
  const rows = [
    ["moved_residents", say("persons", { n: count(what.residents) })], ["moved_households", say("count_households", { n: count(what.households) })],
    ["leaders", what.leaders.length ? what.leaders.join("、") : say("none")], ["cut_buildings", say("count_buildings", { n: what.cut_buildings })],
    ["incidents", later ? say("count", { n: count(later.incidents.changed.length) }) : waiting], ["verdicts", later ? say("count", { n: count(later.verdicts.changed.length) }) : waiting],
  ];
  return el("dl", { class: "facts" }, ...rows.map(([key, value]) => el("div", { "data-fact": key }, el("dt", {}, say(key)), el("dd", {}, value))));
}
