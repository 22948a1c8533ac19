"""Groups the cells of an existing layer into grids: census blocks, unit grids, parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.divide.connection import refuse_parts, require_connected, require_shapes
from geo.divide.partitioning.adjacency import build_graph
from geo.divide.partitioning.bounds import proven
from geo.divide.partitioning.indivisible import SeparatePartsError, units
from geo.divide.partitioning.nested import RULES, Parents, Progress, Wishes, split_levels, weights
from geo.divide.partitioning.objective import Cells, Rules
from geo.errors import ColumnError, ImpossibleError, InputError, first_labels
from geo.layers import Level
from geo.layers.row_values import require_columns, values_of_rows
from geo.options import with_defaults

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LEVELS = (Level.COMMUNITY, Level.SECOND, Level.THIRD)


class PartitionOptions(TypedDict, total=False):
    """Further options of :func:`partition`.

    Attributes
    ----------
    locked
        Columns ``second``, ``third``: the locked grid of a cell, missing for free cells. The result contains each locked
        grid with exactly these cells.
    current, keep
        The present grids in the same form, which cells leave only for balance, and the weight of this: with 1 (the default),
        a grid that changes completely costs as much as another border around it.
    min_border_m
        Minimum width of a border that counts as a connection; 1 m by default.
    progress
        Called with the level and the completed share.
    """

    locked: pd.DataFrame | None
    current: pd.DataFrame | None
    keep: float
    min_border_m: float
    progress: Progress | None


_DEFAULTS: PartitionOptions = {"locked": None, "current": None, "keep": 1.0, "min_border_m": 1.0, "progress": None}


def partition(
    cells: gpd.GeoDataFrame,
    counts: Sequence[int],
    *,
    workload: pd.Series | str = "workload",
    communities: pd.Series | None = None,
    tolerances: Sequence[float] = (0.05, 0.05, 0.15),
    rng: np.random.Generator | int = 0,
    **options: Unpack[PartitionOptions],
) -> pd.DataFrame:
    """Group cells into communities, second- and third-level grids with exact counts.

    Every group is connected through borders of at least `min_border_m` where the cells permit, has no hole, and lies in one
    group of the level above; workload is balanced by annealing (see :mod:`geo.divide.partitioning.split`).

    Parameters
    ----------
    cells
        An exact coverage in a metric CRS: polygons whose neighbours share their vertices. Cells in a hole of a cell, or
        between its parts, are kept together with it.
    counts
        Number of groups at each level from the community down: one, two or three numbers.
    workload
        Workload of each cell (on the index of `cells`), or the name of its column; not negative.
    communities
        Community of each cell, if given; ``counts[0]`` different values.
    tolerances
        Maximum deviation of a grid from the mean of its siblings, for each level.
    rng
        Source of randomness or a seed.
    **options
        See :class:`PartitionOptions`.

    Returns
    -------
    DataFrame of int64
        On the index of `cells`, one column per level: ``community``, ``second``, ``third``; groups 0 .. k - 1.

    Raises
    ------
    InputError
        If the cells, workloads or communities cannot be used.
    ImpossibleError
        If the counts cannot be met: more grids than cells, or cells or communities that are not connected.

    Notes
    -----
    Cost: about 0.2 ms a cell at 30,000 cells, 0.1 ms at 300,000.
    """
    chosen = with_defaults("partition", _DEFAULTS, options)
    levels = _levels(counts)
    require_shapes(cells, "partition")
    load = _workload(cells, workload)
    shapes, unit = _by_place(*_units(cells))
    load = _summed(unit, load)
    area = shapely.area(shapes)
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    graph = build_graph(shapes)
    top = _top(cells, communities, int(counts[0]), unit)
    require_connected(cells, graph, unit, *((top.group, top.names) if top else ()))
    known = Cells(graph, weights(load, area), area, centre - centre.mean(axis=0), load)
    found = split_levels(
        known,
        shapes,
        dict(zip(levels, (int(c) for c in counts), strict=True)),
        top=top,
        wishes=_wishes(cells, chosen, load, unit),
        rules=_rules_of(levels, tolerances, chosen["min_border_m"]),
        rng=np.random.default_rng(rng),
        progress=chosen["progress"] or _silent,
    )
    return pd.DataFrame({level.layer: found[level][unit] for level in levels}, index=cells.index)


def limits(cells: gpd.GeoDataFrame, groups: pd.DataFrame, *, workload: pd.Series | str = "workload") -> pd.DataFrame:
    """Compare the balance of each parent with the best that any division could reach.

    Parameters
    ----------
    cells
        The cells that were grouped.
    groups
        Result of :func:`partition`.
    workload
        As for :func:`partition`.

    Returns
    -------
    DataFrame
        One row per level and parent: ``level``, ``parent`` (number of the group above; 0 for the street), ``grids``,
        ``reached`` (largest deviation of a grid from the mean), ``bound``, ``reason`` and ``cell`` (index label of the
        obstructing cell, None if there is none); see :mod:`geo.divide.partitioning.bounds`.
    """
    shapes, unit = _units(cells)
    load = _summed(unit, _workload(cells, workload))
    first = np.unique(unit, return_index=True)[1]
    groups = _groups(groups, cells).iloc[first]
    graph = build_graph(shapes)
    rows = []
    above = np.zeros(len(groups), dtype=np.int64)
    for level in groups.columns:
        mine = groups[level].to_numpy()
        for parent in range(int(above.max()) + 1):
            members = np.flatnonzero(above == parent)
            parts = np.unique(mine[members])
            sums = np.bincount(mine[members], load[members])[parts]
            reached = float(np.abs(sums / sums.mean() - 1).max()) if sums.sum() > 0 else 0.0
            bound = proven(graph, load, members, len(parts), reached, RULES[Level[level.upper()]].tolerance)
            rows.append(
                (
                    level,
                    parent,
                    len(parts),
                    reached,
                    bound.tolerance,
                    bound.reason,
                    cells.index[first[bound.cell]] if bound.cell >= 0 else None,
                )
            )
        above = mine
    return pd.DataFrame(rows, columns=["level", "parent", "grids", "reached", "bound", "reason", "cell"])


def _units(cells: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.object_], Ints]:
    try:
        return units(np.asarray(cells.geometry.array, dtype=object))
    except SeparatePartsError as error:
        raise refuse_parts(cells, error) from error


def _groups(groups: pd.DataFrame, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    require_columns(groups, [level.layer for level in LEVELS], "groups")
    return pd.DataFrame({name: values_of_rows(groups[name], cells.index, "groups") for name in groups.columns})


def _grids(column: pd.Series, cells: gpd.GeoDataFrame, name: str) -> pd.Series:
    """Grid of each cell; missing for cells without a value."""
    return values_of_rows(column, cells.index, name, partial=True)


def _by_place(shapes: npt.NDArray[np.object_], unit: Ints) -> tuple[npt.NDArray[np.object_], Ints]:
    """Units in order of a Hilbert curve: neighbours are close in memory, and the order of rows does not matter."""
    xy = shapely.get_coordinates(shapely.centroid(shapes))
    order = np.lexsort((xy[:, 1], xy[:, 0], gpd.GeoSeries(shapely.points(xy)).hilbert_distance().to_numpy()))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return shapes[order], place[unit]


def _silent(_step: str, _done: float) -> None:
    """No-op progress callback."""


def _levels(counts: Sequence[int]) -> tuple[Level, ...]:
    if not 1 <= len(counts) <= 3 or any(int(c) != c or c < 1 for c in counts):
        raise InputError(
            f"counts: one to three whole numbers above 0 are expected (communities, second, third), not {counts}"
        )
    if list(counts) != sorted(counts):
        raise ImpossibleError(
            f"counts {', '.join(map(str, counts))}: each level needs at least as many grids as the one above it"
        )
    return LEVELS[: len(counts)]


def _rules_of(levels: Sequence[Level], tolerances: Sequence[float], border_m: float) -> dict[Level, Rules]:
    """Rules of each level, with the given tolerances for the first levels."""
    given = dict(zip(LEVELS, tolerances, strict=False))
    return {
        level: replace(RULES[level], tolerance=given.get(level, RULES[level].tolerance), border_m=border_m)
        for level in {*levels, *given}
    }


def _workload(cells: gpd.GeoDataFrame, workload: pd.Series | str) -> Floats:
    if isinstance(workload, str):
        if workload not in cells.columns:
            raise ColumnError(f"cells: column '{workload}' is missing; name the column that holds the workload")
        workload = pd.Series(cells[workload])
    workload = values_of_rows(workload, cells.index, "workload")
    load = pd.to_numeric(workload, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(load) & (load >= 0))
    if bad.any():
        raise InputError(
            f"workload: missing or negative in cells {first_labels(list(cells.index[bad]))}; give numbers of 0 or more",
            ids=list(cells.index[bad]),
        )
    if load.sum() <= 0:
        raise InputError("workload: it is 0 everywhere, so it cannot be balanced; give the workload of the cells")
    return load


def _summed(unit: Ints, load: Floats) -> Floats:
    return np.bincount(unit, load).astype(np.float64)


def _of_unit(values: Ints, unit: Ints) -> Ints:
    """Value of the first cell of each unit."""
    return values[np.unique(unit, return_index=True)[1]]


def _top(cells: gpd.GeoDataFrame, communities: pd.Series | None, count: int, unit: Ints) -> Parents | None:
    if communities is None:
        return None
    given = values_of_rows(communities, cells.index, "communities")
    if given.isna().any():
        bad = list(cells.index[given.isna()])
        raise InputError(
            f"communities: missing for cells {first_labels(bad)}; say in which community each cell lies", ids=bad
        )
    number, names = pd.factorize(given, sort=True)
    if len(names) != count:
        raise InputError(f"communities: {len(names)} are given, but {count} are requested; request {len(names)}")
    torn = np.flatnonzero(_of_unit(number, unit)[unit] != number)
    if len(torn):
        raise InputError(
            f"communities: cells {first_labels(list(cells.index[torn]))} lie inside a cell of another community, or "
            "between its parts; give them to that community",
            ids=list(cells.index[torn]),
        )
    return Parents(_of_unit(number.astype(np.int64), unit), [f"community {name}" for name in names], given=True)


def _wishes(cells: gpd.GeoDataFrame, chosen: PartitionOptions, load: Floats, unit: Ints) -> Wishes:
    def numbers(frame: pd.DataFrame | None, name: str) -> dict[Level, Ints]:
        if frame is None:
            return {}
        require_columns(frame, [Level.SECOND.layer, Level.THIRD.layer], name)
        return {
            level: _of_unit(pd.factorize(_grids(frame[level.layer], cells, name))[0].astype(np.int64), unit)
            for level in (Level.SECOND, Level.THIRD)
            if level.layer in frame.columns
        }

    kept = numbers(chosen["current"], "current")
    grids = max((int(k.max()) + 1 for k in kept.values()), default=1)
    stay = chosen["keep"] * 4 * load * grids / load.sum() if kept else None
    return Wishes(numbers(chosen["locked"], "locked"), kept, stay)
