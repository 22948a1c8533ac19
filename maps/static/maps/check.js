"use strict";
/* The map of a check: findings on the map and in a list by severity, with buttons that zoom to them. */
wangge.startCheck = (map) => {
  const { decodeLine, decodePoint, decodeShape, drawTop, el, formatter, keepSheet, remark, svg } = wangge;
  const data = wangge.payload(), { findings, kinds, families, frame } = data;
  const SIGNS = 400; // maximum number of signs on the map; further findings are drawn without
  const LISTED = 300;
  const SEVERITY = { error: { zh: "错误", en: "error" }, warning: { zh: "提示", en: "warning" }, allowed: { zh: "允许", en: "allowed" } };
  const texts = {
    fine: { zh: "未发现问题", en: "No findings" },
    warnings: { zh: "只有提示，没有错误", en: "Warnings only, no errors" },
    faults: { zh: "存在错误", en: "There are errors" },
    kinds: { zh: "问题类型", en: "Kinds of finding" },
    list: { zh: "问题清单", en: "Findings" },
    worst: { zh: "按严重程度排列", en: "the worst first" },
    all: { zh: "全部显示", en: "Show all" },
    whole: { zh: "全图", en: "Whole map" },
    nowhere: { zh: "无位置", en: "no place" },
    area: { zh: "面积", en: "area" },
    width: { zh: "宽", en: "width" },
    levels: { zh: "检查的图层", en: "Layers checked" },
    cells: { zh: "网格", en: "cells" },
    covered: { zh: "覆盖", en: "covered" },
    bare: { zh: "未覆盖", en: "bare" },
    twice: { zh: "重叠", en: "overlap" },
    previous: { zh: "上一处", en: "Previous" },
    next: { zh: "下一处", en: "Next" },
    code: { zh: "涉及网格", en: "Cells" },
    todo: { zh: "处理建议", en: "What to do" },
    table: { zh: "下载清单", en: "Download" },
    kind: { zh: "问题", en: "Finding" },
    severity: { zh: "等级", en: "Severity" },
    layer: { zh: "图层", en: "Layer" },
    area_m2: { zh: "面积（平方米）", en: "Area (m²)" },
    width_m: { zh: "宽（米）", en: "Width (m)" },
    lon: { zh: "经度", en: "Longitude" },
    lat: { zh: "纬度", en: "Latitude" },
    text: { zh: "说明", en: "Explanation" },
    names: { zh: "网格名称", en: "Names" },
    causes: { zh: "按原因归类", en: "findings grouped by cause" },
  };
  const page = { map, data, language: "zh", hidden: new Set(), at: -1, speak };
  page.backLayer = L.layerGroup().addTo(map);
  page.street = { latlngs: data.outline && data.grids ? data.outline.map((shape) => decodeShape(shape, frame)).flat(1) : [] };
  const format = formatter(page), t = (key) => texts[key][page.language], say = (text) => text[page.language];
  const all = findings.kind.map((_, i) => i), shown = () => all.filter((i) => !page.hidden.has(findings.kind[i]));

  const nameOf = (code) => (page.language === "en" ? data.names_en : data.names)[code];
  /** Replace codes of cells in a text by their names, and the commas of Chinese in an English one. */
  const named = (text) => {
    const found = text.replace(/\d{9,}/g, (code) => nameOf(code) ?? code);
    return page.language === "en" ? found.replaceAll("、", ", ") : found;
  };
  const LAYERS = Object.fromEntries(data.levels.map((level) => [level.name.en, level.name]));

  /* ---- drawing ---- */

  const panes = [["ground", 210], ["buildings", 220], ["lines", 230], ["cells", 400], ["shapes", 420], ["chosen", 440], ["roadnames", 445], ["labels", 450], ["signs", 600]];
  for (const [name, z] of panes) map.createPane(name).style.zIndex = z;
  for (const name of ["ground", "buildings", "lines", "cells", "chosen", "roadnames", "labels"]) map.getPane(name).style.pointerEvents = "none";
  const layer = L.layerGroup().addTo(map), groundLayer = L.layerGroup().addTo(map), chosenLayer = L.layerGroup().addTo(map);
  page.labelLayer = new wangge.LabelLayer(map);
  const painters = (page.painters = new wangge.Painters([["ground", "buildings", "lines", "cells"], ["shapes"]]));
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);

  function drawGround() {
    const fillOpacity = data.background ? 0 : 1;
    groundLayer.clearLayers();
    const add = (shape, grids, style) => wangge.polygon(decodeShape(shape, grids), painters.style("cells", style)).addTo(groundLayer);
    if (data.background) wangge.drawBackground(page);
    (page.cells ??= data.cells ? wangge.unpackShapes(data.cells) : []).forEach((shape) => add(shape, frame, { color: "#9aa5ad", weight: 0.7, fillColor: "#fbfaf7", fillOpacity }));
    for (const border of [...data.borders].reverse()) {
      (border.shapes ??= wangge.unpackShapes(border.shape)).forEach((shape) => add(shape, data.grids, { fill: false, color: border.level === 1 ? "#33414d" : "#5a6670", weight: border.level === 1 ? 2 : 1.1 }));
    }
    data.outline?.forEach((shape) => add(shape, frame, { color: "#1d2a35", weight: 2.4, fill: !data.cells, fillColor: "#fbfaf7", fillOpacity }));
  }

  /** Names of communities, of second-level grids where there is room, and of roads. */
  function drawNames() {
    page.labels = new wangge.Labels(page.labelLayer);
    const metre = map.options.crs.scale(map.getZoom()) / (40075016.7 * Math.cos((map.getCenter().lat * Math.PI) / 180));
    for (const border of data.borders) border.name.forEach((name, i) => {
      const room = border.radius[i] * metre, at = decodePoint(border.centre[i], data.grids), point = map.latLngToContainerPoint(at);
      if (!name || (border.level > 1 && room < 34)) return;
      const place = page.labels.take(point, page.labels.measure([name]), border.level === 1 ? Math.max(room * 1.3, 26) : 0);
      if (place) page.labels.write("labels", at, "label", wangge.Labels.lines([name], { quiet: border.level === 1, dx: place.x - point.x, dy: place.y - point.y }));
    });
    if (data.background) wangge.drawRoadNames(page);
    page.labels.show();
  }

  /** The shapes of a finding, in a style; areas, lines and single points. */
  function shapesOf(i, style) {
    const made = [];
    if (findings.areas[i].length) made.push(wangge.polygon(findings.areas[i].map((part) => part.map((ring) => decodeLine(ring, frame))), { fillOpacity: 0.45, ...style }));
    if (findings.lines[i].length) made.push(wangge.polyline(findings.lines[i].map((line) => decodeLine(line, frame)), { ...style, fill: false, weight: (style.weight ?? 2) + 1.5 }));
    for (const point of findings.points[i]) made.push(L.circleMarker(decodePoint(point, frame), { radius: 4.5, fillOpacity: 0.9, ...style }));
    return made;
  }

  function signIcon(i) {
    const kind = kinds[findings.kind[i]];
    return L.divIcon({ className: "sign", iconSize: [24, 24], iconAnchor: [12, 12], html: signSvg(kind, findings.severity[i]) });
  }

  const signSvg = (kind, severity = "error") => svg("svg", { viewBox: "-13 -13 26 26", class: "badge", "aria-hidden": "true" },
    svg("path", { d: data.shapes[kind.shape], fill: severity === "error" ? kind.colour : "#ffffff", stroke: severity === "error" ? "#ffffff" : kind.colour, "stroke-width": severity === "error" ? 1.4 : 2.2 }),
    svg("text", { x: kind.shape === "tag" ? -1.5 : 0, y: kind.shape === "triangle" ? 7 : 4, "text-anchor": "middle", fill: severity === "error" ? "#ffffff" : kind.colour }, say(kind.mark)));

  function drawFindings() {
    layer.clearLayers();
    const rows = shown();
    // The most severe are drawn last, on top.
    for (const i of [...rows].reverse()) {
      for (const shape of shapesOf(i, { ...painters.style("shapes"), interactive: true, color: kinds[findings.kind[i]].colour, weight: 1.6 })) {
        shape.on("click", () => go(i));
        shape.bindTooltip(() => tip(i), { sticky: true, className: "tip", opacity: 1 });
        shape.addTo(layer);
      }
    }
    let signs = 0;
    for (const i of rows) {
      if (!findings.at[i] || signs++ >= SIGNS) continue;
      L.marker(decodePoint(findings.at[i], frame), { icon: signIcon(i), pane: "signs", keyboard: false, zIndexOffset: -i }).on("click", () => go(i)).bindTooltip(() => tip(i), { className: "tip", opacity: 1 }).addTo(layer);
    }
  }

  const tip = (i) => el("div", {}, el("b", {}, say(kinds[findings.kind[i]].name)), el("div", {}, named(findings[page.language][i])), el("div", {}, measure(i)));

  function measure(i) {
    const parts = [], { area_m2: area, width_m: width } = findings;
    if (area[i]) parts.push(`${t("area")} ${area[i] >= 100 ? format.whole(area[i]) : format.decimal(area[i], 3)} m²`);
    if (width[i]) parts.push(`${t("width")} ${width[i] < 1 ? `${format.decimal(width[i] * 100, 1)} cm` : `${format.decimal(width[i], 1)} m`}`);
    return parts.join(" · ");
  }

  /* ---- going to a finding ---- */

  function fit(animate = false) {
    wangge.lookAt(map, data.bounds, { padding: [20, 20], animate });
    if (painters.onPaper) wangge.roundScale(map);
  }

  function go(i) {
    page.at = i;
    chosenLayer.clearLayers();
    if (i < 0) fit(); else if (findings.bounds[i]) {
      const [west, south, east, north] = findings.bounds[i];
      wangge.lookAt(map, [[south, west], [north, east]], { padding: [160, 160], maxZoom: 22 });
      for (const shape of shapesOf(i, { pane: "chosen", renderer: L.svg({ pane: "chosen" }), interactive: false, color: "#10202c", weight: 2.6, fillOpacity: 0 })) shape.addTo(chosenLayer);
    }
    writeAddress();
    drawPanel();
  }

  function step(by) {
    const rows = shown();
    if (rows.length) go(rows[(rows.indexOf(page.at) + by + rows.length + (page.at < 0 && by < 0 ? 1 : 0)) % rows.length]);
  }

  /* ---- panel ---- */

  function verdict() {
    const key = data.total === 0 ? "fine" : data.ok ? "warnings" : "faults";
    return el("section", { className: `outcome ${key}` }, el("p", { className: "big" }, el("b", {}, format.whole(data.total)), el("span", {}, t(key))));
  }

  function toDo() {
    const { first, more, count } = data.todo;
    if (!first.length) return null;
    const entry = (group, k) => el("li", {}, el("button", { type: "button", id: `todo-${k}`, onclick: () => go(all.find((i) => findings.cause[i] === group.cause && findings.layer[i] === group.layer && findings.severity[i] === group.severity) ?? -1) },
      el("span", {}, el("b", {}, [say(SEVERITY[group.severity]), group.where && say(group.where)].filter(Boolean).join(" · ")), el("em", {}, named(say(group.text))))));
    return el("section", { className: "attention todo" }, el("h2", {}, t("todo"), el("small", {}, t("causes"))), el("ul", {}, ...first.map(entry)),
      more > 0 ? el("p", { className: "cut" }, page.language === "zh" ? `另有 ${format.whole(more)} 类共 ${format.whole(count)} 处。` : `${format.whole(more)} more ${more === 1 ? "cause" : "causes"} with ${format.whole(count)} ${count === 1 ? "finding" : "findings"}.`) : null);
  }

  function levels() {
    const head = el("tr", {}, el("td", {}), ...["cells", "covered", "bare", "twice"].map((key) => el("th", { scope: "col" }, t(key))));
    const m2 = (value) => (value ? `${value >= 100 ? format.whole(value) : format.decimal(value, 2)} m²` : "0");
    const rows = data.levels.map((level) => el("tr", {}, el("th", { scope: "row" }, say(level.name)), el("td", {}, format.whole(level.cells)), el("td", {}, level.covered ?? "–"), el("td", {}, level.covered === null ? "–" : m2(level.uncovered_m2)), el("td", {}, m2(level.overlap_m2))));
    return el("section", { className: "levels" }, el("h2", {}, t("levels")), el("table", {}, el("tbody", {}, head, ...rows)));
  }

  function kindList() {
    const names = Object.keys(kinds);
    if (!names.length) return null;
    const count = (name) => all.filter((i) => findings.kind[i] === name).length;
    const groups = Object.entries(families).map(([key, family]) => [family, names.filter((name) => kinds[name].family === key)]).filter(([, members]) => members.length);
    const box = (name) => el("li", {}, el("label", {}, el("input", { type: "checkbox", id: `kind-${name}`, checked: !page.hidden.has(name), onchange: (event) => toggle(name, event.target.checked) }),
      signSvg(kinds[name]), el("span", {}, say(kinds[name].name)), el("small", {}, format.whole(count(name)))));
    return el("section", { className: "legend" }, el("h2", {}, t("kinds")), ...groups.flatMap(([family, members]) => [el("h3", {}, say(family.name)), el("ul", { className: "kindlist" }, ...members.map(box))]));
  }

  function toggle(name, on) {
    if (on) page.hidden.delete(name); else page.hidden.add(name);
    if (page.at >= 0 && page.hidden.has(findings.kind[page.at])) { page.at = -1; chosenLayer.clearLayers(); }
    writeAddress();
    drawFindings();
    drawPanel();
  }

  /** The findings in view as rows, the first of which is the heading. */
  function table() {
    const head = ["kind", "severity", "layer", "code", "names", "area_m2", "width_m", "lon", "lat", "text"].map(t);
    const rows = shown().map((i) => {
      const at = findings.at[i] ? decodePoint(findings.at[i], frame) : null, codes = findings.cells[i], { [findings.layer[i]]: layer } = LAYERS;
      return [say(kinds[findings.kind[i]].name), say(SEVERITY[findings.severity[i]]), layer ? say(layer) : findings.layer[i], codes.join(" "), codes.map((code) => nameOf(code) ?? "").filter(Boolean).join(" "),
        findings.area_m2[i], findings.width_m[i], at && Number(at[1].toFixed(8)), at && Number(at[0].toFixed(8)), findings[page.language][i]];
    });
    return [head, ...rows];
  }

  function list() {
    const rows = shown();
    if (!rows.length) return null;
    const entry = (i) => el("li", {}, el("button", { type: "button", id: `finding-${i}`, className: i === page.at ? "chosen" : "", "aria-current": String(i === page.at), onclick: () => go(i) },
      signSvg(kinds[findings.kind[i]], findings.severity[i]),
      el("span", {}, el("b", {}, say(kinds[findings.kind[i]].name)), el("em", {}, named(findings[page.language][i])), el("small", {}, [say(SEVERITY[findings.severity[i]]), measure(i), findings.at[i] ? "" : t("nowhere")].filter(Boolean).join(" · ")))));
    const listed = rows.slice(0, LISTED);
    if (page.at >= 0 && !listed.includes(page.at)) listed.push(page.at);
    const steps = el("nav", { className: "steps", "aria-label": t("list") }, el("button", { type: "button", id: "previous", onclick: () => step(-1) }, `‹ ${t("previous")}`), el("button", { type: "button", id: "next", onclick: () => step(1) }, `${t("next")} ›`),
      el("button", { type: "button", id: "whole", onclick: () => go(-1) }, t("whole")));
    const more = rows.length - listed.length;
    return el("section", { className: "attention findings" }, el("h2", {}, t("list"), el("small", {}, t("worst"))), steps, el("ul", {}, ...listed.map(entry)),
      el("nav", { className: "steps table", "aria-label": t("table") }, el("span", {}, t("table")), ...wangge.share.tableButtons(data.title.zh, table),
        el("span", {}, wangge.share.pictureLabel[page.language]), ...wangge.share.pictureButtons(page, data.title.zh)),
      more > 0 ? el("p", { className: "cut" }, page.language === "zh" ? `另有 ${format.whole(more)} 处，可按类型筛选。` : `${format.whole(more)} more: choose kinds to see them.`) : null);
  }

  function drawPanel() {
    const panel = document.getElementById("panel"), active = document.activeElement?.id, top = panel.scrollTop, listTop = panel.querySelector(".findings ul")?.scrollTop ?? 0;
    panel.replaceChildren(...[verdict(), toDo(), levels(), list(), kindList(), remark(page)].filter(Boolean));
    panel.scrollTop = top;
    const ul = panel.querySelector(".findings ul");
    if (ul) ul.scrollTop = listTop;
    if (active) document.getElementById(active)?.focus({ preventScroll: true });
    if (page.at >= 0) {
      const chosen = document.getElementById(`finding-${page.at}`);
      // Scroll the list only, not the panel.
      if (ul && chosen && (chosen.offsetTop < ul.scrollTop + ul.offsetTop || chosen.offsetTop + chosen.offsetHeight > ul.scrollTop + ul.offsetTop + ul.clientHeight)) ul.scrollTop = chosen.offsetTop - ul.offsetTop - 30;
    }
  }

  /* ---- the page ---- */

  function readAddress() {
    const address = new URLSearchParams(location.hash.slice(1)), at = Number(address.get("finding") ?? 0) - 1;
    page.language = address.get("lang") === "en" ? "en" : "zh";
    page.hidden = new Set((address.get("hide") ?? "").split(" ").filter((name) => name in kinds));
    page.at = shown().includes(at) ? at : -1;
  }

  function writeAddress() {
    const address = new URLSearchParams();
    if (page.language !== "zh") address.set("lang", page.language);
    if (page.at >= 0) address.set("finding", String(page.at + 1));
    if (page.hidden.size) address.set("hide", [...page.hidden].sort().join(" "));
    wangge.paperInto(address);
    const hash = `#${address}`;
    // The browser's Back button undoes the choice of a finding and of a kind.
    if (document.documentElement.dataset.ready === "yes" && hash.slice(1) !== location.hash.slice(1)) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  }

  function show() {
    drawTop(page);
    drawFindings();
    go(page.at);
  }
  function speak(language) {
    page.language = language;
    writeAddress();
    drawTop(page);
    drawFindings();
    drawPanel();
  }

  readAddress();
  drawTop(page);
  map.invalidateSize({ animate: false });
  fit();
  drawGround();
  show();
  map.on("moveend", drawNames);
  drawNames();
  addEventListener("keydown", (event) => { if (event.key === "Escape" && page.at >= 0) go(-1); });
  addEventListener("hashchange", () => { readAddress(); show(); });
  keepSheet(page, (on) => {
    painters.turn(on);
    layer.clearLayers();
    map.options.zoomSnap = on ? 0 : 0.25;
    drawGround();
    show();
  });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  document.documentElement.dataset.ready = "yes";
  return page;
};
