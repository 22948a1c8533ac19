"""Notices and their receipts in the database. Both are append-only."""

from __future__ import annotations

import dataclasses
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.duty.rosters import Recorder
from api.database.models import NoticeRow, ReceiptRow
from api.errors import NotStoredError
from geo.duty import Duty, Notice, Receipt


def add_notice(session: Session, street: int, notice: Notice, *, zone: str) -> Notice:
    """Store a notice under the next number of its day; returns it with its number."""
    lock(session, f"notices {street}")
    day = f"T{notice.at.astimezone(ZoneInfo(zone)):%Y%m%d}-"
    last = session.scalar(
        select(func.max(NoticeRow.number)).where(NoticeRow.street == street, NoticeRow.number.like(f"{day}%"))
    )
    stored = dataclasses.replace(notice, notice_id=f"{day}{int(last.rsplit('-', 1)[1]) + 1 if last else 1:03d}")
    session.add(
        NoticeRow(
            street=street,
            number=stored.notice_id,
            at=stored.at,
            by=stored.by,
            title=stored.title,
            text=stored.text,
            cells=list(stored.cells),
            duties=[duty.value for duty in stored.duties],
            levels=list(stored.levels),
        )
    )
    session.flush()
    return stored


def read_notices(session: Session, street: int, *, limit: int = 100) -> list[tuple[Notice, list[Receipt]]]:
    """Notices with their receipts, newest first."""
    query = select(NoticeRow).where(NoticeRow.street == street).order_by(NoticeRow.at.desc(), NoticeRow.id.desc())
    rows = session.scalars(query.limit(limit)).all()
    return [(_notice(row), _receipts(session, row)) for row in rows]


def get_notice(session: Session, street: int, number: str) -> tuple[Notice, list[Receipt]]:
    """A notice with its receipts.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    row = _row(session, street, number)
    return _notice(row), _receipts(session, row)


def add_receipt(session: Session, street: int, receipt: Receipt, recorder: Recorder) -> bool:
    """Record that a notice reached a person; False if that is already recorded.

    Raises
    ------
    NotStoredError
        If there is no such notice.
    """
    lock(session, f"notices {street}")
    notice = _row(session, street, receipt.notice_id).id
    same = select(ReceiptRow.id).where(ReceiptRow.notice_id == notice, ReceiptRow.person == receipt.person)
    if session.scalar(same) is not None:
        return False
    session.add(
        ReceiptRow(notice_id=notice, person=receipt.person, at=receipt.at, way=receipt.way, recorded_by=recorder.actor)
    )
    session.flush()
    return True


def _notice(row: NoticeRow) -> Notice:
    duties = tuple(Duty(duty) for duty in row.duties)
    cells, levels = tuple(row.cells), tuple(row.levels)
    return Notice(row.number, row.at, row.by, row.title, row.text, cells, duties, levels)


def _receipts(session: Session, row: NoticeRow) -> list[Receipt]:
    found = session.scalars(select(ReceiptRow).where(ReceiptRow.notice_id == row.id).order_by(ReceiptRow.id))
    return [Receipt(row.number, one.person, one.at, one.way) for one in found]


def _row(session: Session, street: int, number: str) -> NoticeRow:
    row = session.scalar(select(NoticeRow).where(NoticeRow.street == street, NoticeRow.number == number))
    if row is None:
        raise NotStoredError(f"there is no notice {number[:50]}")
    return row
