"""The check of a layer, and of a whole division."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.attributes import Rows, area_faults, code_faults, count_faults, nesting_faults
from geo.coverage.edges import Network, Rim, invalid_with_neighbours, without_precision_grid
from geo.coverage.faults import Place, polygons_of, width_m
from geo.coverage.report import (
    DEFAULT_POLICY,
    DIVISION_POLICY,
    Kind,
    LevelReport,
    Policy,
    Report,
    Severity,
    finding,
    findings_frame,
    worst_first,
)
from geo.errors import GeometryError
from geo.layers.columns import CODE, Level
from geo.layers.crs import area_m2, to_metric
from geo.layers.division import Division
from geo.layers.files.reading import require_polygons

#: Faults narrower than this are rounding, not findings: the unit of the lattice.
TOLERANCE_M = 0.001

#: A gap narrower than this is called a sliver: no body or path fits in it, so it is not meant.
SLIVER_M = 0.5

# A bare piece at the outline is an inlet if it reaches this far in, as a share of the width in which it opens: half a disc
# does, a strip along the outline does not. A missing cell may reach as far, but touches three cells or more; what reaches in
# farther than that times its opening is an inlet whatever it touches.
_INLET_DEPTH = 0.4
_INLET_DEPTH_OF_MANY = 3.0


def check(
    cells: gpd.GeoDataFrame,
    *,
    outline: gpd.GeoDataFrame | None = None,
    parents: gpd.GeoDataFrame | None = None,
    expected: int | None = None,
    tolerance_m: float = TOLERANCE_M,
    allowed: gpd.GeoDataFrame | None = None,
    policy: Policy = DEFAULT_POLICY,
    level: Level | None = None,
    name: str = "cells",
) -> Report:
    """Check a layer of cells: does it cover, does it overlap, does it nest.

    Parameters
    ----------
    cells
        Polygons in any declared CRS; measured in the metric CRS of the place. A column ``code`` names them in the findings,
        else the index does.
    outline
        Area that the cells should cover and keep inside. Without it, holes between cells are found and nothing is said of
        the outer border.
    parents
        Cells of the level above, with ``code``. Which is whose parent is told by the column ``parent``, else by the beginning
        of the code, else by place.
    expected
        Number of cells that there should be.
    tolerance_m
        Faults narrower than this are no findings, metres; the certificate counts them.
    allowed
        Ground that may stay bare: enclaves of another street, water that no grid owns.
    policy
        How severe each kind of finding is.
    level
        Level of the cells; if given, codes must be well formed for it.
    name
        Name of the layer in the report.

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
    Cost: a sort of the vertices, one union, and work on the cells at the rim and at faults only. Unmatched vertices, and gaps
    and overlaps that an invalid polygon explains, are not told beside the fault that they come from.
    """
    require_polygons(cells, name)
    if cells.empty:
        raise GeometryError(f"{name}: the layer has no cells")
    cells = to_metric(cells)
    labels = cells[CODE].tolist() if CODE in cells else cells.index.tolist()
    border = None if outline is None else shapely.union_all(to_metric(outline, cells.crs).geometry.array)
    known = None if allowed is None else shapely.union_all(to_metric(allowed, cells.crs).geometry.array)
    given = without_precision_grid(cells.geometry.array)
    valid = shapely.is_valid(given)
    shapes, rows, blurred = _sound(given, valid, labels)
    # Edges that run along the outline with its vertices are answered by it.
    network = Network.of(shapes, border)
    edge = Rim.among(network, len(shapes))
    invalid = invalid_with_neighbours(shapes, edge.cells)
    lonely = faults.unmatched_vertices(shapes, edge, tolerance_m)
    shared = faults.overlaps(shapes, invalid, tolerance_m)
    among = [c for place in [*lonely, *shared] for c in place.cells]
    ground = faults.covered_ground(shapes, np.union1d(invalid, among).astype(np.intp))

    doubled, fine_overlaps = _by_width(shared, tolerance_m)
    pieces, far = (
        (faults.holes(ground), []) if border is None else faults.uncovered_and_outside(shapes, network, border)
    )
    bare, fine_gaps = _by_width([_piece(p, tolerance_m) for p in pieces], tolerance_m)
    outside = faults.reaching_into(shapes, [p for p in far if width_m(p) > tolerance_m], tolerance_m)
    rows += [_overlap(place, shapes, labels, tolerance_m) for place in doubled if not _within(place, blurred)]
    rows += _bare([place for place in bare if not _within(place, blurred)], shapes, border, known, labels, tolerance_m)
    rows += [_row(Kind.OUTSIDE_OUTLINE, place, labels) for place in outside if not _within(place, blurred)]
    rows += _unexplained(lonely, rows, labels, tolerance_m)
    shaped, hairs = _shapes(given, valid, labels, tolerance_m)
    rows += shaped
    rows += code_faults(cells, level) + count_faults(cells, expected) + area_faults(cells, labels)
    if parents is not None:
        rows += nesting_faults(cells, shapes, to_metric(parents, cells.crs), labels, tolerance_m)

    open_m2 = sum(row["area_m2"] for row in rows if row["kind"] in _BARE and row.get("severity") != Severity.ALLOWED)
    summary = LevelReport(
        layer=name,
        cells=len(cells),
        area_m2=float(area_m2(gpd.GeoSeries([ground], crs=cells.crs))[0]),
        covered=None if border is None else 1 - open_m2 / border.area,
        overlap_m2=sum(place.area_m2 for place in doubled),
        uncovered_m2=open_m2,
        outside_m2=sum(place.area_m2 for place in outside),
        below_tolerance={
            "overlaps": len(fine_overlaps),
            "overlap_m2": sum(place.area_m2 for place in fine_overlaps),
            "gaps": len(fine_gaps),
            "gap_m2": sum(place.area_m2 for place in fine_gaps),
            "parts": hairs,
        },
        geometry_hash=hashlib.sha256(b"".join(w or b"" for w in shapely.to_wkb(given).tolist())).hexdigest(),
    )
    return Report(findings_frame(rows, name, cells.crs, policy), (summary,), tolerance_m)


_BARE = (Kind.GAP, Kind.SLIVER, Kind.INLET, Kind.OUTLINE_UNCOVERED)


def check_division(
    division: Division,
    *,
    expected: Sequence[int] | None = None,
    tolerance_m: float = TOLERANCE_M,
    allowed: gpd.GeoDataFrame | None = None,
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
    """
    counts: list[int | None] = [1, *(expected or (None, None, None))]
    reports = [
        check(
            division.layer(level),
            outline=division.street,
            parents=None if level is Level.STREET else division.layer(Level(level - 1)),
            expected=counts[level],
            tolerance_m=tolerance_m,
            allowed=allowed,
            policy=policy,
            level=level,
            name=level.layer,
        )
        for level in Level
    ]
    findings = gpd.GeoDataFrame(pd.concat([report.findings for report in reports], ignore_index=True), crs=division.crs)
    return Report(worst_first(findings), tuple(report.levels[0] for report in reports), tolerance_m)


def _sound(
    given: npt.NDArray[np.object_], valid: npt.NDArray[np.bool_], labels: list[Any]
) -> tuple[npt.NDArray[np.object_], Rows, list[shapely.Geometry]]:
    """Tell missing, empty and invalid geometries, and put in their place what can be worked on.

    Returns also the hulls of invalid polygons: what is found inside one is its doing.
    """
    shapes = given.copy()
    gone = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    endless = ~gone & ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    invalid = ~gone & ~endless & ~valid
    rows = [finding(Kind.EMPTY_GEOMETRY, [labels[i]], None) for i in np.flatnonzero(gone)]
    rows += [finding(Kind.INVALID_GEOMETRY, [labels[i]], None) for i in np.flatnonzero(endless)]
    shapes[gone | endless] = shapely.Polygon()
    hulls = []
    for i in np.flatnonzero(invalid):
        shapes[i] = faults.polygonal(shapely.make_valid(given[i]))
        rows.append(_row(Kind.INVALID_GEOMETRY, _piece(shapes[i])._replace(cells=[int(i)]), labels))
        hulls.append(shapely.convex_hull(given[i]).buffer(TOLERANCE_M))
    return shapes, rows, hulls


def _piece(ground: shapely.Geometry, tolerance_m: float = 0.0) -> Place:
    core = faults.without_hairlines(ground, tolerance_m)
    return Place(core, [], float(ground.area), width_m(core))


def _by_width(places: list[Place], tolerance_m: float) -> tuple[list[Place], list[Place]]:
    """Places wider than the tolerance, and the others."""
    return (
        [place for place in places if place.width_m > tolerance_m],
        [place for place in places if place.width_m <= tolerance_m],
    )


def _within(place: Place, hulls: list[shapely.Geometry]) -> bool:
    return any(hull.covers(place.geometry) for hull in hulls)


def _overlap(place: Place, shapes: npt.NDArray[np.object_], labels: list[Any], tolerance_m: float) -> dict[str, Any]:
    rest = max(shapes[c].area - place.area_m2 for c in place.cells)
    same = rest <= tolerance_m * place.geometry.length
    return _row(Kind.DUPLICATE_POLYGON if same else Kind.OVERLAP, place, labels)


def _bare(
    places: list[Place],
    shapes: npt.NDArray[np.object_],
    border: shapely.Geometry | None,
    declared: shapely.Geometry | None,
    labels: list[Any],
    tolerance_m: float,
) -> Rows:
    """Ground without a cell: inside it is a gap or a sliver, at the outline it is said so; what is declared is allowed."""
    if not places:
        return []
    tree = shapely.STRtree(shapes)
    edge = None if border is None else shapely.boundary(border).buffer(tolerance_m)
    rows = []
    for place in places:
        beside = [labels[i] for i in np.sort(tree.query(place.geometry, predicate="dwithin", distance=tolerance_m))]
        kind = _bare_kind(place, edge, len(beside), tolerance_m)
        known = None if declared is None else shapely.intersection(place.geometry, declared)
        if known is None or known.is_empty:
            rows.append(finding(kind, beside, place.geometry, area_m2=place.area_m2, width_m=place.width_m))
            continue
        told = finding(kind, beside, known, area_m2=float(known.area), width_m=width_m(known))
        rows.append({**told, "severity": Severity.ALLOWED.value})
        rows += [
            finding(kind, beside, part, area_m2=float(part.area), width_m=width_m(part))
            for part in polygons_of(shapely.difference(place.geometry, known))
            if width_m(part) > tolerance_m
        ]
    return rows


def _bare_kind(place: Place, edge: shapely.Geometry | None, n_beside: int, tolerance_m: float) -> Kind:
    rim_of = shapely.get_exterior_ring(max(polygons_of(place.geometry), key=lambda part: part.area))
    opening = shapely.LineString() if edge is None else shapely.intersection(rim_of, edge)
    if opening.length > 4 * tolerance_m:
        depth = float(shapely.distance(shapely.points(shapely.get_coordinates(rim_of)), opening).max())
        least = _INLET_DEPTH if n_beside <= 2 else _INLET_DEPTH_OF_MANY
        return Kind.INLET if depth > least * opening.length else Kind.OUTLINE_UNCOVERED
    return Kind.SLIVER if place.width_m < SLIVER_M else Kind.GAP


def _unexplained(places: list[Place], rows: Rows, labels: list[Any], tolerance_m: float) -> Rows:
    """Unmatched vertices that do not lie at a fault already told, which would explain them."""
    if not places:
        return []
    told = [row["geometry"].buffer(10 * tolerance_m) for row in rows if row["geometry"] is not None]
    explained = shapely.union_all(told)
    result = []
    for place in places:
        rest = shapely.difference(place.geometry, explained)
        if not rest.is_empty:
            result.append(_row(Kind.UNMATCHED_EDGE, place._replace(geometry=rest), labels))
    return result


def _shapes(
    given: npt.NDArray[np.object_], valid: npt.NDArray[np.bool_], labels: list[Any], tolerance_m: float
) -> tuple[Rows, int]:
    """Valid cells in several parts, and cells that lie round others; and the number of parts too narrow to be told."""
    rows: Rows = []
    hairs = 0
    for i in np.flatnonzero((shapely.get_num_geometries(given) > 1) & valid):
        for part, corner in faults.minor_parts(given[i]):
            place = _piece(part)._replace(cells=[int(i)])
            if place.width_m > tolerance_m:
                rows.append(_row(Kind.CORNER_CONTACT if corner else Kind.DETACHED_PART, place, labels))
            else:
                hairs += 1
    sound = np.where(valid, given, shapely.Polygon())
    return rows + [_row(Kind.RING_SHAPED, place, labels) for place in faults.enclosing_cells(sound)], hairs


def _row(kind: Kind, place: Place, labels: list[Any]) -> dict[str, Any]:
    cells = [labels[c] for c in place.cells]
    return finding(kind, cells, place.geometry, area_m2=place.area_m2, width_m=place.width_m)
