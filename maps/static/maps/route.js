"use strict";
/* A planned route on a map: covered green, missed red and dashed, detours orange, checkpoints numbered. Needs Leaflet alone. */
globalThis.wanggeRoute = (map) => {
  const data = JSON.parse(document.getElementById("route-data").textContent);
  const chinese = () => document.documentElement.lang.startsWith("zh");
  const texts = {
    covered: ["路线已走", "covered"], missed: ["未走", "missed"], order: ["按顺序", "in order"], detours: ["绕行", "detours"],
    never: ["未到达", "not reached"], other: ["未按顺序", "out of order"],
  };
  const say = (key) => texts[key][chinese() ? 0 : 1];
  const metres = (value) => (value >= 1000 ? `${(value / 1000).toFixed(1)} km` : `${Math.round(value)} m`);
  const percent = (value) => (value === null ? "–" : `${Math.round(100 * value)}%`);

  const halo = { color: "#ffffff", weight: 9, opacity: 0.9, interactive: false };
  L.polyline(data.line, halo).addTo(map);
  L.polyline(data.line, { color: "#1b7f4d", weight: 5, interactive: false }).addTo(map);
  for (const line of data.missed) {
    L.polyline(line, halo).addTo(map);
    L.polyline(line, { color: "#b3261e", weight: 5, dashArray: "8 7", interactive: false }).addTo(map);
  }
  for (const line of data.detours) L.polyline(line, { color: "#c46a00", weight: 3, interactive: false }).addTo(map);
  data.checkpoints.forEach((stop, k) => {
    const colour = stop.clock === null ? "#b3261e" : stop.in_order ? "#1b7f4d" : "#c46a00";
    const mark = document.createElement("div");
    mark.textContent = String(k + 1);
    mark.style.cssText = `background:${colour};color:#fff;border:2px solid #fff;border-radius:50%;width:22px;height:22px;line-height:18px;text-align:center;font:600 12px/18px sans-serif;box-sizing:border-box`;
    const words = () => {
      const line = document.createElement("span");
      line.textContent = `${stop.label}　${stop.clock === null ? say("never") : stop.clock}${stop.clock !== null && !stop.in_order ? `　${say("other")}` : ""}`;
      return line;
    };
    L.marker(stop.at, { icon: L.divIcon({ html: mark, className: "", iconSize: [22, 22] }), title: stop.label }).bindPopup(words).addTo(map);
  });

  const box = document.createElement("div");
  box.className = "leaflet-bar";
  box.style.cssText = "background:#fff;padding:8px 12px;font-size:.9rem;border-radius:6px;line-height:1.6";
  const legend = () => {
    box.replaceChildren();
    const rows = [
      ["#1b7f4d", `${say("covered")} ${percent(data.share)}（${say("order")} ${percent(data.in_order)}）`],
      ["#b3261e", `${say("missed")} ${metres(data.missed_m)}`], ["#c46a00", `${say("detours")} ${metres(data.detour_m)}`],
    ];
    for (const [colour, words] of rows) {
      const row = document.createElement("div"), dash = document.createElement("span");
      dash.style.cssText = `display:inline-block;width:22px;height:5px;background:${colour};margin-right:8px;vertical-align:middle`;
      row.append(dash, words);
      box.append(row);
    }
  };
  const control = L.control({ position: "bottomleft" });
  control.onAdd = () => box;
  control.addTo(map);
  legend();
  new MutationObserver(legend).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
  map.fitBounds(L.latLngBounds(data.line).pad(0.3));
};
