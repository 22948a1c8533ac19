"""Vector tiles: another decoder reads the encoded content, shared borders stay identical, and every crossing is on the border."""

from __future__ import annotations

import gzip

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ogc.tiles.arc_simplification import TileMesh
from api.ogc.tiles.ring_encoding import BUFFER, EXTENT, cut_side, encode_rings, without_spikes
from api.ogc.tiles.tile_cache import FIRST_ZOOM, LAST_ZOOM, SIMPLIFIED_TO, TOLERANCE_UNITS, TileCache, units_at
from api.ogc.tiles.vector_tile import PropertyTable, layer_message
from geo.kernels import uncompiled
from geo.layers import Division, Level


@pytest.fixture(scope="module")
def division():
    """The model street, divided: hundreds of cells with real borders."""
    return _division(0)


def _division(seed):
    """A square kilometre divided along wavy lines, with an island in one cell; four levels."""
    rng = np.random.default_rng(seed)
    west, south, side, count = 388_000.0, 3_554_000.0, 125.0, 8
    points = np.empty((count + 1, count + 1, 2))
    for i in range(count + 1):
        for j in range(count + 1):
            points[i, j] = west + i * side, south + j * side
    points[1:-1, 1:-1] += rng.uniform(-25, 25, (count - 1, count - 1, 2))

    def wavy(a, b):
        t = np.linspace(0, 1, 13)[1:-1, None]
        return np.round(np.vstack([a, a + t * (b - a) + rng.uniform(-4, 4, (11, 2)), b]), 3)

    across = {(i, j): wavy(points[i, j], points[i + 1, j]) for i in range(count) for j in range(count + 1)}
    up = {(i, j): wavy(points[i, j], points[i, j + 1]) for i in range(count + 1) for j in range(count)}
    rows = []
    for i in range(count):
        for j in range(count):
            ring = np.vstack([across[i, j], up[i + 1, j][1:], across[i, j + 1][::-1][1:], up[i, j][::-1][1:]])
            rows.append(
                (
                    f"320113003{i // 4 + 1:03d}{(i % 4) // 2 * 4 + j // 2 + 1:03d}{i % 2 * 2 + j % 2 + 1:03d}",
                    shapely.Polygon(ring),
                )
            )
    island = shapely.Point(rows[9][1].centroid).buffer(18, quad_segs=6)
    island = shapely.transform(island, lambda xy: np.round(xy, 3))
    holed = rows[9][1].difference(island)
    rows[9] = (rows[9][0], holed)
    rows.append((rows[9][0][:-3] + "009", island))
    third = gpd.GeoDataFrame(rows, columns=["code", "geometry"], crs="EPSG:4549").sort_values("code", ignore_index=True)
    frames = {"third": third}
    for name, length in (("second", 15), ("community", 12), ("street", 9)):
        merged = third.groupby(third["code"].str[:length])["geometry"].agg(
            lambda g: shapely.coverage_union_all(list(g))
        )
        frames[name] = gpd.GeoDataFrame(
            {"code": merged.index}, geometry=gpd.GeoSeries(merged.to_numpy(), crs=third.crs)
        )
    return Division(**{k: v.assign(name=[f"{k}{n}" for n in range(len(v))], population=7.5) for k, v in frames.items()})


@pytest.fixture(scope="module")
def cache(division):
    made = TileCache(division)
    made.make_all()
    return made


def decoded(tile):
    options = {"y_coord_down": True}
    return mapbox_vector_tile.decode(gzip.decompress(tile.everything), default_options=options)


def test_another_decoder_reads_every_cell(division, cache):
    """All cells are on the tiles of zoom 16, with their properties; none occurs twice on a tile."""
    seen = {level: set() for level in Level}
    for tile in cache.zoom(LAST_ZOOM).values():
        content = decoded(tile)
        for level in Level:
            features = content.get(level.layer, {"features": []})["features"]
            codes = [f["properties"]["code"] for f in features]
            assert len(set(codes)) == len(codes)
            seen[level] |= set(codes)
            for feature in features:
                assert feature["properties"]["population"] == 7.5
                assert "leader" not in feature["properties"]
    for level in Level:
        assert seen[level] == set(division.layer(level)["code"])


def points_of(feature):
    return shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])).tolist()


def polygons_at(cache, zoom, level):
    """Polygons of a level in units of the world, decoded and clipped to their tiles."""
    found = {}
    for (column, row), tile in cache.zoom(zoom).items():
        for feature in decoded(tile).get(level.layer, {"features": []})["features"]:
            shape = shapely.geometry.shape(feature["geometry"])
            moved = shapely.transform(shape, lambda xy, c=column, r=row: xy + np.array([c * EXTENT, r * EXTENT]))
            own = shapely.box(column * EXTENT, row * EXTENT, (column + 1) * EXTENT, (row + 1) * EXTENT)
            found.setdefault(feature["properties"]["code"], []).append(shapely.make_valid(moved).intersection(own))
    return {code: shapely.union_all(parts) for code, parts in found.items()}


@pytest.mark.parametrize("zoom", range(FIRST_ZOOM, LAST_ZOOM + 1))
def test_shared_borders_stay_shared_at_every_zoom(division, cache, zoom):
    """Neither gap nor overlap: the areas of a level's cells sum exactly to that of the street."""
    street = polygons_at(cache, zoom, Level.STREET)
    whole = shapely.union_all(list(street.values()))
    for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
        cells = list(polygons_at(cache, zoom, level).values())
        assert shapely.union_all(cells).symmetric_difference(whole).area <= 1e-6 * whole.area
        assert abs(sum(cell.area for cell in cells) - whole.area) <= 1e-6 * whole.area


@pytest.mark.parametrize("zoom", [10, 12, 14, 16])
def test_all_levels_are_made_of_the_same_vertices(cache, zoom):
    for tile in cache.zoom(zoom).values():
        content = decoded(tile)
        third = {tuple(p) for f in content["third"]["features"] for p in points_of(f)}
        for level in ("street", "community", "second"):
            for feature in content.get(level, {"features": []})["features"]:
                points = points_of(feature)
                # Corners of the cut may belong to a larger cell only.
                inside = [tuple(p) for p in points if 0 <= p[0] <= EXTENT and 0 <= p[1] <= EXTENT]
                assert set(inside) <= third


def test_low_zooms_leave_vertices_out_and_high_ones_none(division):
    mesh = TileMesh.of(division)
    everything = shapely.get_coordinates(division.third.geometry.array)
    assert len(mesh.weight) == len(np.unique(everything, axis=0))
    kept = [
        np.count_nonzero(mesh.weight > TOLERANCE_UNITS * 2 * 20037508.342789244 / (EXTENT << z)) for z in (10, 12, 14)
    ]
    assert kept[0] < kept[1] < kept[2] < len(mesh.weight)
    # All corners of the cells but those of the square, and where the ring of the island begins.
    assert np.isinf(mesh.weight).sum() == 81 - 4 + 1
    assert SIMPLIFIED_TO == 14


def test_tiles_are_simplified_up_to_zoom_14_and_whole_above(division, cache):
    mesh = TileMesh.of(division)
    rings = mesh.rings[Level.THIRD]
    for zoom in (13, 14, 15, 16):
        unit = 2 * 20037508.342789244 / (EXTENT << zoom)
        kept = mesh.weight > (4.0 * unit if zoom <= 14 else -1.0)
        expected = {tuple(p) for p in units_at(mesh, zoom)[np.unique(rings.vertex[kept[rings.vertex]])].tolist()}
        written = set()
        for (column, row), tile in cache.zoom(zoom).items():
            for feature in decoded(tile)["third"]["features"]:
                inside = [(x, y) for x, y in points_of(feature) if 0 <= x < EXTENT and 0 <= y < EXTENT]
                written |= {(x + column * EXTENT, y + row * EXTENT) for x, y in inside}
        assert written == expected


def test_a_simplified_chain_is_never_further_off_than_the_tolerance(division):
    """Every removed vertex lies within the tolerance of the rest of its ring."""
    mesh = TileMesh.of(division)
    rings = mesh.rings[Level.THIRD]
    tolerance = 3.0
    left_out = 0
    for k in range(len(rings.offsets) - 1):
        numbers = rings.vertex[rings.offsets[k] : rings.offsets[k + 1]]
        kept = numbers[mesh.weight[numbers] > tolerance]
        if len(kept) < 3:
            continue
        line = shapely.linearrings(mesh.mercator[kept])
        gone = numbers[mesh.weight[numbers] <= tolerance]
        left_out += len(gone)
        assert (shapely.distance(line, shapely.points(mesh.mercator[gone])) <= tolerance + 1e-9).all()
    assert left_out > 500


def test_positions_are_those_of_web_mercator(division):
    mesh = TileMesh.of(division)
    known = gpd.GeoSeries(shapely.points(mesh.mercator), crs=3857).to_crs(4326)
    units = units_at(mesh, 14)
    x, y = np.radians(known.x.to_numpy()), np.radians(known.y.to_numpy())
    size = EXTENT << 14
    wanted = np.column_stack([(x / np.pi + 1) / 2 * size, (1 - np.arcsinh(np.tan(y)) / np.pi) / 2 * size])
    assert np.abs(units - wanted).max() <= 0.501


RINGS = st.lists(st.tuples(st.integers(-300, 4500), st.integers(-300, 4500)), min_size=3, max_size=9)


@settings(max_examples=200)
@given(RINGS)
def test_a_cut_ring_is_the_part_inside(points):
    """Compared with shapely; rings that cross themselves have no comparable area."""
    polygon = shapely.Polygon(points)
    with uncompiled(when=True):
        cut = points
        for axis, bound, sign in ((0, -BUFFER, 1), (0, EXTENT + BUFFER, -1), (1, -BUFFER, 1), (1, EXTENT + BUFFER, -1)):
            cut = cut_side(cut, axis, bound, sign)
    for x, y in cut:
        assert -BUFFER <= x <= EXTENT + BUFFER
        assert -BUFFER <= y <= EXTENT + BUFFER
    if polygon.is_valid and polygon.area > 0:
        wanted = polygon.intersection(shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)).area
        xy = np.array(cut, dtype=float).reshape(-1, 2)
        area = abs(np.sum(xy[:, 0] * np.roll(xy[:, 1], -1) - np.roll(xy[:, 0], -1) * xy[:, 1])) / 2
        # Each rounded crossing moves an edge by at most half a unit.
        assert abs(area - wanted) <= 0.5 * polygon.length + 1


@settings(max_examples=200)
@given(
    st.tuples(st.integers(-500, 5000), st.integers(-500, 5000)),
    st.tuples(st.integers(-500, 5000), st.integers(-500, 5000)),
)
def test_both_sides_of_a_border_are_cut_at_the_same_point(a, b):
    other, third = (a[0] + 17, a[1] + 3), (b[0] - 5, b[1] + 11)
    with uncompiled(when=True):
        for axis, bound, sign in ((0, EXTENT + BUFFER, -1), (1, -BUFFER, 1)):
            one = set(cut_side([a, b, other], axis, bound, sign))
            two = set(cut_side([b, a, third], axis, bound, sign))
            crossing = {p for p in one & two if p[axis] == bound} - {a, b}
            if (sign * (a[axis] - bound) >= 0) != (sign * (b[axis] - bound) >= 0) and bound not in (a[axis], b[axis]):
                assert crossing


def test_spikes_are_taken_off():
    with uncompiled(when=True):
        assert list(without_spikes([(0, 0), (4, 0), (9, 0), (4, 0), (4, 4), (4, 4)])) == [(0, 0), (4, 0), (4, 4)]
        assert len(without_spikes([(0, 0), (4, 0), (0, 0), (4, 0)])) < 3
        assert len(without_spikes([(1, 1), (1, 1), (1, 1)])) < 3


def test_outer_rings_and_holes_turn_as_the_specification_asks(cache, division):
    """The cell with the island has a hole on the tile, and the island fills it."""
    found = polygons_at(cache, 16, Level.THIRD)
    holed = next(row for row in division.third.itertuples() if row.geometry.interiors)
    shape = found[holed.code]
    assert sum(len(part.interiors) for part in shapely.get_parts(shape)) == 1
    island = next(code for code in found if code == holed.code[:-3] + "009")
    assert found[island].area == pytest.approx(shapely.Polygon(shapely.get_parts(shape)[0].interiors[0]).area, rel=1e-9)


def test_a_layer_without_features_is_nothing():
    nothing = np.empty(0, dtype=np.int64)
    with uncompiled(when=True):
        start, corner = np.zeros(1, dtype=np.int64), np.zeros(2, dtype=np.int64)
        geometry = encode_rings(corner[None], nothing, start, nothing, nothing, nothing, corner)
    assert layer_message("third", PropertyTable.of({"code": []}), geometry) == b""


def test_equal_values_of_different_types_stay_apart():
    geometry = np.array([9, 0, 0, 18, 20, 0, 0, 20, 15], dtype=np.uint32), np.array([9]), np.array([0])
    body = layer_message("x", PropertyTable.of({"a": [1], "b": [1.0], "c": [True]}), geometry)
    properties = mapbox_vector_tile.decode(body)["x"]["features"][0]["properties"]
    assert properties == {"a": 1, "b": 1.0, "c": True}
    assert [type(properties[k]) for k in "abc"] == [int, float, bool]


def test_a_feature_has_its_own_values_and_none_where_there_is_none():
    """Values shared by tiles have other numbers on each; numbers beyond 127 take two bytes."""
    count = 300
    columns = {"code": [f"c{k}" for k in range(count)], "leader": [None if k % 3 else "甲" for k in range(count)]}
    table = PropertyTable.of(columns)
    square = [9, 0, 0, 18, 20, 0, 0, 20, 15]
    for cells in (np.arange(count), np.arange(200, 290), np.array([299, 0])):
        numbers = np.array(square * len(cells), dtype=np.uint32)
        body = layer_message("x", table, (numbers, len(square) * np.arange(1, len(cells) + 1), cells))
        content = mapbox_vector_tile.decode(body)["x"]
        found = [feature["properties"] for feature in content["features"]]
        wanted = [{k: v[cell] for k, v in columns.items() if v[cell] is not None} for cell in cells]
        assert found == wanted
