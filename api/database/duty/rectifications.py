"""Steps of rectification items in the store; the rules are in :mod:`geo.duty.supervision.rectification`."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.models import ItemStepRow
from geo.duty.supervision.rectification import Item, ItemStep, advance_item, fold_item

_VALUES = ("place", "basis", "unit", "person", "case_id", "self_found")


def add_item_step(session: Session, street: int, step: ItemStep) -> Item:
    """Do one step of a rectification item.

    Raises
    ------
    RefusedStep
        If it is not possible; nothing is written.
    """
    lock(session, f"duty items {street}")
    log = item_steps(session, street, step.item_id)
    item = advance_item(fold_item(log) if log else None, step)
    values: dict[str, Any] = {name: value for name in _VALUES if (value := getattr(step, name))}
    if step.due is not None:
        values["due"] = step.due.isoformat()
    if step.evidence:
        values["evidence"] = list(step.evidence)
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
    """Steps of an item, in order."""
    query = select(ItemStepRow).where(ItemStepRow.street == street, ItemStepRow.item == number)
    return [item_step(row) for row in session.scalars(query.order_by(ItemStepRow.seq))]


def item_step(row: ItemStepRow) -> ItemStep:
    """A step as it was stored."""
    values = dict(row.values)
    if values.get("due"):
        values["due"] = date.fromisoformat(str(values["due"])[:10])
    if "evidence" in values:
        values["evidence"] = tuple(values["evidence"])
    return ItemStep(row.item, row.seq, row.at, row.actor, row.action, row.text, **values)  # type: ignore[arg-type]
