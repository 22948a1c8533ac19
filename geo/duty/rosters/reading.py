"""Reads a roster from Excel or CSV; faulty rows are refused with a reason, all others are used."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from geo.duty.events import Duty
from geo.duty.rosters import words
from geo.duty.rosters.assignments import ANSWERABLE, Assignment, Person
from geo.duty.rosters.roster import Roster
from geo.errors import ColumnError, first_labels
from geo.tables.clock_texts import EXCEL_DAYS, fold, read_moment
from geo.tables.headers import check_given, guess_columns, plain_header
from geo.tables.refused import RefusedRow, refuse
from geo.tables.relative_times import days_in, resolve_text
from geo.tables.table import content_of, read_table, split_sheet
from geo.texts import Text

#: Excel stores fifteen digits of a number; longer codes typed as numbers have lost their last digits.
EXCEL_DIGITS = 15
_SCIENTIFIC = re.compile(r"^\d(\.\d+)?e\+?\d+$", re.IGNORECASE)
_EXCEL_EPOCH = dt.date(1899, 12, 30)
#: Notice for files with such a column.
_NOT_STORED = Text(
    "未读取身份证号等列：{columns}", "the columns {columns} were not read: nobody needs ID numbers for the duty"
)


class RosterRead(NamedTuple):
    """A roster as read.

    Attributes
    ----------
    roster
        The usable rows.
    refused
        Rows that cannot be used, each with number, column, value and reason.
    notices
        Messages about guesses and ignored content.
    rows
        Number of rows in the file.
    """

    roster: Roster
    refused: list[RefusedRow]
    notices: list[Text]
    rows: int


@dataclass(frozen=True)
class _Reader:
    """Data shared by all rows of a file."""

    source: str
    columns: Mapping[str, str]
    cells: Mapping[str, int]
    since: dt.date
    above: tuple[object, ...]


class FaultyRowError(Exception):
    """A row that cannot be used: the reason, and the faulty field."""

    def __init__(self, reason: Text, field: str | None = None, value: object = None) -> None:
        super().__init__(reason.en)
        self.reason, self.field, self.value = reason, field, value


def read_roster(
    path: str | Path,
    *,
    cells: Mapping[str, int],
    since: dt.date,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> RosterRead:
    """Read a roster from a spreadsheet or a text table.

    Parameters
    ----------
    path
        Excel or CSV; ``book.xlsx/名册`` names a sheet.
    cells
        Level of each cell by code, see :func:`levels_of`. A row of another cell is refused.
    since
        First day of rows without one.
    columns
        Column names (``cell person name duty from to kind post unit office_phone pledge place basis``) and their headers, for
        headers that are not recognised.
    sheet
        Sheet of a workbook.

    Returns
    -------
    RosterRead
        Rows are refused for: codes or numbers truncated by Excel, unknown cells and duties, missing names, days that cannot be
        parsed or are in the wrong order, and days on which another row names another person for a duty held by one person. Gaps
        are findings of the roster (:meth:`geo.duty.Roster.findings`).

    Raises
    ------
    FileError
        If the file cannot be read as a table.
    ColumnError
        If there is no column for cells or for persons.
    """
    file, named = split_sheet(Path(path))
    table = read_table(content_of(file), file.name, known=words.NAMES.plain, sheet=sheet or named)
    headers = list(table.rows.columns)
    check_given(columns or {}, headers, words.NAMES.listed, file.name, words.NAMES.subject)
    used = guess_columns(headers, words.NAMES, columns or {})
    if words.CELL not in used or not {words.NAME, words.PERSON} & used.keys():
        raise ColumnError(
            f"{file.name}: a roster needs a column of cell codes (网格编码) and one of names (姓名) or staff numbers (工号); "
            f"it has {first_labels(headers, 20)}"
        )
    reader = _Reader(file.name, used, cells, since, (*table.above, file.stem))
    assignments: list[Assignment] = []
    earlier: dict[tuple[str, Duty], list[tuple[int, Assignment]]] = defaultdict(list)
    persons: dict[str, Person] = {}
    refused = list(table.refused)
    for number, record in zip(table.numbers, table.rows.to_dict("records"), strict=True):
        try:
            assignment, person = _row(reader, record)
            _require_one_name(person, persons.get(person.code))
            _require_no_overlap(assignment, earlier[assignment.cell, assignment.duty], cells)
        except FaultyRowError as fault:
            header = used.get(fault.field) if fault.field else None
            refused.append(refuse(file.name, int(number), fault.reason, column=header, value=fault.value))
            continue
        assignments.append(assignment)
        earlier[assignment.cell, assignment.duty].append((int(number), assignment))
        persons.setdefault(person.code, person)
    notices = list(table.notices)
    if words.PRIVATE in used:
        notices.append(_NOT_STORED.fill(columns=used[words.PRIVATE]))
    roster = Roster(assignments, persons=persons.values(), cells=cells)
    return RosterRead(roster, refused, notices, len(table.rows) + len(table.refused))


def levels_of(division: Any) -> dict[str, int]:
    """Level of each cell of a division by code: 1, 2 and 3."""
    layers = {1: division.community, 2: division.second, 3: division.third}
    return {str(code): level for level, frame in layers.items() for code in frame["code"]}


def _row(reader: _Reader, record: Mapping[Any, Any]) -> tuple[Assignment, Person]:
    values = {name: record.get(header) for name, header in reader.columns.items()}
    cell = plain_code(values[words.CELL], words.CELL)
    if cell not in reader.cells:
        raise FaultyRowError(Text("网格编码不存在", "there is no cell with this code"), words.CELL, cell)
    name = plain_text(values.get(words.NAME))
    code = plain_code(values.get(words.PERSON), words.PERSON, empty=True) or name
    if not code:
        raise FaultyRowError(Text("没有姓名或工号", "names nobody"), words.NAME)
    duty = _duty(values.get(words.DUTY), reader.cells[cell])
    first = plain_day(values.get(words.FROM), words.FROM, reader.above) or reader.since
    last = plain_day(values.get(words.TO), words.TO, reader.above)
    if last is not None and last < first:
        raise FaultyRowError(
            Text(f"结束日期{last}早于开始日期{first}", f"ends on {last}, before it begins on {first}"), words.TO, last
        )
    place, basis = plain_text(values.get(words.PLACE)), plain_text(values.get(words.BASIS))
    kind = words.KIND_OF.get(plain_header(plain_text(values.get(words.KIND))), "")
    phone = plain_code(values.get(words.PHONE), words.PHONE, empty=True)
    post, unit, pledge = (plain_text(values.get(name)) for name in (words.POST, words.UNIT, words.PLEDGE))
    person = Person(code, name or code, kind, post, unit, phone, pledge)
    return Assignment(cell, code, duty, first, last, place, basis), person


def _duty(value: object, level: int) -> Duty:
    text = plain_text(value)
    if not text:
        return ANSWERABLE[level]
    found = words.DUTY_OF.get(plain_header(text))
    if found is None:
        raise FaultyRowError(
            Text(
                "职责无法识别，可填格长、副格长、责任人、协管员等",
                "is not a known duty; use 格长, 副格长, 责任人, 协管员 and so on",
            ),
            words.DUTY,
            text,
        )
    return found


def plain_text(value: object) -> str:
    """Text of a table cell, stripped; empty if the cell is empty."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT:
        return ""
    return str(value).strip()


def plain_code(value: object, field: str, *, empty: bool = False) -> str:
    """A code or number as text; refused if truncated by Excel.

    Excel changes a code of 16 digits or more typed as a number to 3.20113E+17, a number, or a text with zeros at the end. Codes
    of third-level grids never end in 000.
    """
    cut = Text(
        "长编码被Excel按数字截断，请将该列设为文本后重新填写",
        "a long code was cut by Excel; format the column as text and type it again",
    )
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and np.isnan(value):
            value = None
        elif abs(value) >= 10**EXCEL_DIGITS:
            raise FaultyRowError(cut, field, value)
        else:
            value = str(int(value)) if float(value).is_integer() else str(value)
    text = fold(plain_text(value)).strip().strip("'`")
    if _SCIENTIFIC.match(text):
        raise FaultyRowError(cut, field, text)
    text = text.removesuffix(".0")
    if text.isdigit() and len(text) > EXCEL_DIGITS and text[EXCEL_DIGITS:].strip("0") == "":
        raise FaultyRowError(cut, field, text)
    if not text and not empty:
        raise FaultyRowError(Text("没有网格编码", "has no cell code"), field)
    return text


def plain_day(value: object, field: str, above: Sequence[object] = ()) -> dt.date | None:
    """Day of a table cell, None if it is empty or unlimited; refused if it cannot be parsed.

    Parameters
    ----------
    above
        Title of the table. A day without a year (3月3日) has that of the title, if it names one; 昨天 and the like are resolved
        on its day.
    """
    if value is pd.NaT:
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = fold(plain_text(value))
    if not text or text in ("至今", "长期", "现在"):
        return None
    try:
        count = float(text)
    except ValueError:
        count = -1.0
    if EXCEL_DAYS[0] <= count <= EXCEL_DAYS[1]:
        return _EXCEL_EPOCH + dt.timedelta(days=int(count))
    moment = read_moment(text)
    if moment is not None:
        return moment.at.date()
    found = _by_title(text, above)
    if isinstance(found, dt.date):
        return found
    reason = found or Text("日期无法识别，请写作2026-03-02", "is not a day; write it as 2026-03-02")
    raise FaultyRowError(reason, field, text)


_MONTH_DAY = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?\s*(?:[(]?(?:星期|周|礼拜)[一二三四五六日天][)]?)?")
_YEAR = re.compile(r"(?<!\d)(20\d\d)\s*(?:年|[-/.]\d|(?=[01]\d(?:[0-3]\d)?(?!\d)))")
_NO_YEAR = Text(
    "日期没有年份，表内标题和文件名也没有，请写作2026-03-02",
    "is a day without a year, which neither title nor file name give; write it as 2026-03-02",
)


def _by_title(text: str, above: Sequence[object]) -> dt.date | Text | None:
    """A day that depends on the title, or why it is unknown; None for other texts."""
    found = _MONTH_DAY.fullmatch(text)
    if found is None:
        moment = resolve_text(text, days_in(above))
        return moment.date() if isinstance(moment, dt.datetime) else moment
    years = {int(year) for part in above for year in _YEAR.findall(fold(part))}
    if len(years) != 1:
        return _NO_YEAR
    try:
        return dt.date(years.pop(), int(found[1]), int(found[2]))
    except ValueError:
        return None


def _require_one_name(person: Person, known: Person | None) -> None:
    """Refuse a row if an earlier row gives another name to the same staff number."""
    if known is not None and person.name != known.name and person.name != person.code:
        reason = Text(
            f"工号{person.code}在前面的行是{known.name}，不是{person.name}",
            f"the staff number {person.code} belongs to {known.name} in an earlier row, not to {person.name}",
        )
        raise FaultyRowError(reason, words.PERSON, person.code)


def _require_no_overlap(new: Assignment, known: list[tuple[int, Assignment]], cells: Mapping[str, int]) -> None:
    """Refuse a row if an earlier row names another person for the cell at the same time."""
    if new.place or new.duty is not ANSWERABLE[cells[new.cell]]:
        return
    for number, old in known:
        if not old.place and old.valid_from <= new.until and new.valid_from <= old.until:
            if old.person == new.person:
                reason = Text(f"与第{number}行重复", f"repeats row {number}")
            else:
                reason = Text(
                    f"与第{number}行（{old.person}）同日负责同一网格",
                    f"overlaps row {number} ({old.person}) for the same cell",
                )
            raise FaultyRowError(reason, words.FROM, new.valid_from)
