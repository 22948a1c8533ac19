"""Distances, probabilities, levels, saved indexes, and the proof that nothing overlaps."""

from __future__ import annotations

import pickle

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CodeError, FileError, GeometryError
from geo.layers import Division, Level
from geo.locate import GridIndex
from geo.locate.edges import edges_of
from geo.locate.overlap import suspects_of, without_overlap
from geo.locate.raster import rasterize

E0, N0 = 387_000.0, 3_553_000.0


def voronoi(n: int = 40, seed: int = 3) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    area = shapely.Point(E0, N0).buffer(500)
    seeds = shapely.MultiPoint(rng.normal([E0, N0], 250, (n, 2)))
    faces = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=area)), area)
    faces = [face for face in faces if face.geom_type == "Polygon" and not face.is_empty]
    return gpd.GeoDataFrame({"code": [f"{i:03d}" for i in range(len(faces))]}, geometry=faces, crs=4549)


def boxes(*bounds: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.box(*b) for b in bounds], crs=4549)


def scatter(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform([E0 - 700, N0 - 700], [E0 + 700, N0 + 700], (n, 2)).T


def test_border_distance_is_that_of_geos() -> None:
    cells = voronoi()
    x, y = scatter(2_000)
    lines = shapely.union_all(shapely.boundary(cells.geometry.array))
    expected = shapely.distance(shapely.points(x, y), lines)
    index = GridIndex(cells)
    assert np.abs(index.border_distance(x, y) - expected).max() < 1e-9
    within = index.border_distance(x, y, within_m=30.0)
    assert (np.isinf(within) == (expected > 30.0)).all()
    assert np.isnan(index.border_distance([np.nan, E0], [N0, np.nan])).all()


@pytest.mark.parametrize("away", [1e5, 1e9, 1e11])
def test_border_distance_of_a_far_point_is_exact_and_soon_found(away: float) -> None:
    index = GridIndex(boxes((0, 0, 90, 90), (90, 0, 180, 90)))
    x, y = np.array([180 + away, -away, 40, 60, 180 + away]), np.array([40, 60, 90 + away, -away, 90 + away])
    expected = away * np.array([1, 1, 1, 1, np.sqrt(2)])
    np.testing.assert_allclose(index.border_distance(x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("away", [1e18, 1e300])
def test_no_border_is_near_a_point_off_the_earth(away: float) -> None:
    index = GridIndex(boxes((0, 0, 90, 90), (90, 0, 180, 90)))
    assert np.isinf(index.border_distance([away, 0.0, -away], [0.0, away, -away])).all()
    cell, metres = index.nearest([away], [0.0], within_m=np.inf)
    assert cell.tolist() == [-1]
    assert np.isnan(metres).all()


def test_nearest_is_that_of_geos_and_ties_go_to_the_least_code() -> None:
    cells = voronoi()
    x, y = scatter(2_000, seed=1)
    cell, metres = GridIndex(cells).nearest(x, y, within_m=120.0)
    distances = shapely.distance(shapely.points(x, y)[:, None], np.asarray(cells.geometry.array)[None, :])
    least = distances.min(axis=1)
    assert ((cell >= 0) == (least <= 120.0)).all()
    near = cell >= 0
    assert np.abs(metres[near] - least[near]).max() < 1e-9
    assert np.abs(distances[np.flatnonzero(near), cell[near]] - least[near]).max() < 1e-9
    # A point that is not finite in one coordinate has no cell near.
    lost = GridIndex(cells).nearest([E0, np.nan, np.inf, E0], [np.nan, N0, N0, -np.inf], within_m=np.inf)
    assert lost[0].tolist() == [-1] * 4
    assert np.isnan(lost[1]).all()
    twins = boxes((0, 0, 9, 9), (11, 0, 20, 9)).assign(code=["b", "a"])
    assert GridIndex(twins).nearest([10.0], [5.0], 3.0)[0].tolist() == [1]


def masses_by_brute_force(cells: gpd.GeoDataFrame, x: float, y: float, sigma: float) -> np.ndarray:
    """Midpoint rule on 400 x 400 squares over ±7 sigma."""
    side = (np.arange(400) + 0.5) / 400 * 14 - 7
    u, v = (a.ravel() for a in np.meshgrid(side, side))
    weight = np.exp(-(u**2 + v**2) / 2)
    found = np.full(len(u), -1)
    point, cell = shapely.STRtree(shapely.points(x + sigma * u, y + sigma * v)).query(
        np.asarray(cells.geometry.array), predicate="contains"
    )
    found[cell] = point
    return np.bincount(found + 1, weights=weight, minlength=len(cells) + 1) / weight.sum()


@pytest.mark.parametrize("sigma", [3.0, 15.0, 60.0])
def test_probability_is_the_mass_of_the_cell(sigma: float) -> None:
    cells = voronoi(12)
    index = GridIndex(cells)
    x, y = E0 + np.array([3.0, 480.0, -200.0]), N0 + np.array([-8.0, 100.0, 70.0])
    chances = index.probability(x, y, sigma, at_least=0.0)
    for i in range(3):
        mine = chances.point == i
        masses = np.zeros(len(cells) + 1)
        masses[chances.cell[mine] + 1] = chances.probability[mine]
        assert abs(masses.sum() - 1.0) < 1e-12
        assert np.abs(masses - masses_by_brute_force(cells, x[i], y[i], sigma)).max() < 2e-3


def test_probability_of_a_half_plane_and_of_a_box_in_closed_form() -> None:
    from scipy.stats import norm

    index = GridIndex(boxes((-1000, -1000, 0, 1000), (0, -1000, 1000, 1000)))
    chances = index.probability([7.0, 0.0], [0.0, 0.0], [10.0, 5.0])
    assert chances.cell.tolist() == [1, 0, 0, 1]
    assert np.abs(chances.probability - [norm.cdf(0.7), norm.cdf(-0.7), 0.5, 0.5]).max() < 1e-7
    box = GridIndex(boxes((0, 0, 30, 20))).probability([5.0], [4.0], 12.0)
    mass = (norm.cdf(25 / 12) - norm.cdf(-5 / 12)) * (norm.cdf(16 / 12) - norm.cdf(-4 / 12))
    assert abs(box.probability[box.cell == 0][0] - mass) < 1e-7
    assert abs(box.probability[box.cell == -1][0] - (1 - mass)) < 1e-7


def test_probability_on_a_border_and_on_a_node() -> None:
    index = GridIndex(boxes((0, 0, 500, 500), (500, 0, 1000, 500), (0, 500, 500, 1000), (500, 500, 1000, 1000)))
    node = index.probability([500.0], [500.0], 5.0)
    assert sorted(node.cell.tolist()) == [0, 1, 2, 3]
    assert np.abs(node.probability - 0.25).max() < 1e-7


def test_probability_is_calibrated() -> None:
    """Of the cells with probability p, a share p contains the true place: positions are simulated from true places everywhere."""
    cells = voronoi(30)
    index = GridIndex(cells)
    rng = np.random.default_rng(5)
    true = rng.uniform([E0 - 900, N0 - 900], [E0 + 900, N0 + 900], (15_000, 2))
    sigma = rng.uniform(5.0, 40.0, len(true))
    seen = true + rng.normal(size=true.shape) * sigma[:, None]
    near = (np.abs(seen - [E0, N0]) < 600).all(axis=1)
    chances = index.probability(*seen[near].T, sigma[near])
    truth = index.locate(*true[near].T)[chances.point] == chances.cell
    for low in np.arange(0.0, 1.0, 0.1):
        here = (chances.probability >= low) & (chances.probability < low + 0.1 + (low > 0.85))
        spread = np.sqrt((chances.probability[here] * (1 - chances.probability[here])).sum()) / here.sum()
        assert abs(truth[here].mean() - chances.probability[here].mean()) < 4 * spread + 1e-9


def test_probability_refuses_what_has_no_answer() -> None:
    index = GridIndex(boxes((0, 0, 10, 10)))
    with pytest.raises(ValueError, match="above zero"):
        index.probability([1.0], [1.0], 0.0)
    assert len(index.probability([np.nan], [1.0], 5.0).cell) == 0
    with pytest.raises(GeometryError, match="overlap"):
        GridIndex(boxes((0, 0, 10, 10), (5, 0, 15, 10))).probability([1.0], [1.0], 5.0)


def levels_of() -> tuple[gpd.GeoDataFrame, ...]:
    third = boxes(*[(i * 10, j * 10, i * 10 + 10, j * 10 + 10) for i in range(4) for j in range(4)])
    third["parent"] = [f"{i // 2}{j // 2}" for i in range(4) for j in range(4)]
    third["code"] = [f"{p}{n:02d}" for n, p in enumerate(third["parent"])]
    second = third.dissolve("parent").reset_index()[["parent", "geometry"]].rename(columns={"parent": "code"})
    second["parent"] = second["code"].str[:1]
    community = second.dissolve("parent").reset_index()[["parent", "geometry"]].rename(columns={"parent": "code"})
    return third, second, community.assign(parent="s"), community.dissolve().assign(code="s", parent=None)


def division_of_levels() -> Division:
    third, second, community, street = levels_of()
    return Division(street, community, second, third)


def test_three_levels_in_one_lookup() -> None:
    division = division_of_levels()
    index = GridIndex.from_division(division)
    x, y = np.random.default_rng(0).uniform(-2, 42, (2, 500))
    found = index.locate_levels(x, y)
    for level in (Level.THIRD, Level.SECOND, Level.COMMUNITY):
        alone = GridIndex(division.layer(level)).locate(x, y)
        assert (found[level] == alone).all()
    division.third.loc[3, "parent"] = "nowhere"
    with pytest.raises(CodeError, match="0103"):
        GridIndex.from_division(division)


def test_saved_and_mapped(tmp_path) -> None:
    cells = voronoi()
    index = GridIndex(cells)
    index.save(tmp_path / "cells.index")
    x, y = scatter(5_000)
    loaded = GridIndex.load(tmp_path / "cells.index", cells)
    for one in (loaded, GridIndex.load(tmp_path / "cells.index"), pickle.loads(pickle.dumps(index))):
        assert (one.locate(x, y) == index.locate(x, y)).all()
        assert one.digest == index.digest
        assert list(one.codes) == list(index.codes)
        assert one.crs == index.crs
        assert (one.border_distance(x, y) == index.border_distance(x, y)).all()
    base = loaded._tiers[0].pixels
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(FileError, match="another layer"):
        GridIndex.load(tmp_path / "cells.index", cells.iloc[::-1])
    whole = (tmp_path / "cells.index").read_bytes()
    for damage, message in ((whole[:-64], "truncated"), (b"x" + whole, "is not an index"), (whole[:40], "damaged")):
        (tmp_path / "bad.index").write_bytes(damage)
        with pytest.raises(FileError, match=message):
            GridIndex.load(tmp_path / "bad.index")
    GridIndex.from_division(division_of_levels()).save(tmp_path / "levels.index")
    levels = GridIndex.load(tmp_path / "levels.index")
    assert levels.locate_levels([5.0], [5.0])[Level.COMMUNITY].tolist() == [0]


def test_an_index_of_an_empty_or_invalid_layer_says_why() -> None:
    bow = gpd.GeoDataFrame(geometry=[shapely.from_wkt("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))")], crs=4549)
    with pytest.raises(GeometryError, match="Self-intersection"):
        GridIndex(bow)


@pytest.mark.parametrize(
    ("layer", "tiers"),
    [
        (boxes((0, 0, 10, 10), (10, 0, 20, 10)), 1),
        (boxes((0, 0, 10, 10), (10, 0, 20, 5), (10, 5, 20, 10)), 1),  # a T junction is no overlap
        (boxes((0, 0, 10, 10), (0, 0, 10, 10)), 2),  # twice the same
        (boxes((0, 0, 10, 10), (2, 2, 4, 4)), 2),  # One inside the other, without crossing borders.
        (boxes((0, 0, 10, 10), (9, 3, 20, 7)), 2),
        (boxes((0, 0, 10, 10), (5, 0, 10, 10)), 2),  # Common borders, on the same side.
        (boxes((0, 0, 10, 10), (0, 0, 5, 5), (1, 1, 3, 3)), 3),
        (boxes((0, 0, 10, 10), (10, 10, 20, 20)), 1),  # One common point.
    ],
)
def test_overlaps_are_found(layer: gpd.GeoDataFrame, tiers: int) -> None:
    index = GridIndex(layer)
    assert len(index._tiers) == tiers
    x, y = np.random.default_rng(0).uniform(-1, 21, (2, 3_000))
    inside = shapely.contains(np.asarray(layer.geometry.array)[None, :], shapely.points(x, y)[:, None])
    expected = np.where(inside.any(axis=1), inside.argmax(axis=1), -1)
    assert (index.locate(x, y) == expected).all()


def test_a_corner_at_the_origin() -> None:
    """(0, 0) is a place like any other."""
    index = GridIndex(boxes((-10, -10, 0, 0), (0, 0, 10, 10)))
    assert index.locate([0.0, -5.0, 5.0, 0.0], [0.0, 0.0, 0.0, -5.0]).tolist() == [1, 0, 1, 0]


def test_the_digest_tells_geometry_codes_crs_and_order_apart() -> None:
    cells = boxes((0, 0, 9, 9), (11, 0, 20, 9)).assign(code=["a", "b"])
    moved = boxes((0, 0, 9, 9), (11, 0, 20, 9.001)).assign(code=["a", "b"])
    layers = {
        "as it is": cells,
        "a vertex": moved,
        "a code": cells.assign(code=["a", "c"]),
        "codes exchanged": cells.assign(code=["b", "a"]),
        "no codes": cells.drop(columns="code"),
        "order": cells.iloc[::-1],
        "CRS": cells.set_crs(4550, allow_override=True),
    }
    digests = {name: GridIndex(layer).digest for name, layer in layers.items()}
    assert len(set(digests.values())) == len(layers)
    assert GridIndex(cells.set_axis([7, 8])).digest == digests["as it is"]
    joined = cells.assign(code=["a\x1fb", "c"]), cells.assign(code=["ab", "c"])
    assert GridIndex(joined[0]).digest != GridIndex(joined[1]).digest


def test_an_index_of_other_codes_or_crs_is_refused(tmp_path) -> None:
    cells = boxes((0, 0, 9, 9), (11, 0, 20, 9)).assign(code=["a", "b"])
    GridIndex(cells).save(tmp_path / "cells.index")
    for other in (cells.assign(code=["a", "c"]), cells.set_crs(4550, allow_override=True), cells.drop(columns="code")):
        with pytest.raises(FileError, match="another layer"):
            GridIndex.load(tmp_path / "cells.index", other)


def test_nearest_between_two_walls_whatever_ring_they_are_found_in() -> None:
    """The nearer wall can lie in a later ring of pixels than the farther one; the middle belongs to the smallest code."""
    twins = boxes((0, 0, 9, 9), (11, 0, 20, 9)).assign(code=["b", "a"])
    index = GridIndex(twins)
    x = np.linspace(9.7, 10.3, 6_001)
    cell, metres = index.nearest(x, np.full(len(x), 4.321), within_m=3.0)
    assert (cell == np.where(10.0 - x > 1e-12, 0, 1)).all()
    assert np.abs(metres - np.minimum(x - 9.0, 11.0 - x)).max() < 1e-12
    upright = GridIndex(boxes((0, 0, 9, 9), (0, 11, 9, 20)).assign(code=["b", "a"]))
    cell, _ = upright.nearest(np.full(len(x), 4.321), x, within_m=3.0)
    assert (cell == np.where(10.0 - x > 1e-12, 0, 1)).all()


def test_nearest_ties_go_to_the_least_code_whatever_the_order_of_rows() -> None:
    four = boxes((0, 0, 9, 9), (11, 0, 20, 9), (0, 11, 9, 20), (11, 11, 20, 20))
    for codes in ("dcba", "abcd", "bdac"):
        index = GridIndex(four.assign(code=list(codes)))
        cell, metres = index.nearest([10.0, 10.0], [10.0, 4.5], within_m=2.0)
        assert codes[cell[0]] == "a"
        assert codes[cell[1]] == min(codes[0], codes[1])
        assert metres == pytest.approx([2**0.5, 1.0], abs=1e-12)
    # Overlapping cells are in separate tiers; the tie is decided across them.
    overlapping = boxes((0, 0, 9, 9), (0, 0, 9, 8)).assign(code=["z", "y"])
    assert GridIndex(overlapping).nearest([10.0], [4.0], 2.0)[0].tolist() == [1]


def test_nearest_takes_a_cell_exactly_at_the_distance_and_none_beyond() -> None:
    index = GridIndex(boxes((0, 0, 9, 9)).assign(code=["a"]))
    cell, metres = index.nearest([11.0, 11.0, 4.0, np.nan], [4.0, 4.0, 4.0, 4.0], within_m=2.0)
    assert cell.tolist() == [0, 0, 0, -1]
    assert metres[:3].tolist() == [2.0, 2.0, 0.0]
    cell, metres = index.nearest([11.0], [4.0], within_m=np.nextafter(2.0, 0.0))
    assert cell.tolist() == [-1]
    assert np.isnan(metres).all()


def test_masses_of_little_probability_are_left_out() -> None:
    index = GridIndex(boxes((0, 0, 100, 100), (100, 0, 200, 100)))
    near = index.probability([90.0], [50.0], 5.0)
    assert near.cell.tolist() == [0, 1]
    assert near.probability.sum() == pytest.approx(1.0, abs=1e-9)
    assert index.probability([90.0], [50.0], 5.0, at_least=0.03).cell.tolist() == [0]
    assert index.probability([90.0], [50.0], 5.0, at_least=0.02).cell.tolist() == [0, 1]


def test_bounds_hold_the_cells_and_bytes_are_counted() -> None:
    index = GridIndex(boxes((0, 0, 9, 9), (11, 0, 20, 9)))
    west, south, east, north = index.bounds
    assert -1 < west < 0 > south > -1
    assert 20 < east < 21
    assert 9 < north < 10
    assert index.nbytes == sum(a.nbytes for a in index._tiers[0][4:])


def crowded(shift_m=0.0):
    """Two cells whose border has a thousand vertices within half a metre; the first moved east by `shift_m` there."""
    y = 500 + np.linspace(0.0, 0.5, 1001)
    x = 500 + 0.2 * (np.arange(1001) % 2)
    zigzag = np.column_stack([x, y])
    west = shapely.Polygon([(0, 0), (500, 0), *(zigzag + np.array([shift_m, 0.0])), (500, 1000), (0, 1000)])
    east = shapely.Polygon([(500, 0), (1000, 0), (1000, 1000), (500, 1000), *zigzag[::-1]])
    return np.array([west, east], dtype=object)


def test_cells_of_a_pixel_with_many_edges_are_decided_by_their_shapes():
    for shift_m, tiers in ((0.0, 1), (0.05, 2)):
        shapes = crowded(shift_m)
        edges, doubled = edges_of(shapes, np.arange(2))
        raster = rasterize(edges)
        assert suspects_of(raster, doubled).tolist() == [True, True]
        assert len(without_overlap(shapes, np.arange(2), suspects_of(raster, doubled))) == tiers
    cells = gpd.GeoDataFrame({"code": ["W", "E"]}, geometry=crowded(), crs=4549)
    rng = np.random.default_rng(5)
    x, y = 500 + rng.uniform(-0.1, 0.3, 500), 500 + rng.uniform(-0.1, 0.6, 500)
    found = GridIndex(cells).locate(x, y)
    points = shapely.points(x, y)
    assert (found == np.where(shapely.contains(cells.geometry.iloc[0], points), 0, 1)).all()
    # Cells in pixels with fewer edges are suspected only if they overlap.
    squares = np.array([shapely.box(0, 0, 500, 1000), shapely.box(500, 0, 1000, 1000)], dtype=object)
    edges, doubled = edges_of(squares, np.arange(2))
    assert not suspects_of(rasterize(edges), doubled).any()
