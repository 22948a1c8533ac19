"""Cells of spreadsheets and pages as other programs write them, and coordinates and times in unusual forms."""

from __future__ import annotations

import datetime as dt
import io
import re
import struct
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from geo.tables.coordinates import LAT_LON, LON_LAT, Place, read_coordinates
from geo.tables.html import html_sheet
from geo.tables.merged import Span
from geo.tables.numbers import parse_numeric, scaled_degrees
from geo.tables.relative_times import is_relative, resolve_text
from geo.tables.spreadsheets import _old_excel, sheets_of

ROWS = [["编号", "地点", "备注"], ["a", "", "x"], ["b", "路口", None]]


def excel(change=lambda book: None, edit=lambda xml: xml):
    """An .xlsx of one sheet, changed before it is written, and with its XML edited afterwards."""
    book = openpyxl.Workbook()
    book.active.title = "登记"
    for row in ROWS:
        book.active.append(row)
    change(book)
    raw = io.BytesIO()
    book.save(raw)
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, edit(body.decode()) if name == "xl/worksheets/sheet1.xml" else body)
    return out.getvalue()


def old_excel(*sheets):
    """A stream of an .xls (BIFF8): of each sheet the title, whether it is hidden, its texts, and ranges of merged cells."""

    def record(code, body=b""):
        return struct.pack("<HH", code, len(body)) + body

    def text(value, width):
        return struct.pack(width, len(value)) + b"\x01" + value.encode("utf-16-le")

    def begin(kind):
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 1997, 0, 6))

    bodies = []
    for _, _, cells, merged in sheets:
        labels = (record(0x204, struct.pack("<HHH", *at, 0) + text(value, "<H")) for at, value in cells.items())
        ranges = struct.pack("<H", len(merged)) + b"".join(struct.pack("<HHHH", *one) for one in merged)
        bodies.append(begin(0x10) + b"".join(labels) + record(0xE5, ranges) + record(0x0A))
    titles = [text(title, "<B") for title, *_ in sheets]
    at = len(begin(5)) + sum(4 + 6 + len(title) for title in titles) + 4
    head = begin(5)
    for (_, hidden, _, _), title, body in zip(sheets, titles, bodies, strict=True):
        head += record(0x85, struct.pack("<IBB", at, hidden, 0) + title)
        at += len(body)
    return head + record(0x0A) + b"".join(bodies)


def test_hidden_sheets_of_new_files_are_left_out():
    def hide(book):
        book.create_sheet("旧表").append(["编号"])
        book.create_sheet("秘密").append(["编号"])
        book["旧表"].sheet_state, book["秘密"].sheet_state = "hidden", "veryHidden"

    assert [title for title, _ in sheets_of(excel(hide), "a.xlsx")] == ["登记"]


def test_hidden_sheets_of_old_files_are_left_out():
    pytest.importorskip("xlrd", reason="reading .xls needs xlrd")
    raw = old_excel(
        *((title, hidden, {(0, 0): "编号"}, []) for title, hidden in (("旧表", 1), ("登记", 0), ("秘密", 2)))
    )
    assert [title for title, _ in _old_excel(raw, "a.xls")] == ["登记"]


def test_merged_cells_of_old_files_end_with_their_last_row_and_column():
    pytest.importorskip("xlrd", reason="reading .xls needs xlrd")
    raw = old_excel(("登记", 0, {(0, 0): "编号", (1, 0): "a", (4, 2): "c"}, [(1, 3, 0, 1), (0, 0, 1, 2)]))
    sheet = _old_excel(raw, "a.xls")[0][1]()
    assert sheet.spans == (Span(1, 0, 3, 1), Span(0, 1, 0, 2))
    assert sheet.rows[4] == [None, None, "c"]


def test_an_empty_text_in_a_new_file_is_no_value():
    def empty(xml):
        return re.sub(r'<c r="B2"[^>]*?(/>|>.*?</c>)', '<c r="B2" t="inlineStr"><is><t></t></is></c>', xml)

    sheet = sheets_of(excel(lambda book: book.active.__setitem__("B2", "weg"), empty), "a.xlsx")[0][1]()
    assert sheet.rows[1] == ["a", None, "x"]


def test_a_new_file_is_read_beyond_the_extent_that_it_declares():
    raw = excel(edit=lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1"', xml))
    assert sheets_of(raw, "a.xlsx")[0][1]().rows == [["编号", "地点", "备注"], ["a", None, "x"], ["b", "路口"]]


def test_a_cell_over_several_columns_leaves_the_others_empty_and_no_span_is_endless():
    page = "<table><tr><td colspan=2>a<td>b<tr><td rowspan=1000000>c<td colspan=100000>d</table>"
    sheet = html_sheet(page, "a.xls")
    assert sheet.rows[0][:3] == ["a", None, "b"]
    assert sheet.rows[1][:2] == ["c", "d"]
    assert sheet.spans == (Span(0, 0, 0, 1), Span(1, 0, 100, 0), Span(1, 1, 1, 100))
    assert len(sheet.rows[1]) == 101


def read(texts, name=LON_LAT):
    return read_coordinates(pd.DataFrame({"p": texts}), Place({name: "p"}), in_degrees=True)


def test_rows_with_exchanged_degrees_are_found_in_the_west_of_china_too():
    """Ürümqi: 87.6 E, 43.8 N; both values are below 90."""
    found = read(["87.60,43.80", "87.61,43.82", "43.81,87.59", "87.58,43.79", "80.0,40.0"])
    assert found.swapped.tolist() == [False, False, True, False, False]


def test_a_geo_uri_has_latitude_first():
    found = read(["geo:43.81,87.59", "geo:43.82,87.60,900"])
    assert (found.x.tolist(), found.y.tolist()) == ([87.59, 87.6], [43.81, 43.82])
    assert not found.swapped.any()


@pytest.mark.parametrize("srid", [None, 4326])
@pytest.mark.parametrize("order", [0, 1])
def test_points_in_wkb_with_and_without_srid(srid, order):
    point = shapely.Point(118.81, 32.1)
    point = point if srid is None else shapely.set_srid(point, srid)
    found = read([shapely.to_wkb(point, hex=True, include_srid=srid is not None, byte_order=order)])
    assert (found.x.tolist(), found.y.tolist()) == ([118.81], [32.1])


@pytest.mark.parametrize("name", [LON_LAT, LAT_LON])
@pytest.mark.parametrize("lon_first", [True, False])
def test_longitudes_over_90_decide_the_order_of_pairs_against_the_header(name, lon_first):
    pairs = [(118.81, 32.1), (118.82, 32.11)]
    found = read([f"{x},{y}" if lon_first else f"{y},{x}" for x, y in pairs], name)
    assert list(zip(found.x, found.y, strict=True)) == pairs


def test_a_date_without_year_may_be_the_day_of_the_table():
    day = {dt.date(2026, 3, 2)}
    assert resolve_text("3月2日", day) == dt.datetime(2026, 3, 2)
    assert resolve_text("3月3日", day) == dt.datetime(2025, 3, 3)


def test_prose_about_yesterday_is_no_time():
    assert is_relative("昨天下午3点")
    assert not is_relative("14:30左右，居民反映小区北门外有人长期占道经营，昨天也来过，希望处理")
    assert is_relative("今天" + " " * 26 + "9点")
    assert not is_relative("今天" + " " * 27 + "9点")


@pytest.mark.parametrize(
    ("text", "m_s"),
    [("3600 knots", 1852.0), ("10 knot", 5.1444), ("10 kt", 5.1444), ("10节", 5.1444), ("36 kph", 10.0)],
)
def test_speeds_in_knots(text, m_s):
    assert parse_numeric(text, "speed") == pytest.approx(m_s, rel=1e-4)


def test_only_integers_too_large_for_all_else_are_scaled_degrees():
    lon = np.array([1_188_100_000.0, 1_188_100_000.0, 1_188_100_000.5, 180_000_000.0])
    lat = np.array([321_000_000.0, 9_999_999.0, 321_000_000.0, 32_100_000.0])
    assert scaled_degrees(lon, lat)[2].tolist() == [True, False, False, False]
