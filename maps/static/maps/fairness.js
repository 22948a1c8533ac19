"use strict";
/* The fairness map: every grid compared with the mean of its siblings, with the tolerance and the proven bound, optionally next to an old division. */
wangge.startFairness = (map) => {
  const { Page, el, readCells, shortName, svg, swatch, within } = wangge;
  const data = wangge.payload(), page = new Page(map, data), names = Object.keys(data.measures);
  let measure = names[0];

  const texts = {
    workload: { zh: "工作量", en: "Workload" },
    population: { zh: "人口", en: "Residents" },
    households: { zh: "户数", en: "Households" },
    units: { zh: "单位商户", en: "Shops and offices" },
    area_m2: { zh: "面积", en: "Area" },
    measure: { zh: "比较内容", en: "Compare by" },
    within: { zh: "在允许偏差以内", en: "within tolerance" },
    tolerance: { zh: "允许偏差", en: "Tolerance" },
    worst: { zh: "最大偏差", en: "Largest" },
    bound: { zh: "理论下限", en: "Proven bound" },
    off: { zh: "与同级均值之差", en: "Off the mean of its siblings" },
    less: { zh: "低于均值", en: "below" },
    more: { zh: "高于均值", en: "above" },
    spread: { zh: "各社区网格的偏差", en: "Grids by community" },
    spread_street: { zh: "各社区的偏差", en: "Communities" },
    largest: { zh: "偏差最大的网格", en: "Farthest from the mean" },
    before: { zh: "旧方案", en: "Old" },
    now: { zh: "新方案", en: "New" },
    bound_note: { zh: "竖线为理论下限：在不拆分三级网格的前提下，任何划分都不会更均衡。", en: "Upright marks: no division of the same third-level grids can be more even." },
    off_unit: { zh: "与均值之差（%）", en: " off the mean (%)" },
    tolerance_unit: { zh: "允许偏差（%）", en: "Tolerance (%)" },
    leader_column: { zh: "格长编号", en: "Leader (staff no.)" },
    none: { zh: "无数据", en: "no value" },
  };

  /* ---- values ---- */

  const tolerance = (level) => data.tolerances[level];
  const shares = (measures, level) => measures[measure]?.[level];
  const off = (cell) => shares(cell.old ? data.old.measures : data.measures, cell.level)?.[cell.row] ?? null;
  const classOf = (share, level) => {
    const limit = tolerance(level);
    if (Math.abs(share) <= limit + 1e-9) return 2;
    return share < 0 ? (share < -data.far * limit ? 0 : 1) : share > data.far * limit ? 4 : 3;
  };
  const colour = (cell) => (off(cell) === null ? "#ffffff" : data.colours[classOf(off(cell), cell.level)]);
  const percent = (share, digits = 0) => (share === null ? "–" : `${share > 0 ? "+" : share < 0 ? "−" : ""}${page.format.decimal(Math.abs(100 * share), digits)}%`);
  const plain = (share) => `${page.format.decimal(100 * share, 1)}%`;

  function style(cell, muted) {
    const base = { color: ["", "#3d4a55", "#5a6670", "#8a939a"][cell.level], weight: [0, 1.6, 1, 0.4][cell.level] };
    return muted ? { ...base, fillColor: "#ffffff", fillOpacity: 0.55, color: "#8a949c" } : { ...base, fillColor: colour(cell), fillOpacity: page.onPaper ? 0.78 : 0.88 };
  }

  function label(cell, room) {
    const share = off(cell), number = percent(share), needed = share !== null && classOf(share, cell.level) !== 2;
    if (cell.level === 1) return { lines: [cell.name, number], short: [cell.name], plate: true };
    if (cell.level === 2) return room > 30 ? { lines: [shortName(cell), number], short: [number], needed } : room > 13 && needed ? { lines: [number] } : null;
    return room > 19 ? { lines: [number] } : null;
  }

  const tip = (cell) => [`${page.t(measure)} ${percent(off(cell), 1)}`, `${page.t("tolerance")} ±${plain(tolerance(cell.level))}`];

  /** Values of a cell for the table, by heading: deviation by each measure, in percent. */
  function record(cell) {
    const shareOf = (name) => data.measures[name]?.[cell.level]?.[cell.row] ?? null, rounded = (share) => (share === null ? null : Number((100 * share).toFixed(2)));
    return { ...Object.fromEntries(names.map((name) => [`${page.t(name)}${page.t("off_unit")}`, rounded(shareOf(name))])), [page.t("tolerance_unit")]: rounded(tolerance(cell.level)), [page.t("leader_column")]: cell.columns.leader?.[cell.row] ?? null };
  }

  /* ---- panel ---- */

  const sides = () => [[page.t("now"), page.levels, false], ...(old ? [[page.t("before"), old.levels, true]] : [])];
  const inside = (cells) => cells.filter((cell) => { for (let c = cell; c; c = c.parent) if (c.code === page.at.code) return true; return page.at.level < 1; });

  function figures() {
    const level = page.viewLevel, rows = sides().map(([name, levels]) => {
      const values = inside(levels[level]).map(off).filter((value) => value !== null), fine = values.filter((value) => classOf(value, level) === 2).length;
      return { name, n: values.length, fine, worst: values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
    });
    const first = rows[0];
    return el("section", { className: "evenness" }, el("h2", {}, page.t(measure)),
      el("p", { className: "big" }, el("b", {}, page.format.share(first.fine, first.n)), el("span", {}, `${page.t("within")} ±${plain(tolerance(level))} · ${first.fine} / ${first.n}`)),
      el("table", {}, el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col" }, page.t("within")), el("th", { scope: "col" }, page.t("worst")))),
        el("tbody", {}, ...rows.map((row) => el("tr", {}, el("th", { scope: "row" }, old ? row.name : page.levelName(level)), el("td", {}, `${row.fine} / ${row.n}`), el("td", {}, plain(row.worst)))))));
  }

  /** One line for each parent, a dot for each grid; the tolerance as a band, the bound as upright marks, the old grids hollow. */
  function spread() {
    const level = page.viewLevel, groups = level === 1 ? [page.street] : page.levels[1].filter((cell) => page.at.level < 1 || cell === page.at || within(cell, 3).includes(page.at) || cell === page.at.parent);
    const all = sides().flatMap(([, levels]) => levels[level].map(off)).filter((value) => value !== null).map(Math.abs).sort((a, b) => a - b);
    const reach = Math.max(2 * tolerance(level), Math.min(all[Math.floor(0.98 * (all.length - 1))] ?? 0, 2) * 1.1);
    // Names are whole: the column is as wide as the longest one, up to half of the chart, and longer ones are set narrower.
    const nameOf = (group) => (level === 1 ? page.nameOf(group) : shortName(group)), lengthOf = (text) => [...text].reduce((sum, sign) => sum + (sign > "\u2e80" ? 12 : 6.8), 0);
    const width = 320, left = Math.min(150, Math.max(84, ...groups.map((group) => lengthOf(nameOf(group)) + 12))), middle = left + (width - left) / 2, half = (width - left) / 2 - 6, line = old ? 22 : 17, top = 4;
    const x = (share) => middle + (half * Math.max(-1, Math.min(1, share / reach)));
    const rows = groups.map((group, i) => {
      const y = top + line * (i + 0.5), marks = [], bound = level === 2 && measure === "workload" ? data.bounds?.[group.code]?.bound : null;
      for (const [, levels, isOld] of sides()) {
        const own = levels[1].find((cell) => cell.code === group.code), cells = level === 1 ? levels[1] : own ? within(own, level) : [];
        for (const cell of cells) if (off(cell) !== null) marks.push(svg("circle", { class: isOld ? "dot old" : "dot", cx: x(off(cell)).toFixed(1), cy: isOld ? y + 4.5 : old ? y - 4 : y, r: 3, fill: isOld ? "none" : classOf(off(cell), level) === 2 ? "#7f8f86" : colour(cell) }));
      }
      if (bound > 0) for (const side of [-1, 1]) marks.push(svg("path", { class: "bound", d: `M${x(side * bound).toFixed(1)} ${y - 7}v14` }));
      const squeezed = lengthOf(nameOf(group)) > left - 12 ? { textLength: left - 12, lengthAdjust: "spacingAndGlyphs" } : {};
      const name = svg("text", { x: left - 8, y: y + 4, "text-anchor": "end", ...squeezed }, nameOf(group));
      return svg("g", {}, svg("path", { class: "row", d: `M${left} ${y}H${width}` }), name, ...marks);
    });
    const bottom = top + line * groups.length;
    const near = x(tolerance(level)) - middle > 34 ? [-tolerance(level), tolerance(level)] : [];
    const ticks = [-reach, 0, reach, ...near].map((share) => svg("text", { x: x(share), y: bottom + 14, "text-anchor": share === -reach ? "start" : share === reach ? "end" : "middle" }, percent(share)));
    const band = svg("rect", { class: "band", x: x(-tolerance(level)), y: top, width: x(tolerance(level)) - x(-tolerance(level)), height: bottom - top });
    const chart = svg("svg", { class: "spread", viewBox: `0 0 ${width} ${bottom + 20}`, role: "img", "aria-label": page.t("off") }, band, svg("path", { class: "zero", d: `M${middle} ${top}V${bottom}` }), ...rows, ...ticks);
    const key = old ? el("p", {}, `● ${page.t("now")}　○ ${page.t("before")}`) : null;
    const note = level === 2 && measure === "workload" && Object.values(data.bounds ?? {}).some((one) => one.bound > 0) ? el("p", {}, page.t("bound_note")) : null;
    return el("section", { className: "legend" }, el("h2", {}, page.t(level === 1 ? "spread_street" : "spread")), chart, key, note);
  }

  function farthest() {
    const cells = inside(page.levels[page.viewLevel]).filter((cell) => off(cell) !== null && classOf(off(cell), cell.level) !== 2).sort((a, b) => Math.abs(off(b)) - Math.abs(off(a)));
    if (!cells.length) return null;
    return el("section", { className: "attention" }, el("h2", {}, page.t("largest"), el("small", {}, page.format.whole(cells.length))),
      el("ul", {}, ...cells.slice(0, page.onPaper ? cells.length : 40).map((cell) => el("li", {}, el("button", { type: "button", id: `grid-${cell.code}`, onclick: () => page.go(cell) }, swatch(colour(cell)), el("span", {}, cell.name), el("small", {}, percent(off(cell), 1)))))));
  }

  function legend() {
    const limit = tolerance(page.viewLevel), far = plain(data.far * limit), near = plain(limit);
    const steps = [[`< −${far}`, 0], [`−${far} – −${near}`, 1], [`±${near}`, 2], [`+${near} – +${far}`, 3], [`> +${far}`, 4]];
    return el("section", { className: "legend" }, el("h2", {}, `${page.t(measure)}：${page.t("off")}`.replace("：", page.language === "zh" ? "：" : ": ")), el("ul", { className: "classes row wide" }, ...steps.map(([text, i]) => el("li", {}, swatch(data.colours[i]), text))));
  }

  function controls() {
    const select = el("select", { id: "measure", onchange: (event) => { measure = event.target.value; page.recolour(true); } }, ...names.map((name) => el("option", { value: name, selected: name === measure }, page.t(name))));
    return el("div", { className: "choices" }, el("label", {}, el("span", {}, page.t("measure")), select));
  }

  /* ---- the old division next to the new one ---- */

  let old = null;
  function makeOld() {
    const frame = el("div", { id: "old", role: "region" });
    document.querySelector(".folium-map").after(frame);
    document.body.classList.add("compared");
    const beside = L.map(frame, { zoomControl: false, attributionControl: false, zoomSnap: 0, keyboard: false });
    for (const [name, z] of [["cells", 400], ["outline", 430]]) beside.createPane(name).style.zIndex = z;
    const levels = readCells(data.old.grids);
    for (const cell of levels.flat()) cell.old = true;
    map.invalidateSize({ animate: false });
    beside.setView(map.getCenter(), map.getZoom(), { animate: false });
    let moving = false;
    const follow = (from, to) => from.on("move", () => { if (moving) return; moving = true; to.setView(from.getCenter(), from.getZoom(), { animate: false }); moving = false; });
    follow(map, beside);
    follow(beside, map);
    return { map: beside, levels, layer: L.layerGroup().addTo(beside), painters: new wangge.Painters([["cells", "outline"]]), title: el("p", { className: "side" }), frame };
  }

  function drawOld() {
    if (!old) return;
    old.layer.clearLayers();
    old.map.invalidateSize({ animate: false });
    const { painters } = old, onPaper = Boolean(page.onPaper);
    if (onPaper !== Boolean(painters.onPaper)) painters.turn(onPaper);
    for (const cell of inside(old.levels[page.viewLevel])) {
      const shape = wangge.polygon(cell.latlngs, painters.style("cells", { ...style(cell, false), fillOpacity: 0.88, interactive: true, apart: true })).addTo(old.layer);
      shape.bindTooltip(() => el("div", {}, el("b", {}, cell.name), ...tip(cell).map((line) => el("div", {}, line))), { sticky: true, direction: "top", className: "tip", opacity: 1 });
    }
    if (page.viewLevel > 1) wangge.polygon(old.levels[1].flatMap((cell) => cell.latlngs), painters.style("outline", { fill: false, weight: 2, color: "#33414d" })).addTo(old.layer);
    old.title.textContent = page.t("before");
    old.frame.setAttribute("aria-label", page.t("before"));
    if (!old.title.isConnected) old.frame.append(old.title);
    old.map.setView(map.getCenter(), map.getZoom(), { animate: false });
  }

  if (data.old) {
    old = makeOld();
    page.besides = old.map;
  }
  return page.start({ usualLevel: 2, texts, style, label, tip, record, legend, controls, panel: () => [figures(), spread(), farthest()], painted: drawOld,
    readAddress: (address) => { measure = names.includes(address.get("by")) ? address.get("by") : names[0]; },
    writeAddress: (address) => { if (measure !== names[0]) address.set("by", measure); } });
};
