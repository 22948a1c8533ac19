"""Repairs one layer: every face of the faulty region is assigned to exactly one cell, everything else stays unchanged."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.arcs import unique_rows
from geo.coverage.defects import made_valid
from geo.coverage.edges import without_precision_grid
from geo.coverage.parents import find_parents
from geo.coverage.repairing.assignment import GAP, OUTSIDE, Assignment
from geo.coverage.repairing.input_crs import InputCrs
from geo.coverage.repairing.overlay import Overlay, OverlayBuilder
from geo.coverage.repairing.selection import find_faulty
from geo.coverage.repairing.solving import solve
from geo.coverage.validity import valid_polygons
from geo.errors import GeometryError, ImpossibleError, first_labels
from geo.layers.cells import Area, area_frame, as_area, labels_of
from geo.layers.columns import CODE
from geo.layers.crs import to_metric
from geo.layers.files.reading import require_polygons
from geo.wording import counted

#: Without an outline, larger gaps are not filled: they may be intended.
LARGEST_GAP_M2 = 1000.0

#: Cells that gained or lost less than this (1 cm², the effect of the lattice) are not listed.
LEAST_CHANGE_M2 = 1e-4


@dataclass(frozen=True)
class RepairPlan:
    """Result of planning a repair.

    Attributes
    ----------
    cells
        The repaired layer: same rows, order, index, attributes and CRS. Cells away from faults, and vertices that already
        existed, keep their coordinates in all bits.
    changes
        One row per changed cell: `cell`, `gained_m2`, `lost_m2`, `moved_m` (the largest distance that its border moves), and
        `made_valid`: why the input polygon was invalid, '' if it was valid.
    transfers
        One row per piece of ground whose owner changes: `from_cell` (None for a gap), `to_cell` (None for ground outside the
        outline), `area_m2`, `reason` (Chinese / English) and `geometry`.
    open_gaps
        Gaps left open because they are larger than allowed: the neighbouring `cells`, `area_m2`, `geometry`.
    parent_rule
        Rule that determined the parents of the cells (see :mod:`geo.coverage.parents`); None without parents.
    """

    cells: gpd.GeoDataFrame
    changes: pd.DataFrame
    transfers: gpd.GeoDataFrame
    open_gaps: gpd.GeoDataFrame
    parent_rule: str | None = None


def repair(
    cells: gpd.GeoDataFrame,
    *,
    outline: Area | None = None,
    parents: gpd.GeoDataFrame | None = None,
    protected: Collection[Hashable] = (),
    allowed: Area | None = None,
    largest_gap_m2: float | None = None,
    parent_column: str | None = None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Turn a layer into a valid coverage, exactly bounded by the outline if one is given.

    Returns `cells` and `changes` of :func:`plan_repair`.
    """
    plan = plan_repair(
        cells,
        outline=outline,
        parents=parents,
        protected=protected,
        allowed=allowed,
        largest_gap_m2=largest_gap_m2,
        parent_column=parent_column,
    )
    return plan.cells, plan.changes


def plan_repair(
    cells: gpd.GeoDataFrame,
    *,
    outline: Area | None = None,
    parents: gpd.GeoDataFrame | None = None,
    protected: Collection[Hashable] = (),
    allowed: Area | None = None,
    largest_gap_m2: float | None = None,
    parent_column: str | None = None,
) -> RepairPlan:
    """Plan the repair of a layer.

    The borders of faulty cells and their neighbours are noded on the 1 mm lattice. A face covered by one cell is assigned to
    that cell; a face covered by several cells to one of them, by protection, by need, then by the longest border with ground
    already assigned; an uncovered face to the neighbour with the longest border. A piece that would be detached from the rest
    of its cell is assigned to a neighbour instead.

    Parameters
    ----------
    cells
        Polygons in a declared CRS; the plan names cells by the column ``code``, or by the index without such a column.
    outline
        Area to be covered completely and not exceeded: a frame, or a geometry in the CRS of the cells.
    parents
        Instead of an outline, the cells of the level above, a valid coverage, with ``code``: each is covered by its own
        cells (:func:`geo.coverage.check` describes how parents are determined).
    protected
        Labels of cells that keep all of their ground inside the outline and gain none.
    allowed
        Ground that stays uncovered: enclaves and water.
    largest_gap_m2
        Gaps larger than this stay open and are listed in `open_gaps`. By default there is no limit with an outline, which says
        what is to be covered, and a limit of 1,000 m² without.
    parent_column
        Column of the cells that names their parent; by default ``parent``, otherwise parents are found by code or by place.

    Raises
    ------
    GeometryError
        If a cell has no geometry.
    ImpossibleError
        If a cell would lose all of its ground (it equals another one, or lies outside the outline), two protected cells
        overlap, or a cell has no parent; or if the result is not a valid coverage, which would be a bug.
    """
    require_polygons(cells, "cells")
    given, cells = cells, to_metric(cells)
    labels = np.array(labels_of(cells), dtype=object)
    _require_geometry(cells, labels)
    outline, allowed = area_frame(outline, given.crs, "outline"), area_frame(allowed, given.crs, "allowed ground")
    came = InputCrs.of(given, cells, [frame for frame in (outline, parents, allowed) if frame is not None])
    shapes, invalid = _valid_shapes(cells.geometry)
    zones, zone_of_cell, rule = _zones(cells, shapes, outline, parents, labels, parent_column)
    border = shapely.union_all(zones) if len(zones) else None
    bare = None if allowed is None else as_area(allowed, cells.crs, "allowed ground")
    if largest_gap_m2 is None:
        largest_gap_m2 = np.inf if len(zones) else LARGEST_GAP_M2
    is_protected = pd.Series(labels).isin(list(protected)).to_numpy()
    fault = find_faulty(shapes, zones, zone_of_cell, border)
    ground = OverlayBuilder(shapes, zones, zone_of_cell, fault, bare)
    after, faces, choice = solve(ground, border, is_protected, largest_gap_m2, labels, came)
    before = np.where(invalid == "", shapes, shapely.Polygon())  # invalid input polygons are not comparable
    repaired = came.back_cells(before, after)
    transfers, open_gaps = (
        _transfers(faces, choice, labels, cells.crs),
        _open_gaps(faces, choice, shapes, labels, cells.crs),
    )
    return RepairPlan(
        cells=given.set_geometry(gpd.GeoSeries(repaired.array, index=given.index, crs=given.crs)),
        changes=_changes(shapes, after, invalid, faces, choice, labels),
        transfers=transfers.set_geometry(came.back(np.asarray(transfers.geometry.array, dtype=object))),
        open_gaps=open_gaps.set_geometry(came.back(np.asarray(open_gaps.geometry.array, dtype=object))),
        parent_rule=rule,
    )


def _require_geometry(cells: gpd.GeoDataFrame, labels: npt.NDArray[np.object_]) -> None:
    gone = (cells.geometry.isna() | cells.geometry.is_empty).to_numpy()
    if gone.any():
        raise GeometryError(
            f"{counted(int(gone.sum()), 'cell has', 'cells have')} no geometry to start from "
            f"({first_labels(list(labels[gone]))}): draw or remove them",
            ids=list(labels[gone]),
        )


def _valid_shapes(geometries: gpd.GeoSeries) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """The polygons, made valid where necessary, and why each was invalid, '' if it was valid."""
    shapes = without_precision_grid(geometries.array)
    reasons = np.full(len(shapes), "", dtype=object)
    for i in np.flatnonzero(~valid_polygons(shapes)):
        reasons[i] = shapely.is_valid_reason(shapes[i])
        shapes[i] = made_valid(shapes[i])
    return shapes, reasons


def _zones(
    cells: gpd.GeoDataFrame,
    shapes: npt.NDArray[np.object_],
    outline: gpd.GeoDataFrame | None,
    parents: gpd.GeoDataFrame | None,
    labels: npt.NDArray[np.object_],
    column: str | None,
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64], str | None]:
    """Areas to be covered, the one that each cell belongs to, and the rule that determined it."""
    alone = np.zeros(len(shapes), dtype=np.int64)
    if parents is None:
        border = as_area(outline, cells.crs, "outline")
        return np.array([] if border is None else [border], dtype=object), alone, None
    parents = to_metric(parents, cells.crs)
    of = find_parents(cells, shapes, parents, column)
    position = {code: i for i, code in enumerate(parents[CODE].astype(str))}
    orphans = [label for label, code in zip(labels, of.codes, strict=True) if code not in position]
    if orphans:
        raise ImpossibleError(
            f"{counted(len(orphans), 'cell has', 'cells have')} no parent ({first_labels(orphans)}; parents by {of.rule}): "
            "correct their codes, or name the column of the parent",
            ids=orphans,
        )
    zones = np.asarray(parents.geometry.array, dtype=object)
    return zones, np.array([position[code] for code in of.codes], dtype=np.int64), of.rule


def _changes(
    before: npt.NDArray[np.object_],
    after: npt.NDArray[np.object_],
    invalid: npt.NDArray[np.object_],
    faces: Overlay,
    choice: Assignment,
    labels: npt.NDArray[np.object_],
) -> pd.DataFrame:
    n = len(before)
    gained, lost = np.zeros(n), np.zeros(n)
    area = shapely.area(faces.polygons)
    holds = np.zeros(len(area), dtype=bool)  # whether the owner held the face before
    own = choice.owner[faces.held_face] == faces.held_cell
    holds[faces.held_face[own]] = True
    new = ~holds & (choice.owner >= 0)
    np.add.at(gained, choice.owner[new], area[new])
    np.add.at(lost, faces.held_cell[~own], area[faces.held_face[~own]])
    changed = np.flatnonzero((gained > LEAST_CHANGE_M2) | (lost > LEAST_CHANGE_M2) | (invalid != ""))
    return pd.DataFrame(
        {
            "cell": labels[changed],
            "gained_m2": gained[changed],
            "lost_m2": lost[changed],
            "moved_m": _moved_m(before[changed], after[changed]),
            "made_valid": invalid[changed],
        }
    )


def _moved_m(before: npt.NDArray[np.object_], after: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Largest distance of a vertex of either border from the other border, metres."""
    old, old_cell = shapely.get_coordinates(before, return_index=True)
    new, new_cell = shapely.get_coordinates(after, return_index=True)
    place, _ = unique_rows(np.concatenate([old, new]) + 0.0)
    key, _ = unique_rows(np.column_stack([place, np.concatenate([old_cell, new_cell])]))
    left, come = ~np.isin(key[: len(old)], key[len(old) :]), ~np.isin(key[len(old) :], key[: len(old)])
    result = np.zeros(len(before))
    for vertices, cell, border in ((old[left], old_cell[left], after), (new[come], new_cell[come], before)):
        away = shapely.distance(shapely.points(vertices), shapely.boundary(border)[cell])
        np.maximum.at(result, cell, away)
    return result


def _transfers(faces: Overlay, choice: Assignment, labels: npt.NDArray[np.object_], crs: object) -> gpd.GeoDataFrame:
    area = shapely.area(faces.polygons)
    gives = choice.owner[faces.held_face] != faces.held_cell
    face = np.concatenate([faces.held_face[gives], np.flatnonzero(choice.reason == GAP)])
    giver = np.concatenate([faces.held_cell[gives], np.full(len(face) - int(gives.sum()), -1)])
    named = np.array([*labels, None], dtype=object)
    reason = np.where(choice.reason[face] != "", choice.reason[face], OUTSIDE)
    frame = pd.DataFrame(
        {"from_cell": named[giver], "to_cell": named[choice.owner[face]], "area_m2": area[face], "reason": reason}
    )
    result = gpd.GeoDataFrame(frame, geometry=faces.polygons[face], crs=crs)
    return result[result["area_m2"] > LEAST_CHANGE_M2].sort_values("area_m2", ascending=False, ignore_index=True)


def _open_gaps(
    faces: Overlay, choice: Assignment, shapes: npt.NDArray[np.object_], labels: npt.NDArray[np.object_], crs: object
) -> gpd.GeoDataFrame:
    gaps = faces.polygons[choice.open_gaps]
    pieces = faults.polygons_of(shapely.coverage_union_all(gaps)) if len(gaps) else []
    tree = shapely.STRtree(shapes)
    beside = [tuple(labels[np.sort(tree.query(p, predicate="intersects"))]) for p in pieces]
    return gpd.GeoDataFrame({"cells": beside, "area_m2": [p.area for p in pieces]}, geometry=pieces, crs=crs)
