"""Rectification items limited to what a caller may see, and rights for their steps; used by the routes and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.access import Caller, Right, Role, allowed
from api.access.rights import scopes
from api.database.duty.cases import get_case
from api.database.duty.rectifications import item_photo_keys, item_steps, read_items
from api.duty.desk import actor_name, require_seen
from api.duty.staff_schemas import ItemOut, ItemStepOut
from api.errors import DeniedError, NotStoredError
from geo.duty import Item, ItemAction, ItemStep
from geo.duty.supervision.rectification import ITEM_STATES, steps_open

#: Roles that record items by supervision and re-check them: the discipline office and the leaders; a community in its own
#: cells.
SUPERVISING = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.LEADER, Role.COMMUNITY)
_NO_PHOTOS: Mapping[tuple[str, int], list[str]] = {}
_RECHECKS = (ItemAction.RECHECK_OK, ItemAction.RECHECK_BAD)


def items_of(session: Session, caller: Caller, now: datetime, zone: str) -> list[ItemOut]:
    """Items of the caller's cells, last recorded first."""
    tz = ZoneInfo(zone)
    limits = scopes(caller, Right.SEE_LEDGERS)
    actor = actor_name(session, caller)
    day = now.astimezone(tz).date()
    photos = item_photo_keys(session, caller.street)
    return [
        item_out(item, steps, caller, actor, day, photos)
        for item, steps in read_items(session, caller.street, tz)
        if limits is None or any(item.cell.startswith(limit) for limit in limits)
    ]


def item_out(
    item: Item,
    steps: Sequence[ItemStep],
    caller: Caller,
    actor: str,
    day: date,
    photos: Mapping[tuple[str, int], list[str]] = _NO_PHOTOS,
) -> ItemOut:
    """An item as returned by the service on a day, with the steps allowed to the caller."""
    open_now = [
        action.value for action in steps_open(item, actor) if _has_part(caller, item.cell, recheck=action in _RECHECKS)
    ]
    names = ("note", "found_at", "found_by", "place", "problem", "basis", "unit", "person", "due", "cell", "case_id")
    return ItemOut(
        number=item.item_id,
        state=item.state.value,
        state_zh=ITEM_STATES[item.state].zh,
        overdue=item.overdue(day),
        self_found=item.self_found,
        rounds=item.rounds,
        steps=[
            ItemStepOut(
                seq=one.seq,
                at=one.at,
                actor=one.actor,
                action=one.action.value,
                text=one.text,
                photos=photos.get((item.item_id, one.seq), []),
            )
            for one in steps
        ],
        allowed=open_now,
        **{name: getattr(item, name) for name in names},
    )


def require_finder(caller: Caller, cell: str, *, self_found: bool) -> None:
    """Refuse a caller who may not record items in a cell; an item without a cell concerns the whole street.

    Raises
    ------
    DeniedError
        If the caller may not. Items found by a unit itself may be recorded by anyone who works there.
    """
    if not _has_part(caller, cell, recheck=not self_found):
        where = f"of cell {cell}" if cell else "of the whole street; choose a community or grid"
        raise DeniedError(f"'{caller.name}' may not write rectification items {where}")


def may_supervise(caller: Caller) -> bool:
    """Whether a caller may write supervision notes about any cell."""
    return any(grant.role in SUPERVISING for grant in caller.grants)


def cell_of_case(session: Session, caller: Caller, number: str) -> str:
    """Cell of the case from which an item arises, empty if none is given; refused if the caller may not see it."""
    if not number:
        return ""
    case = get_case(session, caller.street, number)
    require_seen(caller, case)
    return case.second or case.community


def require_step(caller: Caller, steps: Sequence[ItemStep], number: str, action: ItemAction) -> None:
    """Refuse a caller who may not take a step.

    Raises
    ------
    NotStoredError
        If there is no such item.
    DeniedError
        If the item lies outside the caller's cells, or the caller may not re-check.
    """
    if not steps:
        raise NotStoredError(f"there is no rectification item {number[:40]}")
    if not _has_part(caller, steps[0].cell, recheck=action in _RECHECKS):
        raise DeniedError(f"'{caller.name}' may not do this step of item {number[:40]}")


def require_photo(
    session: Session, caller: Caller, number: str, seq: int | None = None, *, right: Right = Right.SEE_LEDGERS
) -> str:
    """Cell of an item whose photos a caller sees, or adds to the step `seq` that they took themselves.

    Raises
    ------
    NotStoredError
        If there is no such item or step.
    DeniedError
        If the item lies outside of the caller's cells, or somebody else took the step.
    """
    steps = item_steps(session, caller.street, number)
    if not steps:
        raise NotStoredError(f"there is no rectification item {number[:40]}")
    if not allowed(caller, right, [steps[0].cell]):
        raise DeniedError(f"'{caller.name}' may not do this with photos of item {number[:40]}")
    if seq is not None:
        taken_by = next((step.actor for step in steps if step.seq == seq), None)
        if taken_by is None:
            raise NotStoredError(f"rectification item {number[:40]} has no step {seq}")
        if taken_by != actor_name(session, caller):
            raise DeniedError(
                f"step {seq} of item {number[:40]} was taken by '{taken_by}', who alone adds photos to it"
            )
    return steps[0].cell


def _has_part(caller: Caller, cell: str, *, recheck: bool) -> bool:
    if not allowed(caller, Right.WRITE_LEDGERS, [cell]):
        return False
    return not recheck or any(
        grant.role in SUPERVISING and (not grant.scope or cell.startswith(grant.scope)) for grant in caller.grants
    )
