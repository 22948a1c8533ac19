"""Rule sets, stored verdicts, pending days, and leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session

from api.database.models import EvidenceRow, LeaseRow, PendingDayRow, RuleSetRow, VerdictRow
from geo.errors import ImpossibleError


class VerdictState(NamedTuple):
    """Columns of a stored verdict needed by pages."""

    id: int
    day: date
    code: str
    rules: str
    version_id: int
    state: str
    visits: int
    required: int
    made_at: datetime


def add_rule_set(
    session: Session, street: int, *, name: str, version: str, holds_from: date | None, text: str, at: datetime, by: str
) -> None:
    """Store a version of a rule set.

    Raises
    ------
    ImpossibleError
        If this version is stored already: a rule set is never changed.
    """
    same = RuleSetRow.street == street, RuleSetRow.name == name, RuleSetRow.version == version
    if session.scalar(select(RuleSetRow.id).where(*same)):
        raise ImpossibleError(
            f"rule set {name}@{version} is stored already and is never changed; give it a new version"
        )
    session.add(
        RuleSetRow(
            street=street, name=name, version=version, holds_from=holds_from, text=text, created_at=at, created_by=by
        )
    )
    session.flush()


def rule_texts(session: Session, street: int, name: str | None = None) -> list[str]:
    """Texts of all versions of a rule set, or of one (``name@version``); by default of the rule set stored last."""
    query = select(RuleSetRow).where(RuleSetRow.street == street).order_by(RuleSetRow.id)
    rows = session.scalars(query).all()
    if not rows:
        return []
    wanted, _, version = (name or rows[-1].name).partition("@")
    return [row.text for row in rows if row.name == wanted and version in ("", row.version)]


def pending(session: Session, street: int) -> list[tuple[int, int, int]]:
    """Devices and UTC days with new fixes, and the mark of each."""
    query = select(PendingDayRow.device, PendingDayRow.day, PendingDayRow.mark).where(PendingDayRow.street == street)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def done(session: Session, street: int, entries: Sequence[tuple[int, int, int]]) -> None:
    """Delete pending days, except those with newer fixes."""
    if entries:
        session.execute(
            text("DELETE FROM pending_day WHERE street = :street AND device = :device AND day = :day AND mark = :mark"),
            [{"street": street, "device": device, "day": day, "mark": mark} for device, day, mark in entries],
        )


def latest_verdicts(session: Session, street: int, day: date, rules: str, version: int) -> dict[str, VerdictRow]:
    """The valid verdict of each cell of a day."""
    same = (
        VerdictRow.street == street,
        VerdictRow.day == day,
        VerdictRow.rules == rules,
        VerdictRow.version_id == version,
    )
    newest = (
        select(VerdictRow.code, func.max(VerdictRow.revision).label("revision")).where(*same).group_by(VerdictRow.code)
    )
    part = newest.subquery()
    query = select(VerdictRow).join(part, and_(VerdictRow.code == part.c.code, VerdictRow.revision == part.c.revision))
    return {row.code: row for row in session.scalars(query.where(*same))}


def add_verdict(
    session: Session,
    before: VerdictRow | None,
    *,
    at: datetime,
    restated: bool,
    key: dict[str, Any],
    row: dict[str, Any],
    stays: Sequence[dict[str, Any]] = (),
) -> None:
    """Store a verdict as the next revision after `before`, with the stays on which it is based, if any."""
    stored = VerdictRow(
        **key,
        revision=1 if before is None else before.revision + 1,
        made_at=at,
        state=row["verdict"],
        visits=int(row["visits"]),
        required=int(row["required"]),
        restated=restated,
        values=row,
    )
    session.add(stored)
    if stays:
        session.flush()
        record = {"visits": list(stays)}
        from geo.patrols import digest

        session.add(EvidenceRow(verdict_id=stored.id, sha256=digest(record), record=record))


def history_of(session: Session, street: int, day: date, code: str) -> list[dict[str, Any]]:
    """All revisions of the verdict of a cell and day, oldest first."""
    query = (
        select(VerdictRow)
        .where(VerdictRow.street == street, VerdictRow.day == day, VerdictRow.code == code)
        .order_by(VerdictRow.id)
    )
    return [
        {
            "made_at": row.made_at,
            "state": row.state,
            "visits": row.visits,
            "required": row.required,
            "restated": row.restated,
            "rules": row.rules,
            "division": row.version_id,
        }
        for row in session.scalars(query)
    ]


def take_lease(session: Session, name: str, holder: str, *, now_us: int, until_us: int) -> bool:
    """Take or renew a lease; False if another holder has it. Requires a write session."""
    row = session.get(LeaseRow, name, with_for_update=True)
    if row is None:
        session.add(LeaseRow(name=name, holder=holder, until_us=until_us))
    elif row.holder == holder or row.until_us <= now_us:
        row.holder, row.until_us = holder, until_us
    else:
        return False
    session.flush()
    return True


def verdict_days(session: Session, street: int, start: date, end: date) -> list[VerdictState]:
    """Stored verdicts of the days ``[start, end)``, all revisions, oldest first."""
    query = (
        select(
            VerdictRow.id,
            VerdictRow.day,
            VerdictRow.code,
            VerdictRow.rules,
            VerdictRow.version_id,
            VerdictRow.state,
            VerdictRow.visits,
            VerdictRow.required,
            VerdictRow.made_at,
        )
        .where(VerdictRow.street == street, VerdictRow.day >= start, VerdictRow.day < end)
        .order_by(VerdictRow.id)
    )
    return [VerdictState(*row) for row in session.execute(query)]


def verdict_values(session: Session, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """All columns of the given verdicts, by number."""
    query = select(VerdictRow.id, VerdictRow.values).where(VerdictRow.id.in_(list(numbers)))
    return {row[0]: dict(row[1]) for row in session.execute(query)}


def last_verdict_day(session: Session, street: int, *, until: date | None = None) -> date | None:
    """Latest day with a stored verdict, not after `until`; None without any."""
    query = select(func.max(VerdictRow.day)).where(VerdictRow.street == street)
    return session.scalar(query if until is None else query.where(VerdictRow.day <= until))
