"""The table of jobs: jobs wait, are taken with a lease by one worker at a time, report progress, and end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from api.database.models import JobRow
from api.errors import NotStoredError
from geo.errors import ImpossibleError

#: A worker that does not renew its lease within this time counts as dead, and another one restarts the job.
LEASE = timedelta(seconds=15)
#: Maximum number of attempts: a job that crashed three workers is not retried.
MOST_ATTEMPTS = 3
#: Maximum number of waiting jobs of a street.
MOST_WAITING = 50
ENDED = ("done", "failed", "cancelled")


def add_job(
    session: Session, street: int, account: int | None, kind: str, arguments: dict[str, Any], *, at: datetime
) -> int:
    """Add a waiting job and return its number.

    Raises
    ------
    ImpossibleError
        If too many jobs are waiting.
    """
    waiting = select(func.count()).where(JobRow.street == street, JobRow.state == "waiting")
    if int(session.scalar(waiting) or 0) >= MOST_WAITING:
        raise ImpossibleError(f"{MOST_WAITING} jobs wait already; cancel some, or try again later")
    row = JobRow(
        street=street,
        account_id=account,
        kind=kind,
        arguments=arguments,
        state="waiting",
        attempt=0,
        cancel=False,
        progress=0.0,
        message="",
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def take_job(session: Session, worker: str, *, at: datetime) -> int | None:
    """Take the oldest waiting job, or one whose worker is dead; returns its number. Needs a write session."""
    dead = (JobRow.state == "running") & (JobRow.lease_until < at)
    query = select(JobRow).where(or_(JobRow.state == "waiting", dead)).order_by(JobRow.id)
    for row in session.scalars(query.limit(10).with_for_update(skip_locked=True)):
        if row.cancel:
            _end(row, "cancelled", "", at)
        elif row.attempt >= MOST_ATTEMPTS:
            _end(row, "failed", f"the work ended {MOST_ATTEMPTS} times without a result", at)
        else:
            row.state, row.worker, row.lease_until = "running", worker, at + LEASE
            row.attempt, row.progress, row.message = row.attempt + 1, 0.0, ""
            return row.id
    return None


def renew(session: Session, job: int, worker: str, *, at: datetime) -> bool:
    """Renew the lease; False if the job has to stop: it was cancelled, has ended, or was taken by another worker."""
    mine = JobRow.id == job, JobRow.worker == worker, JobRow.state == "running", JobRow.cancel.is_(False)
    return _changed(session, update(JobRow).where(*mine).values(lease_until=at + LEASE))


def report(session: Session, job: int, worker: str, step: str, done: float) -> None:
    """Record the progress, 0 to 1."""
    mine = JobRow.id == job, JobRow.worker == worker, JobRow.state == "running"
    session.execute(update(JobRow).where(*mine).values(message=step[:200], progress=min(max(done, 0.0), 1.0)))


def finish(session: Session, job: int, worker: str, result: dict[str, Any], *, at: datetime) -> bool:
    """Store the result; False, without storing, if the job does not belong to this worker any more."""
    mine = JobRow.id == job, JobRow.worker == worker, JobRow.state == "running", JobRow.cancel.is_(False)
    values = {"state": "done", "progress": 1.0, "message": "", "result": result, "finished_at": at}
    return _changed(session, update(JobRow).where(*mine).values(**values))


def give_up(session: Session, job: int, worker: str, reason: str, *, at: datetime) -> None:
    """End a job without a result: as cancelled if requested, otherwise as failed."""
    row = session.scalar(select(JobRow).where(JobRow.id == job, JobRow.worker == worker, JobRow.state == "running"))
    if row is not None:
        _end(row, "cancelled" if row.cancel else "failed", "" if row.cancel else reason, at)


def cancel(session: Session, street: int, job: int, account: int | None, *, at: datetime) -> None:
    """Cancel a job: a waiting job at once, a running one within seconds; ended jobs are unchanged.

    Raises
    ------
    NotStoredError
        If there is none, or it belongs to another account.
    """
    row = _row(session, street, job, account)
    row.cancel = True
    if row.state == "waiting":
        _end(row, "cancelled", "", at)


def get_job(session: Session, street: int, job: int, account: int | None) -> dict[str, Any]:
    """A job with its result.

    Parameters
    ----------
    account
        Only a job of this account; None: of any.

    Raises
    ------
    NotStoredError
        If there is none, or it belongs to another account.
    """
    return _shown(_row(session, street, job, account), result=True)


def list_jobs(session: Session, street: int, account: int | None, *, limit: int = 100) -> list[dict[str, Any]]:
    """Jobs without their results, newest first."""
    query = select(JobRow).where(JobRow.street == street).order_by(JobRow.id.desc()).limit(limit)
    if account is not None:
        query = query.where(JobRow.account_id == account)
    return [_shown(row, result=False) for row in session.scalars(query)]


def job_work(session: Session, job: int) -> tuple[int, str, dict[str, Any]]:
    """Street, kind and arguments of a job."""
    row = session.get_one(JobRow, job)
    return row.street, row.kind, row.arguments


def _row(session: Session, street: int, job: int, account: int | None) -> JobRow:
    row = session.get(JobRow, job)
    if row is None or row.street != street or (account is not None and row.account_id != account):
        raise NotStoredError(f"there is no job {job}")
    return row


def _end(row: JobRow, state: str, message: str, at: datetime) -> None:
    row.state, row.message, row.finished_at = state, message[:500], at


def _changed(session: Session, statement: Any) -> bool:
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _shown(row: JobRow, *, result: bool) -> dict[str, Any]:
    keys = ("id", "kind", "arguments", "state", "attempt", "progress", "message", "created_at", "finished_at")
    return {key: getattr(row, key) for key in keys} | ({"result": row.result} if result else {})
