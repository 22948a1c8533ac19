"""Random edits of a draft, valid and invalid, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from shapely import LineString

from geo.redraw import (
    Comment,
    Draft,
    Edit,
    InsertVertex,
    Lock,
    Merge,
    MoveVertex,
    Recode,
    Redivide,
    RemoveVertex,
    Rename,
    Reshape,
    SetLeader,
    SlideNode,
    Split,
    Transfer,
    Unlock,
)
from geo.redraw.working.arcs import Arc
from geo.redraw.working.postconditions import in_metres

#: How far vertices are moved and lines are drawn beside their chord, metres: standard deviation.
_SPREAD_M = 3.0


class RandomEdits:
    """Makes edits of a draft by kind.

    Parameters
    ----------
    draft
        The draft; it is read, not changed.
    rng
        Source of randomness; the same draft and seed give the same edits.
    codes
        Third-level cells to edit; by default all.
    """

    def __init__(self, draft: Draft, rng: np.random.Generator, codes: Sequence[str] | None = None) -> None:
        self._draft = draft
        self._rng = rng
        self._codes = draft.base.third["code"].astype(str).tolist() if codes is None else list(codes)
        self._makers: dict[str, Callable[[], Edit | None]] = {
            "move": self._move,
            "insert": self._insert,
            "remove": self._remove,
            "slide": self._slide,
            "reshape": self._reshape,
            "split": self._split,
            "merge": self._merge,
            "transfer": self._transfer,
            "rename": lambda: Rename(self._cell(), f"网格{self._rng.integers(1000)}"),
            "set_leader": lambda: SetLeader(self._cell(), f"P{self._rng.integers(300):03d}"),
        }

        self._others: dict[str, Callable[[], Edit | None]] = {
            "recode": self._recode,
            "lock": self._lock,
            "comment": lambda: Comment(self._vertex(), f"意见{self._rng.integers(1000)}"),
            "redivide": self._redivide,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that :meth:`make` knows, without :attr:`other_kinds`."""
        return tuple(self._makers)

    @property
    def other_kinds(self) -> tuple[str, ...]:
        """Further kinds: new codes, a lock that is set and released by turns, remarks, and redivisions, which take seconds."""
        return tuple(self._others)

    def make(self, kind: str) -> Edit:
        """An edit of a kind at a random place."""
        while True:
            edit = (self._makers.get(kind) or self._others[kind])()
            if edit is not None:
                return edit

    def _cell(self) -> str:
        while True:
            code = self._codes[self._rng.integers(len(self._codes))]
            if code in self._draft.rows:
                return code

    def _arc(self) -> Arc:
        arcs = list(self._draft.workspace.of_cells([self._cell()]).values())
        arc = arcs[self._rng.integers(len(arcs))]
        return arc.reverse() if self._rng.random() < 0.5 else arc

    def _vertex(self) -> tuple[float, float]:
        points = self._arc().points
        return in_metres(points[self._rng.integers(len(points))])

    def _move(self) -> Edit:
        x, y = self._vertex()
        return MoveVertex((x, y), (x + self._rng.normal(0.0, _SPREAD_M), y + self._rng.normal(0.0, _SPREAD_M)))

    def _remove(self) -> Edit:
        """Mostly a vertex between the ends of its arc, because a node cannot be removed; straight arcs have none."""
        for _ in range(8):
            points = self._arc().points
            if len(points) > 2:
                return RemoveVertex(in_metres(points[self._rng.integers(1, len(points) - 1)]))
        return RemoveVertex(self._vertex())

    def _on_edge(self, arc: Arc, first: int) -> tuple[float, float]:
        k = self._rng.integers(min(first, len(arc.points) - 1))
        (ax, ay), (bx, by) = arc.points[k : k + 2]
        f = self._rng.random()
        return in_metres((round(ax + f * (bx - ax)), round(ay + f * (by - ay))))

    def _insert(self) -> Edit:
        arc = self._arc()
        return InsertVertex(self._on_edge(arc, len(arc.points)))

    def _slide(self) -> Edit:
        arc = self._arc()
        return SlideNode(in_metres(arc.points[0]), self._on_edge(arc, 3))

    def _reshape(self) -> Edit:
        points = self._arc().points
        i = self._rng.integers(len(points) - 1)
        j = self._rng.integers(i + 1, len(points))
        a, b = np.array(in_metres(points[i])), np.array(in_metres(points[j]))
        n = int(self._rng.integers(1, 4))
        between = [a + (b - a) * (k + 1) / (n + 1) + self._rng.normal(0.0, _SPREAD_M, 2) for k in range(n)]
        return Reshape(LineString([a, *between, b]))

    def _split(self) -> Edit:
        code = self._cell()
        shape = self._draft.workspace.shapes([code]).iloc[0]
        middle, angle = shape.representative_point(), self._rng.random() * np.pi
        step = np.array([np.cos(angle), np.sin(angle)]) * (
            shape.bounds[2] - shape.bounds[0] + shape.bounds[3] - shape.bounds[1]
        )
        at = np.array([middle.x, middle.y])
        return Split(code, LineString([at - step, at + step]))

    def _neighbours(self) -> tuple[str, str] | None:
        arc = self._arc()
        return (arc.left, arc.right) if arc.left and arc.right else None

    def _merge(self) -> Edit | None:
        pair = self._neighbours()
        return None if pair is None else Merge(pair)

    def _transfer(self) -> Edit | None:
        pair = self._neighbours()
        if pair is None or self._draft.rows.parent(pair[0]) == self._draft.rows.parent(pair[1]):
            return None
        return Transfer((pair[0],), self._draft.rows.parent(pair[1]))

    def _recode(self) -> Edit:
        code = self._cell()
        return Recode(code, self._draft.rows.free_code(self._draft.rows.parent(code)))

    def _lock(self) -> Edit:
        locked = sorted(self._draft.rows.locked)
        return Unlock(tuple(locked)) if locked else Lock((self._cell(),))

    def _redivide(self) -> Edit:
        grid = self._draft.rows.parent(self._cell())
        count = len(self._draft.rows.children(grid))
        return Redivide(grid, (max(2, count + int(self._rng.integers(-1, 2))),), int(self._rng.integers(1000)))

    def note(self, codes: list[str]) -> None:
        """Let cells that were born take part."""
        self._codes += codes
