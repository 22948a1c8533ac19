"""Open pages of a draft share one reading of what is new in it; on both databases."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from api import shared_feed
from api.app import create_app
from api.database import session
from api.database.drafts.presence import ask_replay, be_there, finish_replay
from api.routes.plans import draft_feed
from api.routes.plans.draft_feed import EARLIER, DraftFeed, Listener
from api.settings import Settings
from tests.integration.api.planning import NOW, send, token
from tests.integration.api.serving import serving


@pytest.fixture
def plan(published, store_url, tmp_path, monkeypatch):
    """A draft with three comments, and a feed that reads the database at every request."""
    monkeypatch.setattr(shared_feed, "READ_EVERY_S", 0.0)
    app = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        wang = {"Authorization": f"Bearer {token(published, 'wang')}"}
        draft = client.post("/api/drafts", json={"id": "d1", "name": "调整"}, headers=wang).json()
        made = SimpleNamespace(client=client, wang=wang, draft=draft, engine=published, now=NOW)
        comment(made, 3)
        made.feed = DraftFeed(published, draft["id"], lambda: made.now)
        yield made


def comment(plan, count: int) -> None:
    for _ in range(count):
        number = len(plan.__dict__.setdefault("sent", []))
        plan.sent.append(number)
        answer = send(plan, "/comments", id=f"c{number}", at=[0.0, 0.0], text=f"{number}")
        assert answer.status_code in (200, 201), answer.text


def evaluated(plan, key: str, *, ago_s: float = 0.0) -> None:
    """An evaluation that was requested some time ago and is done."""
    from api.database.models import DraftReplayRow

    with session(plan.engine, write=True) as opened:
        ask_replay(opened, plan.draft["id"], key, 1, None, at=NOW - timedelta(seconds=ago_s))
        row = opened.query(DraftReplayRow).filter_by(key=key).one()
        finish_replay(opened, row.id, "done", json.dumps({"id": key}))


def page(plan, last: int) -> Listener:
    return Listener(last, NOW - EARLIER)


def revisions(messages) -> list[int]:
    return [int(one["id"]) for one in messages if one["event"] == "comment"]


def results(messages) -> list[str]:
    return [json.loads(one["data"])["id"] for one in messages if one["event"] == "consequences"]


def test_many_pages_cost_one_reading(plan, monkeypatch):
    read = []
    event.listen(plan.engine, "before_cursor_execute", lambda *given: read.append(given[2]))

    async def pages():
        await plan.feed.news(page(plan, 3))
        comment(plan, 2)
        await plan.feed.refresh()
        monkeypatch.setattr(shared_feed, "READ_EVERY_S", 60.0)
        read.clear()
        return await asyncio.gather(*(plan.feed.news(page(plan, 3)) for _ in range(50)))

    heard = asyncio.run(pages())
    assert [revisions(messages) for messages in heard] == [[4, 5]] * 50
    assert read == []


def test_each_page_hears_every_entry_once_and_in_order(plan, monkeypatch):
    monkeypatch.setattr(draft_feed, "AT_ONCE", 2)

    async def pages():
        old, new = page(plan, 0), page(plan, 3)
        heard = {"old": [], "new": []}
        for _ in range(4):
            comment(plan, 1)
            heard["old"] += revisions(await plan.feed.news(old))
            heard["new"] += revisions(await plan.feed.news(new))
        heard["old"] += revisions(await plan.feed.news(old))
        return heard

    # The first page reads what is not in memory from the database, at most two entries at once.
    assert asyncio.run(pages()) == {"old": [1, 2, 3, 4, 5, 6, 7], "new": [4, 5, 6, 7]}


def test_pages_far_behind_are_told_to_load_anew(plan, monkeypatch):
    monkeypatch.setattr(draft_feed, "MOST_BEHIND", 2)

    async def pages():
        return await plan.feed.news(page(plan, 1)), await plan.feed.news(page(plan, 0))

    near, far = asyncio.run(pages())
    assert revisions(near) == [2, 3]
    assert [one["event"] for one in far] == ["reload"]
    assert json.loads(far[0]["data"]) == {"revision": 3}


def test_entries_that_left_the_memory_are_read_from_the_database(plan, monkeypatch):
    monkeypatch.setattr(draft_feed, "MOST_KEPT", 2)

    async def pages():
        await plan.feed.refresh()
        comment(plan, 3)
        await plan.feed.refresh()
        await plan.feed.refresh()
        return revisions(await plan.feed.news(page(plan, 3)))

    assert asyncio.run(pages()) == [4, 5, 6]


def test_who_is_there_is_told_when_it_changes(plan):
    async def pages():
        one = page(plan, 3)
        told = [await plan.feed.news(one)]
        with session(plan.engine, write=True) as opened:
            be_there(opened, plan.draft["id"], "t1", "wang", {"holds": []}, at=NOW)
        told += [await plan.feed.news(one), await plan.feed.news(one)]
        plan.now = NOW + timedelta(seconds=31)
        return [*told, await plan.feed.news(one)]

    told = [[json.loads(one["data"])["here"] for one in messages] for messages in asyncio.run(pages())]
    assert [[[person["client"] for person in here] for here in messages] for messages in told] == [
        [],
        [["t1"]],
        [],
        [[]],
    ]


def test_results_are_told_once_also_those_requested_just_before(plan):
    evaluated(plan, "long ago", ago_s=31)
    evaluated(plan, "just before", ago_s=29)

    async def pages():
        one = page(plan, 3)
        heard = [results(await plan.feed.news(one))]
        evaluated(plan, "new")
        heard += [results(await plan.feed.news(one)), results(await plan.feed.news(one))]
        return heard, results(await plan.feed.news(page(plan, 3)))

    assert asyncio.run(pages()) == ([["just before"], ["new"], []], ["just before", "new"])


def test_after_a_pause_nothing_is_missed(plan, monkeypatch):
    async def pages():
        one = page(plan, 3)
        await plan.feed.news(one)
        comment(plan, 1)
        evaluated(plan, "new")
        monkeypatch.setattr(shared_feed, "FORGET_S", 0.0)
        await asyncio.sleep(0.01)
        return await plan.feed.news(one)

    messages = asyncio.run(pages())
    assert (revisions(messages), results(messages)) == ([4], ["new"])
