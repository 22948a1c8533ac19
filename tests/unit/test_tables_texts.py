"""Text tables: encodings, delimiters, unclosed quotation marks, headings."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from geo.errors import FileError
from geo.tables.delimited import find_delimiter, read_body
from geo.tables.encodings import decode
from geo.tables.heading import find_heading
from geo.tables.merged import Span, fill_down, fill_right
from geo.tables.refused import SHOWN, Records, are_good, mark, refuse
from geo.tables.table import free_name, is_headless, read_headless, read_table
from geo.texts import Text, listed

CHINESE = "编号,上报时间,描述\n1,2026-03-01 08:00,噪音扰民\n2,2026-03-01 08:10,占道经营\n"
KNOWN = frozenset({"编号", "上报时间", "经度", "纬度", "受理时间"})


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_text_of_every_encoding_that_offices_use(encoding):
    read = decode(CHINESE.encode(encoding), "a.csv")
    assert read.text == CHINESE
    assert read.bad_lines == ()


@pytest.mark.parametrize(("encoding", "found"), [("utf-8", "utf-8"), ("gbk", "gb18030")])
def test_one_bad_byte_costs_one_character_and_its_line_is_named(encoding, found):
    raw = CHINESE.encode(encoding).replace("噪".encode(encoding), b"\xff", 1)
    read = decode(raw, "a.csv")
    assert read.encoding == found
    assert read.bad_lines == (2,)
    assert read.text == CHINESE.replace("噪", "\ufffd")
    notices = read_table(raw, "a.csv", known=KNOWN).notices
    assert notices[0].en == f"rows 2 hold bytes that are not {found}; they are shown as \ufffd"


def test_western_text_is_no_chinese():
    text = "name,place\nJosé,São Paulo\nZoë,Zürich\n"
    assert decode(text.encode("cp1252"), "a.csv") == (text, "cp1252", ())


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\xff", b"\xff\xff\xff\xff\x00\xff", b"a,b\x00c\n" * 3])
def test_what_is_no_text_is_refused(raw):
    with pytest.raises(FileError, match="is not a text table"):
        decode(raw, "a.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_inside_quotes_do_not_count(delimiter):
    other = ";" if delimiter != ";" else ","
    lines = [delimiter.join(("id", "note"))] + [
        delimiter.join((str(i), f'"a{other}b{other}c{other}d"')) for i in range(5)
    ]
    assert find_delimiter(lines) == delimiter


def body(text, width=3):
    return read_body(text, width, ",", skip_lines=1, first=2, name="a.csv")


def test_a_quotation_mark_that_is_never_closed_swallows_nothing():
    read = body('a,b,c\n1,"two\nlines",3\n2,"x"" y",4\n3,"open,5\n4,"ok, quoted",6\n5,z,7\n')
    assert read.rows.to_numpy().tolist() == [
        ["1", "two\nlines", "3"],
        ["2", 'x" y', "4"],
        ["3", '"open', "5"],
        ["4", "ok, quoted", "6"],
        ["5", "z", "7"],
    ]
    assert read.numbers.tolist() == [2, 3, 4, 5, 6]
    assert read.unclosed == [4]
    assert read.refused == []


def test_records_between_an_open_quotation_mark_and_the_next_one_are_kept():
    read = body('a,b,c\n3,"open,5\n4,x,6\n5,y,z"\n6,v,w\n')
    assert read.rows.to_numpy().tolist() == [
        ["3", '"open', "5"],
        ["4", "x", "6"],
        ["5", "y", 'z"'],
        ["6", "v", "w"],
    ]
    assert read.unclosed == [2]


def test_the_last_field_may_be_open_to_the_end_of_the_file():
    read = body('a,b,c\n1,x,"open\n2,y,z\n3,y,z\n')
    assert read.rows["0"].tolist() == ["1", "2", "3"]
    assert read.rows["2"].tolist() == ['"open', "z", "z"]
    assert read.unclosed == [2]


def test_a_note_of_several_lines_is_one_record():
    text = 'a,b,c\n1,x,"first\nsecond, with a comma\nthird"\n2,y,z\n'
    read = body(text)
    assert read.rows["2"].tolist() == ["first\nsecond, with a comma\nthird", "z"]
    assert read.numbers.tolist() == [2, 3]
    assert read.unclosed == []


def test_rows_with_more_fields_are_refused_and_the_numbers_stay():
    read = body("a,b,c\n1,2,3\n\n4,5,6,7\n8,9\n1,2,3,\n")
    assert read.numbers.tolist() == [2, 3, 5, 6]
    assert [(r["row"], r["reason"]) for r in read.refused] == [(4, "has 4 fields where the header has 3")]
    assert read.refused[0]["values"] == {"0": "4", "1": "5", "2": "6", "3": "7"}


def test_the_quick_and_the_patient_reader_give_the_same():
    rng = np.random.default_rng(3)
    words = ["", "x", "噪音", "a b", "1.5"]
    lines = [",".join(rng.choice(words, 3)) for _ in range(200)]
    lines = [line if line.strip(",") else "x,," for line in lines]
    quick = body("\n".join(["a,b,c", *lines]))
    patient = body("\n".join(["a,b,c", *lines, "1,2,3,4"]))
    assert patient.rows.fillna("").equals(quick.rows.fillna(""))
    assert patient.numbers.tolist() == quick.numbers.tolist()


def test_reading_needs_less_than_twice_the_file_beside_it():
    raw = (
        b"device,time,lon\n"
        + b"".join(b"D%03d,2026-03-02T08:00:00Z,118.8\r\n" % (k % 255) for k in range(20_000))
        + b"\n\n"
    )
    read_table(raw[:4096], "a.csv", known=frozenset({"device"}))
    tracemalloc.start()
    read = read_table(raw, "a.csv", known=frozenset({"device"}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(read.rows) == 20_000
    assert read.rows["lon"].iloc[-1] == "118.8"
    assert peak < 2 * len(raw)


def test_a_heading_below_titles_and_of_two_rows():
    rows = [
        ["明细表", None, None, None],
        ["编号", "上报时间", "位置", None],
        [None, None, "经度", "纬度"],
        ["1", "x", "118", "32"],
    ]
    spans = [Span(1, 2, 1, 3), Span(1, 0, 2, 0), Span(1, 1, 2, 1)]
    for merged in (spans, []):  # a CSV saved from the sheet has no merged cells
        found = find_heading(rows, KNOWN, spans=merged)
        assert (found.last, found.names) == (2, ["编号", "上报时间", "经度", "纬度"])
    assert find_heading(rows[3:], KNOWN).last == 0
    assert find_heading([["only"]], KNOWN) is None


def test_a_group_heading_stays_where_it_tells_columns_apart_or_names_a_datum():
    rows = [["编号", "受理", None, "办结", None], [None, "时间", "人", "时间", "人"]]
    assert find_heading(rows, {"编号", "受理时间", "办结时间"}).names == [
        "编号",
        "受理_时间",
        "受理_人",
        "办结_时间",
        "办结_人",
    ]
    rows = [["编号", "坐标(GCJ02)", None], [None, "经度", "纬度"]]
    assert find_heading(rows, KNOWN, spans=[Span(0, 1, 0, 2)]).names == ["编号", "坐标(GCJ02)_经度", "坐标(GCJ02)_纬度"]


def test_values_below_the_heading_are_no_second_heading():
    rows = [["编号", "上报时间", None], [None, None, "2026-03-01"]]
    assert find_heading(rows, KNOWN).last == 0


def test_the_heading_is_looked_for_in_the_first_rows_only():
    rows = [["x", "y"]] * 19 + [["编号", "上报时间"]]
    assert find_heading(rows, KNOWN).last == 19
    assert find_heading([["x", "y"], *rows], KNOWN).last == 0


def test_merged_body_cells_fill_their_rows_and_no_row_of_the_heading():
    rows = [["h", "k"], ["a", "1"], [None, "2"], [None, "3"], [None, "4"]]
    assert [row[0] for row in fill_down(rows, [Span(1, 0, 3, 0)], 1)] == ["h", "a", "a", "a", None]
    assert fill_down([["h"], [None], ["x"]], [Span(0, 0, 1, 0)], 1) == [["h"], [None], ["x"]]
    assert fill_right(["a", None, None], [Span(0, 0, 0, 1)], 0) == ["a", "a", None]


def test_a_table_without_a_heading():
    raw = b"32.1|118.81|D1\n32.2|118.82|D2\n"
    assert is_headless(raw, "a.csv") == "32.1|118.81|D1"
    assert is_headless("经度,纬度\n118,32\n".encode(), "a.csv") is None
    table = read_headless(raw, "a.csv")
    assert (table.rows[2].tolist(), table.numbers.tolist()) == (["D1", "D2"], [1, 2])


def test_refused_rows_and_their_records():
    row = refuse("a.csv", 7, Text("没有时间", "has no time"), column="time", value="x" * 200)
    assert (row["source"], row["row"], row["column"], row["reason"], row["reason_zh"]) == (
        "a.csv",
        7,
        "time",
        "has no time",
        "没有时间",
    )
    assert len(row["value"]) == SHOWN
    assert "values" not in row
    records = Records([row])
    assert records == [row]
    assert records == (row,)
    assert records != []
    assert records[0] is row
    assert len(records) == 1


def test_a_row_keeps_its_first_reason():
    first, second = Text("一", "one"), Text("二", "two")
    reasons = np.full(3, None, dtype=object)
    mark(reasons, np.array([True, False, False]), first)
    mark(reasons, np.array([True, True, False]), second)
    assert reasons.tolist() == [first, second, None]
    assert are_good(reasons).tolist() == [False, False, True]


def test_the_first_of_many_are_named():
    assert listed(range(3), most=3).en == "0, 1, 2"
    assert listed(range(4), most=3) == ("0、1、2等4个", "0, 1, 2 and 1 more")
    assert listed(range(4), most=3, unit="") == ("0、1、2等4", "0, 1, 2 and 1 more")
    assert free_name("cell", ["cell", "cell_2"]) == "cell_3"
    assert free_name("cell", ["lon"]) == "cell"
