"""Open pages of a process share one reading of the events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from api import shared_feed
from api.database import session
from api.database.events import add_event
from api.verdicts import event_feed
from api.verdicts.event_feed import EventFeed

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def _add(engine, *codes):
    with session(engine, write=True) as opened:
        for code in codes:
            add_event(opened, 1, "verdict", code, {"state": "passed"}, at=NOON)


def _scopes(events):
    return [one.scope for one in events]


def test_many_pages_cost_one_reading(published):
    read = []
    event.listen(
        published, "before_cursor_execute", lambda *given: read.append(given[2]) if " event" in given[2] else None
    )

    async def pages():
        feed = EventFeed(published, 1)
        start = await feed.newest()
        _add(published, "a", "b")
        await asyncio.sleep(shared_feed.READ_EVERY_S)
        read.clear()
        return await asyncio.gather(*(feed.after(start) for _ in range(50)))

    heard = asyncio.run(pages())
    assert [_scopes(events) for events in heard] == [["a", "b"]] * 50
    assert len([statement for statement in read if statement.startswith("SELECT")]) == 1


def test_each_page_hears_every_event_once_and_in_order(published, monkeypatch):
    monkeypatch.setattr(shared_feed, "READ_EVERY_S", 0.0)
    _add(published, "old")

    async def pages():
        feed = EventFeed(published, 1)
        late = last = await feed.newest()
        heard = []
        for k in range(4):
            _add(published, f"{k}a", f"{k}b")
            for one in await feed.after(last):
                heard.append(one.scope)
                last = one.id
        return heard, _scopes(await feed.after(late)), _scopes(await feed.after(0)), _scopes(await feed.after(last))

    heard, again, resumed, rest = asyncio.run(pages())
    wanted = [f"{k}{letter}" for k in range(4) for letter in "ab"]
    assert heard == again == wanted
    assert resumed == ["old", *wanted]
    assert rest == []


def test_pages_far_behind_read_the_database(published, monkeypatch):
    monkeypatch.setattr(shared_feed, "READ_EVERY_S", 0.0)
    monkeypatch.setattr(event_feed, "MOST_KEPT", 2)

    async def pages():
        feed = EventFeed(published, 1)
        start = await feed.newest()
        _add(published, "a", "b", "c", "d")
        return _scopes(await feed.after(start)), len(feed._kept)

    heard, kept = asyncio.run(pages())
    assert heard == ["a", "b", "c", "d"]
    assert kept == 2


@pytest.mark.parametrize("forget_s", [0.0, 10.0])
def test_events_before_a_pause_are_read_from_the_database(published, monkeypatch, forget_s):
    monkeypatch.setattr(shared_feed, "READ_EVERY_S", 0.0)

    async def pages():
        feed = EventFeed(published, 1)
        start = await feed.newest()
        _add(published, "a")
        monkeypatch.setattr(shared_feed, "FORGET_S", forget_s)
        await asyncio.sleep(0.01)
        return _scopes(await feed.after(start))

    assert asyncio.run(pages()) == ["a"]


def test_streets_are_apart(published):
    _add(published, "mine")

    async def other():
        return await EventFeed(published, 2).after(0), await EventFeed(published, 1).after(0)

    nothing, mine = asyncio.run(other())
    assert nothing == []
    assert _scopes(mine) == ["mine"]
