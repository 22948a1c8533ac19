"use strict";
/* The background of a map: parks, water, roads, railways, buildings, and road names. */
Object.assign(wangge, (() => {
  const { decodeLine, decodePoint, decodeShape, el } = wangge;

  const ROAD = {
    motorway: 5, trunk: 5, primary: 4.5, secondary: 3.6, tertiary: 2.8, residential: 1.8, unclassified: 1.8, living_street: 1.4, service: 1,
  };
  const roadWidth = (kind) => ROAD[kind.replace(/_link$/, "")] ?? 0.8;

  function drawBackground(page) {
    const { grids, background: b } = page.data, map = page.backLayer.clearLayers(), { painters } = page;
    const area = (places, style) => wangge.polygon(places, painters.style("ground", { fillOpacity: 1, ...style })).addTo(map);
    const line = (parts, style) => wangge.polyline(parts, painters.style("lines", { lineCap: "round", ...style })).addTo(map);
    const polygons = (shapes, fillColor, color) => shapes?.forEach((shape) => area(decodeShape(shape, grids), { stroke: Boolean(color), color, weight: 0.8, fillColor }));
    const polylines = (shapes, style) => shapes?.forEach((shape) => line(shape.map((part) => decodeLine(part, grids)), style));
    b.neighbours?.forEach((shape) => area(decodeShape(shape, grids), { color: "#9aa3a8", weight: 1.4, dashArray: "9 4 2 4", fillColor: "#f0f1ee" }));
    page.street.latlngs.forEach((part) => area(part, { stroke: false, fillColor: "#fbfaf7" }));
    polygons(b.green, "#d9e8c8");
    polygons(b.water, "#b5d6ea", "#8fbcd8");
    polylines(b.green_lines, { color: "#bcd6a5", weight: 1.5 });
    polylines(b.water_lines, { color: "#9cc8e2", weight: 3 });
    roads(b, line, grids);
    polylines(b.railways, { color: "#8b8d90", weight: 2.4 });
    polylines(b.railways, { color: "#ffffff", weight: 1.2, dashArray: "7 7", lineCap: "butt" });
    polylines(b.metro, { color: "#ffffff", weight: 5 });
    polylines(b.metro, { color: "#5f7fa8", weight: 3 });
    b.stations?.forEach(({ at }) => L.circleMarker(decodePoint(at, grids), painters.style("lines", { radius: 4, color: "#5f7fa8", weight: 2, fillColor: "#ffffff", fillOpacity: 1 })).addTo(map));
    drawBuildings(page);
  }

  /** Names of adjoining streets and stations, each where no other label is. */
  function drawNeighbourNames(page) {
    const { grids, background: b } = page.data, { labels } = page;
    const write = (className, rise) => ({ name, at }) => {
      const place = decodePoint(at, grids), pixel = page.map.latLngToContainerPoint(place).subtract([0, rise]);
      if (!labels.take(pixel, labels.measure([name], { size: 0.85 }))) return;
      const html = el("div", { style: `transform: translate(-50%, -50%) translateY(${-rise}px)` }, name);
      labels.write("roadnames", place, className, html);
    };
    b.neighbour_names?.forEach(write("roadname neighbour", 0));
    b.stations?.forEach(write("roadname station", 12));
  }

  /** Roads of one width are one path: first all casings, narrow roads at the bottom, then the fills. */
  function roads(b, draw, grids) {
    const classes = new Map();
    b.roads?.forEach((road, i) => {
      const width = roadWidth(b.road_class[i]);
      if (!classes.has(width)) classes.set(width, []);
      classes.get(width).push(...road.map((part) => decodeLine(part, grids)));
    });
    const sorted = [...classes].sort(([a], [c]) => a - c);
    for (const [width, parts] of sorted) draw(parts, { color: width >= 2.5 ? "#b9b3a6" : "#d3cec3", weight: width + 1.4 });
    for (const [width, parts] of sorted) draw(parts, { color: width >= 4 ? "#fff4d6" : "#ffffff", weight: width });
  }

  /** Buildings are drawn only at zooms at which they are some pixels wide; they are decoded when that happens first. */
  function drawBuildings(page) {
    const { grids, background: b } = page.data, BUILDINGS_FROM = 15.5;
    if (!b.buildings?.length) return;
    page.buildings?.off();
    const layer = L.layerGroup();
    let made = false;
    const toggle = () => {
      const on = page.map.getZoom() >= BUILDINGS_FROM;
      if (on && !made) {
        made = true;
        const style = page.painters.style("buildings", { fromZoom: BUILDINGS_FROM, color: "#b9b1a3", weight: 0.7, fillColor: "#ddd6ca", fillOpacity: 1 });
        for (const shape of b.buildings) wangge.polygon(decodeShape(shape, grids), style).addTo(layer);
      }
      if (on) layer.addTo(page.map); else if (page.painters.onPaper) layer.remove(); // a painter leaves them out by itself
    };
    page.map.on("zoomend", toggle);
    page.buildings = { off: () => { page.map.off("zoomend", toggle); layer.remove(); } };
    page.map.whenReady(toggle);
  }

  /** Names of the larger roads first, without overlaps and with a minimum distance. */
  function drawRoadNames(page) {
    const { grids, background: b } = page.data, zoom = page.map.getZoom(), { labels } = page, named = [];
    drawNeighbourNames(page);
    const least = zoom >= 17 ? 1 : zoom >= 15.5 ? 2.5 : 3.5;
    const nameOf = (road) => (page.language === "en" ? road.name_en ?? road.name : road.name);
    for (const road of b.road_names ?? []) {
      if (zoom < 13.5 || roadWidth(road.class) < least) continue;
      const place = decodePoint(road.at, grids), pixel = page.map.latLngToContainerPoint(place);
      if (named.some((other) => other.distanceTo(pixel) < 90)) continue;
      // Steep names are written from top to bottom with upright characters, as usual on Chinese maps.
      const steep = Math.abs(road.angle) > 45 && nameOf(road) === road.name, turn = steep ? road.angle - 90 * Math.sign(road.angle) : road.angle;
      const flat = labels.measure([nameOf(road)], { size: 0.8 }), lean = Math.abs(Math.sin((turn * Math.PI) / 180)) * Math.max(flat.width, flat.height);
      const size = steep ? { width: flat.height + lean, height: flat.width * 1.1 } : { width: flat.width * 1.1, height: flat.height + lean };
      if (!labels.take(pixel, size)) continue;
      named.push(pixel);
      const html = el("div", { className: steep ? "steep" : "", style: `transform: translate(-50%, -50%) rotate(${turn}deg)` }, nameOf(road));
      labels.write("roadnames", place, "roadname", html);
    }
  }

  return { drawBackground, drawRoadNames };
})());
