"""Reads the rows of incident, 12345 and mailbox tables as reports; a row needs a text and a time, but no position."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from geo.duty.rosters.reading import FaultyRowError, plain_code
from geo.incidents import assign, find_matter, read_incidents
from geo.layers import Division
from geo.tables.clock_texts import fold, read_moment
from geo.tables.headers import plain_header
from geo.tables.refused import RefusedRow, refuse
from geo.tables.relative_times import RESOLVED, days_of, is_written_day, resolve_text
from geo.tables.times import NO_TIME, NOT_READ
from geo.texts import Text, listed

_PLACELESS = Text(
    "第{rows}行没有可用坐标，已入库为地点待定", "rows {rows} have no usable position; stored without a place"
)
_BY_CELL = Text(
    "第{rows}行没有可用坐标，按表内的社区或网格入库", "rows {rows} have no usable position; stored by their cell"
)
_UNKNOWN_CELLS = Text(
    "第{rows}行的“{name}”不是本街道的社区或网格，已入库为地点待定",
    "rows {rows}: '{name}' is no community or grid of the street; stored without a place",
)
_UNKNOWN_MATTERS = Text(
    "第{rows}行的事项不在目录内，已入库，立案时再定类别",
    "rows {rows}: the matter is not in the catalogue; stored, and to be classified at filing",
)
_LOST_CONTACTS = Text(
    "第{rows}行的联系电话被Excel按数字截断，未入库",
    "rows {rows}: the telephone number was cut by Excel and is not stored",
)
_NO_TEXT = Text("没有内容", "says nothing: no text, kind or address")
_TEXTS = ("诉求内容", "问题描述", "事件描述", "内容", "描述", "text", "description", "content")
_NAMES = ("诉求人", "来电人", "上报人", "联系人", "姓名", "reporter")
_CONTACTS = ("联系电话", "来电号码", "手机号", "电话", "contact", "phone")
_CELLS = ("网格编码", "所属网格", "网格名称", "网格", "所属社区", "社区名称", "社区", "cell", "community")


@dataclass(frozen=True)
class ReportRow:
    """A usable row: its number in the file, and its values; `number` is that of the sender."""

    row: int
    number: str
    text: str
    at: datetime
    source: str
    address: str
    kind: str
    standard_ref: str
    lon: float | None
    lat: float | None
    third: str
    second: str
    community: str
    reporter: str
    contact: str


class ReportRows(NamedTuple):
    """A table as read.

    Attributes
    ----------
    reports, refused
        Usable and refused rows.
    notices
        Messages about the file.
    row_notices
        Row numbers by template of a message and name that it mentions.
    rows
        Number of rows.
    """

    reports: list[ReportRow]
    refused: list[RefusedRow]
    notices: list[Text]
    row_notices: dict[tuple[Text, str], list[int]]
    rows: int

    def notices_without(self, refused: Collection[int]) -> list[Text]:
        """All notices, those about rows without the given ones, which are not stored."""
        about = {key: [row for row in rows if row not in refused] for key, rows in self.row_notices.items()}
        told = [text.fill(rows=listed(rows, unit=""), name=name) for (text, name), rows in about.items() if rows]
        return [*self.notices, *told]


def read_report_rows(path: Path, division: Division, *, zone: str, options: Mapping[str, Any] | None) -> ReportRows:
    """Read a table of incidents, with or without columns of coordinates.

    Parameters
    ----------
    division
        Cells of the rows: by position, otherwise by a column with the name or code of a community or grid.
    zone
        IANA name of the zone of times without an offset.
    options
        Passed on to :func:`geo.incidents.read_incidents`.
    """
    frame = read_incidents(path, zone=zone, need_position=False, **(options or {}))
    reader = _Rows(path.name, division, frame.attrs, ZoneInfo(zone))
    placed = assign(frame, division) if len(frame) else frame
    for row in placed.to_dict("records"):
        reader.add({str(name): value for name, value in row.items()}, placed=True)
    for lost in frame.attrs["refused"]:
        reader.add_lost(lost)
    reports = sorted(reader.reports, key=lambda one: one.row)
    rows = len(frame) + len(frame.attrs["refused"])
    return ReportRows(reports, reader.refused, list(frame.attrs["notices"]), reader.row_notices, rows)


class _Rows:
    """Collects the reports, refusals and notices of a table."""

    def __init__(self, file: str, division: Division, attrs: Mapping[str, Any], zone: ZoneInfo) -> None:
        self.reports: list[ReportRow] = []
        self.refused: list[RefusedRow] = []
        self._file, self._zone, self._attrs = file, zone, attrs
        self._cells = _cells_by_name(division)
        self._unread = {one["row"]: one for one in attrs.get("unread_times", ())}
        self.row_notices: dict[tuple[Text, str], list[int]] = {}

    def add(self, row: dict[str, Any], *, placed: bool) -> None:
        """Add a row with the columns of a frame of incidents, or refuse it."""
        number = int(row["source_row"])
        try:
            report = self._report(number, row, placed)
        except FaultyRowError as fault:
            self.refused.append(refuse(self._file, number, fault.reason, value=fault.value))
            return
        self.reports.append(report)

    def add_lost(self, lost: RefusedRow) -> None:
        """Add a row that was refused for its position: its values are those of the file."""
        values = lost.get("values")
        if not values or lost["row"] is None:
            self.refused.append(lost)
            return
        row: dict[str, Any] = dict(values)
        row |= {name: values.get(header) for name, header in self._attrs["columns"].items()}
        matter = find_matter(_text(row.get("kind_code"))) or find_matter(_text(row.get("kind_name")))
        row |= (
            {"kind_code": matter.code, "standard_ref": matter.standard_ref} if matter is not None else {"kind_code": ""}
        )
        self.add(row | {"source_row": lost["row"]}, placed=False)

    def _tell(self, text: Text, row: int, name: str = "") -> None:
        self.row_notices.setdefault((text, name), []).append(row)

    def _report(self, number: int, row: dict[str, Any], placed: bool) -> ReportRow:
        external = plain_code(row.get("incident_id"), "incident_id", empty=True)
        text = _first(row, _TEXTS)
        if len(text) < 2:  # a single letter says less than the matter
            text = "：".join(t for t in (_text(row.get("kind_name")), _text(row.get("address")), text) if t)
        if len(text) < 2:
            raise FaultyRowError(_NO_TEXT)
        at = self._placed_time(number, row) if placed else self._time(number, row)
        third, second, community = (_text(row.get(name)) for name in ("third", "second", "community"))
        if not placed:
            third, second, community = self._cell(number, row)
        if _text(row.get("kind_name")) and not _text(row.get("kind_code")):
            self._tell(_UNKNOWN_MATTERS, number)
        return ReportRow(
            number,
            external,
            text,
            at,
            _text(row.get("source")) or self._attrs["title"],
            _text(row.get("address")),
            _text(row.get("kind_code")),
            _text(row.get("standard_ref")),
            float(row["lon"]) if placed else None,
            float(row["lat"]) if placed else None,
            third,
            second,
            community,
            _first(row, _NAMES),
            self._contact(number, row),
        )

    def _placed_time(self, number: int, row: Mapping[str, Any]) -> datetime:
        reported = row.get("reported_at")
        if reported is not None and not pd.isna(reported):
            taken: datetime = pd.Timestamp(reported).floor("us").to_pydatetime(warn=False)
            return taken
        unread = self._unread.get(number)
        if unread is None:
            raise FaultyRowError(NO_TIME)
        reason = Text(unread["reason_zh"], unread["reason"]) if "reason" in unread else NOT_READ.fill(**unread)
        raise FaultyRowError(reason, value=unread["value"])

    def _time(self, number: int, row: Mapping[str, Any]) -> datetime:
        """The time of a row without a position, which was not read with the others."""
        text = _text(row.get("reported_at"))
        if not text:
            raise FaultyRowError(NO_TIME)
        own = self._attrs["columns"].values()
        written = days_of(value for name, value in row.items() if name not in own and is_written_day(name))
        found = resolve_text(fold(text), written or self._attrs["days"])
        if isinstance(found, Text):
            raise FaultyRowError(found, value=text)
        if found is None:
            moment = read_moment(fold(text))
            if moment is None:
                raise FaultyRowError(NOT_READ.fill(value=text[:40]), value=text)
            found = moment.at
        else:
            self._tell(RESOLVED.fill(value=text), number)
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)

    def _cell(self, number: int, row: Mapping[str, Any]) -> tuple[str, str, str]:
        """Cells of a row without a position, by name or code: the first column that has one."""
        unknown = ""
        for name in _CELLS:
            written = _text(row.get(name))
            if not written:
                continue
            found = self._cells.get(plain_header(written))
            if found is not None:
                self._tell(_BY_CELL, number)
                return found
            unknown = unknown or written
        self._tell(_UNKNOWN_CELLS if unknown else _PLACELESS, number, unknown)
        return "", "", ""

    def _contact(self, number: int, row: Mapping[str, Any]) -> str:
        try:
            return plain_code(_first(row, _CONTACTS), "contact", empty=True)
        except FaultyRowError:
            self._tell(_LOST_CONTACTS, number)
            return ""


def _cells_by_name(division: Division) -> dict[str, tuple[str, str, str]]:
    """Third, second and community code of each community and second-level grid, by code and by unambiguous name."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for code, name in division.community[["code", "name"]].itertuples(index=False):
        for text in (str(code), str(name), str(name).removesuffix("社区")):
            found.setdefault(plain_header(text), set()).add(("", "", str(code)))
    for code, name, parent in division.second[["code", "name", "parent"]].itertuples(index=False):
        for text in (str(code), str(name)):
            found.setdefault(plain_header(text), set()).add(("", str(code), str(parent)))
    return {text: next(iter(cells)) for text, cells in found.items() if text and len(cells) == 1}


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((text for name in names if (text := _text(row.get(name)))), "")


def _text(value: object) -> str:
    return (
        "" if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)) else str(value).strip()
    )
