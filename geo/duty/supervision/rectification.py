"""Rectification items (整改): found, corrected within a limit, self-checked, re-checked by another person, closed (销号)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from geo.errors import InputError, RefusedStep
from geo.texts import Text

#: Minimum length of the text of a finding, measure or result, characters.
LEAST_TEXT = 2


class ItemState(StrEnum):
    """State of an item."""

    OPEN = "open"
    PUT_RIGHT = "put_right"
    STRUCK_OFF = "struck_off"


class ItemAction(StrEnum):
    """Action of a step of an item."""

    FIND = "find"
    PROGRESS = "progress"
    SELF_CHECK = "self_check"
    RECHECK_OK = "recheck_ok"
    RECHECK_BAD = "recheck_bad"


ITEM_STATES = {
    ItemState.OPEN: Text("整改中", "being put right"),
    ItemState.PUT_RIGHT: Text("待复核", "to be re-checked"),
    ItemState.STRUCK_OFF: Text("已销号", "struck off"),
}
ITEM_ACTIONS = {
    ItemAction.FIND: Text("登记问题", "found"),
    ItemAction.PROGRESS: Text("整改进展", "progress"),
    ItemAction.SELF_CHECK: Text("自查完成", "put right, inspected by oneself"),
    ItemAction.RECHECK_OK: Text("复核通过，销号", "re-checked, struck off"),
    ItemAction.RECHECK_BAD: Text("复核未通过", "not put right at the re-check"),
}
_SOURCES = {
    ItemAction.PROGRESS: ItemState.OPEN,
    ItemAction.SELF_CHECK: ItemState.OPEN,
    ItemAction.RECHECK_OK: ItemState.PUT_RIGHT,
    ItemAction.RECHECK_BAD: ItemState.PUT_RIGHT,
}
_TARGETS = {
    ItemAction.PROGRESS: ItemState.OPEN,
    ItemAction.SELF_CHECK: ItemState.PUT_RIGHT,
    ItemAction.RECHECK_OK: ItemState.STRUCK_OFF,
    ItemAction.RECHECK_BAD: ItemState.OPEN,
}


@dataclass(frozen=True)
class ItemStep:
    """One step of a rectification item; append-only, like the events of a case.

    `seq` counts from 1. The first step, ``find``, contains the finding: `place`, `text` (the problem), `basis`, `unit` and
    `person` responsible for the correction, `due`, and its case, if any. `self_found` distinguishes self-inspection (自查自纠)
    from supervision. `note` is the number of the supervision note (督办单), `cell` the code of the community or grid.
    """

    item_id: str
    seq: int
    at: dt.datetime
    actor: str
    action: ItemAction
    text: str
    place: str = ""
    basis: str = ""
    unit: str = ""
    person: str = ""
    due: dt.date | None = None
    case_id: str = ""
    self_found: bool = False
    evidence: tuple[str, ...] = ()
    note: str = ""
    cell: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InputError(f"item {self.item_id}, step {self.seq}: the time {self.at} has no zone; give one")
        object.__setattr__(self, "action", ItemAction(self.action))


@dataclass(frozen=True)
class Item:
    """A rectification item after some of its steps. `late`: corrected after `due`; never reset."""

    item_id: str
    state: ItemState
    seq: int
    found_at: dt.datetime
    found_by: str
    place: str
    problem: str
    basis: str
    unit: str
    person: str
    due: dt.date | None
    case_id: str
    self_found: bool
    measures: tuple[str, ...] = ()
    put_right_at: dt.datetime | None = None
    put_right_by: str = ""
    rechecked_at: dt.datetime | None = None
    rechecked_by: str = ""
    result: str = ""
    rounds: int = 1
    late: bool = False
    note: str = ""
    cell: str = ""

    def overdue(self, day: dt.date) -> bool:
        """Whether it is not corrected, and its limit has passed."""
        return self.late or (self.state is ItemState.OPEN and self.due is not None and day > self.due)


def fold_item(steps: Iterable[ItemStep], zone: dt.tzinfo = dt.UTC) -> Item:
    """Compute an item from its steps.

    Parameters
    ----------
    steps
        Of one item, in order.
    zone
        Time zone for the local day of a step.

    Raises
    ------
    InputError
        If there is no step.
    RefusedStep
        If a step is not allowed next: see :func:`advance_item`.
    """
    item: Item | None = None
    for step in steps:
        item = advance_item(item, step, zone)
    if item is None:
        raise InputError("there are no steps; an item begins with a finding")
    return item


def advance_item(item: Item | None, step: ItemStep, zone: dt.tzinfo = dt.UTC) -> Item:
    """Execute one step of an item.

    Raises
    ------
    RefusedStep
        ``stale`` if the number is not the next one, ``state`` if the step is not possible in the state, ``reason`` if the text is
        missing, ``missing`` if a finding has no limit or responsible person, ``own_work`` if the re-check is by the same person.
    """
    if step.seq != (0 if item is None else item.seq) + 1:
        raise RefusedStep(
            "stale",
            "他人已先办理，请按最新状态重试",
            "somebody acted in between; look at the new state and try again",
            case=None,
        )
    if len(step.text.strip()) < LEAST_TEXT:
        raise RefusedStep("reason", "须填写内容，至少2个字", "a text of at least 2 characters is needed")
    if item is None:
        return _found(step)
    if _SOURCES.get(step.action) is not item.state:
        raise RefusedStep(
            "state",
            f"“{ITEM_STATES[item.state].zh}”状态下不能办理此步骤",
            f"this step does not start from '{ITEM_STATES[item.state].en}'",
        )
    values = {**item.__dict__, "seq": step.seq, "state": _TARGETS[step.action]}
    if step.action is ItemAction.PROGRESS:
        values["measures"] = (*item.measures, step.text)
    elif step.action is ItemAction.SELF_CHECK:
        values |= {"measures": (*item.measures, step.text), "put_right_at": step.at, "put_right_by": step.actor}
        values["late"] = item.late or (item.due is not None and step.at.astimezone(zone).date() > item.due)
    else:
        _require_another(item, step)
        values |= {"rechecked_at": step.at, "rechecked_by": step.actor, "result": step.text}
        values["rounds"] = item.rounds + (step.action is ItemAction.RECHECK_BAD)
    return Item(**values)


def steps_open(item: Item, actor: str) -> tuple[ItemAction, ...]:
    """Steps of an item open to a person: whoever corrected it, or has to, may not re-check it.

    >>> found = ItemStep("Z-1", 1, dt.datetime(2026, 3, 2, tzinfo=dt.UTC), "纪工委", ItemAction.FIND, "堆物", person="张三",
    ...     due=dt.date(2026, 3, 9))
    >>> [action.value for action in steps_open(fold_item([found]), "张三")]
    ['progress', 'self_check']
    """
    own = actor in (item.put_right_by, item.person)
    rechecks = (ItemAction.RECHECK_OK, ItemAction.RECHECK_BAD)
    return tuple(
        action for action, state in _SOURCES.items() if state is item.state and not (own and action in rechecks)
    )


def _found(step: ItemStep) -> Item:
    if step.action is not ItemAction.FIND:
        raise RefusedStep("state", "整改事项须先登记问题", "an item begins with a finding")
    if step.due is None or not (step.unit or step.person):
        raise RefusedStep(
            "missing",
            "须填写整改期限和责任单位或责任人",
            "a finding needs a limit ('due') and who puts it right ('unit' or 'person')",
        )
    return Item(
        step.item_id,
        ItemState.OPEN,
        step.seq,
        step.at,
        step.actor,
        step.place,
        step.text,
        step.basis,
        step.unit,
        step.person,
        step.due,
        step.case_id,
        step.self_found,
        note=step.note,
        cell=step.cell,
    )


def _require_another(item: Item, step: ItemStep) -> None:
    if step.actor in (item.put_right_by, item.person):
        raise RefusedStep(
            "own_work",
            f"{step.actor}是整改责任人，不能由本人复核",
            f"{step.actor} put it right and cannot re-check it; somebody else has to",
        )
