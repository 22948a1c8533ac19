"use strict";
/* A time window compared with the previous one: total, by kind, and the grids that changed most. Windows of unequal length are compared per day. */
wangge.againstBefore = (page, { counted, chosen, kinds, go }) => {
  const { el, within } = wangge, DAY_MS = 86400000, LISTED = 5;
  const TEXTS = {
    title: { month: ["与上月对比", "Against the month before"], week: ["与上周对比", "Against the week before"], day: ["与前一日对比", "Against the day before"] },
    what: ["类别", "Kind"], now: ["本期", "this"], before: ["上期", "before"], change: ["增减", "change"], all: ["合计", "all"],
    most: ["增减最多的网格", "Grids that changed most"], partial: ["上期数据不满整段，按日均比较。", "The window before is not whole: compared by the day."],
    unequal: ["两期天数不同，增减按日均计算。", "The windows are not equally long: the change is that of incidents a day."],
  };
  const say = ([zh, en]) => (page.language === "zh" ? zh : en);
  if (chosen.span === "all" || chosen.at < 1) return null;
  const windows = counted.windows(chosen.span), now = windows[chosen.at], before = windows[chosen.at - 1];
  const daysOf = ({ from, to }) => Math.round((to - from) / DAY_MS) + 1, ratio = daysOf(now) / daysOf(before);
  const focus = new Uint8Array(page.levels[3].length);
  for (const cell of within(page.at, 3)) focus[cell.row] = 1;
  const [mine, theirs] = [now, before].map((window) => counted.tally(chosen.kind, window, focus, 0));
  /** Change in percent, of the number per day if the windows have unequal lengths. */
  const change = (a, b) => (b ? Math.round(100 * (a / (b * ratio) - 1)) : null);
  const signed = (n) => (n === null ? "–" : `${n > 0 ? "+" : n < 0 ? "−" : ""}${page.format.whole(Math.abs(n))}%`);
  const row = (name, a, b, head = false) => el("tr", { className: head ? "chosen" : "" }, el("th", { scope: "row" }, name), ...[page.format.whole(a), page.format.whole(b), signed(change(a, b))].map((text) => el("td", {}, text)));
  const belongs = counted.kindsOf(chosen.kind);
  const sum = (counts) => counts.reduce((a, b) => a + b, 0), ranked = [...mine.byKind].map((n, kind) => ({ kind, n, old: theirs.byKind[kind] })).filter(({ n, old, kind }) => (n || old) && belongs[kind]).sort((a, b) => b.n + b.old - a.n - a.old || a.kind - b.kind);
  const total = mine.levels[page.at.level][page.at.row], old = theirs.levels[page.at.level][page.at.row];
  const level = Math.min(3, Math.max(2, page.at.level + 1));
  const moved = page.at.level === 3 ? [] : within(page.at, level).map((cell) => ({ cell, n: mine.levels[level][cell.row], old: theirs.levels[level][cell.row] }))
    .map((entry) => ({ ...entry, by: entry.n - entry.old * ratio })).filter(({ by }) => Math.abs(by) >= 1).sort((a, b) => Math.abs(b.by) - Math.abs(a.by) || a.cell.row - b.cell.row).slice(0, LISTED);
  const head = el("tr", {}, el("th", { scope: "col" }, say(TEXTS.what)), ...["now", "before", "change"].map((key) => el("th", { scope: "col" }, say(TEXTS[key]))));
  const note = before.whole ? (ratio === 1 ? null : TEXTS.unequal) : TEXTS.partial;
  const entry = ({ cell, n, old: m }) => el("li", {}, el("button", { type: "button", id: `moved-${cell.code}`, onclick: () => go(cell) }, el("span", {}, cell.name), el("small", {}, `${page.format.whole(m)} → ${page.format.whole(n)}`)));
  return el("section", { className: "before" }, el("h2", {}, say(TEXTS.title[chosen.span]), el("small", {}, wangge.charts.windowText(before, page.language))),
    el("table", {}, el("thead", {}, head), el("tbody", {}, row(say(TEXTS.all), total, old, true), ...(chosen.kind < 0 && sum(mine.byKind) + sum(theirs.byKind) ? ranked.slice(0, LISTED).map(({ kind, n, old: m }) => row(page.say(kinds[kind]), n, m)) : []))),
    note ? el("p", {}, say(note)) : null,
    moved.length ? el("div", { className: "attention" }, el("h3", {}, say(TEXTS.most)), el("ul", {}, ...moved.map(entry))) : null);
};
