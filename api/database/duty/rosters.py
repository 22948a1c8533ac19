"""The roster in the database: assignments and absences by dates, withdrawn rather than deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, insert, or_, select
from sqlalchemy.orm import Session, aliased

from api.database.connections import lock
from api.database.models import (
    AbsenceRow,
    AssignmentRow,
    DutyPersonRow,
    PersonRow,
)
from api.database.people import checked_name
from api.errors import NotStoredError
from geo.duty import Absence, Assignment, Duty, Person, Roster
from geo.errors import InputError


@dataclass(frozen=True)
class Recorder:
    """Actor and time of a change of the roster."""

    actor: str
    at: datetime


def store_roster(session: Session, street: int, roster: Roster, recorder: Recorder) -> dict[str, int]:
    """Replace the present roster: rows missing in the new one are withdrawn, equal rows are kept.

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


def read_stored_roster(
    session: Session,
    street: int,
    *,
    cells: Mapping[str, int] | None = None,
    days: tuple[date, date] | None = None,
    below: int | None = None,
) -> Roster:
    """The current roster: assignments and absences that are not withdrawn, and all persons.

    Parameters
    ----------
    cells
        Level of each cell.
    days
        Only assignments that hold on one of the days ``[start, end)``; by default of any date.
    below
        Only assignments for cells of `cells` above this level; by default for all.
    """
    persons = _persons(session, street)
    # Columns instead of objects: a street has four thousand assignments, and a ledger is made in a fraction of a second.
    table = AssignmentRow.__table__.c
    query = select(
        table.cell, table.person_id, table.duty, table.valid_from, table.valid_to, table.place, table.basis
    ).where(*_current(AssignmentRow, street))
    if days is not None:
        query = query.where(table.valid_from < days[1], or_(table.valid_to.is_(None), table.valid_to >= days[0]))
    if below is not None:
        query = query.where(table.cell.in_([code for code, level in (cells or {}).items() if level < below]))
    assignments = [
        Assignment(cell, persons[number].code, Duty(duty), first, last, place, basis)
        for cell, number, duty, first, last, place, basis in session.execute(query)
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
        If the person already has an absence on one of the days.
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


def withdraw_absence(session: Session, street: int, number: int, recorder: Recorder) -> tuple[Absence, datetime]:
    """Withdraw an absence; what it said, and when it was recorded.

    Raises
    ------
    NotStoredError
        If there is none, or it was withdrawn already.
    """
    row = session.scalar(select(AbsenceRow).where(*_current(AbsenceRow, street), AbsenceRow.id == number))
    if row is None:
        raise NotStoredError(f"there is no absence {number} in the roster; it may have been withdrawn already")
    person, deputy = session.get_one(PersonRow, row.person_id).code, ""
    if row.deputy_id is not None:
        deputy = session.get_one(PersonRow, row.deputy_id).code
    row.withdrawn_at = recorder.at
    session.flush()
    return Absence(person, row.first, row.last, deputy, row.reason), row.recorded_at


def absence_numbers(session: Session, street: int) -> dict[tuple[str, date], int]:
    """Numbers of the absences by person and first day, which no two have in common."""
    query = (
        select(PersonRow.code, AbsenceRow.first, AbsenceRow.id)
        .join(PersonRow, PersonRow.id == AbsenceRow.person_id)
        .where(*_current(AbsenceRow, street))
    )
    return {(code, first): number for code, first, number in session.execute(query)}


def end_assignments(
    session: Session, street: int, person: str, last: date, recorder: Recorder, *, successor: str = ""
) -> int:
    """End all assignments of a person with a day; the successor, if given, gets the same duties from the next day on.

    Returns
    -------
    int
        Number of ended assignments.

    Raises
    ------
    NotStoredError
        If the person or the successor is not known.
    """
    lock(session, f"roster {street}")
    number = _known(session, street, person)
    follows = _known(session, street, successor) if successor else None
    rows = session.scalars(
        select(AssignmentRow).where(*_current(AssignmentRow, street), AssignmentRow.person_id == number)
    )
    mine = [row for row in rows if row.valid_to is None or row.valid_to > last]
    for row in mine:
        row.withdrawn_at = recorder.at
        if row.valid_from <= last:
            _add_part(session, row, number, (row.valid_from, last), recorder)
        if follows is not None:
            _add_part(session, row, follows, (max(row.valid_from, last + timedelta(days=1)), row.valid_to), recorder)
    session.flush()
    return len(mine)


def _add_part(
    session: Session, row: AssignmentRow, person: int, days: tuple[date, date | None], recorder: Recorder
) -> None:
    """Store the same duty for another person or other days."""
    session.add(
        AssignmentRow(
            street=row.street,
            cell=row.cell,
            person_id=person,
            duty=row.duty,
            valid_from=days[0],
            valid_to=days[1],
            place=row.place,
            basis=row.basis,
            recorded_at=recorder.at,
            recorded_by=recorder.actor,
            withdrawn_at=None,
        )
    )


def _current(row: type[AssignmentRow | AbsenceRow], street: int) -> tuple[Any, ...]:
    return row.street == street, row.withdrawn_at.is_(None)


def _store_persons(session: Session, street: int, persons: list[Person], recorder: Recorder) -> dict[str, int]:
    """Store new persons and changed values of known ones; returns their numbers by code. All rows are read and written in
    bulk.
    """
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
        select(
            PersonRow.id,
            PersonRow.code,
            PersonRow.name,
            DutyPersonRow.kind,
            DutyPersonRow.post,
            DutyPersonRow.unit,
            PersonRow.office_phone,
            DutyPersonRow.pledge,
        )
        .outerjoin(DutyPersonRow, DutyPersonRow.person_id == PersonRow.id)
        .where(PersonRow.street == street)
    )
    return {
        number: Person(code, name, kind or "", post or "", unit or "", phone or "", pledge or "")
        for number, code, name, kind, post, unit, phone, pledge in session.execute(query)
    }


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
