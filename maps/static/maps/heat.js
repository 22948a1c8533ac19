"use strict";
/* The map of incidents: a density in metres, counts and rates per grid, hot spots that passed a test; all kinds or one, all time or
   a part of it. For all kinds and all time the page shows what was computed before; for a selection it recomputes sums and density. Hot
   spots were found beforehand for all time and for each week and month. */
wangge.startHeat = (map) => {
  const { Page, IncidentCounts, Surface, addPattern, charts, el, shortName, svg, swatch, within } = wangge;
  const data = wangge.payload(), page = new Page(map, data), counted = new IncidentCounts(data.incident_counts, page.levels);
  const { measures, picture } = data, { lattice } = data.incident_counts;
  const modes = ["density", ...Object.keys(measures)], SPANS = ["all", ...counted.spans];
  const DENSITY_FRAMES = 24; // number of windows with most incidents that determine the scale of the density
  const chosen = { mode: "density", marks: "core", kind: -1, span: "all", at: 0 };
  // The page opens on the latest complete week, if there is one.
  const usual = { span: "all", at: 0 };
  if (SPANS.includes("week")) {
    const at = counted.windows("week").findLastIndex((week) => week.whole);
    if (at >= 0) Object.assign(usual, { span: "week", at });
  }

  const texts = {
    density: { zh: "热力（核密度）", en: "Density" },
    incidents: { zh: "案件数", en: "Incidents" },
    per_km2: { zh: "每平方公里案件数", en: "Incidents per km²" },
    per_1000: { zh: "每千人案件数", en: "Incidents per 1,000 residents" },
    colour: { zh: "着色方式", en: "Colour by" },
    kind: { zh: "案件类别", en: "Kind" },
    services: { zh: "五项服务", en: "Five services" },
    all_kinds: { zh: "全部类别", en: "All kinds" },
    hot: { zh: "热点网格", en: "Hot spots" },
    core_legend: { zh: "热点核心：本网格案件数明显高于正常水平", en: "Core: the grid itself has clearly more than usual" },
    hot_legend: { zh: "热点外围：连同相邻网格明显高于正常水平", en: "Around: the grid together with its neighbours has" },
    hot_usual: { zh: "正常水平：按面积、人口和本时段案件总数推算。", en: "Usual: estimated from area, residents and all incidents of the period." },
    hot_third: { zh: "本时段案件偏少，三级网格不作判断，图上标示二级网格。", en: "Incidents of this period are few: the third level was not tested, and the second is marked." },
    mark_core: { zh: "标示热点核心", en: "Cores" },
    mark_all: { zh: "标示热点核心和外围", en: "Cores and around" },
    mark_none: { zh: "不标示", en: "Not marked" },
    mark_off: { zh: "未作判断", en: "Not tested" },
    hot_none: { zh: "未发现热点网格。", en: "No hot spot was found." },
    hot_kind: { zh: "热点按全部类别判断；选择单个类别或服务时不标示。", en: "Hot spots are found for all kinds together; for one kind or service they are not marked." },
    hot_day: { zh: "单日案件过少，不判断热点；请选择周、月或全部时间。", en: "A single day has too few incidents to find hot spots; choose a week, a month or all time." },
    hot_past: { zh: "热点只判断最近的周和月；本时段较早，未作判断。", en: "Hot spots are found for the latest weeks and months only; this period is earlier." },
    hot_spot: { zh: "热点", en: "Hot spot" },
    hot_here: { zh: "热点外围", en: "hot spot, around" },
    core_here: { zh: "热点核心", en: "hot spot, core" },
    no_value: { zh: `常住人口不足 ${data.fewest_residents} 人，不计算人均值`, en: `under ${data.fewest_residents} residents: no rate` },
    no_cases: { zh: "无案件", en: "none" },
    kinds: { zh: "主要类别", en: "Top kinds" },
    other: { zh: "其他类别", en: "other kinds" },
    calendar: { zh: "案件日历", en: "Calendar" },
    most_core: { zh: "热点核心与案件最多的网格", en: "Cores of hot spots, and grids with most incidents" },
    most: { zh: "案件最多的网格", en: "Grids with most incidents" },
    unit_density: { zh: "件 / 平方公里", en: "incidents per km²" },
    of_all: { zh: "占全部", en: "of all:" },
    no_density: { zh: "案件没有坐标，不能按类别和时间绘制热力；此处为全部案件的热力。", en: "The incidents have no positions, so the density cannot be drawn for a part; this is that of all." },
    all: { zh: "全部", en: "All" },
    month: { zh: "按月", en: "Months" },
    week: { zh: "按周", en: "Weeks" },
    day: { zh: "按日", en: "Days" },
    all_time: { zh: "全部时间", en: "All time" },
    when: { zh: "时间", en: "Time" },
    play: { zh: "播放", en: "Play" },
    partial: { zh: "时段数据不完整", en: "not whole" },
    series: { zh: "各时段案件数", en: "Incidents over time" },
    same_scale: { zh: "各时段采用同一色标，可直接比较。", en: "One scale for all times, so they can be compared." },
  };

  /* ---- selection and its sums ---- */

  const isPart = () => chosen.kind !== -1 || chosen.span !== "all";
  const window = () => (chosen.span === "all" ? null : counted.windows(chosen.span)[chosen.at]);
  const memory = new Map();
  const remembered = (key, make) => {
    if (!memory.has(key)) memory.set(key, make());
    return memory.get(key);
  };

  let now; // sums for the selection
  function count() {
    const focus = new Uint8Array(page.levels[3].length);
    for (const cell of within(page.at, 3)) focus[cell.row] = 1;
    now = counted.tally(chosen.kind, window(), focus, surface?.size ?? 0);
  }

  function rate(n, cell, measure) {
    const { columns, row } = cell;
    if (measure === "incidents") return n;
    if (measure === "per_km2") return columns.area_m2?.[row] ? n / (columns.area_m2[row] / 1e6) : null;
    return columns.population?.[row] ? (1000 * n) / columns.population[row] : null;
  }
  const tooFew = (cell, measure) => measure === "per_1000" && (cell.columns.population?.[cell.row] ?? Infinity) < data.fewest_residents;
  function value(cell, measure) {
    if (tooFew(cell, measure)) return null;
    return isPart() ? rate(now.levels[cell.level][cell.row], cell, measure) : measures[measure][cell.level][cell.row];
  }

  /* ---- hot spots: those of the period that is shown, as found beforehand ---- */

  const isoDay = (date) => date.toISOString().slice(0, 10);
  /** Hot spots of the selection: codes with whether each is a core, and the note; null if none were looked for. */
  function hotNow() {
    if (chosen.kind !== -1 || !data.hot) return null;
    if (chosen.span === "all") return data.hot;
    const { from, to } = window();
    return chosen.span === "day" ? null : data.hot_periods[`${isoDay(from)} ${isoDay(to)}`] ?? null;
  }
  const untested = () => page.t(chosen.kind !== -1 ? "hot_kind" : chosen.span === "day" ? "hot_day" : "hot_past");
  const isHot = (cell) => cell.code in (hotNow()?.cells ?? {});
  const hotWord = (cell) => (isHot(cell) ? page.t(hotNow().cells[cell.code] ? "core_here" : "hot_here") : null);

  /* ---- classes: quantiles of the grids that have any, on round numbers; the same for all windows of time ---- */

  function roundDown(value) {
    const unit = 10 ** Math.floor(Math.log10(value)), step = value / unit < 2 ? unit / 10 : unit;
    return Number((Math.floor((value / step) * (1 + 1e-12)) * step).toPrecision(6));
  }

  function limitsOf(values) {
    const known = Float64Array.from(values.filter((v) => v !== null && v > 0)).sort();
    if (!known.length) return [];
    const cuts = data.class_shares.map((share) => {
      const at = share * (known.length - 1), i = Math.floor(at);
      return known[i] + (at - i) * ((known[i + 1] ?? known[i]) - known[i]);
    });
    return [...new Set(cuts.map(roundDown))].sort((a, b) => a - b);
  }

  function classes(level, measure) {
    const part = isPart(), key = part ? `${chosen.kind} ${chosen.span}` : "all";
    return remembered(`${level} ${measure} ${key}`, () => {
      const cells = page.levels[level];
      let values;
      if (chosen.span === "all") values = cells.map((cell) => value(cell, measure));
      else values = [...counted.frames(chosen.kind, chosen.span, level)].map((n, i) => (n && !tooFew(cells[i % cells.length], measure) ? rate(n, cells[i % cells.length], measure) : null));
      const limits = limitsOf(values);
      return { limits, colours: data.class_colours[Math.max(0, limits.length - 1)] };
    });
  }

  function classColour(cell) {
    const { limits, colours } = classes(cell.level, chosen.mode), v = value(cell, chosen.mode);
    if (v === null) return "no-value";
    return v > 0 ? colours[Math.max(0, limits.findLastIndex((limit) => v >= limit))] : data.none_colour;
  }

  /* ---- the density of a part ---- */

  const surface = lattice && data.bandwidth_m ? new Surface(lattice, data.bandwidth_m, data.ramp, data.fade, page.street.latlngs) : null;
  surface?.allow(counted.placeSquare);

  /** Maximum of the scale: the highest density of the windows with most incidents, rounded up. */
  function densityTop(density) {
    if (!isPart()) return picture.top;
    const peak = (values) => values.reduce((a, b) => Math.max(a, b), 0);
    return remembered(`top ${chosen.kind} ${chosen.span}`, () => {
      if (chosen.span === "all") return roundUp(peak(density));
      const nowhere = new Uint8Array(page.levels[3].length);
      const sums = counted.windows(chosen.span).map((w) => counted.tally(chosen.kind, w, nowhere, surface.size).bySquare);
      const total = (counts) => counts.reduce((a, b) => a + b, 0);
      const fullest = sums.sort((a, b) => total(b) - total(a)).slice(0, DENSITY_FRAMES);
      return roundUp(Math.max(...fullest.map((counts) => peak(surface.density(counts)))));
    });
  }
  function roundUp(value) {
    if (!(value > 0)) return 1;
    const unit = 10 ** Math.floor(Math.log10(value));
    return Number((Math.ceil((value / unit) * (1 - 1e-12)) * unit).toPrecision(6));
  }

  /* ---- drawing ---- */

  function style(cell, muted) {
    const { mode } = chosen;
    const base = { color: ["", "#3d4a55", "#65717a", "#8a939a"][cell.level], weight: [0, 1.6, 0.9, page.at.level ? 0.6 : 0.3][cell.level] };
    if (muted) return { ...base, fillColor: "#ffffff", fillOpacity: mode === "density" ? 0 : 0.55, weight: Math.min(base.weight, 0.9), color: "#8a949c" };
    return mode === "density" ? { ...base, fillColor: "#ffffff", fillOpacity: 0 } : { ...base, fillColor: classColour(cell), fillOpacity: 0.88 };
  }

  const written = (v, measure) => (v === null ? "–" : measure === "incidents" ? page.format.whole(v) : page.format.figure(v));
  const shown = (cell) => {
    const measure = chosen.mode === "density" ? "incidents" : chosen.mode;
    return written(value(cell, measure), measure);
  };

  function label(cell, room) {
    const number = [shown(cell)];
    if (cell.level === 1) return { lines: [cell.name, shown(cell)], short: [cell.name], plate: true };
    if (cell.level === 2) return room > 30 ? { lines: [shortName(cell), shown(cell)], short: number } : room > 13 ? { lines: number } : null;
    return room > 19 ? { lines: [shortName(cell), shown(cell)], short: number } : room > 10 && value(cell, "incidents") ? { lines: number } : null;
  }

  const known = (cell) => Object.keys(measures).filter((measure) => value(cell, measure) !== null);
  const tip = (cell) => [...known(cell).map((m) => `${page.t(m)} ${written(value(cell, m), m)}`), hotWord(cell)].filter(Boolean);

  /** Values of a cell for the table, by heading. */
  const record = (cell) => ({ ...Object.fromEntries(Object.keys(measures).map((m) => [page.t(m), value(cell, m)])), ...(hotNow() ? { [page.t("hot_spot")]: hotWord(cell) } : {}) });

  let overlay = null;
  // The bar is inserted before anything is drawn, otherwise everything would be drawn twice.
  const bar = SPANS.length > 1 ? new charts.TimeBar(page) : null;
  const hotLayer = L.layerGroup();
  const exact = L.imageOverlay(picture.uri, picture.bounds, { pane: "picture", interactive: false, className: "density" });
  const partly = surface ? L.svgOverlay(surface.canvas, lattice.bounds, { pane: "picture", interactive: false, className: "density part" }) : exact;

  function painted() {
    drawDensity();
    drawHot();
    drawTime();
  }

  function drawDensity() {
    const wanted = chosen.mode !== "density" ? null : isPart() ? partly : exact;
    if (wanted === partly && surface) {
      const density = surface.density(now.bySquare);
      surface.paint(density, densityTop(density));
    }
    if (overlay !== wanted) overlay?.remove();
    overlay = wanted?.addTo(map) ?? null;
  }

  /** Level whose hot spots are marked: that of the view, or the second if the third was not tested for the period. */
  function markedLevel() {
    const tested = Object.keys(hotNow()?.notes ?? {}).map(Number);
    return tested.includes(Math.max(2, page.viewLevel)) ? Math.max(2, page.viewLevel) : tested[0];
  }

  function drawHot() {
    hotLayer.clearLayers().addTo(map);
    const found = hotNow()?.cells;
    if (chosen.marks === "none" || !found) return;
    const hot = Object.keys(found).map((code) => page.byCode.get(code)).filter((cell) => cell.level === markedLevel());
    const around = chosen.marks === "all";
    const draw = (core, style) => hot.filter((cell) => found[cell.code] === core).forEach((cell) => L.polygon(cell.latlngs, { pane: "marks", fill: false, interactive: false, ...style }).addTo(hotLayer));
    // Cores and surroundings differ by line width and dashes, not by colour; cores are drawn last, on top.
    if (around) draw(false, { weight: 3.6, color: "#ffffff" });
    if (around) draw(false, { weight: 1.8, color: "#0a4f8f", dashArray: "5 4" });
    draw(true, { weight: 6.4, color: "#ffffff" });
    draw(true, { weight: 3.6, color: "#0a4f8f" });
  }

  function drawTime() {
    if (!bar) return;
    // For all time, the bars are those of the finest span with at most about a hundred windows.
    const barSpan = chosen.span !== "all" ? chosen.span : SPANS.slice(1).findLast((span) => counted.windows(span).length <= 120) ?? SPANS[1];
    const windows = counted.windows(barSpan);
    const values = windows.map(({ first, last }) => now.byStep.subarray(first, last + 1).reduce((a, b) => a + b, 0));
    const names = Object.fromEntries(["all", "month", "week", "day", "all_time", "when", "play", "series", "partial"].map((key) => [key, page.t(key)]));
    bar.draw({ spans: SPANS.slice(1), span: chosen.span, barSpan, at: chosen.at, windows, values, texts: names, choose: chooseTime });
  }

  /* ---- choosing ---- */

  function change(values, push = false) {
    Object.assign(chosen, values);
    count();
    page.recolour(push);
  }
  const chooseKind = (kind) => change({ kind: kind === chosen.kind ? -1 : kind }, true);
  const chooseTime = (span, at, push = true) => change({ span, at: at ?? lastWhole(span) }, push);
  function chooseDay(at) {
    if (chosen.span === "day" && chosen.at === at) return chooseTime("all", 0);
    chooseTime("day", at);
  }

  function controls() {
    const { mode, kind } = chosen;
    const option = (selected) => ([key, name]) => el("option", { value: key, selected: key === selected }, name);
    const byMode = el("select", { id: "mode", onchange: (event) => { chosen.mode = event.target.value; page.show(false); } }, ...modes.map((key) => [key, page.t(key)]).map(option(mode)));
    const names = counted.kinds.map((name, i) => [String(i), page.say(name)]), services = counted.services.map((name, i) => [String(-2 - i), page.say(name)]);
    const group = (key, entries) => el("optgroup", { label: page.t(key) }, ...entries.map(option(String(kind))));
    const kindChoices = [option(String(kind))(["-1", page.t("all_kinds")]), ...(services.length > 1 ? [group("services", services), group("kind", names)] : names.map(option(String(kind))))];
    const byKind = el("select", { id: "kind", onchange: (event) => change({ kind: Number(event.target.value) }, true) }, ...kindChoices);
    const marks = hotNow() ? ["core", "all", "none"].map((key) => [key, page.t(`mark_${key}`)]) : [["none", page.t("mark_off")]];
    const byMarks = el("select", { id: "hot", disabled: !hotNow(), onchange: (event) => { chosen.marks = event.target.value; page.recolour(true); } }, ...marks.map(option(hotNow() ? chosen.marks : "none")));
    return el("div", { className: "choices" }, el("label", {}, el("span", {}, page.t("colour")), byMode),
      counted.kinds.length > 1 ? el("label", {}, el("span", {}, page.t("kind")), byKind) : null,
      data.hot ? el("label", { title: hotNow() ? "" : untested() }, el("span", {}, page.t("hot")), byMarks) : null);
  }

  /* ---- panel ---- */

  function summary(cell) {
    const n = value(cell, "incidents"), all = measures.incidents[cell.level][cell.row];
    const rows = known(cell).slice(1).map((m) => [el("dt", {}, page.t(m)), el("dd", {}, written(value(cell, m), m))]);
    const what = [chosen.kind === -1 ? null : page.say(counted.nameOf(chosen.kind)), chosen.span === "all" ? null : charts.windowText(window(), page.language)].filter(Boolean);
    return el("section", {}, el("p", { className: "big" }, el("b", {}, page.format.whole(n)), el("span", {}, isPart() ? what.join(" · ") : page.t("incidents"),
      isPart() ? el("small", {}, ` ${page.t("of_all")} ${page.format.share(n, all)}`) : null)), el("dl", { className: "facts" }, ...rows.flat()));
  }

  function kinds() {
    const belongs = chosen.kind < -1 ? counted.kindsOf(chosen.kind) : null;
    const sorted = [...now.byKind].map((n, kind) => ({ n, kind })).filter(({ n, kind }) => n && (!belongs || belongs[kind])).sort((a, b) => b.n - a.n || a.kind - b.kind);
    if (!sorted.length) return null;
    const top = sorted.slice(0, 8), mine = sorted.find(({ kind }) => kind === chosen.kind);
    if (mine && !top.includes(mine)) top.splice(7, 1, mine);
    const rest = sorted.filter((row) => !top.includes(row)).reduce((sum, { n }) => sum + n, 0);
    const rows = top.map(({ n, kind }) => ({ n, name: page.say(counted.kinds[kind]), chosen: kind === chosen.kind, choose: () => chooseKind(kind) }));
    return el("section", { className: "kinds" }, el("h2", {}, page.t("kinds")), charts.bars(page, rows, rest ? { name: page.t("other"), n: rest } : null));
  }

  function calendar() {
    if (counted.stepDays !== 1 || counted.days < 2) return null;
    const limits = limitsOf([...now.byStep]);
    const days = { first: counted.first, values: now.byStep, chosen: chosen.span === "day" ? chosen.at : -1, limits, colours: data.class_colours[Math.max(0, limits.length - 1)], none: data.none_colour, choose: chooseDay };
    const most = now.byStep.reduce((a, b) => Math.max(a, b), 0);
    return el("section", {}, el("h2", {}, page.t("calendar"), el("small", {}, page.language === "zh" ? `单日最多 ${page.format.whole(most)} 件` : `at most ${page.format.whole(most)} a day`)), charts.calendar(page, days));
  }

  /** Grids for the list: cores of hot spots first, because they have more than usual, then by number. */
  function most(cell) {
    const level = Math.min(3, Math.max(2, cell.level + 1)), core = (other) => Number(hotNow()?.cells[other.code] ?? 0);
    const cells = within(cell, level).filter((other) => value(other, "incidents") > 0).sort((a, b) => core(b) - core(a) || value(b, "incidents") - value(a, "incidents") || a.row - b.row).slice(0, 8);
    if (!cells.length || cell.level === 3) return null;
    const leader = (other) => other.columns.leader?.[other.row];
    const row = (other) => el("li", {}, el("button", { type: "button", onclick: () => page.go(other) },
      el("span", {}, other.name, leader(other) ? el("small", {}, ` ${page.language === "zh" ? "格长" : "leader"} ${leader(other)}`) : null), el("small", {}, hotWord(other) ? el("b", {}, `${hotWord(other)} · `) : null, page.format.whole(value(other, "incidents")))));
    return el("section", { className: "attention" }, el("h2", {}, page.t(cells.some(core) ? "most_core" : "most")), el("ul", {}, ...cells.map(row)));
  }

  function legend() {
    const { mode } = chosen;
    const same = chosen.span === "all" ? null : el("p", {}, page.t("same_scale"));
    return el("section", { className: "legend" }, el("h2", {}, mode === "density" ? page.t("unit_density") : page.t(mode)), mode === "density" ? ramp() : classList(), same, hotLegend());
  }

  function ramp() {
    const [clear, full] = data.fade, last = data.ramp.length - 1;
    const stops = data.ramp.map((colour, i) => svg("stop", { offset: i / last, "stop-color": colour, "stop-opacity": Math.min(1, Math.max(0, (i / last - clear) / (full - clear))) }));
    const top = isPart() && surface ? densityTop(surface.density(now.bySquare)) : picture.top;
    const kernel = data.bandwidth_m === null ? null : page.language === "zh" ? `影响半径 ${data.bandwidth_m} 米，不随地图缩放变化；街道边界处已作校正。` : `Kernel of ${data.bandwidth_m} m on the ground at any zoom; corrected at the outline.`;
    return el("div", {}, svg("svg", { class: "ramp", viewBox: "0 0 300 12", preserveAspectRatio: "none" }, svg("defs", {}, svg("linearGradient", { id: "ramp" }, ...stops)), svg("rect", { width: 300, height: 12, fill: "url(#ramp)" })),
      el("div", { className: "ticks" }, ...[0, top / 2, top].map((tick) => el("span", {}, page.format.decimal(tick, tick < 10 ? 2 : 0)))),
      kernel ? el("p", {}, kernel) : null, isPart() && !surface ? el("p", {}, page.t("no_density")) : null);
  }

  function classList() {
    const { limits, colours } = classes(page.viewLevel, chosen.mode), whole = chosen.mode === "incidents";
    const write = (v) => page.format.decimal(v, v < 10 ? 2 : 0);
    const items = limits.map((limit, i) => {
      const upper = limits[i + 1];
      const range = upper === undefined ? `≥ ${write(limit)}` : whole ? (upper - 1 > limit ? `${write(limit)}–${write(upper - 1)}` : write(limit)) : `${write(limit)} – < ${write(upper)}`;
      return el("li", {}, swatch(colours[i]), range);
    });
    return el("ul", { className: "classes" }, ...items.reverse(), el("li", {}, swatch(data.none_colour), page.t("no_cases")),
      page.levels[page.viewLevel].some((cell) => value(cell, chosen.mode) === null) ? el("li", {}, swatch("no-value"), page.t("no_value")) : null);
  }

  function hotLegend() {
    if (!data.hot || chosen.marks === "none") return null;
    const found = hotNow();
    if (!found) return el("p", {}, untested());
    const level = markedLevel(), text = found.notes[level], missed = level < page.viewLevel ? el("p", {}, page.t("hot_third")) : null;
    const note = text ? el("p", {}, page.say(text)) : null;
    if (!Object.keys(found.cells).length) return el("div", {}, note ?? el("p", {}, page.t("hot_none")), missed);
    const sign = (style) => svg("svg", { class: "swatch", viewBox: "0 0 22 15" }, svg("rect", { x: 2, y: 2, width: 18, height: 11, fill: "none", stroke: "#0a4f8f", ...style }));
    const entry = (style, key) => el("li", { className: "hot" }, sign(style), el("span", {}, page.t(key)));
    const entries = [entry({ "stroke-width": 3.6 }, "core_legend"), entry({ "stroke-width": 1.8, "stroke-dasharray": "5 4" }, "hot_legend")].slice(0, chosen.marks === "all" ? 2 : 1);
    return el("div", {}, el("ul", { className: "classes" }, ...entries), note, missed, el("p", {}, page.t("hot_usual")));
  }

  /* ---- the address ---- */

  /** Initial window of a span: the latest complete one, otherwise the last. */
  function lastWhole(span) {
    if (!SPANS.includes(span) || span === "all") return 0;
    const windows = counted.windows(span), at = windows.findLastIndex((window) => window.whole);
    return at < 0 ? windows.length - 1 : at;
  }

  function readAddress(address) {
    const kind = Number(address.get("kind") ?? -1), span = address.get("span") ?? usual.span, at = Number(address.get("window") ?? (address.get("span") ? lastWhole(span) : usual.at));
    chosen.mode = modes.includes(address.get("by")) ? address.get("by") : "density";
    chosen.kind = Number.isInteger(kind) && kind >= 0 && kind < counted.kinds.length ? kind : -1;
    const service = counted.services.findIndex(({ key }) => key === address.get("service"));
    if (service >= 0) chosen.kind = -2 - service;
    chosen.marks = ["all", "none"].includes(address.get("marks")) ? address.get("marks") : "core";
    chosen.span = SPANS.includes(span) ? span : "all";
    chosen.at = chosen.span !== "all" && Number.isInteger(at) && at >= 0 && at < counted.windows(chosen.span).length ? at : 0;
  }

  function writeAddress(address) {
    if (chosen.mode !== "density") address.set("by", chosen.mode);
    if (chosen.marks !== "core") address.set("marks", chosen.marks);
    if (chosen.kind >= 0) address.set("kind", String(chosen.kind));
    if (chosen.kind < -1) address.set("service", counted.services[-2 - chosen.kind].key);
    if (chosen.span !== usual.span || chosen.at !== usual.at) {
      address.set("span", chosen.span);
      if (chosen.span !== "all") address.set("window", String(chosen.at));
    }
    count(); // the page will be drawn for the state in the address
  }

  addPattern("no-value", { size: 7, ground: "#f4f4f2", ink: "#6f7479", path: "M2.5 3.5a1 1 0 1 0 2 0a1 1 0 1 0 -2 0" });
  return page.start({
    texts, style, label, tip, record, controls, painted, readAddress, writeAddress,
    filled: () => chosen.mode !== "density",
    panel: () => [summary(page.at), most(page.at), wangge.againstBefore(page, { counted, chosen, kinds: counted.kinds, go: (cell) => page.go(cell) }), kinds(), calendar()],
    legend,
  });
};
