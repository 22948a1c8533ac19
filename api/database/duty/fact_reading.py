"""Reads the facts for ledgers, agendas and briefs of a period from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.duty.case_selection import (
    LATE,
    closings_by_grid,
    of_day,
    of_service,
    open_or_changed,
    with_decisions,
)
from api.database.duty.cases import BLOCK, logs_of
from api.database.duty.rectifications import all_item_steps, item_photo_keys
from api.database.duty.rosters import read_stored_roster
from api.database.duty.staff_facts import empty_shift_rows, notice_rows
from api.database.duty.view_records import decisions, meetings, typed_texts
from api.database.models import CaseRow, EvidenceRow, ReportRow, StreetRow, VerdictRow
from geo.duty import Facts, Report, Roster
from geo.duty.facts import CELL_COLUMNS, RECTIFICATION_COLUMNS, VERDICT_COLUMNS, VISIT_COLUMNS
from geo.duty.ledgers.street import LETTER_DAYS
from geo.duty.supervision.rectification import ITEM_STATES, Item, ItemStep, fold_item
from geo.layers import Division, Level

#: Ledgers of a day that need the cases with a step on it, and those that need no case.
_OF_DAY, _WITHOUT_CASES = ("A", "B", "F"), ("G", "I", "J", "K")
#: Other records that a ledger needs; everything else needs all of them.
_RECORDS = {"C": ("decisions", "notices", "empty_shifts"), "D": ("decisions",), "E": ("meetings", "decisions")} | {
    "G": ("rectifications",),
    **dict.fromkeys("ABFHIJK", ()),
}
_ALL_RECORDS = ("meetings", "decisions", "rectifications", "notices", "empty_shifts")
_TEXT = ("reason_zh", "reason")
_REPORT = ReportRow.__table__
_SAME_NAME = ("standard_ref", "kind", "lon", "lat", "datum", "third", "second", "community")
_REPORT_COLUMNS = ("number", "received_at", "channel", "text", "case_number", "address", *_SAME_NAME)


@dataclass(frozen=True)
class Span:
    """Days ``[start, end)`` of interest, the moment up to which data are considered known, and the time zone of the days."""

    start: date
    end: date
    as_of: datetime
    zone: str = "Asia/Shanghai"


def read_facts(
    session: Session,
    street: int,
    division: Division,
    span: Span,
    *,
    ledger: str = "",
    grid: str = "",
    scope: str = "",
    service: str = "",
) -> Facts:
    """Facts of a period: the cases that were open in it or have changed since, with all related records.

    Parameters
    ----------
    division
        The division that supplies the names of cells.
    span
        The period. Earlier events are read for cases that were open in it.
    ledger
        The ledger for which the facts are: its typed texts are read, and only what it needs. By default everything but typed
        texts.
    grid
        Second-level grid whose visits are read from the evidence of its verdicts; none by default.
    scope
        Only cases in this cell are read; all by default.
    service
        Only cases of this service are read, and decisions and rectification items about them; all by default.
    """
    zone = ZoneInfo(span.zone)
    start, end = (datetime.combine(day, time(), zone) for day in (span.start, span.end))
    window = (start, end, span.as_of)
    numbers = _numbers(session, street, ledger, window, scope)
    if service:
        numbers = of_service(session, street, numbers, service)
    cells = cells_of(division)
    levels = {str(code): int(level) for code, level in zip(cells["code"], cells["level"], strict=True)}
    verdicts = _verdicts(session, street, span)
    # A ledger of a day names the persons of communities and grids on its days only.
    days = (span.start, span.end) if ledger in _OF_DAY else None
    below = 3 if days and levels.get(scope) != 3 else None
    roster = read_stored_roster(session, street, cells=levels, days=days, below=below)
    others = _records(session, street, span, window, (cells, roster), _RECORDS.get(ledger, _ALL_RECORDS))
    if service and others:
        others = _about(others, set(numbers))
    if ledger == "I":
        before = datetime.combine(span.end - timedelta(days=1), time(), zone)
        others["closings"] = closings_by_grid(session, street, (before - LETTER_DAYS, before), span.as_of)
    return Facts(
        {number: tuple(log) for number, log in logs_of(session, street, numbers)},
        span.as_of,
        zone=span.zone,
        reports=_reports(session, street, () if ledger == "B" else numbers),
        cells=cells,
        roster=roster,
        verdicts=verdicts,
        visits=_visits(session, street, span, grid) if grid else pd.DataFrame(columns=list(VISIT_COLUMNS)),
        typed=typed_texts(session, street, ledger, until=span.as_of) if ledger else {},
        street=_street(session, street),
        **others,
    )


def _records(
    session: Session,
    street: int,
    span: Span,
    window: tuple[datetime, datetime, datetime],
    known: tuple[pd.DataFrame, Roster],
    names: tuple[str, ...],
) -> dict[str, Any]:
    """Meetings, decisions, rectification items, notices and empty shifts of a period: those of the given names."""
    cells, roster = known
    makers: dict[str, Callable[[], Any]] = {
        "meetings": lambda: meetings(session, street, span.start, span.end),
        "decisions": lambda: decisions(session, street, since=span.start - timedelta(days=366)),
        "rectifications": lambda: _rectifications(session, street, span, cells),
        "notices": lambda: notice_rows(session, street, roster, window),
        "empty_shifts": lambda: empty_shift_rows(session, street, window),
    }
    return {name: makers[name]() for name in names}


def _about(records: dict[str, Any], numbers: set[str]) -> dict[str, Any]:
    """The records of :func:`_records` that are about some cases; what concerns no case belongs to no service."""
    about: dict[str, Any] = {}
    if "decisions" in records:
        about["decisions"] = [one for one in records["decisions"] if one.case_id in numbers]
    if "rectifications" in records:
        items = records["rectifications"]
        about["rectifications"] = items[items["case_id"].isin(numbers)]
    return about


def cells_of(division: Division) -> pd.DataFrame:
    """Cells of all levels with the columns used by facts."""
    parts = [
        pd.DataFrame(division.layer(level)).assign(level=int(level)).reindex(columns=list(CELL_COLUMNS))
        for level in Level
    ]
    # Texts as Python objects: walking through a column of Arrow strings takes ten times as long.
    texts = {"code": object, "name": object, "parent": object}
    return pd.concat([part.astype(texts) for part in parts], ignore_index=True)


def _numbers(
    session: Session, street: int, ledger: str, window: tuple[datetime, datetime, datetime], scope: str
) -> list[str]:
    """Numbers of the cases that a ledger of a day needs; for other views those that were open in the period or have changed."""
    start, end, as_of = window
    if ledger in _WITHOUT_CASES:
        return []
    if ledger in _OF_DAY:
        return of_day(session, street, window, scope, deadlines=ledger == "B")
    select_numbers = with_decisions if ledger == "E" else open_or_changed
    return select_numbers(session, street, (start, min(end + LATE, as_of)), scope)


def _reports(session: Session, street: int, numbers: Sequence[str]) -> dict[str, Report]:
    """Reports of the given cases, without their reporters."""
    found = {}
    for k in range(0, len(numbers), BLOCK // 10):
        query = select(*(_REPORT.c[name] for name in _REPORT_COLUMNS)).where(
            _REPORT.c.street == street, _REPORT.c.case_number.in_(numbers[k : k + BLOCK // 10])
        )
        for number, at, channel, text, case, address, *others in session.execute(query):
            known = dict(zip(_SAME_NAME, others, strict=True))
            found[number] = Report(number, at, channel, text, case_id=case, address_text=address, **known)
    return found


def _verdicts(session: Session, street: int, span: Span) -> pd.DataFrame:
    """The verdict of each cell and day that was valid at the end of the span's knowledge."""
    query = (
        select(VerdictRow)
        .where(
            VerdictRow.street == street,
            VerdictRow.day >= span.start,
            VerdictRow.day < span.end,
            VerdictRow.made_at < span.as_of,
        )
        .order_by(VerdictRow.id)
    )
    newest = {(row.code, row.day): row for row in session.scalars(query)}
    rows = [
        (row.code, row.day, row.state, row.visits, row.required, str(row.values.get("reason_zh") or ""))
        for row in newest.values()
    ]
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))


def _visits(session: Session, street: int, span: Span, grid: str) -> pd.DataFrame:
    """Visits to a grid, from the evidence of its newest verdicts."""
    query = (
        select(VerdictRow.day, EvidenceRow.record)
        .join(EvidenceRow, EvidenceRow.verdict_id == VerdictRow.id)
        .where(
            VerdictRow.street == street,
            VerdictRow.code == grid,
            VerdictRow.day >= span.start,
            VerdictRow.day < span.end,
            VerdictRow.made_at < span.as_of,
        )
        .order_by(VerdictRow.id)
    )
    newest: dict[date, dict[str, Any]] = {row.day: row.record for row in session.execute(query)}
    rows = [_visit(grid, day, visit) for day, record in newest.items() for visit in record.get("visits", ())]
    return pd.DataFrame(rows, columns=list(VISIT_COLUMNS))


def _visit(grid: str, day: date, visit: dict[str, Any]) -> tuple[Any, ...]:
    start, end = (datetime.fromisoformat(str(visit[name])) for name in ("start", "end"))
    reason = next((visit[name] for name in _TEXT if visit.get(name)), None)
    stay_s = float(visit.get("stay_s") or (end - start).total_seconds())
    return grid, day, start, end, stay_s, bool(visit.get("counted")), reason, bool(visit.get("going_on"))


def _rectifications(session: Session, street: int, span: Span, cells: pd.DataFrame) -> pd.DataFrame:
    """Rectification items, computed from their steps up to that time, with the grid and community of the case or of the item
    itself.
    """
    steps = all_item_steps(session, street, until=span.as_of)
    places = {row.number: (row.second, row.community) for row in _cases_of(session, street, steps)}
    known = cells[["code", "level", "parent"]].itertuples(index=False, name=None)
    places |= {str(code): (str(code), str(parent)) if level == 2 else ("", str(code)) for code, level, parent in known}
    photos: Counter[str] = Counter()
    for (number, _), keys in item_photo_keys(session, street, until=span.as_of).items():
        photos[number] += len(keys)
    rows = [
        _item_values(fold_item(log, ZoneInfo(span.zone)), log, places, photos[number]) for number, log in steps.items()
    ]
    return pd.DataFrame(rows, columns=[*RECTIFICATION_COLUMNS, "case_id"])


def _cases_of(session: Session, street: int, steps: dict[str, list[ItemStep]]) -> Sequence[CaseRow]:
    numbers = [log[0].case_id for log in steps.values() if log[0].case_id]
    query = select(CaseRow).where(CaseRow.street == street, CaseRow.number.in_(numbers))
    return session.scalars(query).all()


def _item_values(
    item: Item, log: Sequence[ItemStep], places: dict[str, tuple[str, str]], stored_photos: int
) -> dict[str, Any]:
    second, community = places.get(item.case_id) or places.get(item.cell) or ("", "")
    photos = sum(len(step.evidence) for step in log) + stored_photos
    evidence = [f"照片{photos}张"] if photos else []
    rechecked = f"{item.rechecked_by} {item.rechecked_at:%m-%d}" if item.rechecked_at is not None else ""
    struck = item.rechecked_at if item.state == "struck_off" else None
    return {
        "number": item.item_id,
        "case_id": item.case_id,
        "found_at": item.found_at,
        "found_by": item.found_by,
        "second": second,
        "community": community,
        "place": item.place,
        "problem": item.problem,
        "basis": item.basis,
        "responsible": item.unit or item.person,
        "measure": "；".join(item.measures),
        "due": item.due,
        "state": ITEM_STATES[item.state].zh,
        "evidence": "，".join([*evidence, *([item.case_id] if item.case_id else [])]),
        "rechecked": rechecked,
        "closed_at": struck,
    }


def _street(session: Session, street: int) -> dict[str, str]:
    row = session.get(StreetRow, street)
    return {"name": str(row.name) if row is not None and row.name else "", "hotline": "12345"}
