"""Apportionment of residents, households, units and workload when ground changes its cell: by buildings, otherwise by area.

Integers remain integers, and one cell gains what another loses, so sums over the touched cells are kept exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers.columns import HOUSEHOLDS, POPULATION, UNITS
from geo.layers.crs import PER_METRE
from geo.redraw.working.arcs import NO_CELL
from geo.redraw.working.ground import ChangedBorders
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.rows import Row, Rows

#: Columns of a building that are moved with it.
PEOPLE = (POPULATION, HOUSEHOLDS, UNITS)

Shares = dict[str, dict[str, Any]]


class Buildings:
    """Buildings of a street with their people and a spatial index.

    Parameters
    ----------
    frame
        Polygons in the CRS of the division; ``population``, ``households`` and ``units`` where known.
    """

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        self.shapes: npt.NDArray[np.object_] = np.asarray(frame.geometry.array, dtype=object)
        inner = shapely.point_on_surface(self.shapes)
        self.x, self.y = shapely.get_x(inner), shapely.get_y(inner)
        self.people = {
            column: frame[column].fillna(0).to_numpy() if column in frame else np.zeros(len(frame), dtype=np.int64)
            for column in PEOPLE
        }
        self.known = any(column in frame for column in PEOPLE)
        self.tree = shapely.STRtree(self.shapes)
        self._points = shapely.STRtree(inner)
        self._by_x = np.argsort(self.x, kind="stable")
        self._x_sorted = self.x[self._by_x]

    def inside(self, shape: shapely.Geometry) -> npt.NDArray[np.intp]:
        """Positions of the buildings whose representative point lies in a polygon."""
        found = self._points.query(shape)
        inside = shapely.intersects_xy(shape, self.x[found], self.y[found])
        return np.asarray(np.sort(found[inside]), dtype=np.intp)

    def moved(self, borders: ChangedBorders) -> list[tuple[int, str, str]]:
        """The buildings whose representative point changed its cell: (position, cell before, cell after), by position."""
        near = self._in_box(*borders.box())
        cells = borders.cells_at(self.x[near] * PER_METRE, self.y[near] * PER_METRE)
        return [
            (k, source, target)
            for k, (source, target) in zip(near.tolist(), cells, strict=True)
            if source != target and NO_CELL not in (source, target)
        ]

    def _in_box(self, low: Vertex, high: Vertex) -> npt.NDArray[np.intp]:
        """Positions of the buildings whose representative point lies in a box, sorted; corners in lattice units.

        A tree would take ten times as long as this search for the few buildings beside a border.
        """
        start = self._x_sorted.searchsorted(low[0] / PER_METRE, side="left")
        end = self._x_sorted.searchsorted(high[0] / PER_METRE, side="right")
        strip = self._by_x[start:end]
        y = self.y[strip]
        return np.sort(strip[(y >= low[1] / PER_METRE) & (y <= high[1] / PER_METRE)])

    def touches_box(self, low: Vertex, high: Vertex) -> bool:
        """Whether the box of any building meets a box; corners in lattice units."""
        return len(self.tree.query(shapely.box(*(value / PER_METRE for value in (*low, *high))))) > 0

    def cut_by(self, line: shapely.Geometry, but_not: shapely.Geometry | None = None) -> npt.NDArray[np.intp]:
        """Positions of the buildings cut by a line by more than 1 cm, except those cut by another line."""
        found = np.asarray(self.tree.query(line, predicate="intersects"), dtype=np.intp)
        if len(found) == 0:
            return found
        through = shapely.length(shapely.intersection(self.shapes[found], line)) > 0.01
        if but_not is not None:
            through &= ~(shapely.length(shapely.intersection(self.shapes[found], but_not)) > 0.01)
        return np.asarray(np.sort(found[through]), dtype=np.intp)


def moved_shares(
    rows: Rows, areas_m2: Mapping[str, float], borders: ChangedBorders, buildings: Buildings | None
) -> tuple[Shares, str]:
    """New values of the shared columns after borders moved between cells.

    Parameters
    ----------
    rows
        Rows of the draft.
    areas_m2
        Area of each touched cell before, by code.
    borders
        The changed borders.
    buildings
        Buildings with their people, or None.

    Returns
    -------
    (changes, basis)
        The changed values by code and column, and ``buildings`` or ``area``.
    """
    if buildings is not None and buildings.known:
        return _by_buildings(rows, buildings.moved(borders), buildings), "buildings"
    square_m = PER_METRE**2
    flows = [(source, target, area / square_m / areas_m2[source]) for source, target, area in borders.moved_areas()]
    return _flow(rows, flows), "area"


def _flow(rows: Rows, flows: list[tuple[str, str, float]]) -> Shares:
    """Move a share of each cell's values to another cell; integers are rounded."""
    changes: Shares = {}
    before = {code: rows.shares(code) for code in {code for flow in flows for code in flow[:2]}}
    for column in rows.shared_columns:
        for code, other, share in flows:
            value = before[code][column]
            if value is None or value != value or not value:
                continue
            part = round(value * share) if isinstance(value, int) else value * share
            if not part:
                continue
            _add(before[code], changes, code, column, -part)
            _add(before[other], changes, other, column, part)
    return changes


def _add(before: Mapping[str, Any], changes: Shares, code: str, column: str, value: Any) -> None:
    row = changes.get(code)
    if row is None:
        row = changes[code] = {}
    row[column] = (row[column] if column in row else before[column] or 0) + value


def _by_buildings(rows: Rows, moved: Iterable[tuple[int, str, str]], buildings: Buildings) -> Shares:
    changes: Shares = {}
    moved = list(moved)
    before = {code: rows.shares(code) for code in {code for step in moved for code in step[1:]}}
    for k, source, target in moved:
        _move_building(before, changes, source, target, {c: buildings.people[c][k].item() for c in PEOPLE})
    return changes


def _move_building(
    before: Mapping[str, Row], changes: Shares, source: str, target: str, people: Mapping[str, Any]
) -> None:
    """Move the people of one building; other values follow in proportion to the households, or the residents or units."""
    share = 0.0
    for column in (HOUSEHOLDS, POPULATION, UNITS):
        present = before[source].get(column)
        if present and people[column]:
            share = min(1.0, people[column] / present)
            break
    for column, there in before[source].items():
        value = changes.get(source, {}).get(column, there)
        if not value or value != value:
            continue
        if column in PEOPLE:
            part = min(people[column], value)
        else:
            part = round(value * share) if isinstance(value, int) else value * share
        if part:
            _add(before[source], changes, source, column, -part)
            _add(before[target], changes, target, column, part)


def split_shares(
    rows: Rows, code: str, parts: list[shapely.Geometry], buildings: Buildings | None
) -> tuple[list[dict[str, Any]], str]:
    """Values of the shared columns for the parts of a cell, summing to the values of the cell.

    Returns
    -------
    (values, basis)
        One dictionary for each part, and ``buildings`` or ``area``.
    """
    area = np.array([shape.area for shape in parts])
    weights = dict.fromkeys(rows.shared_columns, area)
    basis = "area"
    if buildings is not None and buildings.known:
        inside = [buildings.inside(shape) for shape in parts]
        for column in PEOPLE:
            there = np.array([buildings.people[column][k].sum() for k in inside], dtype=float)
            if there.sum() > 0:
                weights[column] = there
                basis = "buildings"
        if basis == "buildings" and weights.get(HOUSEHOLDS) is not area:
            weights.update({c: weights[HOUSEHOLDS] for c in rows.shared_columns if c not in PEOPLE})
    values: list[dict[str, Any]] = [{} for _ in parts]
    for column in rows.shared_columns:
        for k, share in enumerate(apportion_value(rows.get(code, column), weights[column])):
            values[k][column] = share
    return values, basis


def apportion_value(value: Any, weights: npt.NDArray[np.float64]) -> list[Any]:
    """Apportion a value in proportion to weights; integers by largest remainders, so that the sum is exact.

    >>> apportion_value(10, np.array([1.0, 1.0, 1.0]))
    [4, 3, 3]
    """
    n = len(weights)
    if value is None or value != value:
        return [value] * n
    share = weights / weights.sum() if weights.sum() > 0 else np.full(n, 1.0 / n)
    if not isinstance(value, int):
        parts = [float(value * s) for s in share[:-1]]
        return [*parts, value - sum(parts)]
    exact = share * value
    whole = np.floor(exact).astype(int)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: value - int(whole.sum())]] += 1
    return [int(w) for w in whole]
