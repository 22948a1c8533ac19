"""Edits, undo and redo of an open draft: tested, appended to the log, and answered after the commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from api.access import Caller, Right
from api.access.rights import scopes
from api.database import session
from api.database.drafts.log import DRAFT, Entry, OvertakenError, add_entry, entry_of_key
from api.database.drafts.presence import ask_replay
from api.errors import ConflictError, DeniedError, EditRefusedError
from api.ingest.writer import BusyError
from api.plans.arc_numbers import Swap
from api.plans.conflicts import as_answer, nothing, require_near, stale, stands_on
from api.plans.open_draft import OpenDraft, redraws_of
from api.plans.wire import changed_codes, consequences_out, encoded, patch_of, refusal_members
from api.plans.wording import words_of_edits, words_of_entry
from geo.errors import InputError, RefusedEdit
from geo.redraw import Change, Edit, LockOutline, UnlockOutline, consequences_of, edit_from_dict
from geo.redraw.changes import change_to_dict
from geo.wording import counted

#: Maximum number of attempts if other processes append entries first.
TRIES = 20
Plain = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """Sender and time of a request; `id` is the client's identifier of the request, `client` the browser tab."""

    id: str
    client: str
    caller: Caller
    at: datetime

    @property
    def author(self) -> str:
        """Author name stored in entries."""
        return self.caller.name


@dataclass(frozen=True)
class Edits:
    """A transaction as received."""

    edits: tuple[Edit, ...]
    base: int | None = None
    accept: Mapping[str, str] = field(default_factory=dict)


def edit(opened: OpenDraft, engine: Engine, request: Request, sent: Edits) -> Plain:
    """Apply edits as one transaction.

    Raises
    ------
    EditRefusedError
        If the result would not be a valid division.
    ConflictError
        If others changed what the edits read, or the draft is not open for edits.
    DeniedError
        If they change cells beyond the caller's planning rights.
    """
    return _first(opened, engine, request, lambda: _edit(opened, engine, request, sent))


def preview(opened: OpenDraft, engine: Engine, request: Request, sent: Edits) -> Plain:
    """Effects of edits without applying them. Raises the same errors as :func:`edit`, except for cut buildings."""
    base = _base(opened, sent)
    try:
        with opened.draft.trial(sent.edits, since=opened.since(base, request.client)) as change:
            _require_scope(request.caller, change)
            found = consequences_of(opened.draft, change)
    except RefusedEdit as refused:
        raise as_answer(opened, refused, sent.edits, base, request.client) from refused
    with session(engine, write=True) as store:
        plain = [one.to_dict() for one in sent.edits]
        ask_replay(store, opened.number, request.id, opened.revision, plain, at=request.at)
    effects = consequences_out(found)
    return {"id": request.id, "revision": opened.revision, "consequences": effects, "warnings": _warnings(effects)}


def undo(opened: OpenDraft, engine: Engine, request: Request, of: int | None = None) -> Plain:
    """Undo the caller's last edit in force, or that of a revision.

    Raises
    ------
    ConflictError
        If there is none, or a later edit depends on it.
    """
    return _first(opened, engine, request, lambda: _undo(opened, engine, request, of))


def redo(opened: OpenDraft, engine: Engine, request: Request) -> Plain:
    """Redo the edit that the caller undid last.

    Raises
    ------
    ConflictError
        If there is none, or its cells have changed since.
    """
    return _first(opened, engine, request, lambda: _redo(opened, engine, request))


def read_edits(values: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
    """Parse edits.

    Raises
    ------
    InputError
        If one is malformed; the message names it.
    """
    found = []
    for position, one in enumerate(values):
        try:
            found.append(edit_from_dict(one))
        except InputError as error:
            raise InputError(f"edit {position}: {error.message}") from error
    return tuple(found)


def _first(opened: OpenDraft, engine: Engine, request: Request, make: Callable[[], Plain]) -> Plain:
    """Call `make`, which adds an entry, at most once per request id; retried from the newest entry if another process was
    first.
    """
    for _ in range(TRIES):
        if known := answered(opened, engine, request.id):
            return known
        require_state(opened, DRAFT)
        try:
            return make()
        except OvertakenError:
            opened.catch_up(engine)
    raise BusyError("others change the draft all the time; try again in a few seconds")


def answered(opened: OpenDraft, engine: Engine, key: str) -> Plain | None:
    """The answer already given to a request of this id."""
    with session(engine) as store:
        entry = entry_of_key(store, opened.number, key)
    if entry is None:
        return None
    patch = {} if entry.patch is None else {"patch": json.loads(entry.patch)}
    return {"id": key, "revision": entry.revision, **json.loads(entry.answer or "{}"), **patch}


def require_state(opened: OpenDraft, *states: str) -> None:
    """Refuse the request if the state of the draft does not allow it."""
    if opened.state not in states:
        raise ConflictError(
            f"draft {opened.number} is {opened.state}; this needs one that is {' or '.join(states)}",
            **{"kind": "state", "state": opened.state},
        )


def _edit(opened: OpenDraft, engine: Engine, request: Request, sent: Edits) -> Plain:
    draft, base = opened.draft, _base(opened, sent)
    made: list[tuple[Entry, Swap, set[str], Plain]] = []

    def store(change: Change) -> None:
        _require_scope(request.caller, change)
        effects = consequences_out(consequences_of(draft, change))
        answer = {
            "rebased": base < opened.revision,
            "words": words_of_edits(change.edits),
            "basis": change.basis,
            "warnings": _warnings(effects),
            "consequences": effects,
            "lineage": [list(step) for step in change.lineage],
        }
        made.append(_store(opened, engine, request, change, About("edit", None, answer)))

    draft.revision = opened.revision
    try:
        draft.apply(sent.edits, accept=sent.accept, since=opened.since(base, request.client), check=store)
    except RefusedEdit as refused:
        raise as_answer(opened, refused, sent.edits, base, request.client) from refused
    return _take_over(opened, *made[0])


@dataclass(frozen=True)
class About:
    """Description of a new entry: its kind, the revision it refers to, and the answer."""

    kind: str
    of: int | None
    answer: Plain


def _store(
    opened: OpenDraft, engine: Engine, request: Request, change: Change, about: About
) -> tuple[Entry, Swap, set[str], Plain]:
    """Append an entry whose change is already applied; on failure the arc numbers are restored."""
    next_number = opened.numbers.next_number
    swap = opened.numbers.swap(redraws_of(change, about.kind))
    try:
        revision, codes = opened.revision + 1, changed_codes(opened.draft, change)
        patch = patch_of(opened.draft, opened.numbers, swap, codes, revision, opened.origin)
        entry = Entry(
            revision,
            request.id,
            request.client,
            about.kind,
            request.author,
            request.caller.account,
            request.at,
            of=about.of,
            cells=encoded(list(change.cells)),
            # Not encoded(): NaN of existing rows must be read back as NaN.
            change=json.dumps(change_to_dict(change), ensure_ascii=False) if about.kind == "edit" else None,
            patch=encoded(patch),
            answer=encoded(about.answer),
        )
        with session(engine, write=True) as store:
            add_entry(store, opened.number, entry)
            ask_replay(store, opened.number, request.id, revision, None, at=request.at)
    except BaseException:
        opened.numbers.revert(swap, next_number)
        raise
    return entry, swap, codes, {"id": request.id, "revision": revision, **about.answer, "patch": patch}


def _take_over(opened: OpenDraft, entry: Entry, swap: Swap, codes: set[str], answer: Plain) -> Plain:
    """Update the open draft after an entry was stored."""
    opened.draft.revision = entry.revision
    opened.texts.forget(codes, swap)
    opened.note(entry, swap)
    return answer


def _undo(opened: OpenDraft, engine: Engine, request: Request, of: int | None) -> Plain:
    target = opened.last_of(request.author) if of is None else of
    change = next((c for c in opened.draft.changes if c.revision == target), None)
    if change is None or target is None:
        raise nothing("undo", "没有可撤销的修改" if of is None else f"第 {of} 版的修改未生效")
    _require_scope(request.caller, change)
    made: list[tuple[Entry, Swap, set[str], Plain]] = []
    under = opened.depends_on(change)
    answer = _answer_about(opened, "undo", target)
    try:
        if not _is_lock(change):
            opened.draft.rows.require_unlocked(change.cells)
        opened.draft.take_back(
            change, check=lambda: made.append(_store(opened, engine, request, change, About("undo", target, answer)))
        )
    except RefusedEdit as refused:
        raise stands_on(opened, refused, change) from refused
    opened.remember_undone(change, under)
    return _take_over(opened, *made[0])


def _redo(opened: OpenDraft, engine: Engine, request: Request) -> Plain:
    target = opened.redo_of(request.author)
    if target is None:
        raise nothing("redo", "没有可重做的修改")
    undone = opened.undone[target]
    _require_scope(request.caller, undone.change)
    now = opened.depends_on(undone.change)
    if now != undone.under:
        others = [opened.entry(revision) for revision in sorted(set(now) ^ set(undone.under))]
        raise stale(opened, set(undone.change.cells), others, "这里已被后来的修改改动，不能重做")
    answer = _answer_about(opened, "redo", target)
    try:
        if not _is_lock(undone.change):
            opened.draft.rows.require_unlocked(undone.change.cells)
    except RefusedEdit as refused:
        raise EditRefusedError(str(refused), **refusal_members(refused)) from refused
    change = opened.draft.put_back(undone.change)
    try:
        made = _store(opened, engine, request, change, About("redo", target, answer))
    except BaseException:
        opened.draft.take_back(change)
        raise
    del opened.undone[target]
    return _take_over(opened, *made)


def _answer_about(opened: OpenDraft, kind: str, target: int) -> Plain:
    words = words_of_entry(kind, opened.entry(target).words)
    return {"of": target, "rebased": False, "words": words, "warnings": [], "consequences": None}


def _is_lock(change: Change) -> bool:
    return not change.cells


def _base(opened: OpenDraft, sent: Edits) -> int:
    """The revision on which the edits were made."""
    base = opened.revision if sent.base is None else sent.base
    if base > opened.revision:
        raise InputError(f"base {base} is newer than the draft, whose revision is {opened.revision}")
    require_near(opened, sent.edits)
    return base


def _require_scope(caller: Caller, change: Change) -> None:
    """Refuse edits of cells beyond the caller's planning rights."""
    given = scopes(caller, Right.PLAN)
    if given is None:
        return
    beyond = sorted(code for code in change.cells if not any(code.startswith(scope) for scope in given))
    whole = any(isinstance(one, LockOutline | UnlockOutline) for one in change.edits)
    named = [code for one in change.edits for code in getattr(one, "codes", ())]
    beyond += [code for code in named if not any(code.startswith(scope) for scope in given)]
    if beyond or whole:
        what = ", ".join(dict.fromkeys(beyond[:3])) or "the outline of the street"
        raise DeniedError(f"'{caller.name}' may not change {what}; the right 'plan' is limited to {', '.join(given)}")


def _warnings(effects: Plain) -> list[Plain]:
    """Warnings that require a reason."""
    count = effects["cut_buildings"]
    if not count:
        return []
    codes = [row["code"] for row in effects["cells"]]
    return [
        {
            "kind": "cut_building",
            "zh": f"新边界切过 {count} 栋建筑；如确需如此，请说明理由",
            "en": f"the new border cuts {counted(count, 'building')}; accept it with a reason if it is meant",
            "cells": codes,
        }
    ]
