"""Retention: deletion of fixes, events, photos and audit entries after the period set by an installation."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select, text, update

from api.database.connections import session
from api.database.models import AuditRow, EventRow, FixRow, PhotoRow, PurgeRow
from api.ingest.fix import DAY_US, microseconds
from geo.errors import ImpossibleError, InputError
from geo.wording import counted

#: Subjects of deletion, and the column that determines the age.
_AGES = {
    "fix": FixRow.time_us,
    "event": EventRow.at,
    "incident_photo": PhotoRow.received_at,
    "audit": AuditRow.at,
}
#: Minimum age in days. Records of the handling of personal data are kept for three years (PIPL article 56).
LEAST_DAYS = {"fix": 7, "event": 1, "incident_photo": 30, "audit": 3 * 365 + 1}


def purge(
    engine: Engine, subject: str, *, days: int, now: datetime, actor: str, dry_run: bool, expected: int | None = None
) -> int:
    """Delete rows older than `days`, and record the deletion.

    Parameters
    ----------
    subject
        ``fix``, ``event``, ``incident_photo`` or ``audit``.
    dry_run
        Only count.
    expected
        Delete only if the number of rows equals this.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    InputError
        If the subject is unknown, or `days` is below the minimum.
    ImpossibleError
        If the number of rows is not the expected one; nothing is deleted.
    """
    if subject not in _AGES:
        raise InputError(f"'{subject}' cannot be deleted by age; choose one of {', '.join(_AGES)}")
    if days < LEAST_DAYS[subject]:
        raise InputError(f"{subject} is kept for at least {LEAST_DAYS[subject]} days; {days} is less")
    before = now - timedelta(days=days)
    column = _AGES[subject]
    # Whole UTC days of fixes: on PostgreSQL a day is a partition.
    limit = microseconds(before) // DAY_US * DAY_US if subject == "fix" else before
    with session(engine, write=not dry_run) as opened:
        count = int(opened.scalar(select(func.count()).where(column < limit)) or 0)
        if dry_run or count == 0:
            return count
        entry = PurgeRow(at=now, actor=actor, subject=subject, before=before, rows=count, running=True)
        opened.add(entry)
        opened.flush()
        deleted = opened.execute(column.class_.__table__.delete().where(column < limit)).rowcount  # type: ignore[attr-defined]
        if expected is not None and deleted != expected:
            raise ImpossibleError(
                f"{counted(deleted, 'row is', 'rows are')} there, {expected:,} expected; nothing was deleted, try again"
            )
        opened.execute(update(PurgeRow).where(PurgeRow.id == entry.id).values(running=False))
        if subject == "fix" and engine.dialect.name == "postgresql":
            names = opened.execute(
                text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'fix'::regclass")
            ).scalars()
            for name in sorted(names):
                if name.startswith("fix_2") and name < f"fix_{before:%Y%m%d}":
                    opened.execute(text(f"DROP TABLE {name}"))
    return count
