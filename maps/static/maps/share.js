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

  /** The cells in view as rows, the first of which is the heading: location and values of the theme. A theme may have a table of its own. */
  function table(page) {
    if (page.theme.table) return page.theme.table();
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

  function save(blob, name) {
    const link = el("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** Buttons that save the view of a page as a picture. */
  function pictureButtons(page, name) {
    const button = (text, onclick) => el("button", { type: "button", onclick }, text), { drawing, png } = wangge.picture;
    return [button("SVG", () => save(new Blob([drawing(page)], { type: "image/svg+xml" }), `${name}.svg`)), button("PNG", async () => save(await png(page), `${name}.png`))];
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
      el("p", { className: "steps" }, el("span", {}, say("picture")), ...pictureButtons(page, name)),
      el("form", { method: "dialog" }, el("button", {}, say("close"))));
    document.body.append(dialog);
    dialog.showModal();
  }

  return { label: TEXTS.share, open, pictureButtons, pictureLabel: TEXTS.picture, table, tableButtons };
})();
