"""Routes for background jobs: create, read, cancel."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.access import Caller, Right, Role
from api.access.rights import scopes
from api.background_jobs.job_table import add_job, cancel, get_job, list_jobs
from api.background_jobs.schemas import Job, JobAsked, JobSummary, Work
from api.database import session
from api.database.events import audit
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs

router = APIRouter(prefix="/api", route_class=Guarded, tags=["jobs"])


@router.post("/jobs", status_code=202)
@needs(Right.RUN_JOBS)
def new_job(body: Work, caller: CallerOf, engine: EngineOf, now: Now) -> JobAsked:
    """Create a background job: a check of a version, density or hot spots of incidents, or the verdicts of a day.

    It is executed by another process; the result is available at ``/api/jobs/{number}``.
    """
    if scopes(caller, Right.RUN_JOBS) is not None:
        raise DeniedError(f"'{caller.name}' works for a part of the street; jobs are about the whole of it")
    arguments = body.model_dump(mode="json", exclude={"kind"})
    with session(engine, write=True) as opened:
        number = add_job(opened, caller.street, caller.account, body.kind, arguments, at=now)
        audit(opened, caller.street, caller.actor, "ask for job", str(number), at=now, kind=body.kind)
    return JobAsked(id=number)


@router.get("/jobs")
@needs(Right.RUN_JOBS)
def jobs(caller: CallerOf, engine: EngineOf) -> list[JobSummary]:
    """The latest hundred jobs of the caller, newest first; of all accounts for administrators."""
    with session(engine) as opened:
        return [JobSummary.model_validate(row) for row in list_jobs(opened, caller.street, _own(caller))]


@router.get("/jobs/{number}")
@needs(Right.RUN_JOBS)
def job(number: int, caller: CallerOf, engine: EngineOf) -> Job:
    """A job: its state, progress from 0 to 1, and its result when it is ``done``."""
    with session(engine) as opened:
        return Job.model_validate(get_job(opened, caller.street, _checked(number), _own(caller)))


@router.delete("/jobs/{number}", status_code=204)
@needs(Right.RUN_JOBS)
def cancel_job(number: int, caller: CallerOf, engine: EngineOf, now: Now) -> Response:
    """Cancel a job. A running job stops within seconds; an ended one is unchanged."""
    with session(engine, write=True) as opened:
        cancel(opened, caller.street, _checked(number), _own(caller), at=now)
        audit(opened, caller.street, caller.actor, "cancel job", str(number), at=now)
    return Response(status_code=204)


def _own(caller: Caller) -> int | None:
    """Account whose jobs the caller may see; None for all jobs."""
    return None if any(grant.role is Role.ADMINISTRATOR for grant in caller.grants) else caller.account


def _checked(number: int) -> int:
    """The number, or 0, which is never used, for numbers outside the range of the database."""
    return number if 0 < number < 2**31 else 0
