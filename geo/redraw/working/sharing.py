"""Sharing out residents, households, units and workload when ground changes its cell: by buildings, else by area.

Whole numbers stay whole, and what one cell loses another one gains, so sums over the touched cells are kept exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers.columns import HOUSEHOLDS, POPULATION, UNITS
from geo.layers.crs import PER_METRE
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.rows import Rows

#: Columns of a building that are moved with it.
PEOPLE = (POPULATION, HOUSEHOLDS, UNITS)

Shares = dict[str, dict[str, Any]]


class Buildings:
    """Buildings of a street with the people in them, found by place.

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

    def inside(self, shape: shapely.Geometry) -> npt.NDArray[np.intp]:
        """Positions of the buildings whose inner point lies in a polygon."""
        found = self._points.query(shape)
        inside = shapely.intersects_xy(shape, self.x[found], self.y[found])
        return np.asarray(np.sort(found[inside]), dtype=np.intp)

    def cut_by(self, line: shapely.Geometry, but_not: shapely.Geometry | None = None) -> npt.NDArray[np.intp]:
        """Positions of the buildings that a line runs through by more than 1 cm, but for those that another line cuts."""
        found = np.asarray(self.tree.query(line, predicate="intersects"), dtype=np.intp)
        if len(found) == 0:
            return found
        through = shapely.length(shapely.intersection(self.shapes[found], line)) > 0.01
        if but_not is not None:
            through &= ~(shapely.length(shapely.intersection(self.shapes[found], but_not)) > 0.01)
        return np.asarray(np.sort(found[through]), dtype=np.intp)


def moved_shares(
    rows: Rows,
    before: Mapping[str, shapely.Geometry],
    after: Mapping[str, shapely.Geometry],
    borders: Collection[tuple[Vertex, Vertex]],
    buildings: Buildings | None,
) -> tuple[Shares, str]:
    """New values of the shared columns after borders moved between cells.

    Parameters
    ----------
    rows
        Rows of the draft.
    before, after
        Polygons of the touched cells, metres.
    borders
        Edges that only one of the two has, lattice units.
    buildings
        Buildings with their people, or None.

    Returns
    -------
    (changes, basis)
        The changed values by code and column, and ``buildings`` or ``area``.
    """
    if buildings is not None and buildings.known:
        return _by_buildings(rows, before, after, buildings), "buildings"
    return _by_area(rows, before, after, borders), "area"


def _by_area(
    rows: Rows,
    before: Mapping[str, shapely.Geometry],
    after: Mapping[str, shapely.Geometry],
    borders: Collection[tuple[Vertex, Vertex]],
) -> Shares:
    flows = []
    for source, target, area in _moved_ground(before, after, borders):
        flows.append((source, target, area / shapely.area(before[source])))
    return _flow(rows, flows)


def _moved_ground(
    before: Mapping[str, shapely.Geometry],
    after: Mapping[str, shapely.Geometry],
    borders: Collection[tuple[Vertex, Vertex]],
) -> list[tuple[str, str, float]]:
    """Ground that changed its cell: (cell before, cell after, area in m²).

    The borders that only one of the two has bound it, so their faces are all that has to be looked at.
    """
    lines = shapely.linestrings(np.array(sorted(borders)) / PER_METRE)
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
    x, y = (get(shapely.point_on_surface(faces)) for get in (shapely.get_x, shapely.get_y))
    codes = list(before)
    old, new = (
        shapely.contains_xy(np.array([shapes[code] for code in codes])[:, None], x[None, :], y[None, :])
        for shapes in (before, after)
    )
    found: dict[tuple[str, str], float] = {}
    for k, area in enumerate(shapely.area(faces).tolist()):
        source, target = (codes[int(np.argmax(held[:, k]))] if held[:, k].any() else "" for held in (old, new))
        if source and target and source != target:
            found[source, target] = found.get((source, target), 0.0) + area
    return [(*pair, area) for pair, area in sorted(found.items())]


def _flow(rows: Rows, flows: list[tuple[str, str, float]]) -> Shares:
    """Move a share of each cell's values to another cell; whole numbers are rounded."""
    changes: Shares = {}
    for column in rows.shared_columns:
        for code, other, share in flows:
            value = rows.get(code, column)
            if value is None or value != value or not value:
                continue
            part = round(value * share) if isinstance(value, int) else value * share
            if not part:
                continue
            _add(rows, changes, code, column, -part)
            _add(rows, changes, other, column, part)
    return changes


def _add(rows: Rows, changes: Shares, code: str, column: str, value: Any) -> None:
    now = changes.setdefault(code, {}).get(column, rows.get(code, column) or 0)
    changes[code][column] = now + value


def _by_buildings(
    rows: Rows,
    before: Mapping[str, shapely.Geometry],
    after: Mapping[str, shapely.Geometry],
    buildings: Buildings,
) -> Shares:
    former = {int(k): code for code, shape in before.items() for k in buildings.inside(shape)}
    changes: Shares = {}
    for code, shape in after.items():
        for k in buildings.inside(shape).tolist():
            source = former.get(k)
            if source is None or source == code:
                continue
            _move_building(rows, changes, source, code, {c: buildings.people[c][k].item() for c in PEOPLE})
    return changes


def _move_building(rows: Rows, changes: Shares, source: str, target: str, people: Mapping[str, Any]) -> None:
    """Move the people of one building; other numbers follow in proportion to the households, or the residents or units."""
    share = 0.0
    for column in (HOUSEHOLDS, POPULATION, UNITS):
        present = rows.get(source, column)
        if present and people[column]:
            share = min(1.0, people[column] / present)
            break
    for column in rows.shared_columns:
        value = changes.get(source, {}).get(column, rows.get(source, column))
        if not value or value != value:
            continue
        if column in PEOPLE:
            part = min(people[column], value)
        else:
            part = round(value * share) if isinstance(value, int) else value * share
        if part:
            _add(rows, changes, source, column, -part)
            _add(rows, changes, target, column, part)


def split_shares(
    rows: Rows, code: str, parts: list[shapely.Geometry], buildings: Buildings | None
) -> tuple[list[dict[str, Any]], str]:
    """Values of the shared columns for the parts of a cell; they add up to the values of the cell.

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
    """Divide a value in proportion to weights; whole numbers by largest remainders, so that parts add up exactly.

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
