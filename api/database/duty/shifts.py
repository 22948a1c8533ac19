"""Shifts and duty posts in the database. Rows are withdrawn, not deleted: a swap withdraws two shifts and adds two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.duty.rosters import Recorder
from api.database.models import DutyPostRow, ShiftRow
from api.errors import ConflictError, NotStoredError
from geo.duty import DutyPost, Shift, ShiftPlan, read_hours
from geo.errors import ImpossibleError


@dataclass(frozen=True)
class StoredShift:
    """A shift with its database number."""

    id: int
    shift: Shift


@dataclass(frozen=True)
class StoredPost:
    """A duty post with its database number."""

    id: int
    post: DutyPost


def read_shifts(session: Session, street: int, start: datetime, end: datetime) -> list[StoredShift]:
    """Shifts that overlap ``[start, end)``, ordered by start."""
    rows = session.scalars(
        select(ShiftRow)
        .where(*_current(ShiftRow, street), ShiftRow.start_at < end, ShiftRow.end_at > start)
        .order_by(ShiftRow.start_at, ShiftRow.place, ShiftRow.id)
    )
    return [_stored(row) for row in rows]


def add_shift(session: Session, street: int, shift: Shift, recorder: Recorder) -> int:
    """Store a shift; returns its number.

    Raises
    ------
    ImpossibleError
        If the person is on duty elsewhere at that time.
    """
    lock(session, f"roster {street}")
    _require_free(session, street, shift)
    return _add(session, street, shift, recorder)


def withdraw_shift(session: Session, street: int, number: int, recorder: Recorder) -> Shift:
    """Withdraw a shift from the plan; returns it.

    Raises
    ------
    ConflictError
        If it is no longer in the plan.
    """
    lock(session, f"roster {street}")
    row = _present(session, street, number)
    row.withdrawn_at = recorder.at
    session.flush()
    return _stored(row).shift


def swap_shifts(
    session: Session, street: int, numbers: tuple[int, int], recorder: Recorder, *, reason: str
) -> tuple[int, int]:
    """Exchange the persons of two shifts; returns the numbers of the new shifts.

    Raises
    ------
    ConflictError
        If one of them is no longer in the plan, for example after another swap.
    ImpossibleError
        If a person would have two shifts at once.
    InputError
        If no reason is given.
    """
    lock(session, f"roster {street}")
    rows = tuple(_present(session, street, number) for number in numbers)
    one, two = (_stored(row).shift for row in rows)
    near = read_shifts(session, street, min(one.start, two.start), max(one.end, two.end))
    plan = ShiftPlan(tuple(stored.shift for stored in near)).swapped(one, two, reason=reason)
    at = {stored.id: k for k, stored in enumerate(near)}
    for row in rows:
        row.withdrawn_at = recorder.at
    first, second = (_add(session, street, plan.shifts[at[number]], recorder) for number in numbers)
    return first, second


def store_shifts(
    session: Session, street: int, plan: ShiftPlan, span: tuple[datetime, datetime], recorder: Recorder
) -> dict[str, int]:
    """Replace the shifts of a plan's places that start in ``[start, end)`` by those of the plan.

    Returns
    -------
    dict
        ``added`` and ``withdrawn`` shifts.
    """
    lock(session, f"roster {street}")
    places = sorted({shift.place for shift in plan.shifts})
    mine = (ShiftRow.start_at >= span[0], ShiftRow.start_at < span[1], ShiftRow.place.in_(places))
    old = session.scalars(select(ShiftRow.id).where(*_current(ShiftRow, street), *mine)).all()
    session.execute(update(ShiftRow).where(*_current(ShiftRow, street), *mine).values(withdrawn_at=recorder.at))
    new = [shift for shift in plan.shifts if span[0] <= shift.start < span[1]]
    for shift in new:
        _add(session, street, shift, recorder)
    return {"added": len(new), "withdrawn": len(old)}


def set_post(session: Session, street: int, post: DutyPost, recorder: Recorder) -> int:
    """Store a duty post, replacing the one with the same name; returns its number."""
    lock(session, f"roster {street}")
    same = (*_current(DutyPostRow, street), DutyPostRow.place == post.place)
    session.execute(update(DutyPostRow).where(*same).values(withdrawn_at=recorder.at))
    row = DutyPostRow(
        street=street,
        place=post.place,
        cell=post.cell,
        hours=post.hours_text,
        days=post.days,
        recorded_at=recorder.at,
        recorded_by=recorder.actor,
        withdrawn_at=None,
    )
    session.add(row)
    session.flush()
    return row.id


def read_posts(session: Session, street: int) -> list[StoredPost]:
    """Duty posts: offices of the street first, then stations ordered by cell."""
    rows = session.scalars(
        select(DutyPostRow).where(*_current(DutyPostRow, street)).order_by(DutyPostRow.cell, DutyPostRow.place)
    )
    return [StoredPost(row.id, DutyPost(row.place, read_hours(row.hours), row.cell, row.days)) for row in rows]


def places_known(session: Session, street: int) -> set[str]:
    """Places of duty posts, and places that have had shifts."""
    posts = select(DutyPostRow.place).where(*_current(DutyPostRow, street))
    return {*session.scalars(posts.union(select(ShiftRow.place).where(*_current(ShiftRow, street))))}


def withdraw_post(session: Session, street: int, number: int, recorder: Recorder) -> None:
    """Withdraw a duty post.

    Raises
    ------
    NotStoredError
        If there is no such post.
    """
    row = session.scalar(select(DutyPostRow).where(*_current(DutyPostRow, street), DutyPostRow.id == number))
    if row is None:
        raise NotStoredError(f"there is no duty post {number}")
    row.withdrawn_at = recorder.at
    session.flush()


def get_shift(session: Session, street: int, number: int) -> Shift:
    """A shift of the plan.

    Raises
    ------
    NotStoredError
        If it does not exist or was withdrawn.
    """
    row = session.scalar(select(ShiftRow).where(*_current(ShiftRow, street), ShiftRow.id == number))
    if row is None:
        raise NotStoredError(f"there is no shift {number} in the plan")
    return _stored(row).shift


def places_of_shifts(session: Session, street: int, numbers: tuple[int, int]) -> set[str]:
    """Places of the given shifts.

    Raises
    ------
    ConflictError
        If one of them is no longer in the plan.
    """
    return {_present(session, street, number).place for number in numbers}


def _current(row: type[ShiftRow | DutyPostRow], street: int) -> tuple[Any, ...]:
    return row.street == street, row.withdrawn_at.is_(None)


def _stored(row: ShiftRow) -> StoredShift:
    return StoredShift(row.id, Shift(row.place, row.start_at, row.end_at, row.person, row.swapped_from, row.reason))


def _present(session: Session, street: int, number: int) -> ShiftRow:
    row = session.scalar(select(ShiftRow).where(*_current(ShiftRow, street), ShiftRow.id == number))
    if row is None:
        raise ConflictError(f"shift {number} is no longer in the plan; another user may have swapped or removed it")
    return row


def _require_free(session: Session, street: int, shift: Shift) -> None:
    for stored in read_shifts(session, street, shift.start, shift.end):
        if stored.shift.person == shift.person:
            raise ImpossibleError(f"'{shift.person}' is on duty at '{stored.shift.place}' at that time already")


def _add(session: Session, street: int, shift: Shift, recorder: Recorder) -> int:
    row = ShiftRow(
        street=street,
        place=shift.place,
        start_at=shift.start,
        end_at=shift.end,
        person=shift.person,
        swapped_from=shift.swapped_from,
        reason=shift.reason,
        recorded_at=recorder.at,
        recorded_by=recorder.actor,
        withdrawn_at=None,
    )
    session.add(row)
    session.flush()
    return row.id
