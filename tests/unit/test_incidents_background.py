"""The background of counts, and the cells that exceed it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shapely

from geo.errors import InputError
from geo.incidents import hotspots
from geo.incidents.statistics.background import estimate_background
from geo.incidents.statistics.neighbours import contiguity, contiguity_weights

CRS = "EPSG:4549"
X0, Y0 = 388_000.0, 3_553_000.0


def chessboard(east_m: np.ndarray, north_m: np.ndarray) -> gpd.GeoDataFrame:
    """Cells between lines at these distances, numbered west to east, then south to north."""
    west, south = np.meshgrid(X0 + east_m[:-1], Y0 + north_m[:-1])
    east, north = np.meshgrid(X0 + east_m[1:], Y0 + north_m[1:])
    shapes = shapely.box(west.ravel(), south.ravel(), east.ravel(), north.ravel())
    return gpd.GeoDataFrame({"code": [f"c{i:03d}" for i in range(len(shapes))]}, geometry=shapes, crs=CRS)


def squares(columns: int, rows: int) -> gpd.GeoDataFrame:
    return chessboard(np.arange(columns + 1) * 100.0, np.arange(rows + 1) * 100.0)


def hotspots_of(values: np.ndarray, isolated: bool) -> gpd.GeoDataFrame:
    """Hot spots of counts on a board of 16 x 16 cells whose neighbours touch, or on one of cells without neighbours."""
    cells = squares(16, 16)
    pairs = np.zeros((0, 2), dtype=int) if isolated else contiguity(cells)
    neighbours = pd.DataFrame(cells["code"].to_numpy()[pairs].reshape(-1, 2), columns=["a", "b"])
    return hotspots(pd.DataFrame({"code": cells["code"], "incidents": values}), cells, neighbours=neighbours)


def uneven_squares(side: int) -> gpd.GeoDataFrame:
    """Cells from a few hundred square metres to some hectares."""
    steps = np.random.default_rng(7).gamma(1.5, 60.0, (2, side)) + 15.0
    return chessboard(*np.cumsum(np.insert(steps, 0, 0.0, axis=1), axis=1))


class TestBackground:
    def test_very_hot_cells_do_not_hide_the_others(self):
        """A cell with half of all incidents: permutation finds nothing, the background finds all three."""
        cells = squares(16, 16)
        values = np.random.default_rng(3).poisson(8, 256)
        values[[34, 120, 200]] += [900, 60, 60]
        table = pd.DataFrame({"code": cells["code"], "incidents": values})
        found = hotspots(table, cells)
        assert found.attrs["null"] == "background"
        assert found["hot"].iloc[[34, 120, 200]].all()
        assert not hotspots(table, cells, null="dealt")["hot"].iloc[[120, 200]].any()

    def test_clusters_of_high_and_low_and_what_stands_out(self):
        cells = squares(16, 16)
        column, row = np.arange(256) % 16, np.arange(256) // 16
        values = np.random.default_rng(8).poisson(np.where((column < 4) & (row < 6), 60, 10))
        values[2 * 16 + 2] = 0  # a quiet cell in the busy part
        found = hotspots(pd.DataFrame({"code": cells["code"], "incidents": values}), cells)
        busy = (column < 3) & (row < 5) & (np.arange(256) != 34)
        assert (found["cluster"][busy] == "high-high").mean() > 0.7
        assert found["cluster"].iloc[34] == "low-high"
        assert (found["cluster"][(column > 5) | (row > 7)] == "none").mean() > 0.95

    def test_exposure_explains_what_it_measures(self):
        cells = squares(16, 16)
        people = np.where(np.arange(256) % 16 < 4, 400, 100)
        values = np.random.default_rng(4).poisson(people / 20)
        table = pd.DataFrame({"code": cells["code"], "incidents": values})
        assert hotspots(table, cells)["hot"].sum() > 30
        assert hotspots(table, cells.assign(population=people), exposure="population")["hot"].sum() == 0

    def test_the_law_is_that_of_simulated_counts(self):
        """Uniform, by area, and a mixture with individual rates: the share of months with p below a level equals the level."""
        rng = np.random.default_rng(12)
        area, people = rng.gamma(2.0, 0.5, 400), rng.gamma(1.0, 1.0, 400)
        weights = contiguity_weights(contiguity(squares(20, 20)), 400)
        measures = np.column_stack([np.ones(400), area, people])
        for due, size in ((np.ones(400), None), (area, None), (0.3 + 0.3 * area + 0.4 * people, 5.0)):
            below, alone = [], []
            for _ in range(8):
                rate = 6.0 * due * (1.0 if size is None else rng.gamma(size, 1.0 / size, 400))
                values = rng.poisson(rate).astype(float)
                law = estimate_background(values, weights, measures)
                assert law.expected.sum() == pytest.approx(2400.0, rel=0.15)
                below.append(law.upper(weights @ values) <= 0.05)
                alone.append(law.upper_of_cells(values) <= 0.05)
                assert np.abs(law.upper(weights @ values) + law.lower(weights @ values - 1) - 1.0).max() < 1e-9
            assert 0.01 < np.mean(below) < 0.06
            assert 0.01 < np.mean(alone) < 0.06

    def test_large_cells_and_full_houses_are_no_hot_spots_and_planted_cells_are(self):
        """Incidents uniform over the ground, then over the residents; then ten cells with four times as many."""
        cells = uneven_squares(18)
        rng = np.random.default_rng(2)
        people = rng.gamma(1.0, 100.0, len(cells)).round()
        planted = rng.choice(len(cells), 10, replace=False)
        for due in (cells.area.to_numpy(), people):
            rate = 12.0 * due / due.mean()
            quiet = pd.DataFrame({"code": cells["code"], "incidents": rng.poisson(rate)})
            found = hotspots(quiet, cells.assign(population=people))
            assert found["hot"].sum() + found["core"].sum() <= 1
            near = found["with_neighbours"].sum()
            assert found["expected"].sum() == pytest.approx(near, rel=0.1)
            rate[planted] = 48.0
            more = pd.DataFrame({"code": cells["code"], "incidents": rng.poisson(rate)})
            core = hotspots(more, cells.assign(population=people))["core"].to_numpy()
            assert core[planted].sum() >= 6
            assert core.sum() - core[planted].sum() <= 1

    @pytest.mark.parametrize("isolated", [False, True])
    @pytest.mark.parametrize("base", [2, 5, 10])
    @pytest.mark.parametrize("off_by_one", [0.0, 0.1, 0.3])
    def test_counts_more_even_than_chance_do_not_hide_a_full_cell(self, isolated, base, off_by_one):
        """Quotas: each cell has the same count within one, and a single cell ten times as many."""
        rng = np.random.default_rng(14)
        values = np.full(256, base)
        moved = rng.random(256) < off_by_one
        values[moved] += rng.choice([-1, 1], moved.sum())
        quiet = hotspots_of(values, isolated)
        assert quiet["hot"].sum() + quiet["core"].sum() == 0
        values[120] = 10 * base
        found = hotspots_of(values, isolated)
        assert found.attrs["null"] == "background"
        assert found["hot"].iloc[120]
        assert np.flatnonzero(found["core"]).tolist() == [120]
        assert set(np.flatnonzero(found["hot"])) <= ({120} if isolated else {120, 119, 121, 104, 136})
        # The background is close to the counts of the other cells.
        near = 1 if isolated else 5
        assert found["expected"].iloc[120] == pytest.approx(near * base, rel=0.2)

    def test_too_little_to_tell_is_left_to_dealing(self):
        for n, values in ((10, np.arange(10.0)), (100, np.zeros(100))):
            assert estimate_background(values, scipy.sparse.eye_array(n).tocsr(), np.ones((n, 1))) is None
        cells = squares(3, 3)
        found = hotspots(pd.DataFrame({"code": cells["code"], "incidents": np.arange(9)}), cells)
        assert found.attrs["null"] == "dealt"
        assert found[["expected", "p_cell"]].isna().all(axis=None)
        assert not found["core"].any()
        with pytest.raises(InputError, match="null must be"):
            hotspots(pd.DataFrame({"code": [], "incidents": []}), squares(2, 1), null="normal")
