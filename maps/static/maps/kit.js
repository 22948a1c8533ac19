"use strict";
/* Common functions of all maps: payload, elements, number formats, patterns, and the frame of a page.
   Text from data is only ever set as textContent. */
globalThis.wangge = (() => {
  /* ---- payload ---- */

  /** Bytes of a base64 text. `Uint8Array.from` with a function took 0.17 s for a page of 1.2 MB. */
  function bytes(text) {
    const raw = atob(text), found = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
    return found;
  }

  /* ---- data deflated (RFC 1951) when the page was written as a file; DecompressionStream is asynchronous ---- */

  const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
  const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const DISTANCES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
  const DISTANCE_BITS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

  /** Prefix code from code lengths: number of codes of each length, and the symbols in code order. */
  function code(lengths) {
    const count = new Uint16Array(16), symbols = new Uint16Array(lengths.length), next = new Uint16Array(16);
    for (const n of lengths) count[n] += 1;
    count[0] = 0;
    for (let n = 1; n < 16; n++) next[n] = next[n - 1] + count[n - 1];
    lengths.forEach((n, symbol) => { if (n) symbols[next[n]++] = symbol; });
    return { count, symbols };
  }

  const FIXED = [code(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))), code(new Array(30).fill(5))];

  /** Decompress `size` bytes of a deflate stream without header. */
  function inflate(data, size) {
    const out = new Uint8Array(size);
    let at = 0, held = 0, have = 0, end = 0;
    const bits = (n) => {
      while (have < n) { held |= data[at++] << have; have += 8; }
      const value = held & ((1 << n) - 1);
      held >>>= n;
      have -= n;
      return value;
    };
    const symbol = ({ count, symbols }) => {
      let word = 0, first = 0, index = 0;
      for (let n = 1; n < 16; n++) {
        word |= bits(1);
        if (word - first < count[n]) return symbols[index + word - first];
        index += count[n];
        first = (first + count[n]) << 1;
        word <<= 1;
      }
      throw new Error("the data of this page are damaged");
    };
    const described = () => {
      const literals = bits(5) + 257, distances = bits(5) + 1, steps = bits(4) + 4, small = new Array(19).fill(0), lengths = [];
      for (let i = 0; i < steps; i++) small[ORDER[i]] = bits(3);
      const by = code(small);
      while (lengths.length < literals + distances) {
        const s = symbol(by);
        if (s < 16) lengths.push(s);
        else for (let n = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7), value = s === 16 ? lengths.at(-1) : 0; n; n--) lengths.push(value);
      }
      return [code(lengths.slice(0, literals)), code(lengths.slice(literals))];
    };
    for (let last = 0; !last;) {
      last = bits(1);
      const kind = bits(2);
      if (kind === 0) {
        held = have = 0;
        const n = data[at] | (data[at + 1] << 8);
        out.set(data.subarray(at + 4, at + 4 + n), end);
        at += 4 + n;
        end += n;
        continue;
      }
      const [literal, distance] = kind === 1 ? FIXED : described();
      for (let s = symbol(literal); s !== 256; s = symbol(literal)) {
        if (s < 256) { out[end++] = s; continue; }
        const n = LENGTHS[s - 257] + bits(LENGTH_BITS[s - 257]), d = symbol(distance), back = DISTANCES[d] + bits(DISTANCE_BITS[d]);
        for (let i = 0; i < n; i++, end++) out[end] = out[end - back];
      }
    }
    return out;
  }

  /** Data in the page: JSON, or deflated and base64-encoded after their size. */
  function read(id) {
    const node = document.getElementById(id);
    if (node.type === "application/json") return JSON.parse(node.textContent);
    const [size, packed] = node.textContent.split(" ");
    return JSON.parse(new TextDecoder().decode(inflate(bytes(packed), Number(size))));
  }

  const payload = () => read("payload");

  function decodeLine(steps, frame) {
    const places = [];
    let x = 0, y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      places.push(new L.LatLng(frame.origin[1] + y / frame.steps, frame.origin[0] + x / frame.steps));
    }
    return places;
  }

  const decodeShape = (parts, frame) => parts.map((rings) => rings.map((ring) => decodeLine(ring, frame)));
  const decodePoint = ([x, y], frame) => [frame.origin[1] + y / frame.steps, frame.origin[0] + x / frame.steps];

  /** Integers of seven bits per byte, least significant first; the high bit is set if more bytes follow. */
  function unpack(text) {
    const numbers = [];
    let value = 0, unit = 1;
    for (const byte of bytes(text)) {
      value += (byte & 127) * unit;
      if (byte & 128) unit *= 128; else { numbers.push(value); value = 0; unit = 1; }
    }
    return numbers;
  }

  /** Shapes as maps/encoding/packing.py writes them: lists of parts of rings of numbers. */
  function unpackShapes(text) {
    const numbers = unpack(text), shapes = [];
    let at = 0;
    const list = (make) => Array.from({ length: numbers[at++] }, make);
    const signed = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);
    while (at < numbers.length) shapes.push(list(() => list(() => list(() => signed(numbers[at++])))));
    return shapes;
  }

  /** Increasing numbers from their differences. */
  function cumulate(steps) {
    let sum = 0;
    return steps.map((step) => (sum += step));
  }

  /* ---- elements ---- */

  /** Create an element: properties, then children; string children are text, null is ignored. */
  function el(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (key === "style") node.style.cssText = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key in node) node[key] = value;
      else node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  function svg(tag, attributes, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value); else node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  /* ---- patterns: one drawing each, for the canvas on the screen and for SVG (legend, paper) ---- */

  const patterns = new Map();
  const FINE = 3; // canvas pixels per CSS pixel of a pattern tile, for sharpness

  /** pattern: { size, ground, ink, path, stroke }; `path` is filled with the ink, or stroked if `stroke` is a width. */
  function addPattern(name, pattern) {
    const { size, ground, ink, path, stroke } = pattern, tile = el("canvas", { width: size * FINE, height: size * FINE });
    const pen = tile.getContext("2d");
    pen.scale(FINE, FINE);
    pen.fillStyle = ground;
    pen.fillRect(0, 0, size, size);
    pen.fillStyle = pen.strokeStyle = ink;
    pen.lineWidth = stroke ?? 0;
    if (stroke) pen.stroke(new Path2D(path)); else pen.fill(new Path2D(path));
    patterns.set(name, pen.createPattern(tile, "repeat"));
    const mark = svg("path", stroke ? { d: path, stroke: ink, "stroke-width": stroke } : { d: path, fill: ink });
    const drawn = svg("pattern", { id: `pattern-${name}`, width: size, height: size, patternUnits: "userSpaceOnUse" },
      svg("rect", { width: size, height: size, fill: ground }), mark);
    document.body.append(svg("svg", { width: 0, height: 0, style: "position:absolute", "aria-hidden": "true" }, svg("defs", {}, drawn)));
  }

  /** Name of a fill in a drawing: a colour, or the pattern with that name. */
  const paintOnCanvas = (fill) => patterns.get(fill) ?? fill;
  /** Keep the size of a pattern on a canvas whose units are `scale` pixels long and begin at `x`, `y`. */
  function levelPattern(paint, scale, x, y) {
    if (paint instanceof CanvasPattern) paint.setTransform(new DOMMatrix([1 / (scale * FINE), 0, 0, 1 / (scale * FINE), -x / scale, -y / scale]));
  }
  /** The same in SVG; a paint of the canvas has the name of its pattern. */
  function paintAsLines(fill) {
    const name = fill instanceof CanvasPattern ? [...patterns.keys()].find((key) => patterns.get(key) === fill) : fill;
    return patterns.has(name) ? `url(#pattern-${name})` : fill;
  }

  /** A legend swatch with the same paint as the map. */
  const swatch = (fill, stroke = "#5b6570") => svg("svg", { class: "swatch", viewBox: "0 0 22 15", "aria-hidden": "true" },
    svg("rect", { x: 0.5, y: 0.5, width: 21, height: 14, rx: 2, fill: paintAsLines(fill), stroke, "stroke-width": 0.8 }));

  /* ---- numbers ---- */

  /** Integer percentages that sum to 100 (largest remainders); non-empty parts have at least 1. */
  function wholePercents(parts) {
    const sum = parts.reduce((a, b) => a + b, 0);
    if (!sum) return parts.map(() => null);
    const exact = parts.map((part) => (100 * part) / sum), percents = exact.map((value) => (value > 0 ? Math.max(1, Math.floor(value)) : 0));
    const rest = (i) => exact[i] - percents[i], order = percents.map((_, i) => i).filter((i) => parts[i] > 0);
    for (let left = 100 - percents.reduce((a, b) => a + b, 0); left; left -= Math.sign(left)) {
      const i = left > 0 ? order.reduce((a, b) => (rest(b) > rest(a) ? b : a)) : order.filter((k) => percents[k] > 1).reduce((a, b) => (rest(b) < rest(a) ? b : a));
      percents[i] += Math.sign(left);
    }
    return percents;
  }

  /** Number formats in the current language of `page`. */
  function formatter(page) {
    const made = new Map();
    // Creating a NumberFormat costs as much as formatting a hundred numbers.
    const write = (value, most, least = 0) => {
      const key = `${page.language}${most}${least}`;
      if (!made.has(key)) made.set(key, new Intl.NumberFormat(page.language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: most, minimumFractionDigits: least }));
      return made.get(key).format(value);
    };
    const whole = (value) => (value === null ? "–" : write(value, 0));
    return {
      whole,
      decimal: (value, digits = 1) => write(value, digits),
      /** Three significant digits are enough for comparison. */
      figure: (value) => write(value, value >= 100 ? 0 : value >= 10 ? 1 : 2),
      share: (part, all) => (!all ? "–" : part && part < all / 100 ? "<1%" : `${Math.min(Math.round((100 * part) / all), part < all ? 99 : 100)}%`),
      shares: (parts) => wholePercents(parts).map((percent) => (percent === null ? "–" : `${percent}%`)),
      area: (m2) => (m2 >= 1e5 ? `${write(m2 / 1e6, 2, 2)} km²` : `${whole(m2)} m²`),
      duration: (seconds) => {
        const minutes = Math.floor(seconds / 60), rest = Math.round(seconds % 60), hours = Math.floor(minutes / 60);
        if (hours) return page.language === "zh" ? `${hours} 小时 ${minutes % 60} 分` : `${hours} h ${minutes % 60} min`;
        if (page.language === "zh") return minutes ? `${minutes} 分${rest ? ` ${rest} 秒` : "钟"}` : `${rest} 秒`;
        return minutes ? `${minutes} min${rest ? ` ${rest} s` : ""}` : `${rest} s`;
      },
    };
  }

  /* ---- the frame of a page ---- */

  /** Focus the first heading next to the map. */
  function focusPanel() {
    const heading = document.querySelector("#panel h2");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus();
  }

  const FRAME_TEXTS = { pages: { zh: "页面", en: "Pages" }, theme: { zh: "深色或浅色", en: "Dark or light" }, map: { zh: "地图", en: "Map" }, panel: { zh: "说明与清单", en: "Figures and lists" }, skip: { zh: "跳到清单", en: "Skip to the lists" }, language: { zh: "English", en: "中文" }, print: { zh: "打印", en: "Print" }, note: { zh: "数据说明", en: "About the data" } };

  /** Remove a Leaflet renderer, and cancel its pending frame, which needs the canvas. */
  function discard(painter) {
    if (!painter) return;
    painter.remove();
    painter._redraw = painter._clear = painter._draw = () => {};
  }

  /** Dark or light mode, kept in the browser's storage if available. */
  function setDark(on) {
    document.documentElement.dataset.theme = on ? "dark" : "light";
    try { localStorage.setItem("wangge-theme", on ? "dark" : "light"); } catch { /* it may forbid it */ }
  }

  function usualTheme() {
    try { const kept = localStorage.getItem("wangge-theme"); if (kept) return kept; } catch { /* as above */ }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = new URLSearchParams(location.hash.slice(1)).get("sheet") === "1" ? "light" : usualTheme();

  /* ---- paper size of a print: A3, or A4 if selected by the reader or the address ---- */

  // A named page would be a rule of the stylesheet, but Firefox takes the size of the paper from the page without a name.
  const small = new CSSStyleSheet();
  small.replaceSync("@page { size: A4 landscape; margin: 8mm; }");

  function setPaper(size) {
    if (size === "A4") document.documentElement.dataset.paper = size; else delete document.documentElement.dataset.paper;
    document.adoptedStyleSheets = size === "A4" ? [small] : [];
  }
  setPaper(new URLSearchParams(location.hash.slice(1)).get("paper"));

  /** Add the paper options to an address: the size if it is not A3, and whether the page is a sheet. */
  function paperInto(address) {
    if (document.documentElement.dataset.paper) address.set("paper", document.documentElement.dataset.paper);
    if (SHEET) address.set("sheet", "1");
  }

  function choosePaper(size) {
    setPaper(size);
    const address = new URLSearchParams(location.hash.slice(1));
    address.delete("paper");
    paperInto(address);
    history.replaceState(null, "", `#${address}`);
  }

  function paperChoice(page) {
    const chosen = document.documentElement.dataset.paper ?? "A3";
    return el("select", { className: "paper", "aria-label": page.language === "zh" ? "纸张" : "Paper", onchange: (event) => choosePaper(event.target.value) },
      ...["A3", "A4"].map((size) => el("option", { value: size, selected: size === chosen }, size)));
  }

  /** Header with title, subtitle, the pages of the server if there is one, and the buttons. */
  function drawTop(page) {
    const say = (key) => FRAME_TEXTS[key][page.language];
    const other = page.language === "zh" ? "en" : "zh";
    document.documentElement.lang = page.language === "zh" ? "zh-CN" : "en";
    document.title = `${page.data.title[page.language]} · ${page.data.when[page.language]}`;
    const frame = document.querySelector(".folium-map"), panel = document.getElementById("panel");
    frame.setAttribute("role", "main");
    frame.setAttribute("aria-label", say("map"));
    panel.setAttribute("aria-label", say("panel"));
    const top = document.getElementById("top"), pages = document.getElementById("navigation");
    document.body.prepend(top); // the first element is the first in Tab order
    top.replaceChildren(...[
      el("a", { className: "skip", href: "#panel", onclick: (event) => { event.preventDefault(); focusPanel(); } }, say("skip")),
      el("div", {}, el("h1", {}, page.data.title[page.language]), el("p", {}, page.data.when[page.language], page.live ? el("span", { className: "live" }, page.live[page.language]) : null)),
      pages ? el("nav", { className: "pages", "aria-label": say("pages") }, ...JSON.parse(pages.textContent).map((entry) => el("a", { href: entry.path, ...(entry.path === location.pathname ? { ariaCurrent: "page" } : {}) }, entry[page.language]))) : null,
      el("div", { className: "tools" }, el("button", { type: "button", className: "theme", "aria-label": say("theme"), title: say("theme"), onclick: () => setDark(document.documentElement.dataset.theme !== "dark") }, "◐"),
        wangge.share && page.theme ? el("button", { type: "button", className: "share", onclick: () => wangge.share.open(page) }, wangge.share.label[page.language]) : null,
        paperChoice(page), el("button", { type: "button", className: "print", onclick: () => globalThis.print() }, say("print")),
        el("button", { type: "button", className: "language", lang: other === "zh" ? "zh-CN" : "en", onclick: () => page.speak(other) }, say("language")))].filter(Boolean));
  }

  /** Notes about the data: those of the caller and those of the program. */
  function remark(page) {
    const lines = [page.data.note, ...(page.data.remarks ?? [])].filter(Boolean).map((text) => el("p", {}, text[page.language]));
    return lines.length ? el("section", { className: "remark" }, el("h2", {}, FRAME_TEXTS.note[page.language]), ...lines) : null;
  }

  /** Whether the address asked for a sheet when the page was opened. */
  const SHEET = new URLSearchParams(location.hash.slice(1)).get("sheet") === "1";

  /**
   * Draw the page as a sheet for printing, and from the start if the address contains `sheet=1`: then a
   * program prints it or takes a screenshot. `draw(onPaper)` redraws the page; afterwards lists are cut to fit the sheet.
   */
  function keepSheet(page, draw) {
    const turn = (on) => {
      document.documentElement.classList.toggle("printing", on);
      page.map.invalidateSize({ animate: false });
      document.getElementById("imprint")?.remove();
      if (on) document.body.append(el("footer", { id: "imprint" }));
      draw(on);
      if (on) { imprint(page); cutLists(page); }
    };
    if (SHEET) return turn(true);
    addEventListener("beforeprint", () => turn(true));
    addEventListener("afterprint", () => turn(false));
  }

  /** Move a map to bounds. Leaflet ignores a move while a zoom is animated, so that one is ended first. */
  function lookAt(map, bounds, { animate = true, ...options }) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    map._onZoomTransitionEnd();
    map.fitBounds(bounds, { ...options, animate: animate && !still });
  }

  // A CSS pixel on paper, metres.
  const PIXEL_M = 0.0254 / 96;
  const scaleOf = (map) => (40075016.7 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / map.options.crs.scale(map.getZoom()) / PIXEL_M;

  /** Zoom out to a round scale of the sheet. */
  function roundScale(map) {
    const scale = scaleOf(map), unit = scale >= 5000 ? 500 : scale >= 1000 ? 100 : 10, round = Math.ceil(scale / unit) * unit;
    map.setZoom(map.getZoom() - Math.log2(round / scale), { animate: false });
  }

  /** Footer of a sheet: north, scale, author, time, page. The maps are Web Mercator, so north is up. */
  function imprint(page) {
    const zh = page.language === "zh", scale = Math.round(scaleOf(page.map)), now = new Date(), pad = (n) => String(n).padStart(2, "0");
    const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
    const north = svg("svg", { viewBox: "0 0 20 26", width: 20, height: 26, role: "img", "aria-label": zh ? "北" : "north" },
      svg("path", { d: "M10 1L16 24L10 19L4 24Z", fill: "#15232e" }), svg("path", { d: "M10 1L10 19L4 24Z", fill: "#fff", stroke: "#15232e", "stroke-width": 0.8 }));
    const parts = [el("b", {}, zh ? "北" : "N"), `1:${new Intl.NumberFormat("en-GB").format(scale).replaceAll(",", " ")}`,
      zh ? "制图：网格 wangge" : "made with wangge", zh ? `制图日期 ${day}` : `made on ${day}`, zh ? "第 1 页，共 1 页" : "page 1 of 1"];
    document.getElementById("imprint").replaceChildren(north, ...parts.map((part) => el("span", {}, part)));
  }

  /** A sheet cannot be scrolled: remove entries of the longest list until everything fits, and show their number. Legends are kept. */
  function cutLists(page) {
    const panel = document.getElementById("panel"), dropped = new Map();
    const lists = () => panel.querySelectorAll(".attention ul, .kinds tbody, .evidence tbody");
    const longest = () => [...lists()].reduce((a, b) => (b.children.length > (a?.children.length ?? 1) ? b : a), null);
    for (let list = longest(); list && panel.scrollHeight > panel.clientHeight + 1; list = longest()) {
      list.lastElementChild.remove();
      const n = (dropped.get(list)?.n ?? 0) + 1, text = page.language === "zh" ? `未列出其余 ${n} 项` : `${n} more not listed`;
      const line = dropped.get(list)?.line ?? el("p", { className: "cut" });
      line.textContent = text;
      if (!line.isConnected) (list.closest("table") ?? list).after(line);
      dropped.set(list, { n, line });
    }
  }

  return { SHEET, discard, paperInto, focusPanel, roundScale, wholePercents, addPattern, bytes, cumulate, decodeLine, decodePoint, decodeShape, drawTop, el, formatter, keepSheet, levelPattern, lookAt, paintAsLines, paintOnCanvas, payload, read, remark, svg, swatch, unpack, unpackShapes };
})();
