/* Roads, buildings and water below the borders: loaded after the division is drawn, and cached by the browser for a day. */

import { BaseMap } from "./base_map.js";
import { Buckets, boxAround, boxOf } from "./buckets.js";
import { Refused } from "./server.js";

const LOOKS = {
  water: { fill: "#c5dbec", area: true },
  roads: { line: "#ddd6c9", area: false, snaps: "road" },
  buildings: { fill: "rgba(120,112,104,.25)", line: "rgba(110,100,92,.45)", least: 0.4, area: true, snaps: "building" },
};

export async function loadBackdrop(app) {
  for (const [name, look] of Object.entries(LOOKS)) {
    try {
      const layer = await app.server.get(`/layers/${name}`);
      app.backdrop.push(...prepared(name, look, layer, app.model.origin));
      app.surface.refresh("division");
    } catch (error) {
      if (!(error instanceof Refused)) continue;
    }
  }
  if ("baseMap" in document.getElementById("plan").dataset) {
    const told = await app.server.get("/layers/base-map");
    app.baseMap = new BaseMap(told, app.model.origin, () => app.surface.refresh("division"));
    app.emit("layered");
  }
  app.emit("loaded");
}

/** A layer as objects in buckets; roads by width, so that all roads of one width are one path. */
function prepared(name, look, { origin, features }, [x0, y0]) {
  const byWidth = new Map(), dx = origin[0] - x0, dy = origin[1] - y0;
  for (const { name: title, width_m, lines } of features) {
    const width = look.area ? 0 : Math.max(2, Math.round(width_m ?? 4));
    if (!byWidth.has(width)) byWidth.set(width, { name, ...look, width_m: width, buckets: new Buckets() });
    const decoded = lines.map((d) => decode(d, dx, dy));
    byWidth.get(width).buckets.add({ title, area: look.area, lines: decoded, box: boxAround(decoded.map(boxOf)) });
  }
  return [...byWidth.values()];
}

function decode(d, dx, dy) {
  const xy = new Int32Array(d.length);
  for (let k = 0; k < d.length; k++) xy[k] = k < 2 ? d[k] + (k ? dy : dx) : xy[k - 2] + d[k];
  return xy;
}
