"""Arc numbers that are equal in every process, and rings of cells as lists of them.

Arcs of the base version are numbered in its order, new arcs in the order of the log; a number is never reused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import atan2, pi
from typing import NamedTuple

from geo.redraw.working.arcs import NO_CELL, Arc, Redraw
from geo.redraw.working.lattice import Vertex

Ring = list[int]


@dataclass
class Swap:
    """Arcs removed and added by one change, by number."""

    removed: dict[int, Arc] = field(default_factory=dict)
    added: dict[int, Arc] = field(default_factory=dict)


class _Step(NamedTuple):
    """An arc in the direction of a cell's ring: its number, negative if reversed, and its vertices."""

    number: int
    points: tuple[Vertex, ...]


class ArcNumbers:
    """Arcs of a draft by number."""

    def __init__(self, arcs: Iterable[Arc]) -> None:
        self.arcs: dict[int, Arc] = {}
        self._number: dict[Arc, int] = {}
        self._of_cell: dict[str, set[int]] = {}
        self._next = 1
        for arc in arcs:
            self._add(arc)

    def swap(self, redraws: Sequence[Redraw]) -> Swap:
        """Apply changes of geometry; returns the arcs removed and added."""
        made = Swap()
        for redraw in redraws:
            for arc in redraw.before:
                number, known = self._remove(arc)
                if made.added.pop(number, None) is None:
                    made.removed[number] = known
            for arc in redraw.after:
                made.added[self._add(arc)] = arc
        return made

    def revert(self, made: Swap, next_number: int) -> None:
        """Revert the last swap; `next_number` is the value of :attr:`next_number` before it."""
        for arc in made.added.values():
            self._remove(arc)
        for number, arc in made.removed.items():
            self._next = number
            self._add(arc)
        self._next = next_number

    @property
    def next_number(self) -> int:
        """Number of the next new arc."""
        return self._next

    def _add(self, arc: Arc) -> int:
        number, self._next = self._next, self._next + 1
        self.arcs[number] = arc
        self._number[arc.one_way()] = number
        for code in (arc.left, arc.right):
            if code != NO_CELL:
                self._of_cell.setdefault(code, set()).add(number)
        return number

    def _remove(self, arc: Arc) -> tuple[int, Arc]:
        number = self._number.pop(arc.one_way())
        known = self.arcs.pop(number)
        for code in (known.left, known.right):
            if code != NO_CELL:
                self._of_cell[code].discard(number)
        return number, known

    def rings(self, code: str) -> list[Ring]:
        """Rings of a cell as arc numbers in order, negative where an arc is reversed; the cell lies on the left."""
        steps = []
        for number in sorted(self._of_cell.get(code, ())):
            arc = self.arcs[number]
            if arc.left == code:
                steps.append(_Step(number, arc.points))
            if arc.right == code:
                steps.append(_Step(-number, arc.points[::-1]))
        starts: dict[Vertex, list[_Step]] = {}
        for step in steps:
            starts.setdefault(step.points[0], []).append(step)
        rings: list[Ring] = []
        for first in steps:
            if first not in starts.get(first.points[0], ()):
                continue
            rings.append(_walk(first, starts))
        return rings


def _walk(first: _Step, starts: dict[Vertex, list[_Step]]) -> Ring:
    """Follow a ring from a step until it closes, removing its steps from `starts`."""
    ring, step = [], first
    while True:
        starts[step.points[0]].remove(step)
        ring.append(step.number)
        if step.points[-1] == first.points[0]:
            return ring
        step = _next_step(step, starts[step.points[-1]])


def _next_step(step: _Step, choices: list[_Step]) -> _Step:
    """The next step of a ring; where the cell touches itself, the first one clockwise from the incoming step."""
    if len(choices) == 1:
        return choices[0]
    (ax, ay), (bx, by) = step.points[-2], step.points[-1]
    back = atan2(ay - by, ax - bx)

    def clockwise(choice: _Step) -> float:
        x, y = choice.points[1]
        return (back - atan2(y - by, x - bx)) % (2 * pi) or 2 * pi

    return min(choices, key=clockwise)
