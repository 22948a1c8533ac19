"""Rows of notices and shifts for the ledgers: as known at a given time, including rows withdrawn since."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.database.models import DutyPostRow, NoticeRow, ReceiptRow, ShiftRow
from geo.duty import Duty, DutyPost, Notice, Roster, Shift, ShiftPlan, read_hours, recipients, spans_to_hold
from geo.duty.facts import EMPTY_SHIFT_COLUMNS, NOTICE_COLUMNS
from geo.incidents import Calendar

#: Start and end of the period, and the time up to which data are considered known.
Window = tuple[datetime, datetime, datetime]


def notice_rows(session: Session, street: int, roster: Roster, window: Window) -> pd.DataFrame:
    """Addressees of the notices of a period, by person and cell, with the times of their receipts."""
    start, end, as_of = window
    query = select(NoticeRow).where(NoticeRow.street == street, NoticeRow.at >= start, NoticeRow.at < min(end, as_of))
    rows: list[tuple[Any, ...]] = []
    for row in session.scalars(query.order_by(NoticeRow.id)):
        duties = tuple(Duty(duty) for duty in row.duties)
        notice = Notice(row.number, row.at, row.by, row.title, row.text, tuple(row.cells), duties, tuple(row.levels))
        receipts = session.scalars(select(ReceiptRow).where(ReceiptRow.notice_id == row.id, ReceiptRow.at < as_of))
        reached = {one.person: one.at for one in receipts}
        meant = recipients(notice, roster, row.at.astimezone(start.tzinfo).date())
        rows += [
            (row.number, row.at, person, cell, reached.get(person))
            for person, cell in meant[["person", "cell"]].itertuples(index=False, name=None)
        ]
    return pd.DataFrame(rows, columns=list(NOTICE_COLUMNS), dtype=object)


def empty_shift_rows(session: Session, street: int, window: Window) -> pd.DataFrame:
    """Intervals in which a duty post was unstaffed, by the national calendar of working days."""
    start, end, as_of = window
    zone = start.tzinfo or ZoneInfo("UTC")
    known = [
        DutyPost(row.place, read_hours(row.hours), row.cell, row.days)
        for row in session.scalars(select(DutyPostRow).where(*_known(DutyPostRow, street, as_of)))
    ]
    if not known:
        return pd.DataFrame(columns=list(EMPTY_SHIFT_COLUMNS))
    shifts = session.scalars(
        select(ShiftRow).where(
            *_known(ShiftRow, street, as_of),
            ShiftRow.start_at < end + timedelta(days=1),
            ShiftRow.end_at > start - timedelta(days=1),
        )
    )
    plan = ShiftPlan(tuple(Shift(row.place, row.start_at, row.end_at, row.person) for row in shifts))
    last = (end - timedelta(days=1)).date()
    spans = spans_to_hold(known, start.date(), last, working=_china().working, zone=zone)
    found = plan.findings(spans)
    cells = {post.place: post.cell for post in known}
    rows = [
        (row["place"], cells[row["place"]], row["start"], row["end"])
        for row in found[found["kind"] == "empty"].to_dict("records")
    ]
    return pd.DataFrame(rows, columns=list(EMPTY_SHIFT_COLUMNS), dtype=object)


@cache
def _china() -> Calendar:
    return Calendar.china()


def _known(row: type[DutyPostRow | ShiftRow], street: int, as_of: datetime) -> tuple[Any, ...]:
    """Conditions for rows that were valid at a given time."""
    withdrawn = or_(row.withdrawn_at.is_(None), row.withdrawn_at >= as_of)
    return row.street == street, row.recorded_at < as_of, withdrawn
