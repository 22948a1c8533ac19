"""Detects a systematic shift of a layer against a reference, with its size, direction and likely cause.

Every move of up to 2 km is scored by how well the moved layer fits the lines of the reference (roads, borders) and its
polygons. A clear peak is the shift; the known mistakes of datum and zone are then evaluated exactly, and the one that
explains the peak is named. If no move stands out, or several known mistakes fit equally well, the result is ``unknown``.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.errors import GeometryError
from geo.layers.alignment.agreement import CLEARLY_LESS, Agreement, compare
from geo.layers.alignment.edge_evidence import FEWEST, Backward, Forward, Peak, Samples, find_peak, finite, median_move
from geo.layers.alignment.known_shifts import NONE, Mistake, datum_mistakes, zone_mistakes
from geo.layers.alignment.overlap import (
    MOST_SAMPLES,
    MOST_TARGETS,
    REACH_M,
    Reference,
    Surface,
    area_surface,
    edge_surface,
)
from geo.layers.alignment.shift import Shift, constant_shift, explained_shift, unknown_shift
from geo.layers.crs import lon_lat, metric_crs, require_crs, to_metric

FloatArray = npt.NDArray[np.float64]

# A peak of the edge score stands out if it exceeds the best score 60 m or more away by this share of its height over the mean.
# On real layers true peaks have 0.38 to 0.62, false ones at most 0.06.
_CONTRAST, _CLEAR = 0.2, 0.4
# Minimum share of points in polygons, at the best move, for area to count as evidence; standard errors that make a move worse.
_INSIDE, _WORSE = 0.9, 2.5
# Beyond this distance the layers do not touch, and only mistakes of the zone are tested.
_FAR_M = 5000.0


def detect_datum(layer: gpd.GeoDataFrame | gpd.GeoSeries, reference: gpd.GeoDataFrame | gpd.GeoSeries) -> Shift:
    """Determine whether a layer is shifted against a reference, by how much, in which direction, and why.

    Parameters
    ----------
    layer
        Points, lines or polygons with a CRS, whose datum is in doubt.
    reference
        Polygons or lines of the same place that are known to be right (WGS-84 or CGCS2000), in any CRS. Roads, or cells of
        any level. The layers may overlap in part, and need not show the same things: points along roads, or spread over the
        polygons, are enough.

    Returns
    -------
    Shift

    Raises
    ------
    CrsError
        If a CRS is missing.
    GeometryError
        If either has no geometries.

    Notes
    -----
    About 1 s for a street. Known limits: with polygons only, points that stay far from the outline are no evidence, and the
    shift is known to some tens of metres. Shifts below about 3 m cannot be distinguished from none. A move in the direction
    of parallel lines cannot be detected.
    """
    given, known = _located(layer, "layer"), _located(reference, "reference")
    ground = to_metric(gpd.GeoDataFrame(geometry=known[~(known.isna() | known.is_empty)]))
    place = CRS.from_user_input(ground.crs)
    degrees = lon_lat(given[~(given.isna() | given.is_empty)])
    if degrees.empty or ground.empty:
        raise GeometryError("a layer and a reference with geometries are needed to detect a shift")
    centre = degrees.total_bounds.reshape(2, 2).mean(axis=0)
    local = lon_lat(ground.geometry).total_bounds.reshape(2, 2).mean(axis=0)
    samples = Samples.of(degrees, metric_crs(*local), place, MOST_SAMPLES)
    if samples.count < FEWEST:
        return unknown_shift(f"少于 {FEWEST} 个点", f"fewer than {FEWEST} points", [], "none")
    dense = None if samples.are_points else Samples.of(degrees, metric_crs(*local), place, MOST_TARGETS)
    zones = list(zone_mistakes(CRS.from_user_input(given.crs), *map(float, centre)))
    away = _gap_m(samples.moved(NONE), ground)
    if away > _FAR_M:
        return _from_afar(samples, dense, ground, zones, away)
    return _nearby(samples, dense, ground, [NONE, *datum_mistakes(), *zones], degrees=degrees)


def _located(layer: gpd.GeoDataFrame | gpd.GeoSeries, name: str) -> gpd.GeoSeries:
    """Geometries of an argument, which must be a frame or a series that declares its CRS."""
    require_crs(layer, name)
    return gpd.GeoSeries(layer.geometry)


def _gap_m(xy: FloatArray, ground: gpd.GeoDataFrame) -> float:
    """Distance between the middle half of the points and the bounds of a layer."""
    low, high = np.nanquantile(xy, 0.25, axis=0), np.nanquantile(xy, 0.75, axis=0)
    return float(shapely.box(*low, *high).distance(shapely.box(*ground.total_bounds)))


def _from_afar(
    samples: Samples, dense: Samples | None, ground: gpd.GeoDataFrame, zones: list[Mistake], away_m: float
) -> Shift:
    """Find the mistake of zone that explains a layer far from the reference."""
    near = [cause for cause in zones if _gap_m(samples.moved(cause), ground) == 0.0]
    table = _table(samples, None, near)
    tried = [(cause, _nearby(samples, dense, ground, near, base=cause)) for cause in near]
    exact = [(cause, found) for cause, found in tried if found.status == "none"]
    if exact:
        cause, found = max(exact, key=lambda pair: pair[1].confidence)
        uncertainty, confidence, evidence = found.uncertainty_m, found.confidence, found.evidence
    elif len(near) == 1:
        cause, found = tried[0]
        uncertainty, confidence, evidence = _FAR_M, 0.6, "distance"
    else:
        km, names = away_m / 1000, ", ".join(cause.key for cause in near) or "–"
        zh, en = f"与参照图层相距 {km:,.0f} 千米（{names}）", f"it lies {km:,.0f} km from the reference ({names})"
        return unknown_shift(zh, en, table, "distance")
    return explained_shift(cause, samples.offset_of(cause), uncertainty, confidence, evidence, found.residual_m, table)


def _nearby(
    samples: Samples,
    dense: Samples | None,
    ground: gpd.GeoDataFrame,
    causes: list[Mistake],
    base: Mistake = NONE,
    degrees: gpd.GeoSeries | None = None,
) -> Shift:
    """Find a shift within reach; `base` is the correction already applied, `degrees` the layer if areas are compared."""
    xy = finite(samples.moved(base))
    bounds = np.r_[xy.min(axis=0), xy.max(axis=0)]
    reference = Reference.of(ground.geometry, bounds)
    if reference.tree is None:
        return unknown_shift("附近没有参照要素", "no feature of the reference is near", [], "none")
    within = [c for c in causes if np.hypot(*median_move(samples, c, base)) <= REACH_M]
    table = _table(samples, reference, within)
    best = find_peak(Forward(edge_surface(xy, reference.tree), samples, base, reference), samples, within, base)
    if dense is not None and best.contrast < _CLEAR:
        turned = [find_peak(fit, samples, within, base) for fit in Backward.of(dense, base, ground)]
        best = max([best, *turned], key=lambda peak: peak.contrast)
    agreed = None
    if degrees is not None and best.contrast < _CLEAR:
        agreed = compare(degrees, ground.geometry, samples, within)
    if agreed is not None and agreed.mistake is not None:
        return _by_agreement(agreed, agreed.mistake, samples, base, table)
    if best.contrast >= _CONTRAST and not _contradicted(best, agreed):
        return _by_edges(best, samples, base, table)
    if agreed is not None:
        share, percent = f"{agreed.boundary_distance_m:.0f}", f"{agreed.shared:.0%}"
        names = ", ".join(mistake.key for mistake in agreed.ranked[:2])
        return unknown_shift(
            f"两个来源吻合太少：公共部分 {percent}，边界平均相距 {share} 米，{names} 难以区分",
            f"the two sources agree too little: they share {percent} of their ground, their borders lie {share} m apart on "
            f"average, and {names} cannot be told apart",
            table,
            "overlap",
        )
    if samples.are_points and reference.area is not None:
        area = area_surface(xy, reference.area)
        if area.score.max() >= _INSIDE:
            return _by_area(samples, reference, area, within, base, table)
    return unknown_shift(
        "任何平移都不能使两个图层明显吻合", "no move makes the two layers agree clearly", table, "none"
    )


def _contradicted(peak: Peak, agreed: Agreement | None) -> bool:
    """Whether the areas contradict the edges, even without clear evidence for another explanation."""
    return agreed is not None and peak.cause is not None and peak.cause is not agreed.ranked[0]


def _by_agreement(agreed: Agreement, mistake: Mistake, samples: Samples, base: Mistake, table: pd.DataFrame) -> Shift:
    confidence = float(np.clip(0.5 + (CLEARLY_LESS - agreed.ratio), 0.5, 0.95))
    apart = agreed.boundary_distance_m
    return explained_shift(
        mistake, samples.offset_of(mistake), apart, confidence, "overlap", apart, table, settled=base
    )


def _by_edges(peak: Peak, samples: Samples, base: Mistake, table: pd.DataFrame) -> Shift:
    confidence = float(np.clip(0.5 + 0.5 * (peak.contrast - _CONTRAST) / (_CLEAR - _CONTRAST), 0.5, 0.99))
    left = peak.match.distances_moved(peak.move) if peak.cause is None else peak.match.distances(peak.cause)
    residual = float(np.median(left))
    if peak.cause is None:
        return constant_shift(peak.move, 1.0 + residual, confidence, "edges", residual, table)
    return explained_shift(
        peak.cause, samples.offset_of(peak.cause), 1.0 + residual, confidence, "edges", residual, table, settled=base
    )


def _by_area(
    samples: Samples, reference: Reference, area: Surface, causes: list[Mistake], base: Mistake, table: pd.DataFrame
) -> Shift:
    count = samples.count
    outside_best = count * (1.0 - float(area.score.max()))
    outside = count * (1.0 - area.score)
    plateau = area.moves((outside - outside_best) <= _WORSE * np.sqrt(outside + outside_best + 1.0))
    centre = plateau.mean(axis=0)
    radius = float(np.hypot(*(plateau - centre).T).max()) + 8.0
    worse = {}
    for cause in causes:
        out = count * (1.0 - float(reference.covers(finite(samples.moved(cause))).mean()))
        worse[cause.key] = (out - outside_best) / np.sqrt(out + outside_best + 1.0)
    fitting = [cause for cause in causes if worse[cause.key] <= _WORSE]
    if np.abs(plateau).max() >= REACH_M - 20.0 or len(fitting) > 1:
        names = ", ".join(cause.key for cause in fitting) or "–"
        return unknown_shift(
            f"多种情形同样吻合（{names}）", f"several explanations fit equally well ({names})", table, "area"
        )
    second = min([w for key, w in worse.items() if not fitting or key != fitting[0].key], default=2 * _WORSE)
    confidence = float(np.clip(0.5 + 0.1 * (second - _WORSE), 0.5, 0.95))
    if fitting:
        residual = float("nan")
        return explained_shift(
            fitting[0], samples.offset_of(fitting[0]), radius, confidence, "area", residual, table, settled=base
        )
    if np.hypot(*centre) <= radius:
        return unknown_shift("偏移小于可辨别的范围", "the shift is too small to be detected", table, "area")
    return constant_shift(centre, radius, confidence, "area", float("nan"), table)


def _table(samples: Samples, reference: Reference | None, causes: list[Mistake]) -> pd.DataFrame:
    rows = []
    for cause in causes:
        distance, azimuth = samples.offset_of(cause)
        xy = finite(samples.moved(cause))
        edges = float("nan") if reference is None else reference.edge_score(xy)
        inside = float("nan") if reference is None or reference.area is None else float(reference.covers(xy).mean())
        rows.append({"cause": cause.key, "shift_m": distance, "azimuth_deg": azimuth, "edges": edges, "inside": inside})
    columns = ["cause", "shift_m", "azimuth_deg", "edges", "inside"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["edges", "inside"], ascending=False, kind="stable", ignore_index=True)
