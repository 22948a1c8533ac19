"use strict";
/* Sharing a view: its address, a QR code where a server answers, and what is in view as a table (CSV) or a picture (SVG, PNG). */
wangge.share = (() => {
  const { el } = wangge;
  const TEXTS = {
    share: { zh: "分享与下载", en: "Share and download" },
    address: { zh: "本页地址", en: "Address of this view" },
    copy: { zh: "复制", en: "Copy" },
    table: { zh: "表格 CSV", en: "Table CSV" },
    code: { zh: "扫码打开本页", en: "Scan to open this view" },
    close: { zh: "关闭", en: "Close" },
    cell: { zh: "网格编码", en: "Grid code" },
    name: { zh: "名称", en: "Name" },
    what: { zh: "内容", en: "Values" },
  };

  /** Rows of the cells in view: code, name, and what their tip says. A value that a spreadsheet would take for a formula gets an apostrophe. */
  function table(page) {
    const say = (key) => TEXTS[key][page.language];
    const safe = (value) => `"${String(value).replace(/^[=+\-@\t]/, "'$&").replaceAll('"', '""')}"`;
    const rows = page.inView.map((cell) => [cell.code, cell.name, ...page.theme.tip(cell)]);
    const most = Math.max(1, ...rows.map((row) => row.length - 2));
    const head = [say("cell"), say("name"), ...Array.from({ length: most }, (_, i) => (most > 1 ? `${say("what")} ${i + 1}` : say("what")))];
    return `\uFEFF${[head, ...rows].map((row) => row.map(safe).join(",")).join("\r\n")}\r\n`;
  }

  /** The view as a drawing: cells with their fills, borders of the street, and the labels that stand on the map. */
  function drawing(page) {
    const { map } = page, { x: width, y: height } = map.getSize(), shapes = [];
    const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
    const path = (latlngs) => latlngs.map((part) => part.map((ring) => `M${ring.map((at) => { const { x, y } = map.latLngToContainerPoint(at); return `${x.toFixed(1)} ${y.toFixed(1)}`; }).join("L")}Z`).join("")).join("");
    for (const [cell] of page.shapes) {
      const style = page.theme.style(cell, false);
      shapes.push(`<path d="${path(cell.latlngs)}" fill="${wangge.paintAsLines(style.fillColor)}" fill-opacity="${style.fillOpacity}" stroke="${style.color}" stroke-width="${style.weight}"/>`);
    }
    shapes.push(`<path d="${path(page.street.latlngs)}" fill="none" stroke="#1d2a35" stroke-width="2.6"/>`);
    const frame = map.getContainer().getBoundingClientRect();
    for (const node of map.getContainer().querySelectorAll(".label b, .label span")) {
      const box = node.getBoundingClientRect();
      shapes.push(`<text x="${(box.left + box.width / 2 - frame.left).toFixed(1)}" y="${(box.bottom - frame.top - 3).toFixed(1)}" text-anchor="middle" font-size="12" font-weight="${node.tagName === "B" ? 700 : 400}" stroke="#fff" stroke-width="3" paint-order="stroke" fill="#0f1c26">${escape(node.textContent)}</text>`);
    }
    const patterns = [...document.querySelectorAll("svg defs pattern")].map((node) => new XMLSerializer().serializeToString(node)).join("");
    const title = escape(`${page.data.title[page.language]} · ${page.data.when[page.language]}`);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + 34}" viewBox="0 -34 ${width} ${height + 34}" font-family="sans-serif"><title>${title}</title><defs>${patterns}</defs>`
      + `<rect y="-34" width="${width}" height="${height + 34}" fill="#fff"/><text x="10" y="-11" font-size="16" font-weight="700">${title}</text>${shapes.join("")}</svg>`;
  }

  function save(content, type, name) {
    const link = el("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** A picture of the drawing, two pixels to one. */
  async function picture(page) {
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(drawing(page))}`;
    await image.decode();
    const canvas = el("canvas", { width: image.width * 2, height: image.height * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => { canvas.toBlob(done, "image/png"); });
  }

  function open(page) {
    const say = (key) => TEXTS[key][page.language], name = `${page.data.title.zh}-${page.at.code || "all"}`;
    const field = el("input", { readOnly: true, value: location.href, ariaLabel: say("address") });
    const button = (text, onclick) => el("button", { type: "button", onclick }, text);
    const served = document.getElementById("navigation");
    const dialog = el("dialog", { id: "share", ariaLabel: say("share"), onclose: () => dialog.remove() }, el("h2", {}, say("share")),
      el("p", {}, field, button(say("copy"), () => { field.select(); navigator.clipboard?.writeText(field.value).catch(() => {}); })),
      served ? el("p", {}, el("img", { src: `/qr?to=${encodeURIComponent(location.pathname + location.search + location.hash)}`, alt: say("code"), width: 180, height: 180 }), el("small", {}, say("code"))) : null,
      el("p", { className: "steps" }, button(say("table"), () => save(table(page), "text/csv", `${name}.csv`)), button("SVG", () => save(drawing(page), "image/svg+xml", `${name}.svg`)),
        button("PNG", async () => save(await picture(page), "image/png", `${name}.png`))),
      el("form", { method: "dialog" }, el("button", {}, say("close"))));
    document.body.append(dialog);
    dialog.showModal();
  }

  return { drawing, label: TEXTS.share, open, table };
})();
