/* Common functions of the pages of cases: requests, bilingual texts, clocks, the list of cases, and one case with its steps.
   Texts become text nodes, never markup. */

export const facts = JSON.parse(document.querySelector("meta[data-facts]").dataset.facts);
const AHEAD_MS = Date.parse(facts.now) - Date.now();
const SOON_MS = 4 * 3600_000;
const ENDED = ["closed", "rejected", "void", "merged"];

/** Time of the server's clock, in milliseconds. */
export const serverNow = () => Date.now() + AHEAD_MS;

/** Elements with children: nodes or texts. */
export function make(tag, values = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

/** A bilingual text, of which the style sheet shows one language. */
export const both = (zh, en) => [make("span", { class: "zh" }, zh), make("span", { class: "en", lang: "en" }, en)];

/** A failed request with the problem document of the server. */
export class Refused extends Error {
  constructor(status, problem) {
    super(typeof problem.detail === "string" ? problem.detail : problem.title ?? String(status));
    this.status = status;
    this.zh = problem.zh ?? this.message;
    this.en = problem.en ?? this.message;
  }
}

/** Send a request; POST if it has a body. */
export async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const reply = await fetch(path, options);
  if (reply.ok) return reply.json();
  throw new Refused(reply.status, await reply.json().catch(() => ({})));
}

/** Send photos of a report one by one; returns those not accepted, each with the error. */
export async function sendPhotos(report, files) {
  const left = [];
  for (const file of files) {
    const body = new FormData();
    body.append("file", file);
    try {
      const reply = await fetch(`/api/reports/${encodeURIComponent(report)}/photos`, { method: "POST", body });
      if (!reply.ok) left.push({ file, error: new Refused(reply.status, await reply.json().catch(() => ({}))) });
    } catch (error) {
      left.push({ file, error });
    }
  }
  return left;
}

/** Show how many photos were not accepted, with a button to send them again. */
export function tellPhotos(output, report, left, then = () => {}) {
  if (left.length === 0) return;
  const again = make("button", { type: "button", class: "act", onclick: async () => {
    again.disabled = true;
    const still = await sendPhotos(report, left.map((one) => one.file));
    told.remove();
    tellPhotos(output, report, still, then);
    then();
  } }, both("重新上传", "Send again"));
  const { error } = left[0];
  const told = make("p", { class: "fault", "data-left": left.length },
    both(`${left.length}张照片未上传：${error.zh ?? error.message}`, `${left.length} ${left.length === 1 ? "photo was" : "photos were"} not sent: ${error.en ?? error.message}`), " ", again);
  output.append(told);
}

function photosOf(report) {
  return make("div", { class: "photos" }, report.photos.map((key, k) => {
    const address = `/api/reports/${encodeURIComponent(report.number)}/photos/${key}`;
    return make("a", { href: address, target: "_blank" }, make("img", { src: address, loading: "lazy", alt: document.documentElement.lang === "en" ? `photo ${k + 1}` : `照片 ${k + 1}` }));
  }));
}

/** An id for a request that may be repeated; also works without a secure context. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Show an answer or an error in an output element. */
export function tell(output, kind, ...content) {
  output.className = kind;
  output.replaceChildren(...content.flat());
}

export const tellFault = (output, error) => tell(output, "fault", both(error.zh ?? error.message, error.en ?? error.message));

const clockText = new Intl.DateTimeFormat("zh-CN", { timeZone: facts.zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const timeText = (moment) => clockText.format(new Date(moment)).replace("/", "-");

function spanOf(ms) {
  // Truncated, not rounded: the remaining time is never overstated.
  const minutes = Math.floor(Math.abs(ms) / 60_000), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (minutes < 60) return [`${minutes}分钟`, `${minutes} min`];
  return hours < 48 ? [`${hours}小时`, `${hours} h`] : [`${days}天`, `${days} days`];
}

/** The clock of a case: level (late, soon, fine, still) and its word. */
export function clockOf(row) {
  if (ENDED.includes(row.state)) return { level: "still", zh: "已办结", en: "ended" };
  if (row.state === "shelved") return { level: "still", zh: "挂账停表", en: "clock stands still" };
  const due = row.step_due ?? row.due;
  if (!due) return { level: "still", zh: "不计时", en: "no limit runs" };
  const left = Date.parse(due) - serverNow(), [zh, en] = spanOf(left);
  if (left < 0) return { level: "late", zh: `超期${zh}`, en: `${en} overdue` };
  const was = row.late ? ["（曾超期）", " (was late)"] : ["", ""];
  if (left <= SOON_MS) return { level: "soon", zh: `临期 剩${zh}${was[0]}`, en: `due soon, ${en} left${was[1]}` };
  return { level: "fine", zh: `在期 剩${zh}${was[0]}`, en: `in time, ${en} left${was[1]}` };
}

function badge(row) {
  const clock = clockOf(row);
  return make("span", { class: `clock ${clock.level}`, "data-clock": clock.level }, both(clock.zh, clock.en));
}

const word = (table, code) => both(facts[table][code]?.zh ?? code ?? "—", facts[table][code]?.en ?? code ?? "—");
export const matterName = (code) => facts.kinds.find(([one]) => one === code)?.[1] ?? code;

/** Fill a list with cases; pressing one opens it. */
export function fillCases(list, rows, open) {
  const chosen = document.activeElement?.closest?.("[data-number]")?.dataset.number;
  list.replaceChildren(...rows.map((row) => make("li", {},
    make("button", { type: "button", class: "case", "data-number": row.number, onclick: () => open(row.number) },
      make("span", { class: "line" }, make("b", {}, row.number), make("span", { class: "state" }, word("states", row.state)), badge(row)),
      make("span", { class: "what", lang: "zh-CN" }, row.summary || matterName(row.kind) || "—"),
      make("span", { class: "quiet", lang: "zh-CN" }, [row.unit ?? "", row.step_due ? timeText(row.step_due) : "", row.reports > 1 ? `×${row.reports}` : ""].filter(Boolean).join(" · "))))));
  if (rows.length === 0) list.append(make("li", { class: "quiet" }, both("没有办件。", "No cases.")));
  if (chosen) list.querySelector(`[data-number="${CSS.escape(chosen)}"]`)?.focus();
}

/** Show one case in a section, with the steps allowed to the reader; `changed` is called after each. */
export async function openCase(section, number, changed, message = null) {
  section.hidden = false;
  const path = `/api/cases/${encodeURIComponent(number)}`;
  let found, events, limits, same;
  try {
    [found, events, limits, same] = await Promise.all([ask(path), ask(`${path}/events`), ask(`${path}/deadlines`), ask(`${path}/duplicates`)]);
  } catch (error) {
    const output = make("output", {});
    tellFault(output, error);
    section.replaceChildren(output);
    return;
  }
  const reports = await Promise.all(found.reports.slice(0, 5).map((one) => ask(`/api/reports/${encodeURIComponent(one)}`).catch(() => null)));
  const heading = make("h2", { tabindex: "-1" }, found.number, " ", word("states", found.state));
  const form = make("div", { class: "step" });
  const again = (note) => { changed(); return openCase(section, number, changed, note); };
  const kind = reports[0]?.kind;
  const show = (action, role, values) => form.replaceChildren(stepForm(found, action, role, { kind, ...values }, again));
  section.replaceChildren(
    heading,
    make("p", {}, badge({ ...found, step_due: nearest(limits) }), " ", make("span", { class: "quiet" }, found.owner ? word("roles", found.owner) : "")),
    ...reports.filter(Boolean).flatMap((report) => [
      make("p", { class: "told", lang: "zh-CN" }, report.text, report.address ? `（${report.address}）` : ""), report.photos.length ? photosOf(report) : ""]),
    stepButtons(found, show), form, message ?? "",
    limitsOf(limits), sameOf(found, same, show), logOf(events));
  heading.focus();
}

const nearest = (limits) => limits.map((one) => one.due).filter(Boolean).sort((a, b) => Date.parse(a) - Date.parse(b))[0] ?? null;

function* stepsOf(found) {
  const seen = new Set();
  for (const [role, actions] of Object.entries(found.allowed)) {
    for (const action of actions) {
      if (seen.has(action) || facts.steps[action].elsewhere) continue;
      seen.add(action);
      yield [action, role];
    }
  }
}

function stepButtons(found, show) {
  const buttons = [...stepsOf(found)].map(([action, role]) =>
    make("button", { type: "button", class: "act", "data-action": action, onclick: () => show(action, role, {}) },
      both(facts.steps[action].zh, facts.steps[action].en)));
  return make("div", { class: "acts" }, buttons);
}

function field(one, value) {
  if (one.kind === "choice") {
    return make("select", { name: one.name, required: one.needed }, make("option", { value: "" }, "—"),
      one.options.map((option) => {
        const text = { "data-text": "textContent", "data-zh": option.zh, "data-en": option.en };
        return make("option", { value: option.value, selected: option.value === value, ...text }, document.documentElement.lang === "en" ? option.en : option.zh);
      }));
  }
  if (one.kind === "unit") {
    const list = newId();
    return make("span", {}, make("input", { name: one.name, required: one.needed, value, maxlength: 100, list, lang: "zh-CN" }),
      make("datalist", { id: list }, facts.units.map((unit) => make("option", { value: unit }))));
  }
  if (one.kind !== "kind") {
    const number = one.kind === "number" ? { min: 0, step: 1 } : { maxlength: 100 };
    return make("input", { name: one.name, type: one.kind, required: one.needed, value, ...number });
  }
  const options = facts.kinds.map(([code, name]) => make("option", { value: code, selected: code === value }, name));
  return make("select", { name: one.name, lang: "zh-CN" }, make("option", { value: "" }, "—"), options);
}

function stepForm(found, action, role, values, again) {
  const step = facts.steps[action], output = make("output", {}), id = newId();
  const send = make("button", { class: "act chief" }, both("确认", "Confirm"));
  const form = make("form", { class: "fields", "data-step": action },
    make("h3", { class: "wide" }, both(step.zh, step.en)),
    step.fields.map((one) => make("label", {}, both(one.zh, one.en), field(one, values[one.name]))),
    make("label", { class: "wide" }, both(step.reasoned ? "理由或说明（必填）" : "说明", step.reasoned ? "Reason (needed)" : "Remark"),
      make("textarea", { name: "reason", rows: 2, maxlength: 2000, required: step.reasoned, minlength: step.reasoned ? 2 : null })),
    send, output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { reason, ...payload } = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    if (payload.kind) payload.standard_ref = facts.standard_ref;
    if (action === "answer") payload.reports = found.reports;
    send.disabled = true;
    try {
      await ask(`/api/cases/${encodeURIComponent(found.number)}/events`, { seq: found.seq + 1, action, role, reason: reason ?? "", payload, client_id: id });
      await again(make("output", { class: "good" }, both("已办理", "done")));
    } catch (error) {
      send.disabled = false;
      tellFault(output, error);
      // Another person acted in between: show the current case.
      if (error.status === 409) await again(output);
    }
  });
  queueMicrotask(() => form.querySelector("input, select, textarea")?.focus());
  return form;
}

function limitsOf(limits) {
  return make("details", { open: limits.length > 0 }, make("summary", {}, both("时限", "Deadlines")),
    make("ul", { class: "plain" }, limits.map((one) => make("li", {}, word("clocks", one.clock), " ",
      make("b", {}, one.due ? timeText(one.due) : "—"), one.provisional ? both("（暂定）", " (provisional)") : "",
      make("span", { class: "quiet why" }, both(one.why.join("；"), one.why_en.join("; ")))))));
}

function sameOf(found, same, show) {
  if (same.length === 0) return "";
  const merge = [...stepsOf(found)].find(([action]) => action === "merge");
  return make("section", { class: "same" }, make("h3", {}, both("疑似重复", "May be the same")),
    make("ul", { class: "plain" }, same.map((one) => make("li", { "data-same": one.case_id }, make("a", { href: `/desk?case=${encodeURIComponent(one.case_id)}` }, one.case_id), " ",
      make("span", { class: "quiet" }, both(one.why, one.why_en)), " ",
      merge ? make("button", { type: "button", class: "act", onclick: () => show(...merge, { main_case: one.case_id }) }, both("并入此件", "Merge into it")) : null))));
}

function logOf(events) {
  return make("details", {}, make("summary", {}, both("流转记录", "Steps")),
    make("ol", { class: "log" }, events.map((one) => make("li", {}, make("time", { datetime: one.at }, timeText(one.at)), " ", word("steps", one.action), " ",
      make("span", { class: "quiet" }, make("span", { lang: "zh-CN" }, one.actor), " ", word("roles", one.role)), one.reason ? make("span", { class: "why", lang: "zh-CN" }, one.reason) : null))));
}

/** Show in `#gaps` the number of communities and grids without a responsible person today, of a community or of all visible to the reader. */
export async function tellGaps(cell = "") {
  const shown = document.getElementById("gaps");
  try {
    const found = await ask(`/api/roster/gaps?cell=${encodeURIComponent(cell)}`);
    shown.hidden = found.cells.length === 0 && found.empty_shifts === 0;
    const parts = [];
    if (found.cells.length) parts.push([`今日${found.cells.length}个社区和二级网格无人负责：${found.cells.slice(0, 5).join("、")}`, `Communities and grids without an answerable person today: ${found.cells.length} (${found.cells.slice(0, 5).join(", ")})`]);
    if (found.empty_shifts) parts.push([`今日${found.empty_shifts}段时间无人值班`, `spans of today without anybody on duty: ${found.empty_shifts}`]);
    shown.replaceChildren(make("a", { class: "fault", href: `/roster?scope=${encodeURIComponent(cell)}` }, both(parts.map(([zh]) => zh).join("；"), parts.map(([, en]) => en).join("; "))));
  } catch {
    shown.hidden = true;
  }
}

/** Call a function now and every 30 seconds while the page is visible. */
export function keepFresh(load) {
  load();
  setInterval(() => { if (!document.hidden) load(); }, 30_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) load(); });
}
