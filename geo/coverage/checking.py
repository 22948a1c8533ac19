"""Checks of one layer and of a complete division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.attributes import area_faults, code_faults, count_faults
from geo.coverage.defects import SoundLayer, made_valid, sound_layer
from geo.coverage.edges import without_precision_grid
from geo.coverage.faults import Place, width_m
from geo.coverage.ground import TOLERANCE_M, Ground
from geo.coverage.ground import examine as _examine
from geo.coverage.parents import find_parents, nesting_faults
from geo.coverage.report import (
    DEFAULT_POLICY,
    DIVISION_POLICY,
    Kind,
    LevelReport,
    Policy,
    Report,
    Rows,
    Severity,
    finding,
    findings_frame,
    worst_first,
)
from geo.errors import CrsError, GeometryError
from geo.layers.cells import Area, as_area, labels_of
from geo.layers.columns import Level
from geo.layers.crs import WGS84, area_m2, to_metric
from geo.layers.division import Division
from geo.layers.files.reading import require_polygons
from geo.layers.transformers import transformer
from geo.texts import listed
from geo.wording import counted


@dataclass(frozen=True)
class LayerOptions:
    """Options of a check that have defaults.

    Attributes
    ----------
    policy
        How severe each kind of finding is.
    name
        Name of the layer in the report.
    parent_column
        Column of the cells that names their parent; by default ``parent``, otherwise parents are found by code or by place.
    crs
        Metric CRS in which areas and widths are measured and findings are given; by default that of the place of the cells.
    """

    policy: Policy = field(default_factory=lambda: DEFAULT_POLICY)
    name: str = "cells"
    parent_column: str | None = None
    crs: object = None


def check(
    cells: gpd.GeoDataFrame,
    *,
    outline: Area | None = None,
    parents: gpd.GeoDataFrame | None = None,
    expected: int | None = None,
    tolerance_m: float = TOLERANCE_M,
    allowed: Area | None = None,
    level: Level | None = None,
    options: LayerOptions = LayerOptions(),
) -> Report:
    """Check a layer of cells for gaps, overlaps, invalid polygons and nesting.

    Parameters
    ----------
    cells
        Polygons in any declared CRS; measured in the metric CRS of the place. Findings name cells by the column ``code``, or
        by the index if there is no such column.
    outline
        Area that the cells should cover and stay inside: a frame, or a geometry in the metric CRS of the place. Without it,
        gaps between cells are found but the outer border is not checked.
    parents
        Cells of the level above, with ``code``. The parent of each cell is determined by the rules of
        :func:`geo.coverage.parents.find_parents`; the report names the rule that was used.
    expected
        Expected number of cells.
    tolerance_m
        Faults narrower than this are only counted in the certificate, metres. It does not change the kind of a finding.
    allowed
        Area that may stay uncovered: enclaves of another street, water that no grid owns; given like `outline`.
    level
        Level of the cells; if given, codes must be well formed for it.
    options
        Severities, name of the layer, column of the parents.

    Returns
    -------
    Report

    Raises
    ------
    CrsError
        If no CRS is declared.
    GeometryError
        If there are no cells, or rows that are not polygons.

    Notes
    -----
    Cost: one sort of the vertices, then work on the cells at the rim and at faults only; one union if no outline is given.
    Unmatched vertices are suppressed where another finding explains them. Gaps and overlaps at the crossing of an invalid
    polygon are not listed either; the certificate counts them.
    """
    require_polygons(cells, options.name)
    if cells.empty:
        raise GeometryError(f"{options.name}: the layer has no cells")
    given_crs, cells = cells.crs, to_metric(cells, options.crs)
    crs = cells.crs
    labels = labels_of(cells)
    border = _in_crs_of_cells(outline, given_crs, crs, "outline")
    known = _in_crs_of_cells(allowed, given_crs, crs, "allowed ground")
    given = without_precision_grid(cells.geometry.array)
    layer = sound_layer(given)
    ground = _examine(layer, border, known, tolerance_m)
    rows = _polygon_faults(layer, labels)
    rows += [_row(place_kind, place, labels) for place_kind, place in ground.overlaps]
    rows += [
        {**_row(kind, place, labels), **({"severity": Severity.ALLOWED.value} if may_stay else {})}
        for kind, place, may_stay in ground.gaps
    ]
    rows += [_row(Kind.OUTSIDE_OUTLINE, place, labels) for place in ground.outside]
    rows += _unexplained(ground, rows, layer, labels, tolerance_m)
    shaped, hairs = _shapes(given, layer.valid, labels, tolerance_m)
    rows += shaped
    rows += code_faults(cells, level) + count_faults(cells, expected) + area_faults(cells, labels)
    rule = None
    if parents is not None:
        above = _sound_parents(to_metric(parents, crs))
        of = find_parents(cells, layer.shapes, above, options.parent_column)
        rule = of.rule
        rows += nesting_faults(layer.shapes, of, above, labels, tolerance_m)
    summary = LevelReport(
        layer=options.name,
        cells=len(cells),
        area_m2=_covered_m2(ground, border, crs),
        covered=None if border is None else 1 - ground.totals["uncovered_m2"] / border.area,
        overlap_m2=ground.totals["overlap_m2"],
        uncovered_m2=ground.totals["uncovered_m2"],
        outside_m2=ground.totals["outside_m2"],
        below_tolerance={**ground.fine, "parts": hairs},
        not_listed=ground.not_listed,
        parent_rule=rule,
        shapes=given,
    )
    areas = dict(zip(labels, shapely.area(layer.shapes).tolist(), strict=True)) if rows else {}
    return Report(findings_frame(rows, options.name, crs, options.policy, areas), (summary,), tolerance_m)


def _in_crs_of_cells(area: Area | None, given_crs: object, crs: object, name: str) -> shapely.Geometry | None:
    """One area in the metric CRS; a geometry without a frame is taken to be in the CRS of the input cells."""
    if isinstance(area, shapely.Geometry):
        as_area(area, given_crs, name)  # raises if it is not a polygon
        area = gpd.GeoSeries([area], crs=given_crs)
    return as_area(area, crs, name)


def _sound_parents(parents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The parents, with invalid geometries made valid."""
    parents = parents[~(parents.geometry.isna() | parents.geometry.is_empty)]
    shapes = without_precision_grid(parents.geometry.array)
    for i in np.flatnonzero(~shapely.is_valid(shapes)):
        shapes[i] = made_valid(shapes[i])
    return parents.set_geometry(gpd.GeoSeries(shapes, index=parents.index, crs=parents.crs))


def _covered_m2(ground: Ground, border: shapely.Geometry | None, crs: object) -> float:
    """Ellipsoidal area of the covered ground: its union, or the outline minus the gaps plus what lies outside."""
    if ground.union is not None:
        return float(area_m2(gpd.GeoSeries([ground.union], crs=crs))[0])
    whole = float(area_m2(gpd.GeoSeries([border], crs=crs))[0])
    apart = [*ground.uncovered_pieces, *ground.outside_pieces]
    if not apart:
        return whole
    areas = area_m2(gpd.GeoSeries(apart, crs=crs))
    return (
        whole - float(areas[: len(ground.uncovered_pieces)].sum()) + float(areas[len(ground.uncovered_pieces) :].sum())
    )


def check_division(
    division: Division,
    *,
    expected: Sequence[int] | None = None,
    tolerance_m: float = TOLERANCE_M,
    allowed: Area | None = None,
    policy: Policy = DIVISION_POLICY,
) -> Report:
    """Check the four layers of a division: each covers the street without overlap, and each lies in the one above.

    Parameters
    ----------
    division
        The division.
    expected
        Numbers of communities, second-level and third-level grids that there should be.
    tolerance_m, allowed, policy
        As for :func:`check`.

    Raises
    ------
    CrsError
        If coordinates lie beyond the range of the declared CRS. Cells that are merely far from the street are findings.
    """
    counts: list[int | None] = [1, *(expected or (None, None, None))]
    # One CRS for all levels: cells far from the street are faults, not another place.
    crs = to_metric(division.street).crs
    for level in Level:
        _require_on_earth(division.layer(level), level.layer)
    outline = as_area(division.street, division.crs, "street")
    known = as_area(allowed, division.crs, "allowed ground")
    reports = [
        check(
            division.layer(level),
            outline=outline,
            parents=None if level is Level.STREET else division.layer(Level(level - 1)),
            expected=counts[level],
            tolerance_m=tolerance_m,
            allowed=known,
            level=level,
            options=LayerOptions(policy=policy, name=level.layer, crs=crs),
        )
        for level in Level
    ]
    findings = gpd.GeoDataFrame(pd.concat([report.findings for report in reports], ignore_index=True), crs=crs)
    return Report(worst_first(findings), tuple(report.levels[0] for report in reports), tolerance_m)


def _require_on_earth(cells: gpd.GeoDataFrame, name: str) -> None:
    """Refuse cells whose coordinates lie beyond the range of their CRS."""
    bounds = shapely.bounds(np.asarray(cells.geometry.array, dtype=object))
    there = np.isfinite(bounds).all(axis=1)
    lon, lat = transformer(cells.crs, WGS84).transform(
        bounds[there][:, [0, 2]].ravel(), bounds[there][:, [1, 3]].ravel()
    )
    beyond = ~(np.isfinite(lon) & np.isfinite(lat)).reshape(-1, 2).all(axis=1)
    if beyond.any():
        labels = labels_of(cells[there][beyond])
        raise CrsError(
            f"{name}: {counted(len(labels), 'cell has', 'cells have')} coordinates beyond the range of the declared CRS "
            f"{cells.crs.to_string()} ({listed(labels).en}): declare the one that they are in, or mend the coordinates"
        )


def _polygon_faults(layer: SoundLayer, labels: list[Any]) -> Rows:
    """Missing, empty and invalid geometries."""
    rows = [finding(Kind.EMPTY_GEOMETRY, [labels[i]], None) for i in layer.empty]
    rows += [finding(Kind.INVALID_GEOMETRY, [labels[i]], None) for i in layer.not_finite]
    for i in layer.invalid:
        shape = layer.shapes[i]
        rows.append(finding(Kind.INVALID_GEOMETRY, [labels[i]], shape, width_m=width_m(shape)))
    return rows


def _unexplained(ground: Ground, rows: Rows, layer: SoundLayer, labels: list[Any], tolerance_m: float) -> Rows:
    """Unmatched vertices that do not lie at a fault that is listed, or at a crossing of an invalid polygon."""
    if not ground.unmatched:
        return []
    reach = 10 * max(tolerance_m, TOLERANCE_M)
    listed = [
        row["geometry"].buffer(reach)
        for row in rows
        if row["geometry"] is not None and row["kind"] != Kind.INVALID_GEOMETRY
    ]
    held = [place.geometry.buffer(reach) for place in ground.held_back]
    explained = shapely.union_all([*listed, *held, *shapely.buffer(layer.defects.points, reach)])
    result = []
    for place in ground.unmatched:
        rest = shapely.difference(place.geometry, explained)
        if not rest.is_empty:
            result.append(_row(Kind.UNMATCHED_EDGE, place._replace(geometry=rest), labels))
    return result


def _shapes(
    given: npt.NDArray[np.object_], valid: npt.NDArray[np.bool_], labels: list[Any], tolerance_m: float
) -> tuple[Rows, int]:
    """Valid cells in several parts, and cells that surround others; and the number of parts too narrow to be reported."""
    rows: Rows = []
    hairs = 0
    for i in np.flatnonzero((shapely.get_num_geometries(given) > 1) & valid):
        for part, corner in faults.minor_parts(given[i]):
            place = Place(part, [int(i)], float(part.area), width_m(part))
            if place.width_m > tolerance_m:
                rows.append(_row(Kind.CORNER_CONTACT if corner else Kind.DETACHED_PART, place, labels))
            else:
                hairs += 1
    sound = np.where(valid, given, shapely.Polygon())
    return rows + [_row(Kind.RING_SHAPED, place, labels) for place in faults.enclosing_cells(sound)], hairs


def _row(kind: Kind, place: Place, labels: list[Any]) -> dict[str, Any]:
    cells = [labels[c] for c in place.cells]
    return finding(kind, cells, place.geometry, width_m=place.width_m)
