"""Imports rosters, plans of shifts and incident tables into the database; faulty rows are reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.commands.duty.report_rows import ReportRow, read_report_rows
from api.database import models
from api.database.duty.cases import Standing
from api.database.duty.reports import Sender, add_report
from api.database.duty.rosters import Recorder, store_roster
from api.database.duty.sealing import Seal
from api.database.duty.shifts import places_known, store_shifts
from api.duty.shift_plans import names_of
from geo.duty import Channel, Report, Reporter, levels_of, read_roster, read_shifts_sheet
from geo.duty.rosters.shift_sheets import Known
from geo.layers import Division
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text

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
    communities: Collection[str] = (),
    columns: dict[str, str] | None = None,
) -> Imported:
    """Read a plan of shifts and replace the shifts of its places between its first and last day.

    Parameters
    ----------
    recorder
        Returns the recorder for the places; raises if the caller may not change them.
    communities
        Names of the communities, which are places of shifts.
    columns
        Map from column names of wangge to headers.
    """
    tz = ZoneInfo(zone)
    known = Known(names_of(session, street), {*communities, *places_known(session, street)})
    read = read_shifts_sheet(path, zone=tz, known=known, columns=columns)
    shifts = read.plan.shifts
    stored = {"added": 0, "withdrawn": 0}
    if shifts:
        days = [shift.start.date() for shift in shifts]
        span = [datetime.combine(day, time(), tz) for day in (min(days), max(days) + timedelta(days=1))]
        by = recorder({shift.place for shift in shifts})
        stored = store_shifts(session, street, read.plan, (span[0], span[1]), by)
    return Imported(read.rows, stored, read.refused, notices=read.notices)


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
    one; a row with the number and text of a stored report is that report, whatever the file. Rows with an unusable position are
    stored without a place and reported. Refused are rows without text or time, with a time that cannot be read or is in the
    future, with a number cut by Excel, and with the number of another row or report but another text.
    """
    read = read_report_rows(path, division, zone=sender.zone, options=options)
    result = Imported(read.rows, {"added": 0, "repeated": 0}, list(read.refused))
    stored = _stored_texts(session, street, [row.number for row in read.reports if row.number])
    seen: dict[str, ReportRow] = {}
    for row in read.reports:
        report = _report_of(row, path.name, sender)
        fault = _fault_of(row, report, seen, stored, sender)
        if fault is not None:
            result.refused.append(refuse(path.name, row.row, fault, value=row.number or None))
            continue
        if row.number in seen or report.text in stored.get(row.number, {}).values():
            result.stored["repeated"] += 1
            continue
        if row.number:
            seen[row.number] = row
        _, _, new = add_report(session, street, report, sender, standing, seal)
        result.stored["added" if new else "repeated"] += 1
    result.refused.sort(key=lambda one: one["row"] or 0)
    result.notices = read.notices_without({one["row"] for one in result.refused if one["row"] is not None})
    return result


_FUTURE = Text("时间{at}在导入之后，请核对", "the time {at} is after the import; check it")
_TWICE = Text(
    "与第{row}行编号相同而内容不同，请核对编号", "has the number of row {row} but another text; check the number"
)
_KNOWN = Text(
    "编号已入库（{report}）而内容不同；补充的内容请记在该办件上",
    "the number is stored ({report}) with another text; add what is new to that case",
)
_FUTURE_WITHIN = timedelta(hours=1)


def _fault_of(
    row: ReportRow, report: Report, seen: Mapping[str, ReportRow], stored: Mapping[str, dict[str, str]], sender: Sender
) -> Text | None:
    """Why a row cannot be stored beside the rows before it and the stored reports; None if it can."""
    if row.at > sender.at + _FUTURE_WITHIN:
        return _FUTURE.fill(at=f"{row.at.astimezone(ZoneInfo(sender.zone)):%Y-%m-%d %H:%M}")
    if row.number in seen and seen[row.number].text != row.text:
        return _TWICE.fill(row=seen[row.number].row)
    known = stored.get(row.number, {})
    if known and report.text not in known.values():
        return _KNOWN.fill(report=next(iter(known)))
    return None


def _stored_texts(session: Session, street: int, numbers: list[str]) -> dict[str, dict[str, str]]:
    """Stored reports with one of the given external numbers: their texts by report number."""
    found: dict[str, dict[str, str]] = {}
    table = models.ReportRow
    for k in range(0, len(numbers), 500):
        query = select(table.external_no, table.number, table.text).where(
            table.street == street, table.external_no.in_(numbers[k : k + 500])
        )
        for external, number, text in session.execute(query):
            found.setdefault(external, {})[number] = text
    return found


def _report_of(row: ReportRow, file: str, sender: Sender) -> Report:
    return Report(
        "",
        sender.at,
        channel_of(row.source),
        row.text,
        external_no=row.number,
        taken_at=row.at,
        standard_ref=row.standard_ref,
        kind=row.kind,
        lon=row.lon,
        lat=row.lat,
        address_text=row.address,
        third=row.third,
        second=row.second,
        community=row.community,
        reporter=Reporter(row.reporter, row.contact, wants_reply=bool(row.contact)),
        entered_by=sender.actor,
        client_id=f"{file}:{row.number or row.row}",
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
