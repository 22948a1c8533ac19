"use strict";
/* Sharing a view: its address, a QR code (on a server), and the cells in view as a table (Excel, CSV) or a picture (SVG, PNG). */
wangge.share = (() => {
  const { el } = wangge;
  const TEXTS = {
    share: { zh: "分享与下载", en: "Share and download" },
    address: { zh: "本页地址", en: "Address of this view" },
    copy: { zh: "复制", en: "Copy" },
    table: { zh: "表格", en: "Table" },
    picture: { zh: "图片", en: "Picture" },
    code: { zh: "扫码打开本页", en: "Scan to open this view" },
    close: { zh: "关闭", en: "Close" },
    cell: { zh: "网格编码", en: "Grid code" },
    name: { zh: "名称", en: "Name" },
    within: { zh: "所属", en: "Part of" },
  };

  /** The cells in view as rows, the first of which is the heading: location and values of the theme. */
  function table(page) {
    const say = (key) => TEXTS[key][page.language], records = page.inView.map((cell) => page.theme.record(cell));
    const keys = [...new Set(records.flatMap((record) => Object.keys(record)))];
    const above = (cell) => (cell.level > 1 && cell.parent?.level ? cell.parent.name : "");
    return [[say("cell"), say("name"), say("within"), ...keys], ...page.inView.map((cell, i) => [cell.code, cell.name, above(cell), ...keys.map((key) => records[i][key] ?? null)])];
  }

  /** Buttons that save rows, given by `make()`, as a workbook and as CSV. */
  function tableButtons(name, make) {
    const button = (text, onclick) => el("button", { type: "button", onclick }, text);
    return [button("Excel", async () => save(await wangge.workbook.excel(name, make()), `${name}.xlsx`)), button("CSV", () => save(wangge.workbook.csv(make()), `${name}.csv`))];
  }

  /** The view as SVG: cells with fills, borders, and labels. */
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

  function save(blob, name) {
    const link = el("a", { href: URL.createObjectURL(blob), download: name });
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
      el("p", { className: "steps" }, el("span", {}, say("table")), ...tableButtons(name, () => table(page))),
      el("p", { className: "steps" }, el("span", {}, say("picture")), button("SVG", () => save(new Blob([drawing(page)], { type: "image/svg+xml" }), `${name}.svg`)), button("PNG", async () => save(await picture(page), `${name}.png`))),
      el("form", { method: "dialog" }, el("button", {}, say("close"))));
    document.body.append(dialog);
    dialog.showModal();
  }

  return { drawing, label: TEXTS.share, open, table, tableButtons };
})();
