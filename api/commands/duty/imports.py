"""Imports rosters, plans of shifts and incident tables into the database; faulty rows are reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from api.database.duty.cases import Standing
from api.database.duty.reports import Sender, add_report
from api.database.duty.rosters import Recorder, store_roster
from api.database.duty.sealing import Seal
from api.database.duty.shifts import store_shifts
from api.duty.shift_plans import codes_of, names_of
from geo.duty import Channel, Report, Reporter, levels_of, read_roster, read_shifts_sheet
from geo.incidents import assign, find_matter, read_incidents
from geo.layers import Division
from geo.tables.clock_texts import fold, read_moment
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text, listed

#: Names of report channels in files.
_CHANNELS = {
    Channel.HOTLINE: ("12345", "热线"),
    Channel.MAYOR_MAIL: ("市长信箱", "信箱", "邮箱", "mail"),
    Channel.PATROL: ("巡查", "网格", "patrol"),
    Channel.PHONE: ("电话", "来电", "phone"),
    Channel.VISIT: ("来访", "走访", "visit"),
    Channel.LETTER: ("来信", "信件", "letter"),
    Channel.SUPERVISION: ("督查", "督办"),
}
_PLACELESS = Text(
    "第{rows}行没有可用坐标，已入库为地点待定", "rows {rows} have no usable position; stored without a place"
)
_UNKNOWN_MATTERS = Text(
    "第{rows}行的事项不在目录内，已入库，立案时再定类别",
    "rows {rows}: the matter is not in the catalogue; stored, and to be classified at filing",
)
_TEXTS = ("诉求内容", "问题描述", "事件描述", "内容", "描述", "text", "description", "content")
_NAMES = ("诉求人", "来电人", "上报人", "联系人", "姓名", "reporter")
_CONTACTS = ("联系电话", "来电号码", "手机号", "电话", "contact", "phone")


@dataclass
class Imported:
    """Result of an import: numbers of rows, stored objects and refused rows, findings, notices."""

    rows: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    findings: pd.DataFrame = field(default_factory=pd.DataFrame)
    notices: list[Text] = field(default_factory=list)


def import_roster(
    session: Session,
    street: int,
    path: Path,
    division: Division,
    *,
    since: date,
    recorder: Recorder,
    columns: dict[str, str] | None = None,
) -> Imported:
    """Read a roster and replace the stored one.

    Parameters
    ----------
    since
        First day of rows without a date; findings cover the year from it.
    columns
        Map from column names of wangge to headers.
    """
    read = read_roster(path, cells=levels_of(division), since=since, columns=columns)
    stored = store_roster(session, street, read.roster, recorder)
    findings = read.roster.findings(since, since + timedelta(days=365))
    return Imported(read.rows, stored, read.refused, findings, read.notices)


def import_shifts(
    session: Session,
    street: int,
    path: Path,
    *,
    zone: str,
    recorder: Callable[[set[str]], Recorder],
    columns: dict[str, str] | None = None,
) -> Imported:
    """Read a plan of shifts and replace the shifts of its places between its first and last day.

    Parameters
    ----------
    recorder
        Returns the recorder for the places; raises if the caller may not change them.
    columns
        Map from column names of wangge to headers.
    """
    tz = ZoneInfo(zone)
    read = read_shifts_sheet(path, zone=tz, codes=codes_of(names_of(session, street)), columns=columns)
    shifts = read.plan.shifts
    stored = {"added": 0, "withdrawn": 0}
    if shifts:
        days = [shift.start.date() for shift in shifts]
        span = [datetime.combine(day, time(), tz) for day in (min(days), max(days) + timedelta(days=1))]
        by = recorder({shift.place for shift in shifts})
        stored = store_shifts(session, street, read.plan, (span[0], span[1]), by)
    return Imported(read.rows, stored, read.refused)


def import_incidents(
    session: Session,
    street: int,
    path: Path,
    division: Division,
    *,
    sender: Sender,
    standing: Standing,
    seal: Seal,
    options: dict[str, Any] | None = None,
) -> Imported:
    """Read incidents, including 12345 and mailbox tables, and store each row as a report with its own case.

    Parameters
    ----------
    options
        Passed on to :func:`geo.incidents.read_incidents` (`datum`, `columns`, `sheet`).

    Notes
    ----- A repeated import stores nothing twice: the client id of a row is its number in the file, or file name and row without
    one. Rows with an unusable position are stored without a place and reported; rows without text or time are refused.
    """
    frame = read_incidents(path, **(options or {}))
    placed = assign(frame, division)
    result = Imported(rows=len(frame) + len(frame.attrs.get("refused", ())))
    result.notices = list(frame.attrs.get("notices", ()))
    counts = {"added": 0, "repeated": 0}
    placeless: list[dict[str, Any]] = []
    for lost in frame.attrs.get("refused", ()):
        found = _without_place(lost, frame.attrs["columns"], sender.zone)
        if found is None:
            result.refused.append(lost)
        else:
            placeless.append(found)
    if placeless:
        result.notices.append(_PLACELESS.fill(rows=listed([row["source_row"] for row in placeless])))
    unknown: list[int] = []
    for row in [*placed.to_dict("records"), *placeless]:
        try:
            report = _report_of(row, path.name, sender)
        except _UnusableRowError as error:
            result.refused.append(refuse(path.name, int(row["source_row"]), error.reason))
            continue
        if _text(row.get("kind_name")) and not report.kind:
            unknown.append(int(row["source_row"]))
        _, _, new = add_report(session, street, report, sender, standing, seal)
        counts["added" if new else "repeated"] += 1
    if unknown:
        result.notices.append(_UNKNOWN_MATTERS.fill(rows=listed(unknown)))
    result.stored = counts
    return result


def _without_place(lost: RefusedRow, columns: Mapping[str, str], zone: str) -> dict[str, Any] | None:
    """A report for a row with an unusable position; None if it also has no time."""
    values = lost.get("values")
    if not values or lost["row"] is None:
        return None
    row: dict[str, Any] = {**values, **{name: values.get(header) for name, header in columns.items()}}
    moment = read_moment(fold(_text(row.get("reported_at"))))
    if moment is None:
        return None
    at = moment.at if moment.at.tzinfo is not None else moment.at.replace(tzinfo=ZoneInfo(zone))
    matter = find_matter(_text(row.get("kind_name")))
    if matter is not None:
        row |= {"kind_code": matter.code, "standard_ref": matter.standard_ref}
    return {**row, "reported_at": at, "lon": None, "lat": None, "source_row": lost["row"]}


class _UnusableRowError(Exception):
    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


def _report_of(row: dict[Any, Any], file: str, sender: Sender) -> Report:
    number = _text(row.get("incident_id"))
    text = _first(row, _TEXTS)
    if len(text) < 2:  # a single letter says less than the matter
        text = "：".join(t for t in (_text(row.get("kind_name")), _text(row.get("address")), text) if t)
    if len(text) < 2:
        raise _UnusableRowError(Text("没有内容", "says nothing: no text, kind or address"))
    reported = row.get("reported_at")
    if reported is None or pd.isna(reported):
        raise _UnusableRowError(Text("没有时间", "has no time"))
    taken: datetime = pd.Timestamp(reported).floor("us").to_pydatetime(warn=False)
    return Report(
        "",
        sender.at,
        channel_of(_text(row.get("source"))),
        text,
        external_no=number,
        taken_at=taken,
        standard_ref=_text(row.get("standard_ref")),
        kind=_text(row.get("kind_code")),
        lon=None if row.get("lon") is None else float(row["lon"]),
        lat=None if row.get("lat") is None else float(row["lat"]),
        address_text=_text(row.get("address")),
        third=_text(row.get("third")),
        second=_text(row.get("second")),
        community=_text(row.get("community")),
        reporter=Reporter(_first(row, _NAMES), _first(row, _CONTACTS), wants_reply=bool(_first(row, _CONTACTS))),
        entered_by=sender.actor,
        client_id=f"{file}:{number or row['source_row']}",
    )


def channel_of(source: str) -> Channel:
    """Channel of a report, from its name in a file.

    >>> channel_of("12345热线"), channel_of("网格巡查"), channel_of("")
    (<Channel.HOTLINE: '12345'>, <Channel.PATROL: 'patrol'>, <Channel.OTHER: 'other'>)
    """
    plain = source.lower()
    return next(
        (channel for channel, words in _CHANNELS.items() if any(word in plain for word in words)), Channel.OTHER
    )


def _first(row: dict[Any, Any], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _text(row.get(name)))), "")


def _text(value: object) -> str:
    return (
        "" if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)) else str(value).strip()
    )
