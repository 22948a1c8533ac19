"""Small functions of the model street: cuts, rows, shares, names."""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from geo.sample.town import frames, names
from geo.sample.town.cutting import Cutting, _good, _street_class, cut
from geo.sample.town.outline import _placed, ridge, smooth, to_lattice
from geo.sample.town.people import largest_remainder, spread
from geo.sample.town.plan import CENTRE_XY_M, LOCAL_CENTRE_M
from geo.sample.town.rows import RowStyle, fill_rows

SQUARE = shapely.box(0, 0, 600, 400)
ELL = shapely.Polygon([(0, 0), (500, 0), (500, 200), (220, 200), (220, 450), (0, 450)])


@pytest.mark.parametrize("face", [SQUARE, ELL], ids=["oblong", "ell"])
def test_blocks_cover_their_face_without_overlap(face):
    blocks, streets = cut(face, Cutting(12.0, 15_000), np.random.default_rng(1))
    assert len(blocks) == len(streets) + 1
    assert len(blocks) > 5
    assert shapely.area(blocks).sum() == pytest.approx(face.area, abs=2.0)
    assert shapely.is_valid(blocks).all()
    a, b = shapely.STRtree(blocks).query(blocks, predicate="overlaps")
    overlap = shapely.area(shapely.intersection(np.array(blocks)[a], np.array(blocks)[b]))
    assert overlap.sum() < 1.0


def test_no_street_runs_through_what_is_kept_clear():
    clear = shapely.Point(300, 200).buffer(70)
    _, streets = cut(SQUARE, Cutting(0.0, 12_000, keep_clear=clear), np.random.default_rng(2))
    assert streets
    assert all(s.line.distance(clear) > 0 for s in streets)


def test_a_face_of_block_size_stays_whole():
    blocks, streets = cut(SQUARE, Cutting(0.0, 10_000_000), np.random.default_rng(3))
    assert (len(blocks), streets) == (1, [])
    assert blocks[0].equals(SQUARE)


@pytest.mark.parametrize("shape", ["rect", "step", "ell", "cross"])
def test_rows_fill_an_area_with_footprints_that_keep_apart(shape):
    style = RowStyle((12, 14), (30, 50), (16, 20), (6, 9), ((shape, 1.0),))
    area = shapely.difference(ELL, shapely.box(90, 0, 100, 450))
    drawn = fill_rows(area, 15.0, style, np.random.default_rng(4))
    assert len(drawn) > 20
    assert shapely.contains_properly(area, drawn).all()
    assert shapely.is_valid(drawn).all()
    for i, footprint in enumerate(drawn):
        rest = shapely.union_all(drawn[:i] + drawn[i + 1 :])
        assert footprint.distance(rest) > 5.9


def test_rows_in_too_small_an_area_are_none():
    style = RowStyle((12, 14), (30, 50), (16, 20), (6, 9))
    assert fill_rows(shapely.Polygon(), 0.0, style, np.random.default_rng(0)) == []
    assert fill_rows(shapely.box(0, 0, 20, 8), 0.0, style, np.random.default_rng(0)) == []
    assert fill_rows(shapely.box(0, 0, 1000, 11), 0.0, style, np.random.default_rng(0)) == []


def test_largest_remainder_sums_to_the_total_and_prefers_the_larger_rest():
    assert largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist() == [4, 3, 3]
    assert largest_remainder(np.array([0.0, 5.0, 2.5]), 10).tolist() == [0, 7, 3]
    shares = largest_remainder(np.random.default_rng(0).random(997), 180_000)
    assert shares.sum() == 180_000


def test_nobody_lives_where_there_is_no_dwelling():
    population, households = spread(
        np.array([1000.0, 800.0, 500.0]), ["old", "works", "new"], 60, np.random.default_rng(0)
    )
    assert population.sum() == 60
    assert population[1] == households[1] == 0
    assert population[0] > population[2] > 0


def test_smooth_line_runs_through_its_points():
    points = [np.array(p, dtype=float) for p in [(0, 0), (100, 40), (230, -10)]]
    stretches = smooth(points)
    assert [s[0].tolist() for s in stretches] == [[0, 0], [100, 40]]
    assert stretches[-1][-1].tolist() == [230, -10]


def test_ridge_keeps_its_points_and_is_rough():
    points = [np.array(p, dtype=float) for p in [(0, 0), (100, 0), (200, 0)]]
    line = ridge(points, np.random.default_rng(1))
    assert line[[0, 16, 32]].tolist() == [[0, 0], [100, 0], [200, 0]]
    assert np.ptp(line[:, 1]) > 5


@pytest.mark.parametrize("use", ["old", "new", "village", "works", "office", "commerce", "school"])
def test_compound_names_never_repeat(use):
    drawn = list(islice(names.compound_names(use, np.random.default_rng(1)), 900))
    assert len(set(drawn)) == 900


def test_road_names_never_repeat():
    pools = names.road_names(np.random.default_rng(1))
    drawn = [n for pool in pools.values() for n in islice(pool, 800)]
    assert len(set(drawn)) == 1600


@pytest.mark.parametrize(
    ("area_m2", "lanes", "expected"),
    [
        (170_001, False, ("tertiary", 18.0)),
        (170_000, False, ("residential", 12.0)),
        (75_001, False, ("residential", 12.0)),
        (75_000, False, ("residential", 8.0)),
        (500_000, True, ("service", 3.5)),
    ],
)
def test_the_class_of_a_street_goes_by_the_area_that_it_halves(area_m2, lanes, expected):
    assert _street_class(area_m2, lanes) == expected


def test_households_have_two_to_three_persons_and_every_dwelling_has_one():
    floor, uses = np.full(2000, 90.0), ["old", "new"] * 1000
    population, households = spread(floor, uses, 60_000, np.random.default_rng(3))
    assert population.sum() == 60_000
    assert (households >= 1).all()
    assert population.sum() / households.sum() == pytest.approx(2.6, abs=0.1)
    # New flats have 0.62 of the people of old ones of the same size.
    assert population[1::2].sum() / population[::2].sum() == pytest.approx(0.62, abs=0.02)
    few = spread(np.array([10.0, 10.0]), ["old", "old"], 2, np.random.default_rng(3))
    assert few[1].tolist() == [1, 1]


def test_a_smooth_line_is_a_catmull_rom_curve():
    points = [np.array(p, dtype=float) for p in [(0, 0), (300, 0), (300, 300), (600, 300)]]
    second = smooth(points)[1]
    # Hermite form with the slopes (c - a) / 2 and (d - b) / 2.
    t = np.linspace(0, 1, len(second))[:, None]
    b, c, slope_b, slope_c = points[1], points[2], np.array([150.0, 150.0]), np.array([150.0, 150.0])
    slow = (
        (2 * t**3 - 3 * t**2 + 1) * b
        + (t**3 - 2 * t**2 + t) * slope_b
        + (-2 * t**3 + 3 * t**2) * c
        + (t**3 - t**2) * slope_c
    )
    assert np.allclose(second, slow)


def test_only_small_buildings_are_left_out_and_only_as_many_as_needed():
    kinds = ["apartments"] * (frames.MOST_BUILDINGS - 5) + ["house"] * 20
    rows = [(k, kind) for k, kind in enumerate(kinds)]
    small = sorted(frames._SMALL)[0]
    rows = [(k, small if kind == "house" else kind) for k, kind in rows]
    left = frames._thinned(rows, np.random.default_rng(1))
    assert len(left) == frames.MOST_BUILDINGS
    assert [r for r in left if r[1] == "apartments"] == [r for r in rows if r[1] == "apartments"]
    assert frames._thinned(rows[: frames.MOST_BUILDINGS], np.random.default_rng(1)) == rows[: frames.MOST_BUILDINGS]


def test_signs_name_the_compound_and_number_by_use():
    def sign(kind: str, use: str) -> str:
        return frames._sign("春晓花园", 3, SimpleNamespace(kind=kind), use)

    assert sign("apartments", "new") == "春晓花园3幢"
    assert sign("house", "village") == "春晓花园3号"
    assert sign("industrial", "works") == "春晓花园3号厂房"
    assert sign("school", "school") == "春晓花园3号楼"


def test_places_of_the_plan_are_scaled_about_its_middle():
    assert _placed(np.array([LOCAL_CENTRE_M]), 1.3).tolist() == [list(CENTRE_XY_M)]
    moved = _placed(np.array([[LOCAL_CENTRE_M[0] + 100, LOCAL_CENTRE_M[1] - 50]]), 2.0)[0] - CENTRE_XY_M
    assert moved.tolist() == pytest.approx([200.0, -100.0])


def test_positions_are_rounded_to_the_millimetre():
    assert to_lattice(np.array([0.0004, 0.0006, -1.2344])).tolist() == [0.0, 0.001, -1.234]


def test_a_street_keeps_off_what_is_too_small_or_ragged():
    how = Cutting(0.0, 10_000)
    chord = np.array([[100.0, 0.0], [100.0, 100.0]])

    def halves(x: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one, other = shapely.box(0, 0, x, 100), shapely.box(x, 0, 200, 100)
        return (*(shapely.get_coordinates(half.exterior)[:-1] for half in (one, other)), chord)

    assert _good(halves(100.0), how)
    assert not _good(halves(20.0), how)  # 0.111 of the other
    lanes = Cutting(0.0, 10_000, lanes=True)
    assert _good(halves(22.0), lanes)  # 0.124
    assert not _good(halves(21.0), lanes)  # 0.117
    assert not _good(halves(100.0), Cutting(0.0, 10_000, keep_clear=shapely.Point(100, 50).buffer(5)))
    assert _good(halves(100.0), Cutting(0.0, 10_000, keep_clear=shapely.Point(150, 50).buffer(5)))
