"""Event stream of a draft (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.access import Right
from api.access.admission import authorize, caller_of
from api.database import session
from api.database.drafts.log import get_draft
from api.routes.dependencies import CallerOf, EngineOf
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber

if TYPE_CHECKING:
    from api.routes.plans.draft_feed import DraftFeed, Listener, Message

router = APIRouter(prefix="/api/drafts/{number}", route_class=Guarded, tags=["editor"])

#: Interval in which a page asks, and interval between checks of the caller's rights, seconds.
POLL_S, RIGHTS_EVERY_S = 0.3, 60.0


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
    from api.routes.plans.draft_feed import EARLIER, DraftFeed, Listener

    def newest() -> int:
        with session(engine) as opened:
            return get_draft(opened, caller.street, number).revision

    revision = await run_in_threadpool(newest)
    given = last_event_id or request.query_params.get("after", "")
    start = min(int(given), revision) if given.isdecimal() and len(given) < 10 else revision
    clock, feeds = request.app.state.clock, request.app.state.draft_feeds
    for unused in [draft for draft, feed in feeds.items() if feed.idle and draft != number]:
        del feeds[unused]
    feed = feeds.setdefault(number, DraftFeed(engine, number, clock))
    return EventSourceResponse(_send(request, feed, Listener(start, clock() - EARLIER)), ping=15)


async def _send(request: Request, feed: DraftFeed, page: Listener) -> AsyncIterator[Message]:
    checked = asyncio.get_running_loop().time()
    while True:
        for message in await feed.news(page):
            yield message
        await asyncio.sleep(POLL_S)
        if asyncio.get_running_loop().time() - checked > RIGHTS_EVERY_S:
            authorize(await caller_of(request), Right.PLAN)
            checked = asyncio.get_running_loop().time()
