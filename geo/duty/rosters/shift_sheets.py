"""Reads a plan of shifts (值班表) from Excel or CSV; faulty rows are refused with a reason, all others are used."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from geo.duty.rosters.duty_posts import Hours, read_hours
from geo.duty.rosters.reading import FaultyRowError, plain_code, plain_day, plain_text
from geo.duty.rosters.shifts import Shift, ShiftPlan
from geo.errors import ColumnError, InputError, first_labels
from geo.tables.headers import Names, check_given, guess_columns
from geo.tables.refused import RefusedRow, refuse
from geo.tables.table import content_of, read_table, split_sheet
from geo.texts import Text

_LISTED = {
    "place": "place 值班点 值班地点 值班单位 值班部门 地点 单位 社区 部门",
    "day": "day 值班日期 日期 date",
    "hours": "hours 值班时段 值班时间 时段 班次 时间",
    "person": "person 工号 人员编号 staff_no",
    "name": "name 值班人员 值班人 姓名 人员",
}
_NAMES = Names({name: tuple(words.split()) for name, words in _LISTED.items()}, {}, "the plan of shifts")


class ShiftsRead(NamedTuple):
    """A plan of shifts as read: usable rows, refused rows, and the number of rows in the file."""

    plan: ShiftPlan
    refused: list[RefusedRow]
    rows: int


def read_shifts_sheet(
    path: str | Path,
    *,
    zone: dt.tzinfo,
    codes: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> ShiftsRead:
    """Read a plan of shifts: one row for a place, a day, hours and a person.

    Parameters
    ----------
    path
        Excel or CSV; ``book.xlsx/值班表`` names a sheet.
    zone
        Time zone of days and hours.
    codes
        Code of each known person by name, for unambiguous names.
    columns
        Column names (``place day hours person name``) and their headers, for headers that are not recognised.

    Returns
    -------
    ShiftsRead
        Rows are refused for: a missing place or person, days and hours that cannot be parsed, and a person who is on duty at that
        time by an earlier row. Several persons in one cell (张三、李四) are several shifts.

    Raises
    ------
    FileError
        If the file cannot be read as a table.
    ColumnError
        If there is no column of places, days, hours or persons.
    """
    file, named = split_sheet(Path(path))
    table = read_table(content_of(file), file.name, known=_NAMES.plain, sheet=named)
    headers = list(table.rows.columns)
    check_given(columns or {}, headers, _NAMES.listed, file.name, _NAMES.subject)
    used = guess_columns(headers, _NAMES, columns or {})
    if not {"place", "day", "hours"} <= used.keys() or not {"person", "name"} & used.keys():
        raise ColumnError(
            f"{file.name}: a plan of shifts needs columns of places (值班点), days (日期), hours (时段) and persons (值班人员); "
            f"it has {first_labels(headers, 20)}"
        )
    shifts: list[Shift] = []
    earlier: dict[str, list[Shift]] = defaultdict(list)
    refused = list(table.refused)
    for number, record in zip(table.numbers, table.rows.to_dict("records"), strict=True):
        try:
            values = {name: record.get(header) for name, header in used.items()}
            new = _shifts_of(values, zone, codes or {})
            _require_once(new, earlier)
        except FaultyRowError as fault:
            header = used.get(fault.field) if fault.field else None
            refused.append(refuse(file.name, int(number), fault.reason, column=header, value=fault.value))
            continue
        shifts.extend(new)
        for shift in new:
            earlier[shift.person].append(shift)
    return ShiftsRead(ShiftPlan(tuple(shifts)), refused, len(table.rows) + len(table.refused))


def _shifts_of(values: Mapping[str, Any], zone: dt.tzinfo, codes: Mapping[str, str]) -> list[Shift]:
    place = plain_text(values["place"])
    if not place:
        raise FaultyRowError(Text("没有值班点", "names no place"), "place")
    day = plain_day(values["day"], "day")
    if day is None:
        raise FaultyRowError(Text("没有日期", "has no day"), "day")
    code = plain_code(values.get("person"), "person", empty=True)
    names = [code] if code else [codes.get(name, name) for name in _names(plain_text(values.get("name")))]
    if not names:
        raise FaultyRowError(Text("没有值班人员", "names nobody"), "name")
    return [
        Shift(
            place,
            dt.datetime.combine(day, begin, zone),
            dt.datetime.combine(day + dt.timedelta(days=end <= begin), end, zone),
            name,
        )
        for begin, end in _hours(plain_text(values["hours"]))
        for name in names
    ]


def _hours(text: str) -> tuple[Hours, ...]:
    # Many tables have names of shifts before the hours: 白班 08:30-17:30.
    plain = "".join(mark for mark in text if mark.isdigit() or mark in "：:-—–~至、,，;； ").strip("、,，;； ")
    try:
        return read_hours(plain)
    except InputError as error:
        raise FaultyRowError(
            Text("时段无法识别，请写作08:30-17:30", "are no hours; write them as 08:30-17:30"), "hours", text
        ) from error


def _names(text: str) -> list[str]:
    for mark in "，,；;/\n":
        text = text.replace(mark, "、")
    return [name.strip() for name in text.split("、") if name.strip()]


def _require_once(new: list[Shift], earlier: Mapping[str, list[Shift]]) -> None:
    """Refuse a second shift of a person at the same time; the later row is at fault."""
    for shift in new:
        for other in [*earlier.get(shift.person, ()), *(one for one in new if one is not shift)]:
            if other.person == shift.person and other.start < shift.end and shift.start < other.end:
                raise FaultyRowError(
                    Text(
                        f"{shift.person}同时在{other.place}值班",
                        f"{shift.person} is on duty at {other.place} at the same time",
                    ),
                    "name",
                    shift.person,
                )
