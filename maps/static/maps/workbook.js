"use strict";
/* A table as CSV or as an Excel workbook (ECMA-376), created in the page, so that it also works in a file
   without a server. Texts are never interpreted as formulas: in the workbook by their type, in CSV by an apostrophe. */
wangge.workbook = (() => {
  const MOST_CHARACTERS = 32000;
  const encoder = new TextEncoder();

  /* ---- CSV ---- */

  /** Values that a spreadsheet would interpret as formulas get an apostrophe; numbers are unchanged. */
  function csvValue(value) {
    if (typeof value === "number") return String(value);
    return `"${String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  }

  const csv = (rows) => new Blob([`\uFEFF${rows.map((row) => row.map(csvValue).join(",")).join("\r\n")}\r\n`], { type: "text/csv" });

  /* ---- the workbook's parts ---- */

  const xml = (text) => [...String(text)].filter((one) => one >= " " || one === "\n" || one === "\t").join("").slice(0, MOST_CHARACTERS)
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", PACKAGE = "http://schemas.openxmlformats.org/package/2006";
  const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships", TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";

  function column(i) {
    return i < 26 ? String.fromCharCode(65 + i) : column(Math.floor(i / 26) - 1) + column(i % 26);
  }

  function cell(value, row, i, style) {
    const at = `r="${column(i)}${row}"${style ? ' s="1"' : ""}`;
    if (value === null || value === undefined || value === "") return "";
    if (typeof value === "number") return Number.isFinite(value) ? `<c ${at}><v>${value}</v></c>` : "";
    return `<c ${at} t="inlineStr"><is><t xml:space="preserve">${xml(value)}</t></is></c>`;
  }

  /** Width of a column in Latin letters; a Chinese character is two of them. */
  function width(values) {
    const letters = (value) => [...String(value ?? "")].reduce((sum, one) => sum + (one > "\u2e7f" ? 2 : 1), 0);
    return Math.min(60, Math.max(8, ...values.map((value) => letters(value) + 2)));
  }

  function sheet(rows) {
    const last = `${column(rows[0].length - 1)}${rows.length}`;
    const widths = rows[0].map((_, i) => `<col min="${i + 1}" max="${i + 1}" width="${width(rows.slice(0, 300).map((row) => row[i]))}" customWidth="1"/>`);
    const lines = rows.map((row, k) => `<row r="${k + 1}">${row.map((value, i) => cell(value, k + 1, i, k === 0)).join("")}</row>`);
    return `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`
      + `<cols>${widths.join("")}</cols><sheetData>${lines.join("")}</sheetData><autoFilter ref="A1:${last}"/></worksheet>`;
  }

  function parts(name, rows) {
    const title = xml(name.replace(/[[\]:*?/\\']/g, " ").slice(0, 31)) || "1";
    return {
      "[Content_Types].xml": `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`
        + `<Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPES}.worksheet+xml"/>`
        + `<Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/></Types>`,
      "_rels/.rels": `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
      "xl/workbook.xml": `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${title}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
      "xl/_rels/workbook.xml.rels": `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>`
        + `<Relationship Id="rId2" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
      "xl/styles.xml": `${HEAD}<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>`
        + '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
        + '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        + '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
      "xl/worksheets/sheet1.xml": sheet(rows),
    };
  }

  /* ---- a ZIP archive of them ---- */

  const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  const crc32 = (data) => ~data.reduce((crc, byte) => CRC[(crc ^ byte) & 255] ^ (crc >>> 8), ~0) >>> 0;

  async function deflated(data) {
    return new Uint8Array(await new Response(new Blob([data]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer());
  }

  /** Little-endian numbers, each with its number of bytes. */
  function record(...fields) {
    const bytes = [];
    for (const [value, n] of fields) for (let i = 0; i < n; i++) bytes.push((value >>> (8 * i)) & 255);
    return Uint8Array.from(bytes);
  }

  const DAY_1980 = 33; // the first day of a ZIP archive, so that equal tables give equal bytes

  async function zip(files) {
    const body = [], directory = [];
    let at = 0;
    for (const [path, text] of Object.entries(files)) {
      const name = encoder.encode(path), data = encoder.encode(text), packed = await deflated(data);
      const common = [[20, 2], [0x800, 2], [8, 2], [0, 2], [DAY_1980, 2], [crc32(data), 4], [packed.length, 4], [data.length, 4], [name.length, 2], [0, 2]];
      const local = record([0x04034b50, 4], ...common);
      body.push(local, name, packed);
      directory.push(record([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), name);
      at += local.length + name.length + packed.length;
    }
    const size = directory.reduce((sum, part) => sum + part.length, 0), n = Object.keys(files).length;
    return new Blob([...body, ...directory, record([0x06054b50, 4], [0, 2], [0, 2], [n, 2], [n, 2], [size, 4], [at, 4], [0, 2])], { type: `${TYPES}.sheet` });
  }

  /** The rows, of which the first is the heading, as a workbook with one sheet. */
  const excel = (name, rows) => zip(parts(name, rows));

  return { csv, excel };
})();
