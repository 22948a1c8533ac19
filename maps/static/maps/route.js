"use strict";
/* A planned route on the plain grids, and how it was walked: covered green, missed red and dashed, detours orange, checkpoints numbered. */
wangge.startRoute = (map) => {
  const { Page, el, shortName, svg } = wangge;
  const data = wangge.payload(), page = new Page(map, data), { route } = data, { line, missed, detours, checkpoints } = route;
  const INKS = { covered: "#1b7f4d", missed: "#b3261e", detour: "#b25900" }, DASH = "8 7";

  const texts = {
    result: { zh: "计划路线执行情况", en: "The planned route, as walked" },
    lines: { zh: "图例", en: "Legend" },
    covered: { zh: "已走", en: "walked" },
    missed: { zh: "未走", en: "missed" },
    detour: { zh: "绕行", en: "detour" },
    order: { zh: "按计划顺序", en: "In the planned order" },
    walked: { zh: "起止时间", en: "Walked" },
    missed_list: { zh: "未走路段", en: "Stretches missed" },
    detours: { zh: "绕行路段", en: "Detours" },
    checkpoints: { zh: "打卡点", en: "Checkpoints" },
    never: { zh: "未到达", en: "not reached" },
    other: { zh: "未按顺序", en: "out of order" },
    reached: { zh: "按顺序到达", en: "reached in order" },
    whole: { zh: "全程已走。", en: "The whole route was walked." },
    kind: { zh: "类别", en: "Kind" },
    label: { zh: "名称", en: "Name" },
    from: { zh: "起", en: "From" },
    to: { zh: "止", en: "To" },
    length: { zh: "长度（米）", en: "Length (m)" },
    none: { zh: "没有走到这条路线。", en: "The track did not come to this route." },
    route_view: { zh: "返回路线全图", en: "Whole route" },
  };

  const metres = (value) => (value >= 1000 ? `${page.format.decimal(value / 1000, 1)} km` : `${page.format.whole(Math.round(value))} m`);
  const stateOf = ({ clock, in_order: ordered }) => (clock === null ? "never" : ordered ? "reached" : "other");
  const STATE_INKS = { never: INKS.missed, other: INKS.detour, reached: INKS.covered };

  /* ---- the map ---- */

  function style(cell, muted) {
    return { color: ["", "#5a6670", "#8a939a", "#b4bbc0"][cell.level], weight: [0, 1.6, 1, 0.5][cell.level], fillColor: "#ffffff", fillOpacity: muted ? 0.6 : page.onPaper ? 0.35 : 0.45 };
  }

  function label(cell, room) {
    if (cell.level === 1) return { lines: [cell.name], short: [cell.name], plate: true };
    return room > (cell.level === 2 ? 26 : 34) ? { lines: [shortName(cell)], quiet: true } : null;
  }

  map.createPane("route").style.zIndex = 455; // above the names
  const over = L.layerGroup().addTo(map);

  function draw() {
    over.clearLayers();
    const stroke = (way, options) => L.polyline(way, { pane: "route", interactive: false, lineCap: "butt", ...options }).addTo(over);
    stroke(line, { color: "#ffffff", weight: 9, opacity: 0.9 });
    stroke(line, { color: INKS.covered, weight: 5 });
    for (const one of missed) {
      stroke(one.line, { color: "#ffffff", weight: 7 });
      stroke(one.line, { color: INKS.missed, weight: 5, dashArray: DASH });
    }
    for (const one of detours) stroke(one.line, { color: INKS.detour, weight: 3 });
    checkpoints.forEach((stop, i) => {
      const mark = el("div", { className: "stop", style: `background:${STATE_INKS[stateOf(stop)]}` }, String(i + 1)), says = stopText(stop);
      L.marker(stop.at, { pane: "route", icon: L.divIcon({ html: mark, className: "", iconSize: [22, 22] }), title: says, alt: says, keyboard: false }).bindTooltip(says).addTo(over);
    });
  }

  const stopText = (stop) => [stop.label, stop.clock ?? page.t("never"), stop.clock !== null && !stop.in_order ? page.t("other") : ""].filter(Boolean).join(" · ");

  /* ---- the panel ---- */

  const sample = (ink, dash) => svg("svg", { class: "swatch", viewBox: "0 0 22 15", "aria-hidden": "true" }, svg("path", { d: "M0 7.5H22", stroke: ink, "stroke-width": 4, ...(dash ? { "stroke-dasharray": "7 4" } : {}) }));
  const disc = (ink, text) => svg("svg", { class: "swatch", viewBox: "0 0 22 15", "aria-hidden": "true" }, svg("circle", { cx: 11, cy: 7.5, r: 7, fill: ink }), svg("text", { x: 11, y: 11, "text-anchor": "middle", "font-size": 9, "font-weight": 700, fill: "#fff" }, text));

  function legend() {
    const rows = [[sample(INKS.covered), page.t("covered")], [sample(INKS.missed, true), page.t("missed")], [sample(INKS.detour), page.t("detour")]];
    if (checkpoints.length) rows.push(...["reached", "other", "never"].map((state) => [disc(STATE_INKS[state], "1"), page.t(state)]));
    return el("section", { className: "legend" }, el("h2", {}, page.t("lines")), el("ul", { className: "classes row wide" }, ...rows.map((row) => el("li", {}, ...row))));
  }

  /** A list whose entries move the map to their place. */
  function list(title, entries) {
    if (!entries.length) return null;
    return el("section", { className: "attention" }, el("h2", {}, title, el("small", {}, page.format.whole(entries.length))),
      el("ul", {}, ...entries.map(({ id, mark, text, more, bounds }) => el("li", {}, el("button", { type: "button", id, onclick: () => wangge.lookAt(map, bounds, { maxZoom: 18, padding: [40, 40] }) }, mark, el("span", {}, text), el("small", {}, more))))));
  }

  function panel() {
    const facts = [], add = (key, value) => facts.push(el("dt", {}, page.t(key)), el("dd", {}, value));
    if (route.in_order !== null) add("order", page.format.share(route.in_order, 1));
    if (route.started) add("walked", `${route.started}–${route.ended}`);
    const stretch = ({ from_m, to_m, length_m, line: way }, i) => ({ id: `missed-${i}`, mark: sample(INKS.missed, true), text: `${metres(from_m)} – ${metres(to_m)}`, more: metres(length_m), bounds: L.latLngBounds(way) });
    const detour = ({ start, end, length_m, line: way }, i) => ({ id: `detour-${i}`, mark: sample(INKS.detour), text: `${start}–${end}`, more: metres(length_m), bounds: L.latLngBounds(way) });
    const stop = (one, i) => ({ id: `stop-${i}`, mark: disc(STATE_INKS[stateOf(one)], String(i + 1)), text: one.label, more: one.clock === null ? page.t("never") : `${one.clock}${one.in_order ? "" : ` · ${page.t("other")}`}`, bounds: L.latLngBounds([one.at]) });
    return [
      el("section", { className: "counts" }, el("h2", {}, page.t("result")),
        el("p", { className: "big" }, el("b", {}, page.format.share(route.covered_m, route.length_m)), el("span", {}, `${page.t("covered")} ${metres(route.covered_m)} / ${metres(route.length_m)}`)),
        el("dl", { className: "facts" }, ...facts),
        missed.length ? null : el("p", {}, page.t("whole")), route.covered_m ? null : el("p", {}, page.t("none")),
        el("p", { className: "steps" }, el("button", { type: "button", id: "route-view", onclick: () => page.go(page.street) }, page.t("route_view")))),
      list(page.t("checkpoints"), checkpoints.map(stop)), list(page.t("missed_list"), missed.map(stretch)), list(page.t("detours"), detours.map(detour)),
    ];
  }

  /** Checkpoints, missed stretches and detours as rows. */
  function table() {
    return [["kind", "label", "from", "to", "length"].map((key) => page.t(key)),
      ...checkpoints.map((stop) => [page.t("checkpoints"), stop.label, stop.clock, stop.clock, null]),
      ...missed.map((one) => [page.t("missed"), null, metres(one.from_m), metres(one.to_m), Math.round(one.length_m)]),
      ...detours.map((one) => [page.t("detour"), null, one.start, one.end, Math.round(one.length_m)])];
  }

  page.extent = L.latLngBounds(line).pad(0.3);
  return page.start({ style, label, tip: () => [], panel, legend, table, texts, usualLevel: 2, painted: draw });
};
