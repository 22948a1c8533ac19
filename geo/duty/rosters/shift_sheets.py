"""Reads a plan of shifts (值班表) from Excel or CSV; faulty rows are refused with a reason, all others are used."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from geo.duty.rosters.duty_posts import Hours, read_hours
from geo.duty.rosters.reading import FaultyRowError, plain_code, plain_day, plain_text
from geo.duty.rosters.shifts import Shift, ShiftPlan
from geo.errors import ColumnError, InputError, first_labels
from geo.tables.headers import Names, check_given, guess_columns
from geo.tables.refused import RefusedRow, refuse
from geo.tables.table import content_of, read_table, split_sheet
from geo.texts import Text, listed

_LISTED = {
    "place": "place 值班点 值班地点 值班单位 值班部门 地点 单位 社区 部门",
    "day": "day 值班日期 日期 date",
    "hours": "hours 值班时段 值班时间 时段 班次 时间",
    "person": "person 工号 人员编号 staff_no",
    "name": "name 值班人员 值班人 姓名 人员",
}
_NAMES = Names({name: tuple(words.split()) for name, words in _LISTED.items()}, {}, "the plan of shifts")


_STRANGERS = Text(
    "第{rows}行的{names}不在名册中，已按姓名登记", "rows {rows}: {names} not in the roster; stored by name"
)
_NO_PLACE = Text(
    "第{rows}行的值班点{names}不是已设的值班点、社区或以前排过班的地点，已登记，请核对名称",
    "rows {rows}: {names} is no duty post, no community, and had no shifts before; stored, please check the name",
)


class Known(NamedTuple):
    """Names that a plan of shifts is compared with; nothing is compared with an empty collection.

    Attributes
    ----------
    names
        Name of each person of the roster by code.
    places
        Duty posts, communities, and places with earlier shifts.
    """

    names: Mapping[str, str]
    places: Collection[str] = ()


class ShiftsRead(NamedTuple):
    """A plan of shifts as read: usable rows, refused rows, the number of rows in the file, and notices about unknown names."""

    plan: ShiftPlan
    refused: list[RefusedRow]
    rows: int
    notices: list[Text]


def read_shifts_sheet(
    path: str | Path,
    *,
    zone: dt.tzinfo,
    known: Known | None = None,
    columns: Mapping[str, str] | None = None,
) -> ShiftsRead:
    """Read a plan of shifts: one row for a place, a day, hours and a person.

    Parameters
    ----------
    path
        Excel or CSV; ``book.xlsx/值班表`` names a sheet.
    zone
        Time zone of days and hours.
    known
        Persons and places. A name is replaced by the code of its person; unknown names and places are used, with a notice.
    columns
        Column names (``place day hours person name``) and their headers, for headers that are not recognised.

    Returns
    -------
    ShiftsRead
        Rows are refused for: a missing place or person, a name that several persons of the roster have, days and hours that
        cannot be parsed, and a person who is on duty at that time by an earlier row. Several persons in one cell (张三、李四) are
        several shifts.

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
    known = known or Known({})
    codes = _codes_of(known.names)
    strangers, nowhere = _Unknown(), _Unknown()
    for number, record in zip(table.numbers, table.rows.to_dict("records"), strict=True):
        try:
            values = {name: record.get(header) for name, header in used.items()}
            new = _shifts_of(values, zone, codes, (*table.above, file.stem))
            _require_once(new, earlier, known.names)
        except FaultyRowError as fault:
            header = used.get(fault.field) if fault.field else None
            refused.append(refuse(file.name, int(number), fault.reason, column=header, value=fault.value))
            continue
        shifts.extend(new)
        for shift in new:
            earlier[shift.person].append(shift)
            if known.names and shift.person not in known.names:
                strangers.add(shift.person, int(number))
            if known.places and shift.place not in known.places:
                nowhere.add(shift.place, int(number))
    notices = [*table.notices, *strangers.notices(_STRANGERS), *nowhere.notices(_NO_PLACE)]
    return ShiftsRead(ShiftPlan(tuple(shifts)), refused, len(table.rows) + len(table.refused), notices)


class _Unknown:
    """Unknown names with the rows that contain them."""

    def __init__(self) -> None:
        self._rows: dict[str, list[int]] = defaultdict(list)

    def add(self, name: str, row: int) -> None:
        self._rows[name].append(row)

    def notices(self, text: Text) -> list[Text]:
        """One notice for each name."""
        return [text.fill(rows=listed(sorted(set(rows)), 10, ""), names=name) for name, rows in self._rows.items()]


def _codes_of(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Codes of the persons with each name."""
    found: dict[str, list[str]] = defaultdict(list)
    for code, name in names.items():
        found[name].append(code)
    return found


def _shifts_of(
    values: Mapping[str, Any], zone: dt.tzinfo, codes: Mapping[str, list[str]], above: Sequence[object]
) -> list[Shift]:
    place = plain_text(values["place"])
    if not place:
        raise FaultyRowError(Text("没有值班点", "names no place"), "place")
    day = plain_day(values["day"], "day", above)
    if day is None:
        raise FaultyRowError(Text("没有日期", "has no day"), "day")
    code = plain_code(values.get("person"), "person", empty=True)
    names = [code] if code else [_one_code(name, codes) for name in _names(plain_text(values.get("name")))]
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


def _one_code(name: str, codes: Mapping[str, list[str]]) -> str:
    """Code of a person; the name itself if it is not in the roster."""
    found = codes.get(name, [name])
    if len(found) > 1:
        raise FaultyRowError(
            Text(
                f"名册中有{len(found)}人叫{name}，请填工号（{'、'.join(found[:4])}）",
                f"{len(found)} persons of the roster are called {name}; give the staff number ({', '.join(found[:4])})",
            ),
            "name",
            name,
        )
    return found[0]


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


def _require_once(new: list[Shift], earlier: Mapping[str, list[Shift]], names: Mapping[str, str]) -> None:
    """Refuse a second shift of a person at the same time; the later row is at fault."""
    for shift in new:
        for other in [*earlier.get(shift.person, ()), *(one for one in new if one is not shift)]:
            if other.person == shift.person and other.start < shift.end and shift.start < other.end:
                name = names.get(shift.person, shift.person)
                raise FaultyRowError(
                    Text(f"{name}同时在{other.place}值班", f"{name} is on duty at {other.place} at the same time"),
                    "name",
                    name,
                )
