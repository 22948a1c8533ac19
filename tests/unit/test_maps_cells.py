"""Frames are encoded as compact JSON and decoded at the same place."""

from __future__ import annotations

import base64
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CrsError
from geo.layers import Level, lon_lat
from maps.encoding import cells
from maps.encoding.cells import STEPS, Background, encode_background
from maps.encoding.packing import pack_shapes


def decoded(steps: list[int], origin: tuple[float, float]) -> np.ndarray:
    return np.cumsum(np.array(steps).reshape(-1, 2), axis=0) / cells.STEPS + origin


def test_rings_come_back_within_half_a_step(small_street) -> None:
    division = small_street.division()
    origin = cells.origin_of(division)
    for level in Level:
        series = division.layer(level).geometry
        for shape, polygon in zip(cells.encode_polygons(series, origin), lon_lat(series), strict=True):
            back = decoded(shape[0][0], origin)
            # Half a step is half a millionth of a degree, 0.06 m.
            assert np.abs(back - shapely.get_coordinates(polygon)[:-1]).max() <= 0.5e-6 + 1e-9


def test_neighbours_share_their_corners_exactly(small_street) -> None:
    division = small_street.division()
    origin = cells.origin_of(division)
    shapes = cells.encode_polygons(division.third.geometry, origin)
    corners = {tuple(place) for shape in shapes for place in np.cumsum(np.array(shape[0][0]).reshape(-1, 2), axis=0)}
    # 12 columns by 8 rows of rectangles have 13 by 9 corners; a corner rounded differently in a neighbour would add one.
    assert len(corners) == 13 * 9


def test_holes_and_parts_are_kept() -> None:
    ring = shapely.box(0, 0, 1, 1) - shapely.box(0.25, 0.25, 0.75, 0.75)
    both = gpd.GeoSeries([shapely.MultiPolygon([ring, shapely.box(2, 2, 3, 3)]), None], crs="EPSG:4326")
    shapes = cells.encode_polygons(both, (0.0, 0.0))
    assert [len(rings) for rings in shapes[0]] == [2, 1]
    assert shapes[1] == []


def test_levels_refer_to_their_parents_by_position(small_street) -> None:
    division = small_street.division()
    levels = cells.encode_levels(division)["levels"]
    for level in (1, 2, 3):
        for code, parent in zip(levels[level]["code"], levels[level]["parent"], strict=True):
            assert code.startswith(levels[level - 1]["code"][parent])
    assert levels[0]["parent"] == [-1]
    assert levels[3]["population"] == [160] * 96


def test_labels_stand_in_their_cells(small_street) -> None:
    division = small_street.division()
    grids = cells.encode_levels(division)
    for level in (1, 2, 3):
        at = np.array(grids["levels"][level]["centre"]) / cells.STEPS + grids["origin"]
        polygons = lon_lat(division.layer(Level(level)).geometry).array
        assert shapely.contains_xy(polygons, at[:, 0], at[:, 1]).all()
    assert grids["levels"][3]["radius"] == [100] * 96


def test_background_without_crs_is_refused(small_street) -> None:
    water = gpd.GeoDataFrame(geometry=[shapely.box(388_000, 3_552_000, 388_100, 3_552_100)])
    with pytest.raises(CrsError, match="water"):
        cells.encode_background(cells.Background(water=water), small_street.division())


def test_background_is_cut_off_beyond_the_street_and_named(small_street) -> None:
    division = small_street.division()
    west, south, east, _ = division.street.total_bounds
    line = shapely.LineString([(west - 9_000, south + 500), (east + 9_000, south + 500)])
    roads = gpd.GeoDataFrame({"name": ["和燕路"], "highway": ["primary"]}, geometry=[line], crs=division.crs)
    far = gpd.GeoDataFrame(
        {"name": ["远路"], "highway": ["primary"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=division.crs
    )
    both = gpd.GeoDataFrame(gpd.pd.concat([roads, far], ignore_index=True), crs=division.crs)
    background = cells.encode_background(cells.Background(roads=both.to_crs("EPSG:4326")), division)
    assert [label["name"] for label in background["road_names"]] == ["和燕路"]
    assert background["road_names"][0]["angle"] == 0
    assert background["road_names"][0]["length_m"] == pytest.approx(east - west + 500, abs=5)


def test_a_road_has_its_name_on_its_longest_stretch(small_street) -> None:
    division = small_street.division()
    west, south, *_ = division.street.total_bounds
    corner = [(west + 100, south + 100), (west + 100, south + 300), (west + 900, south + 300)]
    roads = gpd.GeoDataFrame({"name": ["曲路"]}, geometry=[shapely.LineString(corner)], crs=division.crs)
    (label,) = cells.road_names(roads, cells.origin_of(division))
    at = np.array(label["at"]) / STEPS + cells.origin_of(division)
    place = gpd.GeoSeries.from_xy([at[0]], [at[1]], crs=4326).to_crs(division.crs).iloc[0]
    assert place.distance(shapely.Point(west + 500, south + 300)) < 1
    assert abs(label["angle"]) <= 1


def test_leaders_stand_at_second_level_grids_only(small_street) -> None:
    division = small_street.division()
    leaders = [f"格长{k}" for k in range(len(division.second))]
    named = division.with_layer(Level.SECOND, division.second.assign(leader=leaders))
    levels = cells.encode_levels(named)["levels"]
    assert levels[2]["leader"] == leaders
    assert all("leader" not in levels[k] for k in (0, 1, 3))


def test_numbers_for_json() -> None:
    assert [cells.json_value(v) for v in (None, float("nan"), np.int64(3), 2.0, 1 / 3)] == [None, None, 3, 2, 0.333]


def unpacked(text: str) -> list[int]:
    """Numbers of seven bits per byte, decoded by a slow loop."""
    numbers, value, unit = [], 0, 1
    for byte in base64.b64decode(text):
        value += (byte & 127) * unit
        unit *= 128
        if byte < 128:
            numbers.append(value)
            value, unit = 0, 1
    return numbers


def test_packed_shapes_come_back(small_street) -> None:
    origin = cells.origin_of(small_street.division())
    shapes = cells.encode_polygons(small_street.division().third.geometry, origin)
    shapes[0] = [[[-5, 3, 70_000, -70_000], [1, 2]], [[0, 0]]]
    shapes[1] = []
    numbers = iter(unpacked(pack_shapes(shapes)))
    back = []
    for _ in shapes:
        signed = [
            [
                [-(n + 1) // 2 if n % 2 else n // 2 for n in (next(numbers) for _ in range(next(numbers)))]
                for _ in range(next(numbers))
            ]
            for _ in range(next(numbers))
        ]
        back.append(signed)
    assert back == shapes
    assert next(numbers, None) is None
    assert pack_shapes([]) == ""


def test_packed_shapes_take_little_room(small_street) -> None:
    shapes = cells.encode_polygons(small_street.division().third.geometry, (118.0, 32.0))
    assert len(pack_shapes(shapes)) < 0.75 * len(json.dumps(shapes, separators=(",", ":")))


def test_neighbours_lie_outside_the_street_and_have_their_names(small_street) -> None:
    division = small_street.division()
    west, south, east, north = division.street.total_bounds
    y = (south + north) / 2
    layer = gpd.GeoDataFrame(
        {"name": ["燕子矶街道", "远街道", "一号线", "迈皋桥站", None, "隔河街道", "远站"]},
        geometry=[
            shapely.box(east - 50, south, east + 3000, north),
            shapely.box(east + 5000, south, east + 6000, north),
            shapely.LineString([(west - 5000, y), (east + 5000, y)]),
            shapely.Point(west + 10, y),
            shapely.Point(west + 20, y),
            # Near enough to be drawn, too far for its name.
            shapely.box(west - 800, south, west - 400, north),
            shapely.Point(west - 1000, y),
        ],
        crs=division.crs,
    )
    roads = gpd.GeoDataFrame(
        {"highway": ["primary"]}, geometry=[shapely.LineString([(west - 5000, y), (east + 5000, y)])], crs=division.crs
    )
    alone = encode_background(Background(roads=roads), division)
    found = encode_background(Background(roads=roads, neighbours=layer), division)
    assert "neighbours" not in alone
    assert [name["name"] for name in found["neighbour_names"]] == ["燕子矶街道"]
    assert [name["name"] for name in found["stations"]] == ["迈皋桥站"]

    def span_m(steps) -> float:  # type: ignore[no-untyped-def]
        # From the westernmost to the easternmost position of a line.
        places = np.cumsum(np.array(steps).reshape(-1, 2), axis=0)[:, 0] / STEPS
        return float(np.ptp(places) * 111_195 * np.cos(np.radians(32.1)))

    width = east - west
    assert span_m(alone["roads"][0][0]) == pytest.approx(width + 500, abs=30)
    assert span_m(found["roads"][0][0]) == pytest.approx(width + 1800, abs=60)
    assert span_m(found["metro"][0][0]) == pytest.approx(width + 1800, abs=60)
    assert len(found["neighbours"]) == 2
    with pytest.raises(CrsError, match="neighbours"):
        encode_background(Background(neighbours=layer.set_crs(None, allow_override=True)), division)
