"""What is new in a draft, read once for all open pages of a process: entries, who is there, and evaluations of edits."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fastapi.encoders import jsonable_encoder
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api.database import session
from api.database.drafts.log import newest_revision
from api.database.drafts.presence import replays_done, who_is_there
from api.plans.annotating import entries_for_pages
from api.shared_feed import SharedFeed

#: Maximum number of entries sent at once.
AT_ONCE = 50
#: A page that is further behind reads the snapshot instead.
MOST_BEHIND = 500
#: Results of evaluations requested this long before a page opened its stream are sent, too.
EARLIER = timedelta(seconds=30)
#: Results of evaluations requested longer ago are not waited for.
WAITED_FOR = timedelta(minutes=10)
#: Maximum number of entries in memory; pages that are further behind read the database themselves.
MOST_KEPT = 200

Message = dict[str, str]


class Evaluated(NamedTuple):
    """A result of an evaluation, numbered in the order of completion."""

    number: int
    asked_at: datetime
    message: Message


@dataclass
class Listener:
    """What a page has been sent: revision, changes of who is there, results of evaluations.

    Attributes
    ----------
    last
        Revision of the last entry.
    since
        Results of evaluations requested before are not sent.
    here
        Number of the state of who is there.
    heard
        Number of the last result.
    """

    last: int
    since: datetime
    here: int = 0
    heard: int = field(default=0)


class DraftFeed(SharedFeed):
    """Messages about one draft."""

    def __init__(self, engine: Engine, number: int, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._engine, self._number, self._clock = engine, number, clock
        # All entries with a greater revision than `first` are in memory.
        self._first = self._newest = 0
        self._kept: deque[tuple[int, Message]] = deque()
        self._people: list[Any] = []
        self._people_number, self._people_message = 0, _message("presence", {"here": []})
        self._known: set[int] = set()
        self._evaluated: deque[Evaluated] = deque()
        self._completed = 0

    async def news(self, page: Listener) -> list[Message]:
        """Messages that a page has not been sent, which count as sent then."""
        await self.refresh()
        found: list[Message] = []
        if self._newest - page.last > MOST_BEHIND:
            page.last = self._newest
            found.append(_message("reload", {"revision": page.last}, page.last))
        if page.last < self._first:
            entries = await run_in_threadpool(self._stored_after, page.last, AT_ONCE)
        else:
            entries = [entry for entry in self._kept if entry[0] > page.last][:AT_ONCE]
        for page.last, message in entries:
            found.append(message)
        if page.here != self._people_number:
            page.here = self._people_number
            found.append(self._people_message)
        found += [one.message for one in self._evaluated if one.number > page.heard and one.asked_at >= page.since]
        page.heard = self._completed
        return found

    def _restart(self) -> None:
        self._kept.clear()
        self._known.clear()
        self._evaluated.clear()
        with session(self._engine) as opened:
            self._first = self._newest = newest_revision(opened, self._number)
        self._read_more()

    def _read_more(self) -> None:
        now = self._clock()
        with session(self._engine) as opened:
            if newest_revision(opened, self._number) > self._newest:
                self._kept.extend(self._entries(opened, self._newest, MOST_KEPT))
                self._newest = self._kept[-1][0]
            people = who_is_there(opened, self._number, at=now)
            done = replays_done(opened, self._number, now - WAITED_FOR, but_not=self._known)
        while len(self._kept) > MOST_KEPT:
            self._first = self._kept.popleft()[0]
        if people != self._people:
            self._people, self._people_number = people, self._people_number + 1
            self._people_message = _message("presence", {"here": people})
        for replay in done:
            self._known.add(replay.id)
            self._completed += 1
            message = {"event": "consequences", "data": replay.result or "{}"}
            self._evaluated.append(Evaluated(self._completed, replay.asked_at, message))
        while self._evaluated and self._evaluated[0].asked_at < now - WAITED_FOR:
            self._evaluated.popleft()

    def _stored_after(self, revision: int, limit: int) -> list[tuple[int, Message]]:
        with session(self._engine) as opened:
            return self._entries(opened, revision, limit)

    def _entries(self, opened: Any, revision: int, limit: int) -> list[tuple[int, Message]]:
        return [
            (data["revision"], _message(kind, data, data["revision"]))
            for kind, data in entries_for_pages(opened, self._number, revision, limit)
        ]


def _message(kind: str, data: Any, number: int | None = None) -> Message:
    message = {"event": kind, "data": json.dumps(jsonable_encoder(data), ensure_ascii=False)}
    return message if number is None else {"id": str(number), **message}
