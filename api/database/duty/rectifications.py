"""Rectification items in the database: their steps are append-only, and an item is computed from its steps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from itertools import takewhile
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.models import ItemPhotoRow, ItemStepRow
from api.errors import NotStoredError
from geo.duty import Item, ItemStep, advance_item, fold_item

_VALUES = ("place", "basis", "unit", "person", "due", "case_id", "self_found", "evidence", "note", "cell")


def next_note(session: Session, street: int, letters: str, day: date) -> str:
    """Number of the next supervision note of a day, such as ``DB20260302-01``."""
    lock(session, f"duty items {street}")
    begin = f"{letters}{day:%Y%m%d}-"
    last = session.scalar(
        select(func.max(ItemStepRow.item)).where(ItemStepRow.street == street, ItemStepRow.item.like(f"{begin}%"))
    )
    return f"{begin}{int(last.split('-')[1]) + 1 if last else 1:02d}"


def add_item_step(session: Session, street: int, step: ItemStep, zone: tzinfo = UTC) -> Item:
    """Store one step of an item; returns the item after it.

    Raises
    ------
    NotStoredError
        If there is no such item and the step does not create one.
    RefusedStep
        If the step is not allowed next; nothing is stored. See :func:`geo.duty.advance_item`.
    """
    lock(session, f"duty items {street}")
    steps = item_steps(session, street, step.item_id)
    if not steps and step.seq != 1:
        raise NotStoredError(f"there is no rectification item {step.item_id[:50]}")
    item = advance_item(fold_item(steps, zone) if steps else None, step, zone)
    values = {name: value for name in _VALUES if (value := getattr(step, name))}
    if step.due is not None:
        values["due"] = step.due.isoformat()
    session.add(
        ItemStepRow(
            street=street,
            item=step.item_id,
            seq=step.seq,
            at=step.at,
            actor=step.actor,
            action=step.action.value,
            text=step.text,
            values=values,
        )
    )
    session.flush()
    return item


def item_steps(session: Session, street: int, number: str) -> list[ItemStep]:
    """Steps of an item, in order; empty if there is none."""
    query = select(ItemStepRow).where(ItemStepRow.street == street, ItemStepRow.item == number)
    return [_step(row) for row in session.scalars(query.order_by(ItemStepRow.seq))]


def all_item_steps(session: Session, street: int, *, until: datetime | None = None) -> dict[str, list[ItemStep]]:
    """Steps of every item of a street, in order, as known at a given time; items without steps by then are omitted."""
    query = select(ItemStepRow).where(ItemStepRow.street == street)
    steps: dict[str, list[ItemStep]] = {}
    for row in session.scalars(query.order_by(ItemStepRow.item, ItemStepRow.seq)):
        steps.setdefault(row.item, []).append(_step(row))
    if until is None:
        return steps
    # A clock that was set back must not leave a gap: steps after a later one are not considered known either.
    known = {number: list(takewhile(lambda step: step.at < until, log)) for number, log in steps.items()}
    return {number: log for number, log in known.items() if log}


def read_items(session: Session, street: int, zone: tzinfo) -> list[tuple[Item, Sequence[ItemStep]]]:
    """Items with their steps, last recorded first."""
    items = [(fold_item(steps, zone), steps) for steps in all_item_steps(session, street).values()]
    return sorted(items, key=lambda pair: (pair[0].found_at, pair[0].item_id), reverse=True)


def add_item_photo(
    session: Session, street: int, place: tuple[str, int], content: bytes, media_type: str, *, at: datetime
) -> tuple[str, bool]:
    """Store a photo of a step, given by the number of its item and its own; its SHA-256, and whether it is new.

    Raises
    ------
    NotStoredError
        If there is no such step.
    """
    number, seq = place
    same = ItemStepRow.street == street, ItemStepRow.item == number, ItemStepRow.seq == seq
    step = session.scalar(select(ItemStepRow.id).where(*same))
    if step is None:
        raise NotStoredError(f"rectification item {number[:50]} has no step {seq}")
    key = hashlib.sha256(content).hexdigest()
    if session.scalar(select(ItemPhotoRow.id).where(ItemPhotoRow.step_id == step, ItemPhotoRow.sha256 == key)):
        return key, False
    session.add(ItemPhotoRow(step_id=step, sha256=key, media_type=media_type, received_at=at, content=content))
    session.flush()
    return key, True


def item_photo_keys(
    session: Session, street: int, *, until: datetime | None = None
) -> dict[tuple[str, int], list[str]]:
    """SHA-256 of the photos of each step, by number of the item and of the step, as known at a moment."""
    query = (
        select(ItemStepRow.item, ItemStepRow.seq, ItemPhotoRow.sha256)
        .join(ItemPhotoRow, ItemPhotoRow.step_id == ItemStepRow.id)
        .where(ItemStepRow.street == street)
    )
    if until is not None:
        query = query.where(ItemPhotoRow.received_at < until)
    found: dict[tuple[str, int], list[str]] = {}
    for number, seq, key in session.execute(query.order_by(ItemPhotoRow.id)):
        found.setdefault((number, seq), []).append(key)
    return found


def get_item_photo(session: Session, street: int, number: str, key: str) -> tuple[bytes, str]:
    """Bytes and media type of a photo of an item.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    query = (
        select(ItemPhotoRow)
        .join(ItemStepRow, ItemStepRow.id == ItemPhotoRow.step_id)
        .where(ItemStepRow.street == street, ItemStepRow.item == number, ItemPhotoRow.sha256 == key)
    )
    found = session.scalars(query.limit(1)).first()
    if found is None:
        raise NotStoredError(f"rectification item {number[:50]} has no such photo")
    return found.content, found.media_type


def _step(row: ItemStepRow) -> ItemStep:
    values: dict[str, Any] = dict(row.values)
    if values.get("due"):
        values["due"] = date.fromisoformat(str(values["due"])[:10])
    if "evidence" in values:
        values["evidence"] = tuple(values["evidence"])
    return ItemStep(row.item, row.seq, row.at, row.actor, row.action, row.text, **values)  # type: ignore[arg-type]
