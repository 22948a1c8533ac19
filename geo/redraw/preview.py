"""Consequences of an edit, computed before it is made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.layers.columns import HOUSEHOLDS, LEADER, NAME, POPULATION, UNITS, WORKLOAD, Level
from geo.layers.crs import PER_METRE
from geo.redraw.changes import Change
from geo.redraw.draft import Draft
from geo.redraw.edits import Edit
from geo.redraw.working.arcs import Arc, shapes_of
from geo.redraw.working.postconditions import rings_of
from geo.redraw.working.sharing import apportion_value
from geo.redraw.working.undo import put, take

Row = dict[str, Any]

_MEASURES = (POPULATION, HOUSEHOLDS, UNITS, WORKLOAD)


@dataclass(frozen=True)
class Consequences:
    """Consequences of an edit.

    Attributes
    ----------
    zh, en
        One sentence.
    cell_rows, grid_rows, moved_rows
        The rows of the frames below as plain values.
    cells
        Touched third-level cells, indexed by code: `name`, and `population`, `households`, `units`, `workload`, `area_m2` with
        ``_before`` and ``_after``; NaN where a cell does not exist.
    grids
        Second-level grids of the touched cells, likewise, with `balance` (workload over the mean of its community),
        `compactness` (Polsby-Popper, 0 to 1), `road_share` (share of the border on roads; NaN without roads) and `leader`.
    moved
        Residents and households who change leaders: `from_code`, `to_code`, `from_leader`, `to_leader`, `population`,
        `households`; codes of second-level grids.
    cut_buildings
        Number of buildings cut by a new border.
    """

    zh: str
    en: str
    cell_rows: tuple[Row, ...]
    grid_rows: tuple[Row, ...]
    moved_rows: tuple[Row, ...]
    cut_buildings: int

    # Frames are built on demand: the server sends the rows, and building frames takes longer than measuring.
    @cached_property
    def cells(self) -> pd.DataFrame:
        """Touched third-level cells."""
        return pd.DataFrame(self.cell_rows, columns=["code", NAME, *_both(_CELL_COLUMNS)]).set_index("code")

    @cached_property
    def grids(self) -> pd.DataFrame:
        """Second-level grids of the touched cells."""
        return pd.DataFrame(self.grid_rows, columns=["code", NAME, *_both(_GRID_COLUMNS)]).set_index("code")

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Residents and households who change leaders."""
        return pd.DataFrame(self.moved_rows, columns=_MOVED_COLUMNS)

    @property
    def residents_with_another_leader(self) -> int:
        """Number of residents who change leaders."""
        return sum(row[POPULATION] for row in self.moved_rows)

    @property
    def households_with_another_leader(self) -> int:
        """Number of households that change leaders."""
        return sum(row[HOUSEHOLDS] for row in self.moved_rows)

    @property
    def leaders(self) -> tuple[str, ...]:
        """Leaders of the touched grids, before or after."""
        named = {row[column] for row in self.grid_rows for column in ("leader_before", "leader_after")}
        return tuple(sorted(str(leader) for leader in named if leader is not None and leader == leader))


@dataclass(frozen=True)
class _State:
    """Measures of the touched cells and grids at one time."""

    cells: dict[str, Row]
    grids: dict[str, Row]
    shapes: dict[str, shapely.Geometry]
    parents: dict[str, str]
    leaders: dict[str, Any]


def consequences(draft: Draft, edit: Edit | Sequence[Edit]) -> Consequences:
    """Compute the consequences of an edit, or of a list of edits, without changing the draft.

    Parameters
    ----------
    draft
        The current draft.
    edit
        One edit or one transaction. A cut building is counted, not refused.

    Raises
    ------
    RefusedEdit
        If the edit is impossible, as by :meth:`Draft.apply`.
    """
    with draft.trial(edit) as change:
        return consequences_of(draft, change)


def consequences_of(draft: Draft, change: Change) -> Consequences:
    """Compute the consequences of the last change of a draft; the draft is not changed.

    Parameters
    ----------
    change
        The last change made, accepted or about to be (the `check` of :meth:`Draft.apply`).
    """
    codes = _touched(draft, change)
    grids = {draft.rows.ancestor(code, Level.SECOND) for code in codes if code in draft.rows}
    grids |= {code for code in change.cells if code in draft.rows and draft.rows.level(code) is Level.SECOND}
    after = _measure(draft, codes, grids)
    cut = 0 if draft.buildings is None else len(draft.buildings.cut_by(*_new_and_old_borders(change)))
    take(draft.workspace, draft.rows, change)
    try:
        grids_before = {draft.rows.ancestor(code, Level.SECOND) for code in codes if code in draft.rows} | grids
        before = _measure(draft, codes, grids_before)
    finally:
        put(draft.workspace, draft.rows, change)
    moved = _movements(draft, before, after)
    zh, en = _sentence(before, after, moved)
    cells = _beside(before.cells, after.cells, _CELL_COLUMNS)
    grid_rows = _beside(before.grids, after.grids, _GRID_COLUMNS)
    return Consequences(zh, en, cells, grid_rows, moved, cut)


def _touched(draft: Draft, change: Change) -> list[str]:
    """Third-level cells touched by a change, including retired ones."""
    codes = set()
    for code in change.cells:
        if code not in draft.rows or draft.rows.level(code) is Level.THIRD:
            codes.add(code)
        elif draft.rows.level(code) is Level.SECOND:
            codes.update(draft.rows.third(code))
    return sorted(codes)


def _new_and_old_borders(change: Change) -> tuple[shapely.Geometry, shapely.Geometry]:
    def lines(arcs: Iterable[Arc]) -> shapely.Geometry:
        return shapely.MultiLineString([[(x / 1000, y / 1000) for x, y in arc.points] for arc in arcs])

    before = {arc for redraw in change.redraws for arc in redraw.before}
    after = {arc for redraw in change.redraws for arc in redraw.after}
    return lines(after), lines(before)


def _measure(draft: Draft, codes: Iterable[str], grids: Iterable[str]) -> _State:
    rows = draft.rows
    codes = [code for code in codes if code in rows and rows.level(code) is Level.THIRD]
    grids = sorted(code for code in grids if code in rows)
    arcs = draft.workspace.of_cells(codes).values()
    shapes = dict(zip(codes, shapes_of(arcs, codes), strict=True))
    return _State(
        {c: {NAME: rows.get(c, NAME), **_sums(draft, c), "area_m2": float(shapes[c].area)} for c in codes},
        {code: _grid(draft, code) for code in grids},
        shapes,
        {code: rows.parent(code) for code in codes},
        {code: rows.get(code, LEADER) for code in grids},
    )


_CELL_COLUMNS = (*_MEASURES, "area_m2")
_GRID_COLUMNS = (*_CELL_COLUMNS, "balance", "compactness", "road_share", LEADER)
_MOVED_COLUMNS = ["from_code", "to_code", "from_leader", "to_leader", POPULATION, HOUSEHOLDS]


def _both(columns: Iterable[str]) -> list[str]:
    """Names of columns before and after."""
    return [f"{column}_{when}" for when in ("before", "after") for column in columns]


def _sums(draft: Draft, code: str) -> dict[str, Any]:
    found = {column: draft.rows.get(code, column) for column in _MEASURES}
    # Apportioned values are NumPy scalars, which JSON does not support.
    return {column: value.item() if isinstance(value, np.generic) else value for column, value in found.items()}


def _grid(draft: Draft, code: str) -> dict[str, Any]:
    rows = draft.rows
    cells = set(rows.third(code))
    border = draft.workspace.of_group(code, cells)
    area = rings_of(border, cells).area_m2()
    length = sum(math.dist(a, b) for arc in border for a, b in pairwise(arc.points)) / PER_METRE
    siblings = [rows.get(other, WORKLOAD) or 0.0 for other in rows.children(rows.parent(code))]
    mean = float(np.mean(siblings)) if siblings else 0.0
    return {
        NAME: rows.get(code, NAME),
        **_sums(draft, code),
        "area_m2": area,
        "balance": float((rows.get(code, WORKLOAD) or 0.0) / mean) if mean else float("nan"),
        "compactness": 4.0 * math.pi * area / length**2 if length else float("nan"),
        "road_share": draft.roads.share(border) if draft.roads is not None else float("nan"),
        LEADER: rows.get(code, LEADER),
    }


def _beside(before: dict[str, Row], after: dict[str, Row], columns: Iterable[str]) -> tuple[Row, ...]:
    """Rows by code with the values before and after; None where a cell does not exist."""
    rows = []
    for code in sorted({*before, *after}):
        one, other = before.get(code, {}), after.get(code, {})
        name = one.get(NAME)
        row: Row = {"code": code, NAME: other.get(NAME) if name is None or name != name else name}
        for when, values in (("before", one), ("after", other)):
            row |= {f"{column}_{when}": values.get(column) for column in columns}
        rows.append(row)
    return tuple(rows)


def _movements(draft: Draft, before: _State, after: _State) -> tuple[Row, ...]:
    """Residents and households of the touched cells by the second-level grid before and after, if the leader differs."""
    if len({*before.parents.values(), *after.parents.values()}) == 1 and before.leaders == after.leaders:
        return ()
    flows: dict[tuple[str, str], dict[str, int]] = {}
    new = [(code, shape) for code, shape in after.shapes.items()]
    tree = shapely.STRtree([shape for _, shape in new])
    for code, shape in before.shapes.items():
        near = np.sort(tree.query(shape))
        pieces = [shapely.intersection(shape, new[k][1]) for k in near]
        kept = [(k, piece) for k, piece in zip(near.tolist(), pieces, strict=True) if piece.area > 1e-6]
        for column in (POPULATION, HOUSEHOLDS):
            known = before.cells[code][column]
            total = int(known) if known is not None and known == known else 0
            weights = _weights(draft, [piece for _, piece in kept], column)
            for (k, _), part in zip(kept, apportion_value(total, weights), strict=True):
                pair = (before.parents[code], after.parents[new[k][0]])
                flows.setdefault(pair, {POPULATION: 0, HOUSEHOLDS: 0})[column] += part
    return tuple(
        {
            "from_code": source,
            "to_code": target,
            "from_leader": before.leaders.get(source),
            "to_leader": after.leaders.get(target),
            **people,
        }
        for (source, target), people in sorted(flows.items())
        if _is_other(before.leaders.get(source), after.leaders.get(target), source != target) and any(people.values())
    )


def _is_other(before: Any, after: Any, other_grid: bool) -> bool:
    named = [leader for leader in (before, after) if leader is not None and leader == leader]
    return before != after if named else other_grid


def _weights(draft: Draft, pieces: Sequence[shapely.Geometry], column: str) -> Any:
    """Weights of the pieces of a cell for the apportionment of people: by its buildings if known, otherwise by area."""
    if draft.buildings is not None and draft.buildings.known:
        there = np.array([draft.buildings.people[column][draft.buildings.inside(p)].sum() for p in pieces], dtype=float)
        if there.sum() > 0:
            return there
    return np.array([piece.area for piece in pieces], dtype=float)


def _sentence(before: _State, after: _State, moved: Sequence[Row]) -> tuple[str, str]:
    residents, households = (sum(row[column] for row in moved) for column in (POPULATION, HOUSEHOLDS))
    worst = [max((g["balance"] for g in state.grids.values()), default=float("nan")) for state in (before, after)]
    zh = f"{residents:,} 名居民（{households:,} 户）更换格长" if residents else "没有居民更换格长"
    en = f"{residents:,} residents ({households:,} households) come under another leader"
    if not residents:
        en = "no resident comes under another leader"
    if all(value == value for value in worst) and abs(worst[1] - worst[0]) >= 0.005:
        zh += f"；涉及网格的最大工作量与社区均值之比 {worst[0]:.2f} → {worst[1]:.2f}"
        en += f"; largest workload of the touched grids over their community's mean {worst[0]:.2f} -> {worst[1]:.2f}"
    return zh, en
