"""A systematic shift is reported with size, direction and cause, or as undecidable."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CrsError, GeometryError
from geo.layers import Shift, detect_datum, to_datum

RNG = np.random.default_rng(20)


def _roads() -> gpd.GeoDataFrame:
    """Two dozen winding roads over 3 km."""
    lines = []
    for k in range(24):
        along = np.linspace(0, 3000, 60)
        across = RNG.uniform(0, 3000) + np.cumsum(RNG.normal(0, 25, 60))
        xy = np.column_stack([along, across] if k % 2 else [across, along])
        lines.append(shapely.LineString(xy + np.array([387000, 3553000])))
    return gpd.GeoDataFrame(geometry=lines, crs=4549)


ROADS = _roads()
BLOCKS = gpd.GeoDataFrame(geometry=list(shapely.polygonize(shapely.get_parts(ROADS.union_all())).geoms), crs=4549)
STREET = gpd.GeoDataFrame(
    geometry=[
        shapely.Polygon([(387000, 3553000), (390500, 3552500), (391000, 3555000), (389000, 3556500), (386500, 3555500)])
    ],
    crs=4549,
)


def along_roads(n: int) -> gpd.GeoDataFrame:
    where = RNG.uniform(0, 1, n)
    points = [ROADS.geometry.iloc[k % len(ROADS)].interpolate(w, normalized=True) for k, w in enumerate(where)]
    noise = RNG.normal(0, 8, (n, 2))
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*(shapely.get_coordinates(points) + noise).T), crs=4549)


def spread(n: int, around: shapely.Geometry) -> gpd.GeoDataFrame:
    west, south, east, north = around.bounds
    xy = RNG.uniform((west, south), (east, north), (20 * n, 2))
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy[shapely.contains_xy(around, xy)][:n].T), crs=4549)


def moved(east_m: float, north_m: float) -> Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]:
    return lambda frame: frame.set_geometry(frame.translate(east_m, north_m))


def read_in(crs: int, declared: int) -> Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]:
    return lambda frame: frame.to_crs(crs).set_crs(declared, allow_override=True)


MISTAKES: dict[str, tuple[Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame], str, float, float]] = {
    "none": (lambda f: f, "none", 0.0, 0.0),
    "GCJ-02": (lambda f: to_datum(f, "WGS-84", "GCJ-02"), "gcj02_as_wgs84", 540, 116),
    "BD-09": (lambda f: to_datum(f, "WGS-84", "BD-09"), "bd09_as_wgs84", 1180, 68),
    "reverse": (lambda f: to_datum(f, "GCJ-02", "WGS-84"), "wgs84_as_gcj02", 540, 296),
    "BD-09 as GCJ-02": (
        lambda f: to_datum(to_datum(f, "WGS-84", "BD-09"), "GCJ-02", "WGS-84"),
        "bd09_as_gcj02",
        912,
        42,
    ),
    "zone": (read_in(4548, 4549), "zone_4548", 283_000, 91),
    "UTM": (read_in(32650, 4548), "zone_32650", 1421, 182),
}

LAYERS: dict[str, tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]] = {
    "300 points along roads": (along_roads(300), ROADS),
    "300 points along roads against blocks": (along_roads(300), BLOCKS),
    "blocks, half of them, against all": (BLOCKS.iloc[::2], BLOCKS),
    "blocks against roads": (BLOCKS, ROADS),
    "400 points over the street": (spread(400, STREET.geometry[0]), STREET),
}


def azimuths_differ(one: float, two: float) -> float:
    return abs((one - two + 180) % 360 - 180)


# All errors on the first layer, the most frequent one on the others.
FREQUENT = ("GCJ-02",)
CASES = [(n, m) for k, n in enumerate(LAYERS) for m in MISTAKES if k == 0 or m in FREQUENT]


@pytest.mark.parametrize(("name", "mistake"), CASES)
def test_known_mistakes_are_named(name: str, mistake: str) -> None:
    layer, reference = LAYERS[name]
    make, cause, shift_m, azimuth = MISTAKES[mistake]
    found = detect_datum(make(layer), reference)
    assert (found.cause, found.status) == (cause, "none" if cause == "none" else "shifted")
    assert found.shift_m == pytest.approx(shift_m, rel=0.03, abs=1)
    assert cause == "none" or azimuths_differ(found.azimuth_deg, azimuth) < 5
    assert found.confidence >= 0.5
    assert "\n" not in found.zh + found.en


@pytest.mark.parametrize(("east_m", "north_m"), [(-120, 45), (8, 0)])
def test_any_other_shift_is_measured(east_m: float, north_m: float) -> None:
    found = detect_datum(moved(east_m, north_m)(BLOCKS), ROADS)
    assert (found.status, found.cause, found.datum) == ("shifted", "constant", None)
    assert found.shift_m == pytest.approx(np.hypot(east_m, north_m), abs=1.5)
    assert azimuths_differ(found.azimuth_deg, np.degrees(np.arctan2(east_m, north_m))) < 3


def test_words_and_remedy() -> None:
    found = detect_datum(to_datum(along_roads(400), "WGS-84", "GCJ-02"), ROADS)
    assert found.direction == "东南偏东 ESE"
    assert found.remedy == "--from-datum GCJ-02 --to-datum WGS-84"
    assert found.datum == "GCJ-02"
    assert "向东南偏东偏移 54" in found.zh
    assert "GCJ-02 coordinates taken for WGS-84" in found.en
    assert found.to_dict()["datum"] == "GCJ-02"
    assert found.candidates["cause"][0] == "gcj02_as_wgs84"


def unknown(found: Shift) -> bool:
    return found.status == "unknown" and found.datum is None and np.isnan(found.shift_m) and "无法判断" in found.zh


def test_what_cannot_be_told_is_not_told() -> None:
    middle = spread(300, STREET.geometry[0].centroid.buffer(400))
    assert unknown(detect_datum(middle, STREET))  # Matches at any place.
    wide = spread(600, STREET.geometry[0].buffer(1500))
    assert unknown(detect_datum(wide, STREET))  # Extends beyond on all sides.
    assert unknown(detect_datum(along_roads(20), ROADS))  # too few
    assert unknown(detect_datum(moved(50_000, 0)(BLOCKS), ROADS))  # Far away, and not an error of zone.
    grid = [
        shapely.box(387000 + 100 * i, 3553000 + 100 * j, 387100 + 100 * i, 3553100 + 100 * j)
        for i in range(12)
        for j in range(12)
    ]
    checkers = gpd.GeoDataFrame(geometry=grid, crs=4549)
    assert unknown(detect_datum(checkers, checkers))  # Periodic every 100 m.


def test_arguments() -> None:
    with pytest.raises(GeometryError, match="needed"):
        detect_datum(gpd.GeoDataFrame(geometry=[None], crs=4549), ROADS)
    with pytest.raises((CrsError, ValueError)):
        detect_datum(ROADS, ROADS.set_crs(None, allow_override=True))
    copy = BLOCKS.copy(deep=True)
    assert detect_datum(BLOCKS.to_crs(4326), ROADS.to_crs(32651)).status == "none"
    assert BLOCKS.equals(copy)
