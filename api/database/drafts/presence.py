"""Clients that have opened a draft, and requested evaluations of edits: rows shared between processes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from api.database.models import DraftPresenceRow, DraftReplayRow, DraftRow

#: Clients without a message for this time count as gone.
GONE_AFTER = timedelta(seconds=30)
#: Answers about edits are kept this long for clients that missed the event.
KEPT_FOR = timedelta(days=1)
WAITING, DONE, FAILED = "waiting", "done", "failed"


@dataclass(frozen=True)
class Replay:
    """A requested evaluation of an edit or a preview."""

    id: int
    draft: int
    key: str
    revision: int
    edits: list[dict[str, Any]] | None
    state: str
    result: str | None
    asked_at: datetime


def be_there(opened: Session, draft: int, client: str, name: str, data: dict[str, Any], *, at: datetime) -> None:
    """Record that a client has opened a draft; remove those that are gone."""
    opened.execute(
        delete(DraftPresenceRow).where(
            DraftPresenceRow.draft_id == draft,
            (DraftPresenceRow.seen_at < at - GONE_AFTER) | (DraftPresenceRow.client == client),
        )
    )
    text = json.dumps(data, ensure_ascii=False)
    opened.execute(insert(DraftPresenceRow).values(draft_id=draft, client=client, name=name, data=text, seen_at=at))


def who_is_there(opened: Session, draft: int, *, at: datetime) -> list[dict[str, Any]]:
    """Clients that have opened a draft, ordered by id."""
    query = (
        select(DraftPresenceRow)
        .where(DraftPresenceRow.draft_id == draft, DraftPresenceRow.seen_at >= at - GONE_AFTER)
        .order_by(DraftPresenceRow.client)
    )
    return [{"client": r.client, "name": r.name, **json.loads(r.data)} for r in opened.scalars(query)]


def ask_replay(
    opened: Session, draft: int, key: str, revision: int, edits: list[dict[str, Any]] | None, *, at: datetime
) -> None:
    """Request incidents and verdicts of an edit (`edits` None) or a preview; repeated requests with the same key are ignored."""
    opened.execute(delete(DraftReplayRow).where(DraftReplayRow.asked_at < at - KEPT_FOR))
    if opened.scalar(select(DraftReplayRow.id).where(DraftReplayRow.draft_id == draft, DraftReplayRow.key == key)):
        return
    text = None if edits is None else json.dumps(edits, ensure_ascii=False)
    values = {"draft_id": draft, "key": key, "revision": revision, "edits": text, "state": WAITING, "asked_at": at}
    opened.execute(insert(DraftReplayRow).values(**values))


def drafts_in_use(opened: Session, street: int, *, at: datetime) -> list[int]:
    """Drafts of a street that are open in a client."""
    query = (
        select(DraftPresenceRow.draft_id)
        .join(DraftRow, DraftRow.id == DraftPresenceRow.draft_id)
        .where(DraftRow.street == street, DraftPresenceRow.seen_at >= at - GONE_AFTER)
    )
    return sorted(set(opened.scalars(query)))


def waiting_replays(opened: Session, street: int, limit: int = 20) -> list[Replay]:
    """Requested evaluations for drafts of a street, oldest first."""
    query = (
        select(DraftReplayRow)
        .join(DraftRow, DraftRow.id == DraftReplayRow.draft_id)
        .where(DraftReplayRow.state == WAITING, DraftRow.street == street)
        .order_by(DraftReplayRow.id)
        .limit(limit)
    )
    return [_replay(row) for row in opened.scalars(query)]


def finish_replay(opened: Session, number: int, state: str, result: str | None) -> None:
    """Store the result of an evaluation."""
    opened.execute(update(DraftReplayRow).where(DraftReplayRow.id == number).values(state=state, result=result))


def replay_of_key(opened: Session, draft: int, key: str) -> Replay | None:
    """Evaluation of an edit or a preview, by the id given by the client."""
    query = select(DraftReplayRow).where(DraftReplayRow.draft_id == draft, DraftReplayRow.key == key)
    row = opened.scalars(query).one_or_none()
    return None if row is None else _replay(row)


def replays_done(
    opened: Session, draft: int, since: datetime, *, but_not: Collection[int] = frozenset()
) -> list[Replay]:
    """Completed evaluations requested since a given time; results are read only of those not known yet."""
    done = select(DraftReplayRow.id).where(
        DraftReplayRow.draft_id == draft, DraftReplayRow.state == DONE, DraftReplayRow.asked_at >= since
    )
    new = [number for number in opened.scalars(done) if number not in but_not]
    if not new:
        return []
    query = select(DraftReplayRow).where(DraftReplayRow.id.in_(new)).order_by(DraftReplayRow.id)
    return [_replay(row) for row in opened.scalars(query)]


def _replay(row: DraftReplayRow) -> Replay:
    edits = None if row.edits is None else json.loads(row.edits)
    return Replay(row.id, row.draft_id, row.key, row.revision, edits, row.state, row.result, row.asked_at)
