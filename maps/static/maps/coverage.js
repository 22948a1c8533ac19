"use strict";
/* The coverage map: verdicts of second-level grids with their reasons. */
wangge.startCoverage = (map) => {
  const { Page, addPattern, el, paintAsLines, shortName, svg, swatch, within } = wangge;
  const data = wangge.payload(), page = new Page(map, data);
  const { states, colours } = data, days = new wangge.Days(page, data, states);
  let { second, third } = data.verdicts;

  const texts = {
    met: { zh: "达标", en: "Met" },
    short: { zh: "次数不足", en: "Short" },
    not_visited: { zh: "未巡查", en: "Not visited" },
    unknown: { zh: "无法确认", en: "Unknown" },
    met_long: { zh: "巡查次数达到规定", en: "visited as often as required" },
    short_long: { zh: "计入的巡查次数不足", en: "fewer visits counted than required" },
    not_visited_long: { zh: "没有一次巡查可以计入", en: "no visit that counts" },
    unknown_long: { zh: "定位中断或误差较大，无法判定", en: "silence or errors: cannot be told" },
    result: { zh: "二级网格巡查结论", en: "Verdicts on second-level grids" },
    why: { zh: "判定依据", en: "Why" },
    visits: { zh: "计入巡查", en: "Visits counted" },
    times: { zh: "次", en: "" },
    required: { zh: "规定次数", en: "Required" },
    uncounted: { zh: "未计入", en: "Not counted" },
    present_s: { zh: "格内停留时长", en: "Time inside" },
    unknown_s: { zh: "定位中断时长", en: "Unknown time" },
    rules: { zh: "规则版本", en: "Rules" },
    jump: { zh: "在回放中查看", en: "Show in the replay" },
    list: { zh: "到访记录", en: "Presence found" },
    counted: { zh: "计入", en: "counted" },
    settle: { zh: "无法确认的网格：如何核实", en: "Unknown grids: what would settle them" },
    settle_one: { zh: "如何核实", en: "To be settled by" },
    chance: { zh: "达标可能性", en: "chance to be met" },
    attention: { zh: "需要关注", en: "Needs attention" },
    none: { zh: "本范围内全部达标。", en: "Every grid here met the rule." },
    more: { zh: "另有", en: "and" },
    inherited: { zh: "三级网格不单独核验，颜色取自所属二级网格。", en: "Third-level grids are not judged by themselves; the colour is that of their second-level grid." },
    colour1: { zh: "社区按未达标网格数着色", en: "Communities by failing grids" },
    failing: { zh: "未达标", en: "failing" },
    all_met: { zh: "全部达标", en: "all met" },
    unknown_mark: { zh: "另有无法确认的网格，不计入颜色", en: "unknown grids beside, no part of the colour" },
    missed: { zh: "未达标 = 未巡查 + 次数不足", en: "Failing: not visited or short" },
    colour_days: { zh: "按未达标天数着色", en: "By days not met" },
    grid_days: { zh: "各日结论合计（网格·天）", en: "Verdicts of all days (grid-days)" },
    failing_days: { zh: "天未达标", en: "days not met" },
    unknown_days: { zh: "天无法确认", en: "days unknown" },
    every_day: { zh: "本网格每日结论", en: "Verdict of each day" },
    verdict: { zh: "结论", en: "Verdict" },
    grids_unit: { zh: "（网格数）", en: " (grids)" },
    grid_days_unit: { zh: "（网格·天）", en: " (grid-days)" },
    seconds_unit: { zh: "（秒）", en: " (s)" },
    elsewhere: { zh: "查看当日依据", en: "Show the reasons of this day" },
  };

  /* ---- values ---- */

  const stateOf = (cell) => {
    if (cell.level === 2) return states[second.state[cell.row]];
    return third ? states[third.state[cell.row]] : stateOf(cell.parent);
  };
  const tally = (cells) => {
    const n = Object.fromEntries(states.map((state) => [state, 0]));
    for (const cell of cells) n[stateOf(cell)] += 1;
    return n;
  };
  // The state "met" has a plain colour, the others have patterns.
  /** Days of the span in view on which a second-level grid had each state. */
  const daysOf = (cell) => days.tally(cell.level === 2 ? cell.row : cell.parent.row);
  const failingDays = (cell) => failing(daysOf(cell));
  const paint = (state) => (colours.states[state][0] === colours.states[state][1] ? colours.states[state][0] : state);
  const FAILING = ["not_visited", "short"];
  const failing = (n) => FAILING.reduce((sum, state) => sum + n[state], 0);
  const classColour = (n) => colours.failing[data.failing_limits.findLastIndex((limit) => n >= limit)];
  const failingColour = (cell) => {
    if (days.many) return classColour(within(cell, 2).reduce((sum, one) => sum + failingDays(one), 0));
    const n = failing(tally(within(cell, 2)));
    return colours.failing[data.failing_limits.findLastIndex((limit) => n >= limit)];
  };
  const counted = (n, state) => (page.language === "zh" ? `${n} ${page.t(state)}` : `${n} ${page.t(state).toLowerCase()}`);
  /** Label of a community: its failing grids by kind, or that there are none; and separately the unknown ones. */
  function community(cell) {
    const n = tally(within(cell, 2)), told = FAILING.filter((state) => n[state]).map((state) => counted(n[state], state)).join(" · ");
    return { all: failing(n), failing: told || (n.unknown ? null : page.t("all_met")), unknown: n.unknown ? counted(n.unknown, "unknown") : null };
  }

  function style(cell, muted) {
    const base = { color: ["", "#3d4a55", "#5a6670", page.at.level > 1 ? "#2c3943" : "#7d878f"][cell.level], weight: [0, 1.6, 1, [0.35, 0.6, 1.1, 1.1][page.at.level]][cell.level] };
    const fill = cell.level === 1 ? failingColour(cell) : days.many ? classColour(failingDays(cell)) : paint(stateOf(cell));
    return muted
      ? { ...base, fillColor: "#ffffff", fillOpacity: 0.55, weight: Math.min(base.weight, 1), color: "#8a949c" }
      : { ...base, fillColor: fill, fillOpacity: page.onPaper ? 0.78 : data.background.roads ? 0.86 : 1 };
  }

  const fraction = (cell) => (stateOf(cell) === "unknown" ? "?" : `${second.visits[cell.row]}/${second.required[cell.row]}`);

  function labelOfDays(cell, room) {
    if (cell.level === 1) {
      const n = within(cell, 2).reduce((sum, one) => sum + failingDays(one), 0);
      return { lines: [cell.name, `${n} ${page.t("failing")}`], short: [cell.name], plate: true, needed: n > 0 };
    }
    if (cell.level > 2) return room > 19 ? { lines: [shortName(cell)] } : null;
    const n = failingDays(cell), text = `${n}/${days.length}`;
    return room > 30 ? { lines: [shortName(cell), text], short: n ? [text] : [], needed: n > 1 } : room > 11 && n > 1 ? { lines: [text], needed: true } : null;
  }

  function label(cell, room) {
    if (days.many) return labelOfDays(cell, room);
    if (cell.level === 1) {
      const { failing: told, all, unknown } = community(cell), mark = unknown ? el("i", { className: "unknown" }, unknown) : null;
      const compact = [cell.name, all ? `${all} ${page.t("failing")}` : mark].filter(Boolean);
      return { lines: [cell.name, told, mark].filter(Boolean), compact, short: [cell.name], plate: true, needed: all > 0 };
    }
    // Only grids that need attention are labelled.
    if (cell.level === 2) {
      const needed = stateOf(cell) !== "met";
      return room > 30 ? { lines: [shortName(cell), fraction(cell)], short: needed ? [fraction(cell)] : [], needed } : room > 11 && needed ? { lines: [fraction(cell)], needed } : null;
    }
    return room > 19 ? { lines: [shortName(cell)] } : null;
  }

  function tip(cell) {
    if (cell.level > 1 && days.many) {
      const n = daysOf(cell);
      return states.filter((state) => n[state]).map((state) => `${page.t(state)} ${n[state]} / ${days.length}`);
    }
    if (cell.level > 1) {
      const own = cell.level === 2 ? cell : cell.parent;
      return [`${page.t(stateOf(cell))} · ${page.t("visits")} ${second.visits[own.row]} / ${second.required[own.row]}`];
    }
    const seconds = within(cell, 2), n = tally(seconds);
    return [`${page.t("met")} ${n.met} / ${seconds.length}`, ...states.slice(1).filter((state) => n[state]).map((state) => `${page.t(state)} ${n[state]}`)];
  }

  /** Values of a cell for the table, by heading. */
  function record(cell) {
    const seconds = within(cell, 2), own = cell.level > 2 ? cell.parent : cell;
    if (cell.level < 2 || days.many) {
      const n = days.many ? days.sum(cell.level < 2 ? seconds.map((one) => one.row) : [own.row]) : tally(seconds), unit = page.t(days.many ? "grid_days_unit" : "grids_unit");
      return Object.fromEntries(states.map((state) => [`${page.t(state)}${unit}`, n[state]]));
    }
    const { row } = own, facts = { [page.t("verdict")]: page.t(stateOf(cell)), [page.t("visits")]: second.visits[row], [page.t("required")]: second.required[row], [page.t("uncounted")]: second.uncounted[row] };
    for (const key of ["present_s", "unknown_s"]) facts[`${page.t(key)}${page.t("seconds_unit")}`] = second[key][row];
    return { ...facts, [page.t("why")]: days.reasons[page.language][second[`reason_${page.language}`][row]], [page.t("rules")]: days.rules[second.rules[row]] };
  }

  /* ---- panel ---- */

  const LISTED = 15;
  const hasReplay = Boolean(document.getElementById("replay-data"));
  // On the checker's page: actions that would decide the unknown grids of the initial day.
  const settling = document.getElementById("settle-data") ? wangge.read("settle-data") : { kinds: [], texts: {} };
  const settles = () => settling.kinds.length && !days.many && days.day === data.day;

  /** Percentage of a chance; what is open is neither impossible nor certain. */
  const likely = (chance) => (chance < 0.005 ? "<1%" : chance > 0.995 ? ">99%" : `${Math.round(100 * chance)}%`);

  /** The unknown grids in view by the action that would decide them, most likely met first. */
  function settleList() {
    if (!settles()) return null;
    const inView = new Set(within(page.at, 2).map((cell) => cell.code));
    const groups = settling.kinds.map((kind) => ({ kind, cells: kind.grids.filter(([code]) => inView.has(code)) })).filter(({ cells }) => cells.length);
    if (!groups.length) return null;
    const entry = ([code, chance]) => el("li", {}, el("button", { type: "button", id: `settle-${code}`, onclick: () => page.go(page.byCode.get(code)) },
      swatch(paint("unknown")), el("span", {}, page.byCode.get(code).name), el("small", {}, `${page.t("chance")} ${likely(chance)}`)));
    return el("section", { className: "attention settle" }, el("h2", {}, page.t("settle"), el("small", {}, page.format.whole(groups.reduce((sum, { cells }) => sum + cells.length, 0)))),
      ...groups.flatMap(({ kind, cells }) => [el("h3", {}, `${page.say(kind)} `, el("small", {}, page.format.whole(cells.length))), el("ul", {}, ...cells.map(entry))]));
  }

  function bar(n, total) {
    return svg("svg", { class: "bar", viewBox: "0 0 300 16", role: "img", "aria-label": states.map((s) => `${page.t(s)} ${n[s]}`).join(", ") },
      ...states.map((state, i) => {
        const before = states.slice(0, i).reduce((sum, other) => sum + n[other], 0);
        return svg("rect", { x: (300 * before) / total, y: 0, width: (300 * n[state]) / total, height: 16, fill: paintAsLines(paint(state)), stroke: "#5b6570", "stroke-width": 0.6 });
      }));
  }

  /** The figures of the area in view; its rows are the legend of the second level. */
  function counts() {
    const cells = within(page.at, 2), n = days.many ? days.sum(cells.map((cell) => cell.row)) : tally(cells), total = days.many ? states.reduce((sum, state) => sum + n[state], 0) : cells.length, shares = page.format.shares(states.map((state) => n[state]));
    return el("section", { className: "counts" }, el("h2", {}, page.t(days.many ? "grid_days" : "result")),
      el("p", { className: "big" }, el("b", {}, shares[states.indexOf("met")]), el("span", {}, days.many ? `${page.t("met")} ${page.format.whole(n.met)} / ${page.format.whole(total)}` : `${page.t("met")} ${page.format.whole(n.met)} / ${page.counted(cells.length, 2)}`)),
      bar(n, total),
      el("table", {}, el("tbody", {}, ...states.map((state, i) => el("tr", {}, el("td", {}, swatch(paint(state))),
        el("th", { scope: "row" }, page.t(state), el("small", {}, page.t(`${state}_long`))), el("td", {}, page.format.whole(n[state])), el("td", {}, shares[i]))))));
  }

  /** The days of the span, one line each; a click opens the day. */
  function eachDay(cell) {
    return el("section", { className: "attention" }, el("h2", {}, page.t("every_day")), el("ul", {}, ...days.shown.map((day) => {
      const state = days.stateOn(day, cell.row);
      return el("li", {}, el("button", { type: "button", id: `day-${day}`, onclick: () => days.choose("day", day) }, swatch(paint(state)), el("span", {}, wangge.charts.dayText(new Date(day), page.language)), el("small", {}, page.t(state))));
    })));
  }

  function why(cell) {
    const { row } = cell, state = stateOf(cell), facts = [];
    const add = (key, value) => facts.push(el("dt", {}, page.t(key)), el("dd", {}, value));
    const times = (n) => (page.language === "zh" ? `${n} 次` : String(n));
    add("visits", times(second.visits[row]));
    add("required", times(second.required[row]));
    add("uncounted", times(second.uncounted[row]));
    for (const key of ["present_s", "unknown_s"]) if (second[key][row] !== null) add(key, page.format.duration(second[key][row]));
    if (days.rules[second.rules[row]]) add("rules", days.rules[second.rules[row]]);
    const reason = days.reasons[page.language][second[`reason_${page.language}`][row]];
    return el("section", { className: `why ${state}` }, el("h2", {}, page.t("why")),
      el("p", { className: "verdict" }, swatch(paint(state)), el("b", {}, page.t(state))),
      reason ? el("p", { className: "reason" }, reason)
        : document.getElementById("navigation") ? el("p", { className: "reason" }, el("a", { href: `?day=${days.day}#at=${cell.code}` }, page.t("elsewhere"))) : null,
      settles() && settling.texts[cell.code] ? el("p", { className: "reason" }, el("b", {}, `${page.t("settle_one")}${page.language === "zh" ? "：" : ": "}`), page.say(settling.texts[cell.code])) : null,
      el("dl", { className: "facts" }, ...facts), evidence(cell));
  }

  function evidence(cell) {
    const found = days.day === data.day ? data.visits?.[cell.row] : null;
    if (!found?.length) return null;
    return el("div", { className: "evidence" }, el("h3", {}, page.t("list")), el("table", {}, el("tbody", {}, ...found.map(([start, end, stay, counted, reason, second], i) =>
      el("tr", { className: counted ? "" : "dropped" }, el("td", {}, hasReplay
        ? el("button", { type: "button", id: `visit-${i}`, className: "jump", title: page.t("jump"), onclick: () => wangge.replay?.show(second) }, `${start}–${end}`) : `${start}–${end}`), el("td", {}, page.format.duration(stay)),
        el("td", {}, counted ? page.t("counted") : page.say(data.visit_reasons[reason]) || page.t("uncounted")))))));
  }

  function attention() {
    const urgency = ["not_visited", "short", "unknown"];
    const cells = days.many
      ? within(page.at, 2).filter(failingDays).sort((a, b) => failingDays(b) - failingDays(a) || a.row - b.row)
      : within(page.at, 2).filter((cell) => stateOf(cell) !== "met" && !(settles() && settling.texts[cell.code])).sort((a, b) => urgency.indexOf(stateOf(a)) - urgency.indexOf(stateOf(b)) || a.row - b.row);
    // On paper as many as fit; on the screen the first ones, and all after a click.
    const shown = page.all || page.onPaper || cells.length <= LISTED + 5 ? cells : cells.slice(0, LISTED);
    const entry = (cell) => el("li", {}, el("button", { type: "button", id: `grid-${cell.code}`, onclick: () => page.go(cell) },
      swatch(days.many ? classColour(failingDays(cell)) : paint(stateOf(cell))), el("span", {}, cell.name), el("small", {}, days.many ? `${failingDays(cell)} / ${days.length} ${page.t("failing_days")}` : `${page.t(stateOf(cell))} ${fraction(cell)}`)));
    const more = cells.length - shown.length;
    return el("section", { className: "attention" }, el("h2", {}, page.t("attention"), el("small", {}, page.format.whole(cells.length))),
      cells.length ? el("ul", {}, ...shown.map(entry)) : el("p", {}, page.t("none")),
      more ? el("button", { type: "button", id: "more", className: "more", onclick: () => { page.all = true; page.drawPanel(); document.getElementById(`grid-${cells[LISTED].code}`)?.focus(); } },
        page.language === "zh" ? `显示其余 ${more} 个` : `Show ${more} more`) : null);
  }

  function panel() {
    if (page.at.level <= 1) return page.viewLevel === 2 ? [attention(), settleList()] : [counts(), attention(), settleList()];
    const own = page.at.level === 2 ? page.at : page.at.parent;
    return days.many ? [eachDay(own)] : [why(own), days.length > 1 ? eachDay(own) : null];
  }

  function legend() {
    if (days.many) return page.at.level <= 1 ? [classes(), page.viewLevel === 2 ? counts() : null] : classes();
    if (page.viewLevel === 1) return classes();
    if (page.at.level <= 1 && page.viewLevel === 2) return counts();
    return el("section", { className: "legend" }, el("ul", { className: "classes row" }, ...states.map((state) => el("li", {}, swatch(paint(state)), page.t(state)))),
      page.viewLevel === 3 && !third ? el("p", {}, page.t("inherited")) : null);
  }

  /** Classes of failing grids, and the mark of the unknown ones. */
  function classes() {
    const steps = data.failing_limits.map((limit, i) => {
      const upper = data.failing_limits[i + 1];
      const text = upper === undefined ? `≥ ${limit}` : upper - 1 > limit ? `${limit}–${upper - 1}` : String(limit);
      return el("li", {}, swatch(colours.failing[i]), text);
    });
    return el("section", { className: "legend" }, el("h2", {}, page.t(days.many ? "colour_days" : "colour1")), el("ul", { className: "classes row" }, ...steps),
      el("p", {}, page.t("missed")), days.many ? null : el("p", {}, el("i", { className: "unknown" }, page.t("unknown")), " ", page.t("unknown_mark")));
  }

  /* ---- patterns: stripes, crosses, dots; none for the state "met" ---- */

  const MARKS = {
    short: { size: 8, path: "M-2 2L2-2M0 8L8 0M6 10L10 6", stroke: 1.3 },
    not_visited: { size: 9, path: "M3 3L6 6M6 3L3 6", stroke: 1.2 },
    unknown: { size: 7, path: "M2.5 3.5a1 1 0 1 0 2 0a1 1 0 1 0 -2 0" },
  };
  for (const [state, mark] of Object.entries(MARKS)) addPattern(state, { ...mark, ground: colours.states[state][0], ink: colours.states[state][1] });

  days.onchange = () => ({ second, third } = days.verdicts);
  days.counter = (day) => failing(days.sumOn(day));
  page.start({ usualLevel: 2, texts, style, label, tip, record, panel, legend, controls: () => days.controls(), readAddress: (address) => days.readAddress(address), writeAddress: (address) => days.writeAddress(address) });
  wangge.follow(page, days, states);
  return page;
};
