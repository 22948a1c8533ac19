/* The maps of the data service: features of an address as GeoJSON, or vector tiles. Nothing is loaded from another host. */
import { tileLayer } from "./vector_tiles.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

for (const node of document.querySelectorAll(".map")) {
  const map = L.map(node, { preferCanvas: true, attributionControl: false, zoomSnap: .5, minZoom: 8, maxZoom: 19 });
  L.control.scale({ imperial: false }).addTo(map);
  const box = (node.dataset.box ?? "").split(",").map(Number);
  if (box.length === 4) map.fitBounds([[box[1], box[0]], [box[3], box[2]]]);
  if (node.dataset.tiles) {
    tileLayer(node.dataset.tiles, css("--accent")).addTo(map);
    node.dataset.ready = "tiles";
    continue;
  }
  const answer = await fetch(node.dataset.source, { headers: { Accept: "application/geo+json" } });
  if (!answer.ok) {
    const problem = await answer.json();
    node.textContent = document.documentElement.lang === "en" ? problem.en : problem.zh;
    continue;
  }
  const shown = L.geoJSON(await answer.json(), {
    style: { color: css("--accent"), weight: 1.2, fillOpacity: .12 },
    pointToLayer: (_, place) => L.circleMarker(place, { radius: 4, color: css("--accent") }),
    onEachFeature: (feature, layer) => {
      const text = document.createElement("span");
      text.textContent = [feature.properties.name ?? feature.properties.number, feature.id].filter(Boolean).join(" · ");
      layer.bindPopup(text);
    },
  }).addTo(map);
  if (shown.getBounds().isValid()) map.fitBounds(shown.getBounds(), { maxZoom: 17 });
  node.dataset.ready = String(shown.getLayers().length);
}
