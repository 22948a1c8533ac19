"""Typed texts, signed ledgers, meetings and decisions in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.models import DecisionDoneRow, DecisionRow, MeetingRow, SignedLedgerRow, TypedTextRow
from api.errors import ConflictError, NotStoredError
from geo.duty.ledgers.signing import digest_of
from geo.duty.meetings.records import Decision, Meeting
from geo.errors import InputError

#: Ledger name of the texts of a brief.
BRIEF = "brief"


@dataclass(frozen=True)
class SignedLedger:
    """A signed ledger as stored."""

    content: str
    sha256: str
    print: bytes
    at: datetime
    actor: str


def write_text(
    session: Session, street: int, place: tuple[str, str, str], text: str, *, at: datetime, actor: str
) -> None:
    """Store a typed text for a place: ledger, row key, column."""
    ledger, key, column = place
    session.add(TypedTextRow(street=street, ledger=ledger, key=key, column=column, text=text, at=at, actor=actor))
    session.flush()


def typed_texts(
    session: Session, street: int, ledger: str, *, begins: str = "", until: datetime | None = None
) -> dict[tuple[str, str, str], str]:
    """The latest text of each place of a ledger whose row key has the given prefix, as known at a given time."""
    query = select(TypedTextRow).where(TypedTextRow.street == street, TypedTextRow.ledger == ledger)
    if begins:
        query = query.where(TypedTextRow.key.startswith(begins, autoescape=True))
    if until is not None:
        query = query.where(TypedTextRow.at < until)
    return {(row.ledger, row.key, row.column): row.text for row in session.scalars(query.order_by(TypedTextRow.id))}


def sign_ledger(
    session: Session,
    street: int,
    place: tuple[str, str, date],
    content: str,
    printed: bytes,
    *,
    at: datetime,
    actor: str,
) -> str:
    """Store a signed ledger once; returns the hash of its content.

    Raises
    ------
    ConflictError
        If it is already signed. Later facts are shown as corrections.
    """
    ledger, scope, start = place
    lock(session, "duty_signed_ledger")
    if signed_ledger(session, street, place) is not None:
        raise ConflictError(f"ledger {ledger} of {start} was signed already; later facts are shown as corrections")
    sha256 = digest_of(content)
    session.add(
        SignedLedgerRow(
            street=street,
            ledger=ledger,
            scope=scope,
            start=start,
            content=content,
            sha256=sha256,
            print=printed,
            at=at,
            actor=actor,
        )
    )
    session.flush()
    return sha256


def signed_ledger(session: Session, street: int, place: tuple[str, str, date]) -> SignedLedger | None:
    """A ledger as signed; None if it is not signed.

    Raises
    ------
    InputError
        If the content does not match the stored hash.
    """
    ledger, scope, start = place
    row = session.scalar(
        select(SignedLedgerRow).where(
            SignedLedgerRow.street == street,
            SignedLedgerRow.ledger == ledger,
            SignedLedgerRow.scope == scope,
            SignedLedgerRow.start == start,
        )
    )
    if row is None:
        return None
    if digest_of(row.content) != row.sha256:
        raise InputError(f"the signed ledger {ledger} of {start} does not have its hash; restore it from a backup")
    return SignedLedger(row.content, row.sha256, row.print, row.at, row.actor)


def add_meeting(session: Session, street: int, meeting: Meeting, *, at: datetime, actor: str) -> None:
    """Store a meeting.

    Raises
    ------
    ConflictError
        If a meeting with this number is stored already.
    """
    lock(session, "duty_meeting")
    if meeting.meeting_id in {known.meeting_id for known in meetings(session, street, meeting.day, meeting.day)}:
        raise ConflictError(f"the meeting {meeting.meeting_id} is stored already")
    session.add(
        MeetingRow(
            street=street,
            meeting_id=meeting.meeting_id,
            day=meeting.day,
            place=meeting.place,
            chair=meeting.chair,
            present=list(meeting.present),
            absent=list(meeting.absent),
            items=[list(item) for item in meeting.items],
            at=at,
            actor=actor,
        )
    )
    session.flush()


def meetings(session: Session, street: int, first: date, last: date) -> list[Meeting]:
    """Meetings from `first` to `last`, both included."""
    query = (
        select(MeetingRow)
        .where(MeetingRow.street == street, MeetingRow.day >= first, MeetingRow.day <= last)
        .order_by(MeetingRow.day, MeetingRow.meeting_id)
    )
    return [
        Meeting(
            row.meeting_id,
            row.day,
            row.place,
            row.chair,
            tuple(row.present),
            tuple(row.absent),
            tuple((str(question), str(case)) for question, case in row.items),
        )
        for row in session.scalars(query)
    ]


def add_decision(
    session: Session,
    street: int,
    decision: Decision,
    *,
    at: datetime,
    actor: str,
) -> str:
    """Store a decision of a meeting under the next number of the meeting.

    Returns
    -------
    str
        Number of the decision.
    """
    lock(session, "duty_decision")
    known = session.scalar(
        select(func.count()).where(DecisionRow.street == street, DecisionRow.meeting_id == decision.meeting_id)
    )
    number = f"{decision.meeting_id}-{(known or 0) + 1}"
    session.add(
        DecisionRow(
            street=street,
            decision_id=number,
            meeting_id=decision.meeting_id,
            case_id=decision.case_id,
            text=decision.text,
            owner=decision.owner,
            due=decision.due,
            helpers=list(decision.helpers),
            at=at,
            actor=actor,
        )
    )
    session.flush()
    return number


def carry_out(session: Session, street: int, number: str, *, at: datetime, actor: str) -> None:
    """Record that a decision was carried out; repeated calls have no effect.

    Raises
    ------
    NotStoredError
        If there is no such decision.
    """
    row = session.scalar(select(DecisionRow).where(DecisionRow.street == street, DecisionRow.decision_id == number))
    if row is None:
        raise NotStoredError(f"there is no decision {number[:50]}")
    if session.scalar(select(DecisionDoneRow.id).where(DecisionDoneRow.decision == row.id)) is None:
        session.add(DecisionDoneRow(decision=row.id, at=at, actor=actor))
        session.flush()


def decisions(session: Session, street: int, *, since: date | None = None) -> list[Decision]:
    """Open decisions, and decisions made since a day."""
    query = (
        select(DecisionRow, DecisionDoneRow.at)
        .outerjoin(DecisionDoneRow, DecisionDoneRow.decision == DecisionRow.id)
        .where(DecisionRow.street == street)
        .order_by(DecisionRow.id)
    )
    return [
        Decision(
            row.decision_id,
            row.meeting_id,
            row.text,
            row.owner,
            row.due,
            tuple(row.helpers),
            row.case_id,
            row.at,
            done,
        )
        for row, done in session.execute(query)
        if since is None or done is None or row.at.date() >= since
    ]
