"""Event stream of a draft (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.encoders import jsonable_encoder
from sqlalchemy import Engine
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.access import Right
from api.access.admission import authorize, caller_of
from api.database import session
from api.database.drafts.log import get_draft, newest_revision
from api.database.drafts.presence import replays_done, who_is_there
from api.routes.dependencies import CallerOf, EngineOf
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber

router = APIRouter(prefix="/api/drafts/{number}", route_class=Guarded, tags=["editor"])

#: Polling interval, interval between checks of the caller's rights, seconds, and maximum number of entries sent at once.
POLL_S, RIGHTS_EVERY_S, AT_ONCE = 0.3, 60.0, 50
#: A client that is further behind reads the snapshot instead.
MOST_BEHIND = 500
#: Results of evaluations requested this long before the stream began are sent, too.
EARLIER = timedelta(seconds=30)

Message = dict[str, str]


@dataclass
class _Stream:
    """State of a stream: what it has sent."""

    engine: Engine
    number: int
    clock: Callable[[], datetime]
    last: int
    since: datetime
    here: list[Any] = field(default_factory=list)
    replays: set[int] = field(default_factory=set)

    def next(self) -> list[Message]:
        """New messages."""
        from api.plans.annotating import entries_for_pages

        now = self.clock()
        messages: list[Message] = []
        with session(self.engine) as opened:
            newest = newest_revision(opened, self.number)
            if newest - self.last > MOST_BEHIND:
                self.last = newest
                messages.append(_message("reload", {"revision": newest}, newest))
            for kind, data in entries_for_pages(opened, self.number, self.last, AT_ONCE) if newest > self.last else ():
                self.last = data["revision"]
                messages.append(_message(kind, data, self.last))
            here = who_is_there(opened, self.number, at=now)
            if here != self.here:
                self.here = here
                messages.append(_message("presence", {"here": here}))
            for replay in replays_done(opened, self.number, self.since):
                if replay.id not in self.replays:
                    self.replays.add(replay.id)
                    messages.append({"event": "consequences", "data": replay.result or "{}"})
        return messages


def _message(kind: str, data: Any, number: int | None = None) -> Message:
    message = {"event": kind, "data": json.dumps(jsonable_encoder(data), ensure_ascii=False)}
    return message if number is None else {"id": str(number), **message}


@router.get("/events", response_class=EventSourceResponse, include_in_schema=False)
@needs(Right.PLAN)
async def draft_events(
    request: Request,
    number: DraftNumber,
    engine: EngineOf,
    caller: CallerOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Stream of the draft's entries after a revision; resumes after ``Last-Event-ID``."""

    def newest() -> int:
        with session(engine) as opened:
            return get_draft(opened, caller.street, number).revision

    revision = await run_in_threadpool(newest)
    given = last_event_id or request.query_params.get("after", "")
    start = min(int(given), revision) if given.isdecimal() and len(given) < 10 else revision
    clock = request.app.state.clock
    stream = _Stream(engine, number, clock, start, clock() - EARLIER)
    return EventSourceResponse(_send(request, stream), ping=15)


async def _send(request: Request, stream: _Stream) -> AsyncIterator[Message]:
    checked = asyncio.get_running_loop().time()
    while True:
        for message in await run_in_threadpool(stream.next):
            yield message
        await asyncio.sleep(POLL_S)
        if asyncio.get_running_loop().time() - checked > RIGHTS_EVERY_S:
            authorize(await caller_of(request), Right.PLAN)
            checked = asyncio.get_running_loop().time()
