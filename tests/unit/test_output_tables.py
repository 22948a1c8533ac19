"""Values of tables as they are written: local times as texts, and cells of a workbook."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from api.files.outputs import _local_texts
from api.files.workbook import _values, write_workbook

NAT = None


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata", "UTC", "America/New_York"])
@pytest.mark.parametrize(
    "times",
    [
        ["2026-03-28T23:00:00Z", "2026-07-01T00:00:00Z"],
        ["2026-03-28T23:00:00.5Z", NAT, "2026-07-01T00:00:00Z"],
        ["2026-10-25T00:30:00.000001Z", "2026-10-25T01:30:00Z"],
        [NAT, NAT],
        [],
    ],
)
def test_local_times_are_written_as_pandas_writes_them(zone: str, times: list[str | None]) -> None:
    local = pd.Series(pd.to_datetime(times, utc=True, format="ISO8601")).dt.as_unit("us").dt.tz_convert(zone)
    written, slowly = io.StringIO(), io.StringIO()
    pd.DataFrame({"a": _local_texts(local), "b": 1}).to_csv(written)
    pd.DataFrame({"a": local, "b": 1}).to_csv(slowly)
    assert written.getvalue() == slowly.getvalue()


def test_times_in_nanoseconds_keep_their_digits() -> None:
    local = pd.Series(pd.to_datetime([1], unit="ns", utc=True))
    assert str(_local_texts(local).iloc[0]) == "1970-01-01 00:00:00.000000001+00:00"


def test_a_column_is_shown_as_its_values() -> None:
    sheet = openpyxl.Workbook(write_only=True).create_sheet("A")
    assert _values(sheet, pd.Series([1.5, float("nan"), float("inf")])) == [1.5, None, None]
    assert _values(sheet, pd.Series([True, False])) == [True, False]
    assert _values(sheet, pd.Series(["a", None, "a", "b\x01"])) == ["a", None, "a", "b"]
    assert _values(sheet, pd.Series([pd.NA, 3], dtype="Int64")) == [None, 3]
    formula, again = _values(sheet, pd.Series(["=1+1", "=1+1"]))
    assert (formula.value, formula.data_type) == ("=1+1", "s")
    assert again is not formula


@pytest.mark.parametrize(("columns", "orientation"), [(2, "portrait"), (12, "landscape")])
def test_a_workbook_prints_as_wide_as_the_page_and_repeats_its_heading(
    tmp_path: Path, columns: int, orientation: str
) -> None:
    table = pd.DataFrame({f"列{k}": ["内容"] * 80 for k in range(columns)})
    sheet = openpyxl.load_workbook(write_workbook({"表": table}, tmp_path / "a.xlsx")).active
    setup = sheet.page_setup
    assert (sheet.print_title_rows, setup.orientation, setup.paperSize) == ("$1:$1", orientation, 9)
    assert (sheet.sheet_properties.pageSetUpPr.fitToPage, setup.fitToWidth, setup.fitToHeight) == (True, None, 0)
