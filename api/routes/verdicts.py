"""Verdicts, due list, coverage and evidence of any day, rule sets, and the stream of events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Engine
from sse_starlette import EventSourceResponse

from api.access import Caller, Right, allowed
from api.access.admission import authorize, caller_of
from api.access.rights import scopes
from api.database import session
from api.database.events import audit
from api.database.verdicts import add_rule_set, history_of
from api.errors import DeniedError, NotStoredError
from api.routes.dependencies import CallerOf, EngineOf, Now, SettingsOf
from api.routes.guard import Guarded, needs
from api.schemas import OwnGrid, RuleText, VerdictOut, VerdictRevision
from api.settings import Settings
from api.verdicts.event_feed import POLL_S, EventFeed

if TYPE_CHECKING:
    from api.verdicts.day import Judged

router = APIRouter(prefix="/api", route_class=Guarded, tags=["verdicts"])

Day = Annotated[date, Query(description="local day", examples=["2026-03-02"])]
RuleName = Annotated[str | None, Query(max_length=200, description="name of a rule set, or name@version")]
#: A day of 1.5 million fixes occupies two cores for seconds, so at most two days are judged at a time.
JUDGING = threading.BoundedSemaphore(2)
#: Interval between checks of the caller's rights during a stream, seconds.
RIGHTS_EVERY_S = 60.0


@router.get("/verdicts")
@needs(Right.SEE_VERDICTS)
def verdicts(
    engine: EngineOf, settings: SettingsOf, caller: CallerOf, day: Day, rules: RuleName = None
) -> list[VerdictOut]:
    """The verdict of each second-level grid on a day, computed from the stored fixes."""
    return [
        VerdictOut.model_validate(row) for row in _rows(_judged(engine, settings, caller, day, rules).verdicts, caller)
    ]


@router.get("/me/grids")
@needs(Right.SEE_VERDICTS)
def own_grids(engine: EngineOf, settings: SettingsOf, caller: CallerOf, day: Day) -> list[OwnGrid]:
    """The caller's grids with the verdicts stored last, those not met first; cheap enough to be asked after every event."""
    from api.overview.own_grids import own_grids as grids_of

    with session(engine) as opened:
        rows = grids_of(
            opened,
            caller.street,
            day,
            street_code=settings.street or None,
            may_see=lambda code: allowed(caller, Right.SEE_VERDICTS, [code]),
        )
    return [OwnGrid.model_validate(row) for row in rows]


@router.get("/verdicts/{day}/{code}")
@needs(Right.SEE_VERDICTS)
def revisions(engine: EngineOf, caller: CallerOf, day: date, code: str) -> list[VerdictRevision]:
    """Revisions of the verdict of a grid and day, oldest first; `restated` marks changes of past days by late fixes."""
    if not allowed(caller, Right.SEE_VERDICTS, [code]):
        raise DeniedError(f"'{caller.name}' may not see grid {code[:50]}")
    with session(engine) as opened:
        return [VerdictRevision.model_validate(row) for row in history_of(opened, caller.street, day, code)]


@router.get("/verdicts/{day}/{code}/evidence")
@needs(Right.SEE_TRACKS)
def evidence(
    engine: EngineOf, settings: SettingsOf, caller: CallerOf, now: Now, day: date, code: str, rules: RuleName = None
) -> dict[str, Any]:
    """The complete basis of a verdict, with a hash. It contains fixes, so each access is recorded in the audit."""
    from api.verdicts.day import evidence_of

    judged = _judged(engine, settings, caller, day, rules)
    if code not in set(judged.verdicts["code"]):
        raise NotStoredError(f"there is no second-level grid {code[:50]}")
    with session(engine, write=True) as opened:
        audit(opened, caller.street, caller.actor, "look at evidence", code, at=now, day=day.isoformat())
    return evidence_of(judged, code)


@router.get("/due")
@needs(Right.SEE_VERDICTS)
def due(
    engine: EngineOf,
    settings: SettingsOf,
    caller: CallerOf,
    now: Now,
    at: Annotated[datetime | None, Query(description="moment, with a time zone; by default now")] = None,
    rules: RuleName = None,
) -> list[dict[str, Any]]:
    """Grids that are short of visits at a given time, most urgent first. Positions of officers are not included."""
    from zoneinfo import ZoneInfo

    from api.verdicts.day import due_list
    from geo.errors import InputError

    moment = at or now
    if moment.tzinfo is None:
        raise InputError("at needs a time zone, such as 2026-03-02T15:00:00+08:00")
    if not 1990 <= moment.year < 2100:
        raise InputError("at is not from 1990 to 2100")
    judged = _judged(engine, settings, caller, moment.astimezone(ZoneInfo(settings.zone)).date(), rules)
    table = due_list(judged, moment).drop(columns=["nearest_officer", "nearest_device", "distance_m"])
    return _rows(table, caller)


@router.get("/coverage")
@needs(Right.SEE_VERDICTS)
def coverage(
    engine: EngineOf, settings: SettingsOf, caller: CallerOf, day: Day, rules: RuleName = None
) -> list[dict[str, Any]]:
    """Observed share of each third-level grid on a day."""
    from api.verdicts.day import coverage as seen_of

    return _rows(seen_of(_judged(engine, settings, caller, day, rules)), caller)


@router.post("/rules", status_code=201)
@needs(Right.PUBLISH)
def new_rules(engine: EngineOf, caller: CallerOf, now: Now, body: RuleText) -> Response:
    """Store a version of a rule set (TOML); it is immutable."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from geo.patrols import Rules

    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.toml"
        path.write_text(body.text, encoding="utf-8", errors="replace")
        rules = Rules.read(path)
    with session(engine, write=True) as opened:
        add_rule_set(
            opened,
            caller.street,
            name=rules.id,
            version=rules.version,
            holds_from=rules.holds_from,
            text=body.text,
            at=now,
            by=caller.actor,
        )
        audit(opened, caller.street, caller.actor, "add rule set", rules.name, at=now)
    return Response(status_code=201)


@router.get("/events", response_class=EventSourceResponse, include_in_schema=False)
@needs(Right.SEE_VERDICTS)
async def events(
    request: Request, engine: EngineOf, caller: CallerOf, last_event_id: Annotated[str | None, Header()] = None
) -> EventSourceResponse:
    """Stream of events (server-sent events); resumes after ``Last-Event-ID``."""
    given = last_event_id or request.query_params.get("last", "")
    start = int(given) if given.isdecimal() and len(given) < 19 else None
    feed: EventFeed = request.app.state.feeds.setdefault(caller.street, EventFeed(engine, caller.street))
    return EventSourceResponse(_stream(request, feed, caller, start), ping=15)


async def _stream(
    request: Request, feed: EventFeed, caller: Caller, start: int | None
) -> AsyncIterator[dict[str, str]]:
    last = start if start is not None else await feed.newest()
    clock = asyncio.get_running_loop().time
    checked = clock()
    while True:
        visible = scopes(caller, Right.SEE_VERDICTS)
        for event in await feed.after(last):
            last = event.id
            if visible is None or any(event.scope.startswith(scope) for scope in visible):
                data = {"code": event.scope, "at": event.at.isoformat(), **event.data}
                yield {"id": str(event.id), "event": event.kind, "data": json.dumps(data, ensure_ascii=False)}
        await asyncio.sleep(POLL_S)
        if clock() - checked > RIGHTS_EVERY_S:
            authorize(await caller_of(request), Right.SEE_VERDICTS)
            checked = clock()


def _judged(engine: Engine, settings: Settings, caller: Caller, day: date, rules: str | None) -> Judged:
    """Judge a day; intermediate results are not cached."""
    from api.verdicts.day import basis_of, judge, rules_of
    from geo.errors import InputError

    if not date(1990, 1, 1) <= day <= date(2100, 1, 1) - timedelta(days=1):
        raise InputError(f"{day} is not a day from 1990 to 2099")
    with JUDGING:
        found = rules_of(engine, caller.street, rules)
        basis = basis_of(engine, caller.street, day, street_code=settings.street or None, rules=found)
        return judge(engine, basis, day)


def _rows(frame: Any, caller: Caller) -> list[dict[str, Any]]:
    """Rows of the cells that the caller may see."""
    from api.json_values import plain_rows

    rows = plain_rows(frame)
    return [row for row in rows if allowed(caller, Right.SEE_VERDICTS, [row["code"]])]
