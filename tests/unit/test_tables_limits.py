"""Text tables on their limits: long fields, blank lines, headings, equal headers, damage, clocks in a column of their own."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pandas as pd
import pytest

from geo.errors import FileError
from geo.tables.delimited import read_body, records
from geo.tables.encodings import encoding_of
from geo.tables.headers import Names, guess_columns
from geo.tables.heading import distinct, find_heading
from geo.tables.table import is_headless, read_table
from geo.tables.times import join_clock


@pytest.mark.parametrize(("lines", "found", "unclosed"), [(199, 1, []), (200, 202, [0])])
def test_a_quoted_field_of_over_two_hundred_lines_was_not_closed(lines, found, unclosed):
    text, bad = 'x,"a\n' + "b\n" * lines + 'c",1\n', []
    assert len(list(records(text, ",", 2, bad))) == found
    assert bad == unclosed


def test_carriage_returns_end_lines_of_irregular_tables_too():
    body = read_body("a,b\r1,2\r3\r", 2, ",", skip_lines=1, first=2, name="a.csv")
    assert body.rows.fillna("").to_numpy().tolist() == [["1", "2"], ["3", ""]]
    assert body.numbers.tolist() == [2, 3]


def test_blank_lines_count_for_the_numbers_of_rows():
    table = read_table(b"a,b\n1,2\n\n3,4\n", "a.csv", known=frozenset({"a", "b"}))
    assert table.numbers.tolist() == [2, 4]
    assert table.rows["a"].tolist() == ["1", "3"]


def test_of_equal_headers_the_first_is_used():
    names = Names({"time": ("time",)}, {}, "incidents")
    assert guess_columns(["Time", "time "], names, {}) == {"time": "Time"}
    assert distinct(["id", "id", "id"]) == ["id", "id_2", "id_3"]


def test_a_title_with_one_known_word_is_no_heading():
    rows = [["时间", None], ["甲", "乙"], ["1", "2"]]
    assert find_heading(rows, {"时间"}).last == 1
    assert find_heading([["时间", "经度"], *rows[1:]], {"时间", "经度"}).last == 0


@pytest.mark.parametrize(("below", "last"), [(["118.8", "甲", "乙", "丙"], 0), (["118.8", "32.1", "乙", "丙"], 1)])
def test_groups_above_a_full_row_are_a_heading_if_numbers_follow(below, last):
    rows = [["位置", None, None, "人员"], ["经度", "纬度", "备注", "姓名"], below]
    assert find_heading(rows, set()).last == last


def test_more_than_two_bad_bytes_of_a_hundred_are_another_encoding():
    bad = b"\xff," * 10
    assert encoding_of("噪音扰民".encode() * 500 + bad, "a.csv") == "utf-8"
    with pytest.raises(FileError, match="is not a text table"):
        encoding_of("噪音扰民".encode() * 25 + bad, "a.csv")


def test_a_clock_column_may_hold_whole_hours_or_complete_times():
    def joined(clock):
        return str(join_clock(pd.Series(["2026-03-04"]), pd.Series([clock], dtype=object)).iloc[0])

    assert joined(1.0) == "2026-03-04 01:00:00"
    assert joined(0.5) == "2026-03-04 12:00:00"
    assert joined(dt.datetime(2026, 3, 5, 14, 30)) == "2026-03-05 14:30:00"
    # Excel's clock times without a day.
    assert joined(dt.datetime(1899, 12, 30, 14, 30)) == "2026-03-04 14:30:00"


def test_a_first_row_with_one_number_may_be_a_heading():
    assert is_headless("编号,2026\n1,2\n".encode(), "a.csv") is None
    assert is_headless(b"118.8,32.1,a\n", "a.csv") == "118.8,32.1,a"


def test_the_sheet_with_most_known_headers_is_read_and_not_a_cover_with_one():
    book, raw = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "封面"
    for row in (["时间", "单位"], ["三月", "街道"]):
        book.active.append(row)
    data = book.create_sheet("工单")
    for row in (["编号", "时间", "描述"], ["1", "2026-03-01 08:00", "噪音"]):
        data.append(row)
    book.save(raw)
    table = read_table(raw.getvalue(), "a.xlsx", known=frozenset({"编号", "时间"}))
    assert table.source["sheet"] == "工单"
    assert table.rows.columns.tolist() == ["编号", "时间", "描述"]


def test_the_longest_table_of_a_page_is_read():
    def html(*rows):
        return "<table>" + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows) + "</table>"

    page = (
        "<html>"
        + html(("菜单", "退出"))
        + html(("编号", "时间"), ("1", "2"), ("3", "4"))
        + html(("页", "1"))
        + "</html>"
    )
    table = read_table(page.encode(), "a.xls", known=frozenset({"编号", "时间"}))
    assert table.rows["编号"].tolist() == ["1", "3"]
