"""Reports in the database: stored as received, each with its case; names and contacts of reporters are encrypted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.duty.cases import Standing, add_step, find_case, get_case, next_case_id
from api.database.duty.sealing import Seal
from api.database.models import ReporterRow, ReportPhotoRow, ReportRow
from api.errors import NotStoredError
from geo.duty import Action, Case, Event, Report, Role
from geo.errors import ImpossibleError, InputError

_COPIED = (
    *("received_at", "taken_at", "external_no", "text", "standard_ref", "kind", "lon", "lat", "datum"),
    *("third", "second", "community", "entered_by", "client_id"),
)


@dataclasses.dataclass(frozen=True)
class Sender:
    """Recorder of a report: actor, part of the street, and server time."""

    actor: str
    role: Role
    at: datetime
    zone: str = "Asia/Shanghai"


def add_report(
    session: Session, street: int, report: Report, sender: Sender, standing: Standing, seal: Seal
) -> tuple[Report, Case, bool]:
    """Store a report and open its case, or attach it to the given case.

    Returns
    -------
    (Report, Case, bool)
        The report with its number and case, the case, and whether it is new: a known client id is not stored again.

    Raises
    ------
    ImpossibleError
        If the client id belongs to another report.
    RefusedStep
        If the given case does not accept further reports.
    """
    lock(session, f"duty cases {street}")
    if report.client_id is not None:
        known = session.scalar(
            select(ReportRow).where(ReportRow.street == street, ReportRow.client_id == report.client_id)
        )
        if known is not None:
            return _again(session, street, known, report)
    day = f"{sender.at.astimezone(ZoneInfo(sender.zone)):%Y%m%d}"
    number = _next_report(session, street, day)
    case_number = report.case_id or next_case_id(session, street, day)
    stored = dataclasses.replace(report, report_id=number, case_id=case_number)
    _write(session, street, stored, seal)
    case, _ = add_step(session, street, _opening(session, street, stored, sender), standing)
    return stored, case, True


def add_reports(session: Session, street: int, reports: Iterable[Report]) -> int:
    """Store reports that already have numbers and cases; those with known numbers are unchanged.

    Returns
    -------
    int
        Number of reports stored.

    Raises
    ------
    InputError
        If a report contains its reporter: names and contacts are encrypted by :func:`add_report` only.
    """
    lock(session, f"duty cases {street}")
    known = set(session.scalars(select(ReportRow.number).where(ReportRow.street == street)))
    fresh = {report.report_id: report for report in reports if report.report_id not in known}
    if named := [number for number, one in fresh.items() if one.reporter.name or one.reporter.contact]:
        raise InputError(f"report {named[0]} names its reporter; store it one by one, so that the name is encrypted")
    if fresh:
        session.execute(insert(ReportRow), [_report_values(street, report) for report in fresh.values()])
    return len(fresh)


def get_report(session: Session, street: int, number: str) -> dict[str, Any]:
    """A report without its reporter.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    row = _row(session, street, number)
    names = (*_COPIED, "number", "case_number", "channel", "address", "wants_reply", "confidential")
    mine = select(ReportPhotoRow.sha256).where(ReportPhotoRow.report_id == row.id)
    photos = session.scalars(mine.order_by(ReportPhotoRow.id))
    return {**{name: getattr(row, name) for name in names}, "photos": list(photos)}


def reporter_of(session: Session, street: int, number: str, seal: Seal) -> tuple[str, str]:
    """Name and contact of a report's reporter; the caller records the access in the audit."""
    row = _row(session, street, number)
    kept = session.get(ReporterRow, row.id)
    return seal.opened(None if kept is None else kept.sealed)


def erase_reporter(
    session: Session, street: int, number: str, *, sender: Sender, standing: Standing, reason: str
) -> Case:
    """Erase name and contact of a reporter, as required by law; recorded by an event of the case.

    Raises
    ------
    NotStoredError
        If there is no such report.
    RefusedStep
        If no reason is given.
    """
    lock(session, f"duty cases {street}")
    row = _row(session, street, number)
    case = get_case(session, street, row.case_number)
    event = Event(
        row.case_number,
        case.seq + 1,
        sender.at,
        sender.actor,
        sender.role,
        Action.ERASE_CONTACT,
        reason,
        payload={"reports": [number]},
    )
    after, _ = add_step(session, street, event, standing)
    kept = session.get(ReporterRow, row.id)
    if kept is not None:
        kept.sealed = None
        kept.erased_at = sender.at
    session.flush()
    return after


def add_report_photo(
    session: Session, street: int, number: str, content: bytes, media_type: str, *, at: datetime
) -> tuple[str, bool]:
    """Store a photo of a report; returns its SHA-256, and whether it is new."""
    row = _row(session, street, number)
    key = hashlib.sha256(content).hexdigest()
    if session.scalar(
        select(ReportPhotoRow.id).where(ReportPhotoRow.report_id == row.id, ReportPhotoRow.sha256 == key)
    ):
        return key, False
    session.add(ReportPhotoRow(report_id=row.id, sha256=key, media_type=media_type, received_at=at, content=content))
    session.flush()
    return key, True


def get_report_photo(session: Session, street: int, number: str, key: str) -> tuple[bytes, str]:
    """Bytes and media type of a photo of a report.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    row = _row(session, street, number)
    same = ReportPhotoRow.report_id == row.id, ReportPhotoRow.sha256 == key
    found = session.scalar(select(ReportPhotoRow).where(*same))
    if found is None:
        raise NotStoredError(f"report {number[:50]} has no such photo")
    return found.content, found.media_type


def count_photos(session: Session, street: int, reports: Sequence[str]) -> int:
    """Total number of photos of the given reports."""
    query = (
        select(func.count(ReportPhotoRow.id))
        .join(ReportRow, ReportRow.id == ReportPhotoRow.report_id)
        .where(ReportRow.street == street, ReportRow.number.in_(reports))
    )
    return int(session.scalar(query) or 0)


def _opening(session: Session, street: int, report: Report, sender: Sender) -> Event:
    """The event that adds a report to its case."""
    payload: dict[str, Any] = {
        "report": report.report_id,
        "channel": report.channel.value,
        "summary": report.text[:80],
        "wants_reply": report.reporter.wants_reply,
        "photos": list(report.photos),
    }
    case = find_case(session, street, report.case_id)
    if case is None:
        payload |= {
            "standard_ref": report.standard_ref,
            "kind": report.kind,
            **{name: getattr(report, name) for name in ("third", "second", "community", "division_version")},
        }
    return Event(
        report.case_id,
        1 if case is None else case.seq + 1,
        sender.at,
        sender.actor,
        sender.role,
        Action.REPORT if case is None else Action.ADD_REPORT,
        payload=payload,
        client_id=report.client_id,
    )


def _write(session: Session, street: int, report: Report, seal: Seal) -> None:
    row = ReportRow(**_report_values(street, report))
    session.add(row)
    session.flush()
    session.add(ReporterRow(report_id=row.id, sealed=seal.sealed(report.reporter), erased_at=None))


def _report_values(street: int, report: Report) -> dict[str, Any]:
    return {
        **{name: getattr(report, name) for name in _COPIED},
        "street": street,
        "number": report.report_id,
        "case_number": report.case_id,
        "channel": report.channel.value,
        "address": report.address_text,
        "version_id": int(report.division_version) if report.division_version.isdigit() else None,
        "wants_reply": report.reporter.wants_reply,
        "confidential": report.reporter.confidential,
    }


def _again(session: Session, street: int, known: ReportRow, report: Report) -> tuple[Report, Case, bool]:
    if (known.text, known.lon, known.lat) != (report.text, report.lon, report.lat):
        raise ImpossibleError(
            f"the client id '{report.client_id}' belongs to report {known.number}, which has other content; use a new one"
        )
    stored = dataclasses.replace(report, report_id=known.number, case_id=known.case_number)
    return stored, get_case(session, street, known.case_number), False


def _next_report(session: Session, street: int, day: str) -> str:
    last = session.scalar(
        select(func.max(ReportRow.number)).where(ReportRow.street == street, ReportRow.number.like(f"R{day}-%"))
    )
    return f"R{day}-{int(last.rsplit('-', 1)[1]) + 1 if last else 1:04d}"


def _row(session: Session, street: int, number: str) -> ReportRow:
    row = session.scalar(select(ReportRow).where(ReportRow.street == street, ReportRow.number == number))
    if row is None:
        raise NotStoredError(f"there is no report {number[:50]}")
    return row
