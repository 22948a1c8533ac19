"""The roster in the store: assignments and absences by dates, withdrawn rather than deleted; shifts and notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session, aliased

from api.database.connections import lock
from api.database.models import (
    AbsenceRow,
    AssignmentRow,
    DutyPersonRow,
    NoticeRow,
    PersonRow,
    ReceiptRow,
    ShiftRow,
)
from api.database.people import checked_name
from api.errors import NotStoredError
from geo.duty import Absence, Assignment, Duty, Notice, Person, Receipt, Roster, Shift, ShiftPlan
from geo.errors import InputError


@dataclass(frozen=True)
class Recorder:
    """Who writes into the roster, and when."""

    actor: str
    at: datetime


def store_roster(session: Session, street: int, roster: Roster, recorder: Recorder) -> dict[str, int]:
    """Store a roster in place of the present one: rows that it does not hold are withdrawn, equal ones stay.

    Returns
    -------
    dict
        ``added``, ``withdrawn`` and ``kept`` assignments.
    """
    lock(session, f"roster {street}")
    holders = sorted({a.person for a in roster.assignments})
    numbers = _store_persons(
        session, street, [roster.persons.get(code, Person(code, code)) for code in holders], recorder
    )
    codes = {number: code for code, number in numbers.items()}
    present = {
        (
            row.cell,
            codes.get(row.person_id, ""),
            Duty(row.duty),
            row.valid_from,
            row.valid_to,
            row.place,
            row.basis,
        ): row
        for row in session.scalars(select(AssignmentRow).where(*_current(AssignmentRow, street)))
    }
    wanted = {(a.cell, a.person, a.duty, a.valid_from, a.valid_to, a.place, a.basis): a for a in roster.assignments}
    for key in present.keys() - wanted.keys():
        present[key].withdrawn_at = recorder.at
    added = [
        {
            "street": street,
            "cell": one.cell,
            "person_id": numbers[one.person],
            "duty": one.duty.value,
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "place": one.place,
            "basis": one.basis,
            "recorded_at": recorder.at,
            "recorded_by": recorder.actor,
            "withdrawn_at": None,
        }
        for key, one in wanted.items()
        if key not in present
    ]
    if added:
        session.execute(insert(AssignmentRow), sorted(added, key=repr))
    session.flush()
    return {
        "added": len(wanted.keys() - present.keys()),
        "withdrawn": len(present.keys() - wanted.keys()),
        "kept": len(wanted.keys() & present.keys()),
    }


def read_stored_roster(session: Session, street: int, *, cells: Mapping[str, int] | None = None) -> Roster:
    """The roster as it stands: all assignments and absences that are not withdrawn, of whatever days."""
    persons = _persons(session, street)
    rows = session.scalars(select(AssignmentRow).where(*_current(AssignmentRow, street)))
    assignments = [
        Assignment(
            row.cell, persons[row.person_id].code, Duty(row.duty), row.valid_from, row.valid_to, row.place, row.basis
        )
        for row in rows
    ]
    return Roster(assignments, persons=persons.values(), absences=_absences(session, street), cells=cells)


def has_roster(session: Session, street: int) -> bool:
    """Whether the street has a roster."""
    return session.scalar(select(AssignmentRow.id).where(*_current(AssignmentRow, street)).limit(1)) is not None


def add_absence(session: Session, street: int, absence: Absence, recorder: Recorder) -> int:
    """Store an absence of a known person.

    Raises
    ------
    NotStoredError
        If the person or the deputy is not known.
    InputError
        If the person is away on one of the days already.
    """
    person = _known(session, street, absence.person)
    deputy = _known(session, street, absence.deputy) if absence.deputy else None
    clash = select(AbsenceRow.id).where(
        *_current(AbsenceRow, street),
        AbsenceRow.person_id == person,
        AbsenceRow.first <= absence.last,
        AbsenceRow.last >= absence.first,
    )
    if session.scalar(clash.limit(1)) is not None:
        raise InputError(f"{absence.person} is away on some of the days {absence.first} to {absence.last} already")
    row = AbsenceRow(
        street=street,
        person_id=person,
        first=absence.first,
        last=absence.last,
        deputy_id=deputy,
        reason=absence.reason,
        recorded_at=recorder.at,
        recorded_by=recorder.actor,
        withdrawn_at=None,
    )
    session.add(row)
    session.flush()
    return row.id


def store_shifts(
    session: Session, street: int, plan: ShiftPlan, span: tuple[datetime, datetime], recorder: Recorder
) -> None:
    """Put the shifts of a plan in place of those that begin in a span ``[start, end)``."""
    lock(session, f"roster {street}")
    session.execute(
        update(ShiftRow)
        .where(*_current(ShiftRow, street), ShiftRow.start_at >= span[0], ShiftRow.start_at < span[1])
        .values(withdrawn_at=recorder.at)
    )
    for shift in plan.shifts:
        if span[0] <= shift.start < span[1]:
            session.add(
                ShiftRow(
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
            )
    session.flush()


def read_shifts(session: Session, street: int, start: datetime, end: datetime) -> ShiftPlan:
    """Shifts that touch ``[start, end)``."""
    rows = session.scalars(
        select(ShiftRow)
        .where(*_current(ShiftRow, street), ShiftRow.start_at < end, ShiftRow.end_at > start)
        .order_by(ShiftRow.start_at, ShiftRow.place, ShiftRow.id)
    )
    return ShiftPlan(tuple(Shift(r.place, r.start_at, r.end_at, r.person, r.swapped_from, r.reason) for r in rows))


def add_notice(session: Session, street: int, notice: Notice) -> None:
    """Store a notice."""
    session.add(
        NoticeRow(
            street=street,
            number=notice.notice_id,
            at=notice.at,
            by=notice.by,
            title=notice.title,
            text=notice.text,
            cells=list(notice.cells),
            duties=[duty.value for duty in notice.duties],
        )
    )
    session.flush()


def read_notices(session: Session, street: int, *, limit: int = 100) -> list[tuple[Notice, list[Receipt]]]:
    """Notices with their receipts, newest first."""
    found = []
    query = select(NoticeRow).where(NoticeRow.street == street).order_by(NoticeRow.at.desc(), NoticeRow.id.desc())
    for row in session.scalars(query.limit(limit)):
        duties = tuple(Duty(duty) for duty in row.duties)
        notice = Notice(row.number, row.at, row.by, row.title, row.text, tuple(row.cells), duties)
        receipts = session.scalars(select(ReceiptRow).where(ReceiptRow.notice_id == row.id).order_by(ReceiptRow.id))
        found.append((notice, [Receipt(row.number, r.person, r.at, r.way) for r in receipts]))
    return found


def add_receipt(session: Session, street: int, receipt: Receipt, recorder: Recorder) -> bool:
    """Write down that a notice reached a person; False if that is known already.

    Raises
    ------
    NotStoredError
        If there is no such notice.
    """
    notice = session.scalar(
        select(NoticeRow.id).where(NoticeRow.street == street, NoticeRow.number == receipt.notice_id)
    )
    if notice is None:
        raise NotStoredError(f"there is no notice {receipt.notice_id[:50]}")
    same = select(ReceiptRow.id).where(ReceiptRow.notice_id == notice, ReceiptRow.person == receipt.person)
    if session.scalar(same) is not None:
        return False
    session.add(
        ReceiptRow(notice_id=notice, person=receipt.person, at=receipt.at, way=receipt.way, recorded_by=recorder.actor)
    )
    session.flush()
    return True


def _current(row: type[AssignmentRow | AbsenceRow | ShiftRow], street: int) -> tuple[Any, ...]:
    return row.street == street, row.withdrawn_at.is_(None)


def _store_persons(session: Session, street: int, persons: list[Person], recorder: Recorder) -> dict[str, int]:
    """Store persons, or what is new of those that are known; their numbers by code. All are read and written together."""
    wanted = {checked_name(person.code, "person"): person for person in persons}
    known = select(PersonRow).where(PersonRow.street == street)
    rows = {row.code: row for row in session.scalars(known)}
    for code, row in rows.items():
        if code in wanted:
            row.name = wanted[code].name or row.name
            row.office_phone = wanted[code].office_phone or row.office_phone
    fresh = [
        {
            "street": street,
            "code": code,
            "name": person.name or code,
            "office_phone": person.office_phone or None,
            "created_at": recorder.at,
        }
        for code, person in wanted.items()
        if code not in rows
    ]
    if fresh:
        session.execute(insert(PersonRow), fresh)
    stored = session.execute(select(PersonRow.code, PersonRow.id).where(PersonRow.street == street))
    numbers = {row.code: row.id for row in stored}
    posts = {row.person_id: row for row in session.scalars(_posts_of(street))}
    new = []
    for code, person in wanted.items():
        values = {name: getattr(person, name) for name in ("kind", "post", "unit", "pledge")}
        post = posts.get(numbers[code])
        if post is None:
            new.append({"person_id": numbers[code], **values})
            continue
        for name, value in values.items():
            setattr(post, name, value or getattr(post, name))
    if new:
        session.execute(insert(DutyPersonRow), new)
    session.flush()
    return {person.code: numbers[checked_name(person.code, "person")] for person in persons}


def _posts_of(street: int) -> Select[DutyPersonRow]:
    return (
        select(DutyPersonRow).join(PersonRow, PersonRow.id == DutyPersonRow.person_id).where(PersonRow.street == street)
    )


def _persons(session: Session, street: int) -> dict[int, Person]:
    query = (
        select(PersonRow, DutyPersonRow)
        .outerjoin(DutyPersonRow, DutyPersonRow.person_id == PersonRow.id)
        .where(PersonRow.street == street)
    )
    found = {}
    for person, duty in session.execute(query):
        more = ("", "", "", "") if duty is None else (duty.kind, duty.post, duty.unit, duty.pledge)
        kind, post, unit, pledge = more
        found[person.id] = Person(person.code, person.name, kind, post, unit, person.office_phone or "", pledge)
    return found


def _absences(session: Session, street: int) -> list[Absence]:
    deputy = aliased(PersonRow)
    query = (
        select(PersonRow.code, AbsenceRow.first, AbsenceRow.last, deputy.code, AbsenceRow.reason)
        .join(PersonRow, PersonRow.id == AbsenceRow.person_id)
        .outerjoin(deputy, deputy.id == AbsenceRow.deputy_id)
        .where(*_current(AbsenceRow, street))
    )
    return [Absence(row[0], row[1], row[2], row[3] or "", row[4]) for row in session.execute(query)]


def _known(session: Session, street: int, code: str) -> int:
    found = session.scalar(select(PersonRow.id).where(PersonRow.street == street, PersonRow.code == code))
    if found is None:
        raise NotStoredError(f"there is no person '{code[:50]}' in the roster")
    return found
