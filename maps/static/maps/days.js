"use strict";
/* The days of a coverage map: one day, or the week or month around it. The address contains the day and the span. */
wangge.Days = class {
  /** `onchange` is called when other verdicts must be drawn, `counter(day)` returns the number that determines the colour of a day in the calendar. */
  constructor(page, data, states) {
    const own = { when: data.when, verdicts: data.verdicts, reasons: data.reasons, rules: data.rules };
    Object.assign(this, { page, data, states, known: { ...data.days, [data.day]: own } });
    this.all = Object.keys(this.known).sort();
    this.day = data.day;
    this.span = "day";
  }

  static SPANS = { day: { zh: "日", en: "Day" }, week: { zh: "周", en: "Week" }, month: { zh: "月", en: "Month" } };

  get verdicts() { return this.known[this.day].verdicts; }
  get reasons() { return this.known[this.day].reasons; }
  get rules() { return this.known[this.day].rules; }
  get many() { return this.span !== "day"; }
  get length() { return this.shown.length; }

  /** Days with verdicts in the selected span; weeks begin on Mondays. */
  get shown() {
    if (this.span === "day") return this.all.length > 1 ? this.all : [this.day];
    const date = new Date(this.day), first = new Date(date), last = new Date(date);
    if (this.span === "week") { first.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7)); last.setTime(first.getTime() + 6 * 86400000); }
    else { first.setUTCDate(1); last.setUTCMonth(date.getUTCMonth() + 1, 0); }
    const [from, to] = [first, last].map((one) => one.toISOString().slice(0, 10));
    return this.all.filter((day) => day >= from && day <= to);
  }

  stateOn(day, row) { return this.states[this.known[day].verdicts.second.state[row]]; }

  count(pairs) {
    const n = Object.fromEntries(this.states.map((state) => [state, 0]));
    for (const [day, row] of pairs) n[this.stateOn(day, row)] += 1;
    return n;
  }
  tally(row) { return this.count(this.shown.map((day) => [day, row])); }
  sum(rows) { return this.count(this.shown.flatMap((day) => rows.map((row) => [day, row]))); }
  sumOn(day) { return this.count(this.known[day].verdicts.second.state.map((_, row) => [day, row])); }

  choose(span, day) {
    this.set(span, day);
    this.page.show(false);
  }

  set(span, day) {
    this.span = span;
    this.day = day;
    const shown = this.shown, text = (one, language) => wangge.charts.dayText(new Date(one), language, true);
    this.page.data.when = span === "day" ? this.known[day].when : Object.fromEntries(["zh", "en"].map((language) => [language,
      `${text(shown[0], language)}${language === "zh" ? "至" : " – "}${text(shown.at(-1), language)}${language === "zh" ? `（${shown.length} 天有数据）` : ` (${shown.length} days with data)`}`]));
    this.onchange?.();
  }

  readAddress(address) {
    const day = address.get("day") ?? this.data.day, span = address.get("span") ?? "day";
    this.set(span in wangge.Days.SPANS ? span : "day", this.known[day] ? day : this.data.day);
  }

  writeAddress(address) {
    if (this.day !== this.data.day) address.set("day", this.day);
    if (this.span !== "day") address.set("span", this.span);
  }

  /** Buttons for day, week and month, and a calendar; nothing if there is only one day. */
  controls() {
    if (this.all.length < 2) return null;
    const { el, charts } = wangge, { language } = this.page, first = new Date(this.all[0]), DAY_MS = 86400000;
    const n = Math.round((new Date(this.all.at(-1)) - first) / DAY_MS) + 1;
    const names = Array.from({ length: n }, (_, i) => new Date(first.getTime() + i * DAY_MS).toISOString().slice(0, 10));
    const values = names.map((day) => (this.known[day] ? this.counter(day) : null)), sorted = values.filter((n) => n > 0).sort((a, b) => a - b);
    const limits = [...new Set([0, 0.25, 0.5, 0.75].map((share) => sorted[Math.floor(share * sorted.length)] ?? 1))];
    const calendar = charts.calendar(this.page, { first, values, chosen: names.indexOf(this.day), limits, colours: this.data.colours.failing.slice(-limits.length), none: "#ffffff",
      choose: (i) => { if (this.known[names[i]]) this.choose(this.span, names[i]); } });
    const at = this.all.indexOf(this.day);
    const step = (id, by, text, title) => el("button", { type: "button", id, disabled: !this.all[at + by], title, "aria-label": title, onclick: () => this.choose(this.span, this.all[at + by]) }, text);
    const spans = Object.entries(wangge.Days.SPANS).map(([span, name]) => el("button", { type: "button", id: `span-${span}`, "aria-pressed": String(span === this.span), onclick: () => this.choose(span, this.day) }, name[language]));
    return el("section", { className: "days" }, el("div", { className: "steps" }, step("earlier", -1, "‹", language === "zh" ? "前一天" : "Day before"), ...spans, step("later", 1, "›", language === "zh" ? "后一天" : "Day after")), calendar,
      el("small", {}, language === "zh" ? "日历颜色越深，当日未达标网格越多。" : "The darker a day, the more grids failed on it."));
  }
};
