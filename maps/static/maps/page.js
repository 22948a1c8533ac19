"use strict";
/* A page of nested cells: navigation between levels, the panel, the labels. The state is in the address after '#', so a view can be linked. */
Object.assign(wangge, (() => {
  const { decodePoint, decodeShape, drawTop, el, formatter, keepSheet, paintAsLines, paintOnCanvas, remark } = wangge;

  const LEVELS = [
    { zh: "街道", en: "Street" },
    { zh: "社区", en: "Community" },
    { zh: "二级网格", en: "Second-level grid" },
    { zh: "三级网格", en: "Third-level grid" },
  ];
  const PLURAL = ["streets", "communities", "second-level grids", "third-level grids"];
  const TABS = ["", "Community", "Second level", "Third level"];

  const TEXTS = {
    whole: { zh: "全街道", en: "Whole street" },
    all: { zh: "全部网格", en: "All grids" },
    area: { zh: "面积", en: "Area" },
    population: { zh: "人口", en: "Residents" },
    households: { zh: "户数", en: "Households" },
    units: { zh: "单位商户", en: "Shops and offices" },
    buildings: { zh: "楼栋", en: "Buildings" },
    leader: { zh: "格长编号", en: "Leader (staff no.)" },
    code: { zh: "网格编码", en: "Grid code" },
    official: { zh: "街道干部", en: "street official" },
    community_worker: { zh: "社区工作者", en: "community worker" },
    level: { zh: "显示层级", en: "Level shown" },
    up: { zh: "返回上一级", en: "Up one level" },
  };

  /** One cell: its place in the columns of its level, its parent and its children. The shape is decoded when first drawn. */
  class Cell {
    constructor(level, row, columns, grids, parent) {
      Object.assign(this, { level, row, columns, grids, parent, children: [], code: columns.code[row], radius: columns.radius[row] });
      this.chinese = columns.name[row] || this.code;
      parent?.children.push(this);
    }

    /** The name in the language of the page. */
    get name() { return Cell.english ? this.english : this.chinese; }

    get english() {
      const above = this.parent;
      if (this.columns.name_en) return this.columns.name_en[this.row] || this.code;
      return above && this.chinese.startsWith(above.chinese) ? above.english + this.chinese.slice(above.chinese.length) : this.chinese;
    }

    get latlngs() { return (this.shape ??= decodeShape((this.columns.shapes ??= wangge.unpackShapes(this.columns.shape))[this.row], this.grids)); }
    get centre() { return decodePoint(this.columns.centre[this.row], this.grids); }
  }

  /** Cells of all levels, a list for each. A level may be missing; then the parents are those of the next level above. */
  function readCells(grids) {
    const levels = [];
    grids.levels.forEach((columns, level) => {
      const above = levels.findLast((cells) => cells.length) ?? [];
      levels.push(columns.code.map((_, row) => new Cell(level, row, columns, grids, above[columns.parent[row]] ?? null)));
    });
    return levels;
  }

  /** Cells of `level` that lie in `cell`; the cell itself if it is of that level. */
  function within(cell, level) {
    return cell.level >= level ? [cell] : cell.children.flatMap((child) => within(child, level));
  }

  /** A name without the name of its parent. */
  function shortName(cell) {
    const above = cell.parent?.name;
    const rest = above && cell.name.startsWith(above) ? cell.name.slice(above.length) : cell.name;
    return rest.replace(/^[-\s·]+/, "") || cell.name;
  }

  class Page {
    /**
     * theme: { style(cell, muted), label(cell, room), tip(cell), panel(), legend(), texts, controls?(), painted?(), filled?(),
     *          readAddress?(address), writeAddress?(address) }
     */
    constructor(map, data) {
      this.map = map;
      this.data = data;
      this.levels = readCells(data.grids);
      this.street = this.levels[0][0];
      this.offered = [1, 2, 3].filter((level) => this.levels[level].length);
      this.byCode = new Map(this.levels.flat().map((cell) => [cell.code, cell]));
      this.at = this.street;
      this.inView = [];
      this.usual = this.offered[0];
      this.chosen = this.usual;
      this.language = "zh"; // the accessor below notifies the cells
      this.format = formatter(this);
      this.texts = TEXTS;
    }

    get language() { return this.spoken; }

    set language(language) {
      this.spoken = language;
      Cell.english = language === "en";
    }

    start(theme) {
      const { zoomSnap } = this.map.options;
      this.theme = theme;
      if (this.offered.includes(theme.usualLevel)) this.chosen = this.usual = theme.usualLevel;
      this.texts = { ...TEXTS, ...theme.texts };
      this.readAddress();
      drawTop(this);
      this.map.invalidateSize({ animate: false }); // the header has its final size
      this.fit(false); // before anything is drawn, otherwise everything would be projected twice
      this.makePanes();
      L.control.scale({ imperial: false, maxWidth: 140 }).addTo(this.map);
      this.backLayer = L.layerGroup().addTo(this.map);
      wangge.drawBackground(this);
      this.map.on("click", (event) => { if (!event.originalEvent.wanggeHandled && this.at.parent) this.go(this.at.parent); });
      addEventListener("keydown", (event) => { if (event.key === "Escape" && this.at.parent) this.go(this.at.parent); });
      // The back or forward button, or a typed address.
      addEventListener("popstate", () => { this.readAddress(); this.show(true); });
      this.show(false);
      this.started = true;
      this.map.on("moveend", () => this.drawLabels());
      keepSheet(this, (on) => {
        this.onPaper = on;
        this.cellLayer.clearLayers();
        this.painters.turn(on);
        this.map.getPane("lines").style.zIndex = on ? 405 : 230; // no transparency on paper, therefore roads are drawn above the cells
        wangge.drawBackground(this);
        this.map.options.zoomSnap = on ? 0 : zoomSnap; // a sheet is filled to its edge
        this.show(true, false);
      });
      new ResizeObserver(() => this.map.invalidateSize({ animate: false })).observe(this.map.getContainer());
      document.documentElement.dataset.ready = "yes";
      return this;
    }

    /* -- texts -- */

    t(key) { return this.say(this.texts[key] ?? { zh: key, en: key }); }
    say(text) { return text ? text[this.language] : ""; }
    nameOf(cell) { return cell.name || this.t("all"); } // cells without a street lie within the outline of them all
    levelName(level) { return LEVELS[level][this.language]; }
    counted(n, level) {
      return this.language === "zh" ? `${this.format.whole(n)} 个${LEVELS[level].zh}` : `${this.format.whole(n)} ${PLURAL[level]}`;
    }

    /* -- state and address -- */

    get deepest() { return this.offered.at(-1); }
    get viewLevel() { return Math.min(this.deepest, Math.max(this.chosen, this.at.level + 1)); }

    readAddress() {
      const address = new URLSearchParams(location.hash.slice(1));
      this.language = address.get("lang") === "en" ? "en" : "zh";
      this.at = this.byCode.get(address.get("at")) ?? this.street;
      const level = Number(address.get("level"));
      this.chosen = this.offered.includes(level) ? level : this.usual;
      this.theme.readAddress?.(address);
    }

    writeAddress(push = false) {
      const address = new URLSearchParams();
      if (this.language !== "zh") address.set("lang", this.language);
      if (this.at !== this.street) address.set("at", this.at.code);
      if (this.chosen !== this.usual) address.set("level", String(this.chosen));
      this.theme.writeAddress?.(address);
      wangge.paperInto(address); // a sheet stays one when it is loaded again
      const time = new URLSearchParams(location.hash.slice(1)).get("time"); // of the replay
      if (time) address.set("time", time);
      const hash = `#${address}`;
      // User selections are undone by the browser's Back button; steps of the animation are not.
      if (push && this.started && hash.slice(1) !== location.hash.slice(1)) history.pushState(null, "", hash); else history.replaceState(null, "", hash);
    }

    go(cell) { this.at = cell; this.show(true); }
    choose(level) {
      this.chosen = level;
      if (this.at.level >= level) { while (this.at.level >= level) this.at = this.at.parent; this.show(true); } else this.show(false);
    }
    speak(language) { this.language = language; this.show(false); }

    /* -- drawing -- */

    makePanes() {
      for (const [name, z] of [["ground", 210], ["buildings", 220], ["lines", 230], ["picture", 390], ["cells", 400], ["outline", 430], ["marks", 435],
        ["roadnames", 440], ["labels", 450]]) {
        this.map.createPane(name).style.zIndex = z;
        if (name !== "cells") this.map.getPane(name).style.pointerEvents = "none";
      }
      this.cellLayer = L.layerGroup().addTo(this.map);
      this.labelLayer = new wangge.LabelLayer(this.map);
      this.painters = new wangge.Painters([["ground", "buildings", "lines"], ["cells", "outline"]]);
    }

    /** Redraw everything; `fit` moves the map to the focus, or to `extent`, if a page has one, in place of the whole street. */
    show(fit, animate = true) {
      this.writeAddress(true);
      drawTop(this);
      if (fit) this.fit(animate);
      this.drawCells();
      this.drawPanel();
      this.drawLabels();
      this.theme.painted?.();
    }

    /** Update colours and labels of the cells; their borders are kept. `push`: a choice, which the browser's Back button undoes. */
    recolour(push = false) {
      this.writeAddress(push);
      for (const [cell, shape] of this.shapes) shape.setStyle(this.styleOf(cell, false));
      this.drawPanel();
      this.drawLabels();
      this.theme.painted?.();
    }

    get focus() { return this.at.level === this.deepest ? this.at.parent : this.at; }

    fit(animate) {
      const bounds = (this.focus === this.street && this.extent) || L.latLngBounds(this.focus.latlngs.flat(2));
      wangge.lookAt(this.map, bounds, { animate, paddingTopLeft: [18, 18], paddingBottomRight: [18, 18 + (this.below ?? 0)], maxZoom: 19 });
      if (this.onPaper) wangge.roundScale(this.map);
    }

    /** Cells of the level in view inside the focus; around them, the siblings of the focus and of those above it. */
    drawCells() {
      this.cellLayer.clearLayers();
      this.inView = within(this.focus, this.viewLevel);
      this.shapes = [];
      // Below coloured cells, parks and water are paler, so that colours match the legend.
      if (this.theme.filled?.() ?? true) wangge.polygon(this.focus.latlngs, this.painters.style("ground", { stroke: false, fillColor: "#fbfaf7", fillOpacity: this.onPaper ? 0.55 : 0.82 })).addTo(this.cellLayer);
      for (let cell = this.focus; cell.parent; cell = cell.parent) {
        for (const other of cell.parent.children) if (other !== cell) this.drawCell(other, true);
      }
      for (const cell of this.inView) this.shapes.push([cell, this.drawCell(cell, false)]);
      this.drawFrames();
    }

    styleOf(cell, muted) {
      const style = this.theme.style(cell, muted);
      return { ...style, fillColor: this.onPaper ? paintAsLines(style.fillColor) : paintOnCanvas(style.fillColor) };
    }

    drawCell(cell, muted) {
      const shape = wangge.polygon(cell.latlngs, this.painters.style("cells", { ...this.styleOf(cell, muted), interactive: true, apart: true, bubblingMouseEvents: true }));
      shape.bindTooltip(() => this.tip(cell), { sticky: true, direction: "top", className: "tip", opacity: 1 });
      shape.on("click", (event) => { event.originalEvent.wanggeHandled = true; this.go(cell); });
      shape.on("mouseover", () => this.point(cell, this.theme.style(cell, muted).weight + 1.6));
      shape.on("mouseout", () => this.pointed?.remove());
      return shape.addTo(this.cellLayer);
    }

    /** Emphasise the border of the cell under the pointer. */
    point(cell, weight) {
      this.pointed?.remove();
      this.pointed = L.polygon(cell.latlngs, { pane: "marks", fill: false, interactive: false, color: "#10202c", weight }).addTo(this.cellLayer);
    }

    /** Borders of the coarser levels over the cells, and the mark of the selected one; each kind of border is one path. */
    drawFrames() {
      const frame = (cells, weight, color) => {
        if (cells.length) wangge.polygon(cells.flatMap((cell) => cell.latlngs), this.painters.style("outline", { fill: false, weight, color })).addTo(this.cellLayer);
      };
      // On paper roads lie over the cells, so their borders are drawn once more above the roads.
      if (this.onPaper) frame(this.inView, [0, 1.4, 0.9, 0.4][this.viewLevel], "#5a6670");
      const coarser = new Set();
      for (const cell of this.inView) for (let above = cell.parent; above?.level > this.at.level; above = above.parent) coarser.add(above);
      for (const [level, weight] of [[2, 1.1], [1, 2]]) frame([...coarser].filter((cell) => cell.level === level), weight, "#33414d");
      if (this.at.level > 0) frame(within(this.street, 1), 1.4, "#4a5863");
      frame([this.street], 2.6, "#1d2a35");
      if (this.at.level < 1) return;
      frame([this.at], 5.5, "#ffffff");
      frame([this.at], 2.8, "#10202c");
    }

    tip(cell) {
      const lines = this.theme.tip(cell);
      return el("div", {}, el("b", {}, cell.name), ...lines.map((line) => el("div", {}, line)));
    }

    /**
     * Labels of the theme on cells, without overlaps. `label(cell, room)` gives { lines, compact?, short?, plate?, needed? } or
     * null; `short` is used if `lines` do not fit. On finer levels the names of the communities are added in subdued letters.
     */
    drawLabels() {
      const metre = this.map.options.crs.scale(this.map.getZoom()) / (40075016.7 * Math.cos((this.street.centre[0] * Math.PI) / 180));
      const labels = (this.labels = new wangge.Labels(this.labelLayer)), wanted = [];
      // A name of a community may reach into the view; other labels stand on their cell.
      for (const cell of this.inView) if (cell.level === 1 || this.onScreen(this.map.latLngToContainerPoint(cell.centre))) {
        const room = cell.radius * metre, label = this.theme.label(cell, room);
        if (label) wanted.push({ cell, room, ...label });
      }
      const rank = (label) => (label.needed ? 0 : 1);
      wanted.sort((a, b) => rank(a) - rank(b) || b.room - a.room);
      const needed = wanted.filter((label) => label.needed), others = wanted.filter((label) => !label.needed);
      this.reserveNames(wanted.filter((label) => label.plate));
      for (const label of needed) this.place(label);
      if (this.viewLevel > 1) for (const cell of this.levels[1]) if (within(this.focus, 1).includes(cell) && this.at.level < 1) this.place({ cell, room: cell.radius * metre, lines: [cell.name], quiet: true });
      for (const label of others) this.place(label);
      wangge.drawRoadNames(this);
      labels.show();
    }

    onScreen({ x, y }) { return x > 0 && y > 0 && x < this.labels.width && y < this.labels.height; }

    /** Place the name of every community before longer texts. */
    reserveNames(labels) {
      for (const label of labels) {
        label.point = this.map.latLngToContainerPoint(label.cell.centre);
        label.at = this.labels.take(label.point, this.labels.measure(label.short, label), Math.max(label.room * 1.3, 26));
        label.box = label.at && this.labels.taken.at(-1);
      }
    }

    /** The longest text that fits in the reserved place of a name, or next to it. */
    enlarge({ cell, room, lines, compact, short, plate, box, at: place, point }) {
      this.labels.taken.splice(this.labels.taken.indexOf(box), 1);
      let at = null, text = short;
      for (const variant of [lines, compact].filter((one) => one?.length)) {
        at = this.labels.take(point, this.labels.measure(variant, { plate }), Math.max(room * 1.3, 26));
        text = variant;
        if (at) break;
      }
      if (!at) { this.labels.taken.push(box); at = place; text = short; }
      this.write(cell, text, { plate, dx: at.x - point.x, dy: at.y - point.y });
    }

    write(cell, lines, options) {
      this.labels.write("labels", cell.centre, "label", wangge.Labels.lines(lines, options));
    }

    place(label) {
      if (label.box) return this.enlarge(label);
      const { cell, room, lines, short, plate, quiet } = label;
      const point = this.map.latLngToContainerPoint(cell.centre);
      if (!this.onScreen(point)) return;
      for (const variant of [lines, short]) {
        if (!variant?.length) continue;
        const reach = cell.level === 1 ? Math.max(room * 1.3, 26) : 0;
        const at = this.labels.take(point, this.labels.measure(variant, { plate, size: quiet ? 0.9 : 0.8 }), reach);
        if (!at) continue;
        return this.write(cell, variant, { plate, quiet, dx: at.x - point.x, dy: at.y - point.y });
      }
    }

    /* -- panel -- */

    drawPanel() {
      const panel = document.getElementById("panel");
      const top = panel.scrollTop, same = panel.dataset.at === this.at.code, had = panel.contains(document.activeElement), active = had ? document.activeElement.id : "";
      panel.dataset.at = this.at.code;
      panel.replaceChildren(...[this.trail(), this.switcher(), this.theme.legend(), this.theme.controls?.(), this.theme.panel(), this.heading(), remark(this)]
        .flat().filter(Boolean));
      panel.scrollTop = same ? top : 0;
      if (active && document.getElementById(active)) document.getElementById(active).focus();
      else if (had) wangge.focusPanel(); // the focused element was removed
    }

    trail() {
      if (!this.at.parent) return null;
      const path = [];
      for (let cell = this.at; cell; cell = cell.parent) path.unshift(cell);
      const steps = path.map((cell, i) => (i === path.length - 1
        ? el("span", { "aria-current": "page" }, shortName(cell))
        : el("button", { type: "button", onclick: () => this.go(cell) }, i ? shortName(cell) : this.nameOf(cell))));
      const up = el("button", { type: "button", className: "up", title: this.t("up"), "aria-label": this.t("up"), onclick: () => this.go(this.at.parent) }, "↑");
      return el("nav", { className: "trail", "aria-label": this.t("whole") }, up, ...steps.flatMap((step, i) => (i ? [el("i", {}, "›"), step] : [step])));
    }

    switcher() {
      if (this.offered.length < 2) return null;
      return el("div", { className: "switcher", role: "group", "aria-label": this.t("level") }, ...this.offered.map((level) => el("button",
        { type: "button", id: `level-${level}`, "aria-pressed": String(this.viewLevel === level), onclick: () => this.choose(level) },
        this.language === "zh" ? LEVELS[level].zh : TABS[level], el("small", {}, this.format.whole(this.levels[level].length)))));
    }

    heading() {
      const { at } = this, { columns, row } = at, facts = [];
      const add = (key, value, wide) => { if (value !== null && value !== undefined && value !== "") facts.push(el("dt", {}, this.t(key)), el("dd", { className: wide ? "wide" : "" }, value)); };
      const value = (key) => columns[key]?.[row] ?? null;
      if (value("area_m2") !== null) add("area", this.format.area(value("area_m2")));
      for (const key of ["population", "households", "buildings", "units"]) if (value(key) !== null) add(key, this.format.whole(value(key)));
      if (value("leader")) add("leader", value("staff_kind") ? `${value("leader")}${this.language === "zh" ? "（" : " ("}${this.t(value("staff_kind"))}${this.language === "zh" ? "）" : ")"}` : value("leader"), true);
      if (at.level) add("code", at.code, true);
      return el("section", { className: "heading" }, el("h2", {}, this.nameOf(at)), at.name ? el("small", {}, this.levelName(at.level)) : null, el("dl", { className: "facts" }, ...facts));
    }
  }

  return { Page, readCells, shortName, within };
})());
