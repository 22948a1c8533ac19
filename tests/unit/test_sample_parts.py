"""The small parts of the model street: cuts, rows, shares, names."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import shapely

from geo.sample.town import names
from geo.sample.town.cutting import Cutting, cut
from geo.sample.town.outline import ridge, smooth
from geo.sample.town.people import largest_remainder, spread
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
        np.array([1000.0, 0.0, 500.0]), ["old", "works", "new"], 60, np.random.default_rng(0)
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
