/* The cells as a table, as an alternative to the map, with a common selection. */

import { button, el } from "../dom.js";
import { LEVEL } from "../model.js";
import { count, say } from "../words.js";

/** Rows shown at once; the search narrows the rest down. */
const MOST_ROWS = 120;

export function showCells(app, root) {
  const { model } = app, chosen = [...app.selection].sort(), nodes = [];
  nodes.push(el("p", { class: "row" }, el("b", { "data-what": "selected" }, chosen.length ? say("selected", { n: chosen.length }) : say("nothing_selected")),
    chosen.length ? button(say("clear"), () => app.select([])) : null));
  if (chosen.length && app.editable) nodes.push(actions(app, chosen));
  const asked = (document.getElementById("find")?.value ?? "").trim();
  const rows = listed(app, asked), shown = rows.slice(0, MOST_ROWS);
  nodes.push(el("table", { class: "figures cells" }, el("caption", { class: "hidden" }, say("tab.cells")),
    el("thead", {}, el("tr", {}, ...["", "cell", "residents", "households", "units", "area"].map((key) => el("th", { scope: "col" }, key ? say(key) : el("span", { class: "hidden" }, say("tool.select")))))),
    el("tbody", {}, ...shown.map((code) => tableRow(app, model.row(code))))));
  if (rows.length > shown.length) nodes.push(el("p", { class: "quiet" }, `… ${count(rows.length - shown.length)}`));
  root.replaceChildren(...nodes);
}

/** Cells that match a search; without one, those of the selected second-level grids, otherwise all. */
export function listed(app, asked) {
  const { model } = app, thirds = model.codesOf(LEVEL.third);
  if (asked) return thirds.filter((code) => code.includes(asked) || model.name(code).includes(asked));
  const grids = new Set([...app.selection].map((code) => model.parent(code)));
  return grids.size ? thirds.filter((code) => grids.has(model.parent(code))) : thirds;
}

function tableRow(app, row) {
  const tick = el("input", { type: "checkbox", "aria-label": `${say("tool.select")} ${row.name ?? row.code}`, onchange: () => app.select([row.code], tick.checked ? "add" : "remove") });
  tick.checked = app.selection.has(row.code);
  return el("tr", { "data-code": row.code, class: tick.checked ? "picked" : "" }, el("td", {}, tick),
    el("th", { scope: "row" }, button(row.name ?? row.code, () => app.goTo([row.code], { select: true }), { class: "link" }), el("small", {}, row.code, app.model.isLocked(row.code) ? ` · ${say("locked")}` : "")),
    ...["population", "households", "units"].map((column) => el("td", {}, count(row[column]))), el("td", {}, count(app.model.area_m2(row.code))));
}

/** Actions for the selected cells, as buttons and fields. */
function actions(app, chosen) {
  const { model } = app, one = chosen.length === 1 ? chosen[0] : null, parts = [];
  const propose = (edits, cells = chosen) => { app.panel("change"); app.propose({ edits, cells }); };
  if (!one) parts.push(button(say("merge_now", { n: chosen.length }), () => propose([{ edit: "Merge", codes: chosen }])));
  const lock = chosen.some((code) => model.locked.has(code));
  parts.push(button(lock ? `${say("locked")} ✕` : say("tool.lock"), () => app.make([{ edit: lock ? "Unlock" : "Lock", codes: lock ? chosen.filter((code) => model.locked.has(code)) : chosen }])));
  parts.push(transferField(app, chosen, propose));
  if (one) {
    const grid = model.parent(one);
    parts.push(textField(say("name"), model.row(one).name, (name) => app.make([{ edit: "Rename", code: one, name }])));
    parts.push(textField(`${app.label(grid, LEVEL.second)} ${say("leader")}`, model.row(grid).leader, (leader) => app.make([{ edit: "SetLeader", code: grid, leader: leader || null }])));
  }
  return el("div", { class: "actions" }, ...parts);
}

function transferField(app, chosen, propose) {
  const { model } = app, near = new Set();
  for (const arc of model.arcsOfCells(chosen)) for (const code of [arc.left, arc.right]) if (code) near.add(model.parent(code));
  const own = new Set(chosen.map((code) => model.parent(code)));
  const others = [...near].filter((grid) => !(own.size === 1 && own.has(grid))).sort();
  const pick = el("select", { "aria-label": say("tool.transfer") }, el("option", { value: "" }, say("to_grid"), "…"), ...others.map((grid) => el("option", { value: grid }, model.name(grid))));
  pick.addEventListener("change", () => { if (pick.value) propose([{ edit: "Transfer", codes: chosen.filter((code) => model.parent(code) !== pick.value), to: pick.value }]); });
  return el("label", {}, say("tool.transfer"), pick);
}

function textField(title, value, use) {
  const field = el("input", { type: "text", value: value ?? "", maxlength: "80" });
  field.addEventListener("change", () => use(field.value.trim()));
  return el("label", {}, title, field);
}
