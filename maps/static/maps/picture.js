"use strict";
/* A map as SVG: its title, all layers in view in their order, the names, and the legend of the panel below. */
wangge.picture = (() => {
  const HEAD = 34, ROW = 20, SIDE = 10; // pixels: height of the title, of a row of the legend, and the margin
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const fixed = (...numbers) => numbers.map((number) => number.toFixed(1)).join(" ");
  const paint = (colour) => wangge.paintAsLines(colour);

  /** Attributes of the fill and the line of a shape. */
  function inked({ fill, fillColor, color, fillOpacity, stroke, weight, opacity, dashArray, lineCap, lineJoin }) {
    const area = fill ? `fill="${paint(fillColor ?? color)}" fill-opacity="${fillOpacity}"` : 'fill="none"';
    if (!stroke || !weight) return area;
    return `${area} stroke="${color}" stroke-width="${weight}" stroke-opacity="${opacity}" stroke-linecap="${lineCap}" stroke-linejoin="${lineJoin}"${dashArray ? ` stroke-dasharray="${dashArray}"` : ""}`;
  }

  /** Rings or lines of a shape, however deep its parts are nested. */
  const lines = (places) => (places[0]?.lat === undefined && Array.isArray(places[0]) && typeof places[0][0] !== "number" ? places.flatMap(lines) : [places]);

  function shape(layer, at) {
    if (layer instanceof L.CircleMarker) {
      const { x, y } = at(layer.getLatLng());
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${layer.getRadius()}" ${inked(layer.options)}/>`;
    }
    const close = layer instanceof L.Polygon ? "Z" : "";
    const path = lines(layer.getLatLngs()).filter((line) => line.length > 1).map((line) => `M${line.map((place) => { const { x, y } = at(place); return fixed(x, y); }).join("L")}${close}`);
    return path.length ? `<path d="${path.join("")}" fill-rule="evenodd" ${inked(layer.options)}/>` : "";
  }

  /** A picture over the map, as data in the drawing. */
  function overlay(layer, at) {
    const node = layer.getElement(), bounds = layer.getBounds(), low = at(bounds.getNorthWest()), high = at(bounds.getSouthEast());
    const source = node instanceof HTMLCanvasElement ? node.toDataURL("image/png") : node.src, { opacity } = getComputedStyle(node);
    return `<image href="${source}" x="${low.x.toFixed(1)}" y="${low.y.toFixed(1)}" width="${(high.x - low.x).toFixed(1)}" height="${(high.y - low.y).toFixed(1)}" preserveAspectRatio="none" opacity="${opacity}"/>`;
  }

  /** A sign at a place: its own drawing, or a disc with its text. */
  function sign(layer, at) {
    const { x, y } = at(layer.getLatLng()), node = layer.getElement(), drawn = node.querySelector("svg"), box = (drawn ?? node).getBoundingClientRect();
    if (drawn) return nested(drawn, x - box.width / 2, y - box.height / 2, box.width, box.height);
    const { backgroundColor, color } = getComputedStyle(node.firstElementChild ?? node);
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${(box.width / 2).toFixed(1)}" fill="${backgroundColor}" stroke="#fff" stroke-width="2"/>`
      + `<text x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}" text-anchor="middle" font-size="12" font-weight="700" fill="${color}">${escaped(node.textContent)}</text>`;
  }

  /** A drawing of the page as a part of another one. */
  function nested(node, x, y, width, height) {
    const copy = node.cloneNode(true);
    for (const [name, value] of Object.entries({ x, y, width, height })) copy.setAttribute(name, value.toFixed(1));
    copy.removeAttribute("class");
    return new XMLSerializer().serializeToString(copy);
  }

  /** Layers in view, from the lowest to the highest. */
  function layers(map) {
    const found = [], zoom = map.getZoom();
    map.eachLayer((layer) => {
      const hidden = layer.options.fromZoom > zoom || layer.getElement?.()?.checkVisibility?.({ visibilityProperty: true }) === false;
      if (!hidden && (layer instanceof L.Path || layer instanceof L.ImageOverlay || layer instanceof L.Marker)) found.push(layer);
    });
    const height = (layer) => Number(getComputedStyle(map.getPane(layer.options.pane)).zIndex) || 400;
    return found.map((layer) => ({ layer, height: height(layer) })).sort((a, b) => a.height - b.height || L.stamp(a.layer) - L.stamp(b.layer));
  }

  /** Names on the map where the page has them; names of roads are turned as there. */
  function names(map) {
    const frame = map.getContainer().getBoundingClientRect(), written = [];
    const write = (node, size, weight, ink) => {
      const box = node.getBoundingClientRect(), x = box.left + box.width / 2 - frame.left, y = box.top + box.height / 2 - frame.top;
      if (!box.width || x < 0 || y < 0 || x > frame.width || y > frame.height) return;
      const turn = Number(/rotate\((-?[\d.]+)deg\)/.exec(node.style.transform)?.[1] ?? 0), steep = node.classList.contains("steep");
      written.push(`<text transform="translate(${fixed(x, y)}) rotate(${turn})" text-anchor="middle" dominant-baseline="central" font-size="${size}" font-weight="${weight}" stroke="#fff" stroke-width="3" paint-order="stroke" fill="${ink}"${steep ? ' writing-mode="vertical-rl" style="text-orientation:upright"' : ""}>${escaped(node.textContent)}</text>`);
    };
    for (const node of map.getContainer().querySelectorAll(".roadname div")) write(node, 11, 400, "#6b6253");
    for (const node of map.getContainer().querySelectorAll(".label b, .label span")) write(node, 12, node.tagName === "B" ? 700 : 400, "#0f1c26");
    for (const node of map.getContainer().querySelectorAll(".side")) write(node, 13, 700, "#0f1c26");
    return written;
  }

  const widthOf = (text, heavy) => {
    const pen = (widthOf.pen ??= document.createElement("canvas").getContext("2d"));
    pen.font = `${heavy ? 700 : 400} 12px sans-serif`;
    return pen.measureText(text).width;
  };

  /** Text of a row of a legend without that of its sample. */
  function meaning(row) {
    const copy = row.cloneNode(true);
    copy.querySelectorAll("svg, small").forEach((node) => node.remove());
    return copy.textContent.trim();
  }

  /** What the legends of the panel hold: headings, samples with their meaning, and the ramp of a density with its values. */
  function legendEntries() {
    const entries = [];
    for (const section of document.querySelectorAll("#panel .legend, #panel .counts")) {
      const rows = [...section.querySelectorAll("li, tr, .ramp")].filter((row) => row.matches(".ramp") || row.querySelector("svg"));
      if (!rows.length) continue;
      const heading = section.querySelector("h2").textContent;
      entries.push({ text: heading, heavy: true, width: widthOf(heading, true) });
      for (const row of rows) {
        if (row.matches(".ramp")) {
          const ticks = [...row.parentElement.querySelectorAll(".ticks span")].map((tick) => tick.textContent).join(" – ");
          entries.push({ drawn: row, size: [150, 12], text: ticks, width: 156 + widthOf(ticks) });
          continue;
        }
        const numbers = [...row.querySelectorAll("td")].slice(1).map((cell) => cell.textContent), text = [meaning(row.querySelector("th") ?? row), ...numbers].filter(Boolean).join(" ");
        entries.push({ drawn: row.querySelector("svg"), size: [22, 15], text, width: 28 + widthOf(text) });
      }
    }
    return entries;
  }

  /** What was chosen on the page: the window of time, and choices other than the first. */
  function chosen() {
    const choices = [...document.querySelectorAll("#panel .choices select")].filter((select) => select.selectedIndex > 0).map((select) => select.selectedOptions[0].textContent);
    return [document.querySelector("#time output")?.innerText.replace(/\s+/g, " "), ...choices].filter(Boolean);
  }

  /** The legend in rows of at most `width` pixels, and its height. */
  function legend(width, top) {
    const drawn = [];
    let x = SIDE, y = top + SIDE;
    for (const entry of legendEntries()) {
      if (x > SIDE && (entry.heavy || x + entry.width > width - SIDE)) { x = SIDE; y += ROW; }
      if (entry.drawn) drawn.push(nested(entry.drawn, x, y + (ROW - entry.size[1]) / 2, ...entry.size));
      drawn.push(`<text x="${(x + (entry.drawn ? entry.size[0] + 6 : 0)).toFixed(1)}" y="${y + 14}" font-size="12" font-weight="${entry.heavy ? 700 : 400}" fill="#0f1c26">${escaped(entry.text)}</text>`);
      x += entry.width + 18;
    }
    return { parts: drawn, height: drawn.length ? y + ROW + SIDE - top : 0 };
  }

  /** The layers and names of a map; few layers are above the names. */
  function view(map) {
    const { x: width, y: height } = map.getSize(), at = (place) => map.latLngToContainerPoint(place), drawn = layers(map), level = Number(map.getPane("labels")?.style.zIndex ?? Infinity);
    const draw = ({ layer }) => (layer instanceof L.Path ? shape(layer, at) : layer instanceof L.Marker ? sign(layer, at) : overlay(layer, at));
    const below = drawn.filter((one) => one.height <= level), above = drawn.filter((one) => one.height > level);
    return { width, height, inner: [...below.map(draw), ...names(map), ...above.map(draw)].join("") };
  }

  /** The view of a page with `map`, perhaps another map `besides`, and `data.title`, as SVG. */
  function drawing(page) {
    const views = [page.map, page.besides].filter(Boolean).map(view), width = views.reduce((sum, one) => sum + one.width, 0), height = Math.max(...views.map((one) => one.height));
    const patterns = [...document.querySelectorAll("svg defs pattern")].map((node) => new XMLSerializer().serializeToString(node)).join("");
    const title = [page.data.title, page.data.when].filter(Boolean).map((text) => text[page.language]).join(" · "), more = chosen().join(" · ");
    const key = legend(width, height), whole = HEAD + height + key.height;
    let left = 0;
    const maps = views.map((one) => { const part = `<svg x="${left}" width="${one.width}" height="${one.height}">${one.inner}</svg>`; left += one.width; return part; });
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 ${-HEAD} ${width} ${whole}" font-family="sans-serif"><title>${escaped(title)}</title><defs>${patterns}</defs>`
      + `<rect y="${-HEAD}" width="${width}" height="${whole}" fill="#fff"/><text x="${SIDE}" y="-11" font-size="16" font-weight="700">${escaped(title)}<tspan dx="12" font-size="13" font-weight="400">${escaped(more)}</tspan></text>`
      + `${maps.join("")}${key.parts.join("")}</svg>`;
  }

  /** The drawing as PNG, two pixels to one. */
  async function png(page) {
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(drawing(page))}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width * 2;
    canvas.height = image.height * 2;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => { canvas.toBlob(done, "image/png"); });
  }

  return { drawing, png };
})();
