"use strict";
/* Charts next to the map: bars of the kinds, a calendar, and the time bar below. Each reports a selection through `choose`. */
wangge.charts = (() => {
  const { el, svg } = wangge;
  const DAY_MS = 86400000;
  const BAR = "#8a5f8f", CHOSEN = "#143247";
  const WEEKDAYS = { zh: ["一", "二", "三", "四", "五", "六", "日"], en: ["M", "T", "W", "T", "F", "S", "S"] };
  const weekday = (date) => (date.getUTCDay() + 6) % 7;

  /** A day as text, with the year if `year` is set. */
  function dayText(date, language, year = false) {
    const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    if (language === "zh") return `${year ? `${y}年` : ""}${m}月${d}日`;
    return date.toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", ...(year ? { year: "numeric" } : {}) });
  }

  function windowText(window, language, year = true) {
    const from = dayText(window.from, language, year);
    if (window.from.getTime() === window.to.getTime()) {
      return language === "zh" ? `${from} 周${WEEKDAYS.zh[weekday(window.from)]}` : `${window.from.toLocaleDateString("en-GB", { timeZone: "UTC", weekday: "short" })} ${from}`;
    }
    const sameYear = window.from.getUTCFullYear() === window.to.getUTCFullYear();
    return `${from}${language === "zh" ? "至" : " – "}${dayText(window.to, language, year && !sameYear)}`;
  }

  /** rows: { name, n, chosen, choose } by decreasing n; `more` is written below without a bar. */
  function bars(page, rows, more) {
    const most = Math.max(1, ...rows.map((row) => row.n));
    return el("table", { className: "bars" }, el("tbody", {},
      ...rows.map((row, i) => el("tr", { className: row.chosen ? "chosen" : "" },
        el("td", {}, el("button", { type: "button", id: `bar-${i}`, title: row.name, "aria-pressed": String(row.chosen), onclick: row.choose }, row.name)),
        el("td", {}, el("span", { className: "stick", style: `width: ${((100 * row.n) / most).toFixed(1)}%` })), el("td", {}, page.format.whole(row.n)))),
      more ? el("tr", {}, el("td", {}, more.name), el("td", {}), el("td", {}, page.format.whole(more.n))) : null));
  }

  /* ---- calendar: one row per week, or for long periods one column per week ---- */

  /** days: { first, values, chosen (position or -1), colours, limits, choose(position) } */
  function calendar(page, days) {
    const lead = weekday(days.first), weeks = Math.ceil((lead + days.values.length) / 7);
    return weeks <= 10 ? short(page, days, lead, weeks) : long(page, days, lead);
  }

  const dateOf = (days, i) => new Date(days.first.getTime() + i * DAY_MS);
  const colourOf = (days, n) => (n > 0 ? days.colours[Math.max(0, days.limits.findLastIndex((limit) => n >= limit))] : days.none);

  function box(page, days, i, x, y, width, height) {
    const n = days.values[i], chosen = i === days.chosen;
    const title = svg("title", {}, `${dayText(dateOf(days, i), page.language, true)}: ${page.format.whole(n)}`);
    return svg("rect", { x, y, width, height, rx: Math.min(2, width / 5), fill: colourOf(days, n), stroke: chosen ? CHOSEN : "#b9c0c4", "stroke-width": chosen ? 2 : 0.4, class: "day", "data-day": i, onclick: () => days.choose(i) }, title);
  }

  function short(page, days, lead, weeks) {
    const [left, top, width, height] = [0, 16, 320 / 7, 23];
    const names = WEEKDAYS[page.language].map((name, i) => svg("text", { x: left + (i + 0.5) * width, y: 11, "text-anchor": "middle" }, name));
    const boxes = [...days.values].flatMap((n, i) => {
      const x = left + ((lead + i) % 7) * width, y = top + Math.floor((lead + i) / 7) * height, date = dateOf(days, i);
      const text = date.getUTCDate() === 1 || i === 0 ? `${date.getUTCMonth() + 1}/${date.getUTCDate()}` : String(date.getUTCDate());
      const dark = n > 0 && days.limits.findLastIndex((limit) => n >= limit) >= Math.max(2, days.colours.length - 2);
      return [box(page, days, i, x + 1, y + 1, width - 2, height - 2), svg("text", { x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle", fill: dark ? "#fff" : "#33414d" }, text)];
    });
    return svg("svg", { class: "calendar", viewBox: `0 0 320 ${top + weeks * height}` }, ...names, ...boxes);
  }

  /** One strip for each year, a column for each week. */
  function long(page, days, lead) {
    const left = 16, side = (320 - left) / 54, strips = new Map();
    days.values.forEach((_, i) => {
      const date = dateOf(days, i), year = date.getUTCFullYear();
      if (!strips.has(year)) strips.set(year, []);
      strips.get(year).push([i, date]);
    });
    // Periods below two years are one continuous strip.
    const blocks = days.values.length <= 371 ? [[...strips.values()].flat()] : [...strips.values()];
    const drawn = blocks.map((block, b) => {
      const top = b * (7 * side + 22) + 14, begin = weekday(block[0][1]);
      const column = (i) => Math.floor((i - block[0][0] + begin) / 7);
      const names = [0, 2, 4].map((i) => svg("text", { x: 0, y: top + (i + 0.85) * side, class: "tiny" }, WEEKDAYS[page.language][i]));
      const months = block.filter(([, date], i) => date.getUTCDate() === 1 || i === 0).filter(([i], k, all) => !all[k + 1] || column(all[k + 1][0]) - column(i) > 2)
        .map(([i, date], k) => svg("text", { x: left + column(i) * side, y: top - 4, class: "tiny" }, monthText(date, page.language, k === 0)));
      const boxes = block.map(([i, date]) => box(page, days, i, left + column(i) * side + 0.4, top + weekday(date) * side + 0.4, side - 0.8, side - 0.8));
      return [...names, ...months, ...boxes];
    });
    return svg("svg", { class: "calendar", viewBox: `0 0 320 ${blocks.length * (7 * side + 22)}` }, ...drawn.flat());
  }

  const monthText = (date, language, year) => (language === "zh" ? `${year ? `${date.getUTCFullYear()}年` : ""}${date.getUTCMonth() + 1}月`
    : date.toLocaleDateString("en-GB", { timeZone: "UTC", month: "short", ...(year ? { year: "numeric" } : {}) }));

  /* ---- the bar of time ---- */

  const PLAY_MS = 800;

  /**
   * choice: { spans, span, at, windows, values, texts, choose(span, at, push) }; redrawn whenever anything except `at` changes. The Back
   * button undoes a choice with `push`: a drag and a playing are undone at once.
   */
  class TimeBar {
    constructor(page) {
      this.page = page;
      this.root = el("footer", { id: "time" });
      document.body.append(this.root);
      document.body.classList.add("timed");
    }

    draw(choice) {
      const key = JSON.stringify([choice.span, this.page.language, choice.values]);
      this.choice = choice;
      if (key !== this.key) { this.key = key; this.make(); }
      this.mark();
    }

    make() {
      const { choice, page } = this, { windows, values } = choice, all = choice.span === "all";
      const most = Math.max(1, ...values), wide = 1000 / windows.length;
      this.rects = values.map((n, i) => svg("rect", { x: i * wide + wide * 0.08, y: 40 - (38 * n) / most, width: wide * 0.84, height: Math.max(n ? 0.8 : 0, (38 * n) / most), fill: BAR, class: windows[i].whole ? "" : "partial" },
        svg("title", {}, `${windowText(windows[i], page.language)}: ${page.format.whole(n)}${windows[i].whole ? "" : ` (${choice.texts.partial})`}`)));
      const chart = svg("svg", { class: "series", viewBox: "0 0 1000 40", preserveAspectRatio: "none", role: "img", "aria-label": choice.texts.series }, ...this.rects,
        ...values.map((_, i) => svg("rect", { x: i * wide, y: 0, width: wide, height: 40, fill: "transparent", onclick: () => choice.choose(choice.barSpan, i) })));
      this.range = el("input", { type: "range", id: "when", min: 0, max: windows.length - 1, step: 1, disabled: all, "aria-label": choice.texts.when,
        onchange: () => { this.moving = false; },
        oninput: (event) => { this.stop(); this.choice.choose(choice.barSpan, Number(event.target.value), !this.moving); this.moving = true; } });
      this.play = el("button", { type: "button", className: "play", "aria-label": choice.texts.play, title: choice.texts.play, onclick: () => (this.timer ? this.stop() : this.run()) }, this.timer ? "❚❚" : "▶");
      this.label = el("output", { htmlFor: "when" });
      const spans = ["all", ...choice.spans].map((span) => el("button", { type: "button", "data-span": span, "aria-pressed": String(span === choice.span), onclick: () => { this.stop(); choice.choose(span); } }, choice.texts[span]));
      this.root.replaceChildren(el("div", { className: "spans", role: "group", "aria-label": choice.texts.when }, ...spans), this.play,
        el("div", { className: "track" }, chart, this.dates(), this.range), this.label);
    }

    /** Dates below the bars: of each bar, or of every n-th if there is not enough space. */
    dates() {
      const { windows, barSpan } = this.choice, every = Math.ceil(windows.length / 12);
      const text = ({ from }) => (barSpan === "month" ? monthText(from, this.page.language, from.getUTCMonth() === 0) : `${from.getUTCMonth() + 1}/${from.getUTCDate()}`);
      return el("div", { className: "dates", "aria-hidden": "true" }, ...windows.map((window, i) => (i % every ? null
        : el("span", { className: window.whole ? "" : "partial", style: `left: ${((100 * (i + 0.5)) / windows.length).toFixed(2)}%` }, text(window)))));
    }

    mark() {
      const { at, span, windows, values } = this.choice, all = span === "all", { page } = this;
      this.rects.forEach((rect, i) => rect.setAttribute("fill", all || i !== at ? BAR : CHOSEN));
      // Windows not completely covered by the data are hollow.
      this.rects.forEach((rect, i) => rect.setAttribute("opacity", all || i === at ? 1 : 0.45));
      this.range.value = String(all ? 0 : at);
      const sum = all ? values.reduce((a, b) => a + b, 0) : values[at];
      const when = all ? this.choice.texts.all_time : windowText(windows[at], page.language) + (windows[at].whole ? "" : page.language === "zh" ? `（${this.choice.texts.partial}）` : ` (${this.choice.texts.partial})`);
      this.label.replaceChildren(el("b", {}, when), el("span", {}, page.language === "zh" ? `${page.format.whole(sum)} 件` : `${page.format.whole(sum)} ${sum === 1 ? "incident" : "incidents"}`));
    }

    /** Play through the windows, starting at the first if all time or the last window was shown. */
    run() {
      const step = (push = false) => {
        const { at, span, barSpan, windows, choose } = this.choice;
        if (span !== "all" && at === windows.length - 1) return this.stop();
        choose(barSpan, span === "all" ? 0 : at + 1, push);
      };
      this.timer = setInterval(() => step(), PLAY_MS);
      if (this.choice.at === this.choice.windows.length - 1) this.choice.choose(this.choice.barSpan, 0); else step(true);
      this.play.textContent = "❚❚";
    }

    stop() {
      clearInterval(this.timer);
      this.timer = null;
      if (this.play) this.play.textContent = "▶";
    }
  }

  return { TimeBar, bars, calendar, dayText, windowText };
})();
