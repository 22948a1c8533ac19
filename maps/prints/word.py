"""Writes the brief as an editable Word document.

The measures are those of GB/T 9704-2012; fonts have the names usual in offices (仿宋_GB2312, 黑体, 方正小标宋简体) and are not
embedded. The grid of 22 lines is set for the section and switched off in tables, where Word would use three lines per row.
The funnel is left out: its figures are in the table.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph as WordParagraph

from geo.duty.briefs.blocks import DefinitionsBlock, FunnelBlock, Heading, Paragraph, TableBlock
from geo.duty.briefs.composing import Brief

BODY, HEADING, TITLE = "仿宋_GB2312", "黑体", "方正小标宋简体"
_RED = RGBColor(0xFF, 0x33, 0x33)
#: Pitch of lines in twentieths of a point: 22 lines in 225 mm.
_LINE_PITCH = 579
#: All files in the archive have the same time, so that equal briefs give equal bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def brief_docx(made: Brief) -> bytes:
    """The brief as .docx; equal briefs give equal bytes."""
    document = docx.Document()
    _set_page(document)
    values = made.values()
    _line(document, values["title"], TITLE, 30, centred=True, colour=_RED)
    _line(document, values["issue"], BODY, 16, centred=True)
    head = _line(document, f"{values['issuer']}\t{values['day']}", BODY, 16)
    head.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    _underline(head)
    _line(document, values["subject"], TITLE, 22, centred=True)
    for block in made.blocks:
        if isinstance(block, Heading):
            _line(document, block.text, HEADING, 16, indented=True, keep=True)
        elif isinstance(block, Paragraph):
            _line(document, block.text, BODY, 16, indented=True)
        elif isinstance(block, TableBlock):
            _table(document, block)
        elif isinstance(block, DefinitionsBlock):
            for text in block.lines:
                _line(document, text, BODY, 10)
        elif isinstance(block, FunnelBlock):
            _line(document, block.note, BODY, 10)
    for text in (*values["imprint"], f"{values['issuer']}　{values['day']}印发　{values['copies']}"):
        _line(document, text, BODY, 14, keep=True)
    return _bytes(document, made.issue.day)


def _set_page(document: Document) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    grid = OxmlElement("w:docGrid")
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), str(_LINE_PITCH))
    for old in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(old)
    section._sectPr.append(grid)


def _line(
    document: Document,
    text: str,
    font: str,
    size: float,
    *,
    centred: bool = False,
    indented: bool = False,
    keep: bool = False,
    colour: RGBColor | None = None,
) -> WordParagraph:
    line = document.add_paragraph()
    form = line.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.keep_with_next = keep
    if indented:
        form.first_line_indent = Pt(size * 2)
    if centred:
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _write(line, text, font, size, colour)
    return line


def _write(line: WordParagraph, text: str, font: str, size: float, colour: RGBColor | None = None) -> None:
    run = line.add_run(text)
    run.font.size, run.font.name = Pt(size), font
    # Word has a separate attribute for the font of Chinese characters.
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    if colour is not None:
        run.font.color.rgb = colour


def _underline(line: WordParagraph) -> None:
    borders, bottom = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "12"), ("space", "4"), ("color", "FF3333")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    line._p.get_or_add_pPr().append(borders)


def _table(document: Document, block: TableBlock) -> None:
    _line(document, block.title, HEADING, 12, centred=True, keep=True)
    table = document.add_table(rows=1 + len(block.rows), cols=len(block.columns))
    table.style, table.autofit = "Table Grid", False
    widths = [Mm(156 * width / sum(block.widths)) for width in block.widths]
    for place, values in enumerate((block.columns, *block.rows)):
        for cell, value, width in zip(table.rows[place].cells, values, widths, strict=True):
            cell.width = width
            _fill(cell, str(value), HEADING if place == 0 else BODY)
    heading = table.rows[0]._tr.get_or_add_trPr()
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    heading.append(repeated)
    _line(document, block.note, BODY, 10)


def _fill(cell: _Cell, text: str, font: str) -> None:
    line = cell.paragraphs[0]
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    line.paragraph_format.space_before = line.paragraph_format.space_after = Pt(0)
    off = OxmlElement("w:snapToGrid")
    off.set(qn("w:val"), "0")
    line._p.get_or_add_pPr().append(off)
    _write(line, text, font, 10)


def _bytes(document: Document, day: dt.date) -> bytes:
    at = dt.datetime(day.year, day.month, day.day)
    properties: Any = document.core_properties
    properties.created = properties.modified = at
    properties.author = properties.last_modified_by = properties.comments = ""
    written = io.BytesIO()
    document.save(written)
    result = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            target.writestr(zipfile.ZipInfo(name, _ZIP_TIME), source.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()
