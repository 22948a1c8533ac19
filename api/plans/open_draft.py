"""A draft in the memory of one process: built from its log, and updated before each answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from api.database import VersionInfo, session
from api.database.drafts.log import DraftInfo, Entry, entries_after, get_draft
from api.plans.arc_numbers import ArcNumbers, Swap
from api.plans.wire import SnapshotTexts, changed_codes
from api.plans.wording import Words, words_of_edits, words_of_entry
from geo.errors import InputError
from geo.layers import Division
from geo.redraw import Change, Draft
from geo.redraw.changes import change_from_dict
from geo.redraw.effects import Effect, Since, effect_of
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.undo import clash

#: Kinds of entries that change arcs or rows.
EDITING = ("edit", "undo", "redo")


@dataclass(frozen=True)
class Base:
    """What drafts are based on: a version, its division, and the layers used by edits. Shared by drafts, immutable."""

    version: VersionInfo
    division: Division
    buildings: Any
    roads: Any


@dataclass(frozen=True)
class Logged:
    """An entry as kept in memory."""

    revision: int
    key: str
    client: str
    kind: str
    author: str
    at: datetime
    of: int | None
    cells: frozenset[str]
    words: Words
    #: None if nothing changed.
    effect: Effect | None
    #: West, south, east and north of the changed borders, in lattice units; None if no border changed.
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Undone:
    """A change that was undone, and the revisions in force at that time on which it depends."""

    change: Change
    under: tuple[int, ...]


@dataclass
class OpenDraft:
    """A draft at the revision of the last entry read; hold :attr:`lock` while using it."""

    number: int
    street: int
    base: Base
    draft: Draft
    numbers: ArcNumbers
    origin: Vertex
    texts: SnapshotTexts
    lock: threading.RLock = field(default_factory=threading.RLock)
    revision: int = 0
    state: str = "draft"
    name: str = ""
    log: list[Logged] = field(default_factory=list)
    undone: dict[int, Undone] = field(default_factory=dict)
    to_redo: dict[str, list[int]] = field(default_factory=dict)
    document: tuple[str, bytes] = ("", b"")
    _division: tuple[int, Division] | None = None

    @classmethod
    def of(cls, info: DraftInfo, base: Base) -> OpenDraft:
        """Create a draft without entries; :meth:`catch_up` reads them."""
        draft = Draft.of(base.division, buildings=base.buildings, roads=base.roads)
        numbers = ArcNumbers(draft.workspace.arcs())
        points = [vertex for arc in numbers.arcs.values() for vertex in arc.points]
        origin = (min(x for x, _ in points), min(y for _, y in points))
        return cls(
            info.id,
            info.street,
            base,
            draft,
            numbers,
            origin,
            SnapshotTexts(draft, numbers, origin),
            name=info.name,
        )

    def catch_up(self, engine: Engine, *, until: int | None = None) -> None:
        """Read the entries that are not yet known.

        Parameters
        ----------
        until
            Stop at this revision.
        """
        with session(engine) as opened:
            info = get_draft(opened, self.street, self.number)
            self.state = info.state
            if info.revision > self.revision:
                for entry in entries_after(opened, self.number, self.revision, until=until):
                    self.follow(entry)

    def follow(self, entry: Entry) -> Swap:
        """Apply an entry of the log."""
        if entry.revision != self.revision + 1:
            raise InputError(f"entry {entry.revision} of draft {self.number} does not follow {self.revision}")
        swap = Swap()
        if entry.kind in EDITING:
            change = self._change_of(entry)
            if entry.kind == "undo":
                self.remember_undone(change, self.depends_on(change))
                self.draft.take_back(change)
            else:
                self.draft.put_back(change)
                self.undone.pop(change.revision, None)
            self.draft.revision = entry.revision
            swap = self.numbers.swap(redraws_of(change, entry.kind))
            self.texts.forget(changed_codes(self.draft, change), swap)
        self.note(entry, swap)
        return swap

    def _change_of(self, entry: Entry) -> Change:
        if entry.kind == "edit":
            return change_from_dict(json.loads(entry.change or ""))
        if entry.kind == "undo":
            return self.in_force(entry.of or 0)
        return self.undone[entry.of or 0].change

    def note(self, entry: Entry, swap: Swap) -> None:
        """Record an entry whose change is already applied or reverted."""
        self.revision = entry.revision
        by, of = entry.author, entry.of
        stack = self.to_redo.setdefault(by, [])
        if entry.kind == "edit":
            stack.clear()
        elif entry.kind == "undo" and of is not None:
            stack.append(of)
        elif entry.kind == "redo":
            for other in self.to_redo.values():
                if of in other:
                    other.remove(of)
        about = None if of is None else self.entry(of).words
        if entry.kind == "edit":
            words = words_of_edits(self.in_force(entry.revision).edits)
        else:
            words = words_of_entry(entry.kind, about)
        self.log.append(
            Logged(
                entry.revision,
                entry.key,
                entry.client,
                entry.kind,
                by,
                entry.at,
                of,
                frozenset(json.loads(entry.cells)),
                words,
                self._effect(entry),
                _box(swap),
            )
        )

    def _effect(self, entry: Entry) -> Effect | None:
        if entry.kind == "undo":
            return effect_of(self.undone[entry.of or 0].change, revision=entry.revision, undone=True)
        if entry.kind in EDITING:
            return effect_of(self.in_force(entry.of or entry.revision), revision=entry.revision)
        return None

    # Lookup

    def entry(self, revision: int) -> Logged:
        """An entry of the log."""
        return self.log[revision - 1]

    def in_force(self, revision: int) -> Change:
        """The change of an entry that is in force.

        Raises
        ------
        KeyError
            If it is not in force.
        """
        for change in reversed(self.draft.changes):
            if change.revision == revision:
                return change
        raise KeyError(revision)

    def depends_on(self, change: Change) -> tuple[int, ...]:
        """Revisions of the other changes in force that touch the same cells or borders."""
        others = (other for other in self.draft.changes if other.revision != change.revision)
        return tuple(other.revision for other in others if clash(change, other))

    def last_of(self, author: str) -> int | None:
        """Revision of an author's last edit in force."""
        mine = (c.revision for c in reversed(self.draft.changes) if self.entry(c.revision).author == author)
        return next(mine, None)

    def remember_undone(self, change: Change, under: tuple[int, ...]) -> None:
        """Store an undone change for redo."""
        self.undone[change.revision] = Undone(change, under)

    def redo_of(self, author: str) -> int | None:
        """Revision of the edit that the author's next redo would apply."""
        stack = [revision for revision in self.to_redo.get(author, []) if revision in self.undone]
        return stack[-1] if stack else None

    def later_of_others(self, base: int, client: str) -> list[Logged]:
        """Effective entries of other clients after a revision."""
        return [entry for entry in self.log[base:] if entry.kind in EDITING and (not client or entry.client != client)]

    def since(self, base: int, client: str) -> Since | None:
        """Summary of the entries of other clients after a revision; None if there are none."""
        effects = [entry.effect for entry in self.later_of_others(base, client) if entry.effect is not None]
        return Since(effects) if effects else None

    def division(self) -> Division:
        """The draft as a division; built once per revision, immutable."""
        if self._division is None or self._division[0] != self.revision:
            self._division = self.revision, self.draft.division()
        return self._division[1]

    def snapshot(self, head: dict[str, Any], tag: str) -> bytes:
        """The compressed snapshot; built once per revision."""
        if self.document[0] != tag:
            self.document = (tag, self.texts.document(head))
        return self.document[1]


def redraws_of(change: Change, kind: str) -> Sequence[Any]:
    """Changes of geometry of an entry; inverted for an undo."""
    if kind != "undo":
        return change.redraws
    return [redraw.inverse() for redraw in reversed(change.redraws)]


def _box(swap: Swap) -> tuple[int, int, int, int] | None:
    points = [vertex for arcs in (swap.removed, swap.added) for arc in arcs.values() for vertex in arc.points]
    return box_of(points)


def box_of(points: Iterable[Vertex]) -> tuple[int, int, int, int] | None:
    """Bounds of vertices; None if there are none."""
    listed = list(points)
    if not listed:
        return None
    xs, ys = [x for x, _ in listed], [y for _, y in listed]
    return min(xs), min(ys), max(xs), max(ys)
