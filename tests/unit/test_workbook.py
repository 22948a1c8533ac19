"""Workbooks: every kind of value is read back by openpyxl as what it was, with the same cells as openpyxl would write."""

from __future__ import annotations

import datetime as dt
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment

from api.files import workbook
from api.files.workbook import write_workbook

LONG = "长" * 40
MORNING = dt.datetime(2026, 1, 2, 3, 4, 5)


def table():
    return pd.DataFrame(
        {
            "text": ["plain", "=1+1", "#N/A", "", None, " kept\t", "a&b<c>\r\n\"'", LONG, "\x01z\ufffe"],
            "float": [1.5, np.nan, 1e300, 3.0, 0.1 + 0.2, 1 / 3, -0.0, np.inf, 2.0],
            "bool": [True, False, True, False, True, False, True, False, True],
            "day": [dt.date(2026, 1, 1)] * 9,
            "time": [*[pd.Timestamp(MORNING)] * 8, pd.NaT],
            "zoned": [pd.Timestamp(MORNING, tz="UTC")] * 9,
            "int": np.arange(9),
            "list": [[1, 2]] * 9,
            "nullable": pd.array([1, None, 2, None, 3, None, 4, None, 5], dtype="Int64"),
        }
    )


def cells_of(path, sheet):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[sheet].iter_rows()]


def test_every_kind_of_value_is_read_back_as_it_was(tmp_path):
    path = write_workbook({"表": table(), "empty": table().iloc[:0]}, tmp_path / "a.xlsx")
    heading, *rows = cells_of(path, "表")
    assert heading == list(table().columns)
    texts = [row[0] for row in rows]
    assert texts == ["plain", "=1+1", "#N/A", None, None, " kept\t", "a&b<c>\r\n\"'", LONG, "z"]
    # Excel keeps 15 to 16 digits.
    floats = [row[1] for row in rows]
    assert [floats.pop(k) for k in (7, 1)] == [None, None]
    assert floats == pytest.approx([1.5, 1e300, 3, 0.3, 1 / 3, 0, 2], rel=1e-15)
    assert [row[2] for row in rows] == table()["bool"].tolist()
    assert {row[3] for row in rows} == {dt.datetime(2026, 1, 1)}
    assert [row[4] for row in rows] == [MORNING] * 8 + [None]
    assert {row[5] for row in rows} == {"2026-01-02 03:04:05+00:00"}
    assert [row[6] for row in rows] == list(range(9))
    assert {row[7] for row in rows} == {"[1, 2]"}
    assert [row[8] for row in rows] == [1, None, 2, None, 3, None, 4, None, 5]
    assert cells_of(path, "empty") == [list(table().columns)]


def test_a_text_like_a_formula_stays_text_and_a_long_one_is_wrapped(tmp_path):
    path = write_workbook({"a": table()}, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(path)["a"]
    assert [sheet[f"A{row}"].data_type for row in (2, 3, 4)] == ["s", "s", "s"]
    assert [bool(sheet[f"A{row}"].alignment.wrap_text) for row in (2, 9)] == [False, True]
    assert (sheet["D2"].is_date, sheet["E2"].is_date, sheet["G2"].is_date) == (True, True, False)


@pytest.mark.parametrize("rows", [1, 499, 500, 501, 1200])
def test_rows_are_those_that_openpyxl_writes(tmp_path, rows):
    frame = pd.DataFrame({"a": [f"文{k}" for k in range(rows)], "b": np.arange(rows) / 7, "c": [MORNING] * rows})
    made = write_workbook({"t": frame, "u": frame.head(2)}, tmp_path / "made.xlsx")
    assert _lines(made, "t") == _lines(_twin(frame, tmp_path / "twin.xlsx"), "t")
    assert len(cells_of(made, "u")) == min(rows, 2) + 1


def test_rows_beyond_the_most_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    made = write_workbook({"t": pd.DataFrame({"a": range(5)})}, tmp_path / "made.xlsx")
    assert cells_of(made, "t") == [["a"], [0], [1], [2]]
    assert openpyxl.load_workbook(made)["t"].auto_filter.ref == "A1:A4"


def _twin(frame, path):
    """The slow way: every cell by openpyxl."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("t")
    wide = WriteOnlyCell(sheet, "")
    wide.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append([value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row])
    book.save(path)
    return path


def _lines(path, sheet):
    """Type, format and value of each cell below the heading."""
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
    rows = openpyxl.load_workbook(path)[sheet].iter_rows(min_row=2)
    return [[(cell.coordinate, cell.data_type, cell.number_format, cell.value) for cell in row] for row in rows]
