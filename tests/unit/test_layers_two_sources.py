"""Boundaries digitised independently by two sources: the datum is derived from their common area, or not at all."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree

from geo.layers import detect_datum, to_datum
from geo.layers.alignment.overlap import edge_surface


def blob(rng: np.random.Generator, radius_m: float) -> shapely.Polygon:
    """A district with an irregular outline and details down to 50 m, near Nanjing."""
    turn = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    radius = np.full(len(turn), 1.0)
    for k in range(1, 40):
        radius += rng.normal(0, 0.25 / k**1.3) * np.sin(k * turn + rng.uniform(0, 7))
    radius = radius_m * np.clip(radius, 0.35, None)
    return shapely.Polygon(np.column_stack([390000 + radius * np.cos(turn), 3550000 + radius * np.sin(turn)])).buffer(0)


def redrawn(shape: shapely.Polygon, rng: np.random.Generator, *, off_m: float, thin_m: float) -> shapely.Polygon:
    """The same district by another source: simplified, and with an autocorrelated error."""
    corners = shapely.get_coordinates(shapely.segmentize(shapely.simplify(shape, thin_m), 400.0))[:-1]
    wander = np.cumsum(rng.normal(0, 1, (len(corners), 2)), axis=0)
    wander -= np.linspace(0, 1, len(wander))[:, None] * wander[-1]
    wander += rng.normal(0, 0.6, wander.shape) * wander.std()
    drawn = shapely.Polygon(corners + off_m * (wander - wander.mean(axis=0)) / wander.std()).buffer(0)
    return max(shapely.get_parts(drawn), key=lambda part: part.area)


def pair(seed: int, *, radius_m: float = 6000, off_m: float = 90, datum: str = "GCJ-02", move_m: float = 0.0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    true = blob(rng, radius_m)
    one = gpd.GeoDataFrame(geometry=[redrawn(true, rng, off_m=off_m, thin_m=60)], crs=4549).translate(move_m, 0)
    other = gpd.GeoDataFrame(geometry=[redrawn(true, rng, off_m=off_m / 3, thin_m=120)], crs=4549).to_crs(4326)
    layer = gpd.GeoDataFrame(geometry=one, crs=4549).to_crs(4326)
    return (to_datum(layer, "WGS-84", datum) if datum != "WGS-84" else layer), other


KEYS = {"GCJ-02": "gcj02_as_wgs84", "BD-09": "bd09_as_wgs84", "WGS-84": "none"}


@pytest.mark.parametrize(("seed", "datum"), [(1, "GCJ-02"), (2, "GCJ-02"), (3, "WGS-84"), (4, "BD-09")])
def test_the_datum_of_a_boundary_that_another_maker_drew(seed: int, datum: str) -> None:
    layer, reference = pair(seed, datum=datum)
    found = detect_datum(layer, reference)
    assert (found.cause, found.evidence) == (KEYS[datum], "overlap")
    assert found.confidence > 0.5
    # Slow twin: area in only one of the two, with plain shapely.
    true = reference.to_crs(4549).geometry.iloc[0]
    left = {
        name: layer.pipe(to_datum, name, "WGS-84").to_crs(4549).geometry.iloc[0].symmetric_difference(true).area
        for name in KEYS
    }
    assert min(left, key=left.get) == datum


def test_sources_that_agree_too_little_are_said_to() -> None:
    layer, reference = pair(5, off_m=420, radius_m=1500)
    found = detect_datum(layer, reference)
    assert found.status == "unknown"
    assert "agree" in found.en


@pytest.mark.parametrize("seed", [6, 7])
def test_a_shift_that_is_no_datum_is_not_taken_for_one(seed: int) -> None:
    layer, reference = pair(seed, datum="WGS-84", move_m=270)
    assert detect_datum(layer, reference).cause in ("unknown", "constant")


@pytest.mark.parametrize("name", ["江宁区", "雨花台区", "建邺区"])
def test_districts_of_two_makers(shared_data: Path, name: str) -> None:
    both = [gpd.read_file(shared_data / "two-sources-nanjing" / f"{datum}.geojson") for datum in ("gcj02", "wgs84")]
    layer, reference = (districts[districts["name"] == name] for districts in both)
    assert detect_datum(layer, reference).cause == "gcj02_as_wgs84"
    assert detect_datum(reference, reference).status == "none"


def test_the_edges_of_a_large_district_are_scored_in_its_fullest_part() -> None:
    turn = np.linspace(0, 2 * np.pi, 5000)
    ring = np.column_stack([390000 + 20000 * np.cos(turn), 3550000 + 20000 * np.sin(turn)])
    surface = edge_surface(ring, cKDTree(ring))
    assert surface.best().tolist() == [0.0, 0.0]
