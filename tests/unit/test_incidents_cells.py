"""Assignment, counts, density and hot spots on shapes with obvious answers."""

from __future__ import annotations

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import shapely

from geo.coverage import Mesh
from geo.errors import CodeError, ColumnError, CrsError, GeometryError, InputError
from geo.incidents import assign, counts, density, find_matter, hotspots, matters
from geo.incidents.catalogue import STANDARD_REF
from geo.incidents.reprojection import cut_edges
from geo.incidents.statistics.association import gi_star
from geo.incidents.statistics.multiple_testing import benjamini_hochberg
from geo.incidents.statistics.neighbours import contiguity
from geo.incidents.surface.kernel_density import kernel_sum
from geo.layers import Division, Level

CRS = "EPSG:4549"
X0, Y0 = 388_000.0, 3_553_000.0


def squares(columns: int, rows: int, side_m: float = 100.0) -> gpd.GeoDataFrame:
    """A chessboard of cells, numbered west to east, then south to north."""
    cells = [
        {"code": f"c{row * columns + column:03d}", "geometry": shapely.box(x, y, x + side_m, y + side_m)}
        for row in range(rows)
        for column in range(columns)
        for x, y in [(X0 + column * side_m, Y0 + row * side_m)]
    ]
    return gpd.GeoDataFrame(cells, crs=CRS)


def points(xy: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    x, y = np.array(xy, dtype=float).reshape(-1, 2).T
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(X0 + x, Y0 + y), crs=CRS)


def division() -> Division:
    """2 communities of 2 second-level grids of 2 third-level grids, side by side."""
    third = squares(8, 1)
    codes = [f"320113003{c:03d}{s:03d}{t:03d}" for c in (1, 2) for s in (1, 2) for t in (1, 2)]
    third = third.assign(code=codes, name=[f"格{i}" for i in range(8)], level=3, parent=[c[:15] for c in codes])
    third = third.assign(area_m2=10_000.0, population=[100, 0, 50, 50, 10, 10, 10, np.nan])
    layers = {}
    for level, digits in ((Level.SECOND, 15), (Level.COMMUNITY, 12), (Level.STREET, 9)):
        frame = third.assign(code=[c[:digits] for c in codes]).dissolve(
            "code", aggfunc={"area_m2": "sum", "population": "sum"}
        )
        frame = frame.reset_index()
        layers[level.layer] = frame.assign(level=int(level), parent=frame["code"].str[:-3], name=frame["code"])
    return Division(third=third, **layers)


class TestAssign:
    def test_inside_near_outside_and_on_a_border(self):
        given = points([(50, 50), (100, 50), (100.9, 50), (250, 50), (203, 50), (-2, -2)], n=range(6))
        given.index = pd.Index(list("abcdef"))
        before = given.copy()
        found = assign(given, squares(2, 1), within_m=5.0)
        assert found.index.tolist() == list("abcdef")
        assert found["cell"].tolist() == ["c000", "c001", "c001", None, "c001", "c000"]
        assert found["on_border"].tolist() == [False, True, True, False, False, False]
        assert found["distance_m"].fillna(-1).round(6).tolist() == [0, 0, 0, -1, 3.0, round(8**0.5, 6)]
        pd.testing.assert_frame_equal(given, before)

    def test_nothing_near_is_taken_without_within(self):
        found = assign(points([(203, 50)]), squares(2, 1))
        assert found["cell"].tolist() == [None]
        assert found["distance_m"].isna().all()

    def test_three_levels(self):
        found = assign(points([(50, 50), (350, 50), (799, 1), (900, 0)]), division())
        assert found["third"].tolist() == ["320113003001001001", "320113003001002002", "320113003002002002", None]
        assert found["cell"].equals(found["third"])
        assert found["second"].tolist() == ["320113003001001", "320113003001002", "320113003002002", None]
        assert found["community"].tolist() == ["320113003001", "320113003001", "320113003002", None]

    def test_order_of_rows_does_not_matter(self):
        rng = np.random.default_rng(3)
        given = points([tuple(p) for p in rng.integers(0, 9, (200, 2)) * 50])
        cells = squares(4, 4)
        straight = assign(given, cells)["cell"]
        shuffled = assign(given.iloc[::-1], cells.sample(frac=1, random_state=1))["cell"]
        assert shuffled.sort_index().equals(straight)

    def test_points_in_degrees_and_without_place(self):
        given = points([(50, 50), (150, 50), (150, 50)]).to_crs("EPSG:4326")
        given.loc[1, "geometry"] = None
        given.loc[2, "geometry"] = shapely.Point()
        found = assign(given, squares(2, 1), within_m=10.0)
        assert found["cell"].tolist() == ["c000", None, None]
        assert not found["on_border"].any()

    def test_no_points(self):
        found = assign(points([]), squares(2, 1))
        assert len(found) == 0
        assert {"cell", "distance_m", "on_border"} <= set(found.columns)

    def test_refusals(self):
        one = points([(50, 50)])
        with pytest.raises(CrsError, match="no coordinate reference system"):
            assign(one.set_crs(None, allow_override=True), squares(2, 1))
        with pytest.raises(GeometryError, match=r"must be points, but 2 rows .* Polygon"):
            assign(squares(2, 1), squares(2, 1))
        with pytest.raises(ColumnError, match="no column 'code'"):
            assign(one, squares(2, 1).drop(columns="code"))
        orphan = division()
        orphan.third.loc[0, "parent"] = "320113003009009"
        with pytest.raises(CodeError, match="1 cell names a parent that does not exist"):
            assign(one, orphan)

    def test_edges_are_cut_alike_from_both_sides(self):
        left = shapely.from_wkt("POLYGON ((0 0, 1 0, 1.37 3.1, 0 2, 0 0))")
        right = shapely.from_wkt(
            "MULTIPOLYGON (((1.37 3.1, 1 0, 4 0, 4 4, 1.37 3.1), (3 1, 3.5 1, 3.5 1.5, 3 1)), ((9 9, 10 9, 9 10, 9 9)))"
        )
        cut = cut_edges([left, None, right, shapely.Polygon()], 0.1)
        assert shapely.coverage_is_valid(cut[[0, 2]])
        assert shapely.area(cut[[0, 2]]) == pytest.approx(shapely.area([left, right]), rel=1e-14)
        assert shapely.get_num_interior_rings(shapely.get_geometry(cut[2], 0)) == 1
        assert cut[1] is None
        assert cut[3].is_empty
        xy = shapely.get_coordinates(cut[0])
        assert np.hypot(*np.diff(xy, axis=0).T).max() <= 0.1 + 1e-12


class TestCounts:
    def test_every_cell_of_every_level_has_a_row_and_sums_agree(self):
        whole = division()
        assigned = assign(points([(50, 50)] * 3 + [(350, 50), (750, 50), (999, 50)]), whole)
        table = counts(assigned, whole)
        assert table.groupby("level").size().to_dict() == {1: 2, 2: 4, 3: 8}
        assert table.groupby("level")["incidents"].sum().to_dict() == {1: 5, 2: 5, 3: 5}
        assert table.attrs["outside"] == 1
        third = table[table["level"] == 3].set_index("code")
        assert third["incidents"].tolist() == [3, 0, 0, 1, 0, 0, 0, 1]
        assert third["per_km2"].iloc[0] == pytest.approx(300.0)
        assert third["per_1000"].iloc[0] == pytest.approx(30.0)
        assert third["per_1000"].isna().tolist() == [False, True, False, False, False, False, False, True]
        assert third["name"].iloc[0] == "格0"

    def test_by_kind(self):
        cells = squares(2, 1)
        kinds = ["店外经营", "暴露垃圾", "店外经营", None]
        table = counts(assign(points([(50, 50), (50, 60), (150, 50), (150, 50)], kind=kinds), cells), cells, by="kind")
        found = {(r.code, r.kind if isinstance(r.kind, str) else None): r.incidents for r in table.itertuples()}
        assert found == {
            ("c000", "店外经营"): 1,
            ("c000", "暴露垃圾"): 1,
            ("c000", None): 0,
            ("c001", "店外经营"): 1,
            ("c001", "暴露垃圾"): 0,
            ("c001", None): 1,
        }

    def test_area_is_ellipsoidal_where_cells_bring_none(self):
        cells = squares(1, 1)
        table = counts(assign(points([(50, 50)]), cells), cells)
        assert table["per_km2"].iloc[0] == pytest.approx(100.031, abs=0.002)  # EPSG:4549 is 0.031 % larger here

    def test_cells_of_another_division_are_refused(self):
        assigned = assign(points([(150, 50)]), squares(2, 1))
        with pytest.raises(ColumnError, match="names cells that do not exist \\(c001\\)"):
            counts(assigned, squares(1, 1))
        with pytest.raises(ColumnError, match="no column 'cell'"):
            counts(points([(1, 1)]), squares(1, 1))


class TestDensity:
    # A street with a bay and a detached part: kernels are cut on many sides.
    OUTLINE = gpd.GeoSeries.from_wkt(
        [
            f"POLYGON (({X0} {Y0}, {X0 + 900} {Y0}, {X0 + 900} {Y0 + 700}, "
            f"{X0 + 500} {Y0 + 90}, {X0 + 200} {Y0 + 700}, {X0} {Y0}))",
            f"POLYGON (({X0 + 1200} {Y0}, {X0 + 1215} {Y0}, {X0 + 1215} {Y0 + 15}, {X0 + 1200} {Y0}))",
        ],
        crs=CRS,
    )

    def test_integrates_to_the_reports_inside(self):
        rng = np.random.default_rng(5)
        given = points([tuple(p) for p in rng.uniform(-100, 1000, (3000, 2))] + [(1214.0, 10.0)])
        result = density(given, outline=self.OUTLINE)
        inside = int(shapely.intersects(shapely.union_all(self.OUTLINE.array), given.geometry.array).sum())
        assert (result.used, result.outside) == (inside, 3001 - inside)
        assert result.total() == pytest.approx(inside, rel=1e-9)
        assert (result.values[~result.inside] == 0).all()
        assert result.values.shape == (len(result.y), len(result.x))

    def test_is_the_slow_sum_report_by_report(self):
        rng = np.random.default_rng(6)
        xy = rng.uniform(20, 180, (40, 2))
        result = density(points([tuple(p) for p in xy]), outline=squares(2, 2).geometry, bandwidth_m=60.0, cell_m=10.0)
        gx, gy = (g[result.inside] for g in np.meshgrid(result.x, result.y))
        between = np.exp(-((gx[:, None] - gx) ** 2 + (gy[:, None] - gy) ** 2) / (2 * 60.0**2))
        weight = np.ones(len(gx))
        for _ in range(500):
            weight = np.sqrt(weight / (between @ weight))
        slow = np.zeros(len(gx))
        for x, y in xy:
            kernel = np.exp(-((gx - X0 - x) ** 2 + (gy - Y0 - y) ** 2) / (2 * 60.0**2)) * weight
            slow += kernel / kernel.sum() / 10.0**2 * 1e6
        np.testing.assert_allclose(result.values[result.inside], slow, rtol=3e-3)  # Weights are accurate to 0.1 %.

    def test_border_is_not_dimmed(self):
        """Uniformly distributed incidents give a uniform density, including borders and corners."""
        lattice = [(x, y) for x in np.arange(5, 1000, 10.0) for y in np.arange(5, 1000, 10.0)]
        result = density(points(lattice), outline=squares(10, 10).geometry, bandwidth_m=100.0)
        assert result.inside.sum() == 50 * 50
        np.testing.assert_allclose(result.values[result.inside], 10_000, rtol=0.01)

    def test_unit_is_reports_per_km2(self):
        result = density(points([(5000, 5000)] * 7), outline=squares(100, 100).geometry, bandwidth_m=200.0)
        assert result.values.max() == pytest.approx(7 / (2 * np.pi * 0.2**2), rel=0.01)

    def test_default_points_are_set_apart_and_said(self):
        given = points([(50, 50), (60, 60), (60, 60)], default_point=[False, True, True])
        result = density(given, outline=squares(2, 2).geometry)
        assert (result.used, result.excluded, round(result.total(), 9)) == (1, 2, 1.0)
        assert density(given, outline=squares(2, 2).geometry, default_points=True).used == 3

    def test_very_many_places_are_brought_together_without_loss(self, monkeypatch):
        rng = np.random.default_rng(7)
        given = points([tuple(p) for p in rng.uniform(0, 500, (2000, 2))])
        exact = density(given, outline=squares(5, 5).geometry)
        monkeypatch.setattr(sys.modules["geo.incidents.surface.kernel_density"], "_MOST_INCIDENTS", 100)
        near = density(given, outline=squares(5, 5).geometry)
        assert near.total() == pytest.approx(2000, rel=1e-9)
        assert not np.array_equal(near.values, exact.values)
        np.testing.assert_allclose(near.values, exact.values, rtol=5e-3)

    def test_no_reports(self):
        result = density(points([]), outline=squares(2, 2).geometry)
        assert result.total() == 0.0

    @pytest.mark.parametrize(("bandwidth_m", "cell_m"), [(0.0, 20.0), (np.nan, 20.0), (150.0, -1.0), (30.0, 20.0)])
    def test_lengths_that_make_no_sense_are_refused(self, bandwidth_m, cell_m):
        with pytest.raises(InputError):
            density(points([(1, 1)]), outline=squares(2, 2).geometry, bandwidth_m=bandwidth_m, cell_m=cell_m)

    def test_kernel_without_correction_integrates_over_the_plane(self):
        lines = np.arange(-1000, 1001, 10.0)
        raw = kernel_sum(np.array([[0.0, 0.0], [100.0, -50.0]]), lines, lines, 100.0)
        assert raw.sum() * 100.0 == pytest.approx(2.0, rel=1e-9)


class TestHotspots:
    @staticmethod
    def table(cells: gpd.GeoDataFrame, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"code": cells["code"], "incidents": values})

    def test_a_planted_spot_is_found_and_nothing_else(self):
        cells = squares(20, 20)
        values = np.random.default_rng(1).poisson(10, 400)
        middle = [8 * 20 + 8, 8 * 20 + 9, 9 * 20 + 8, 9 * 20 + 9]
        values[middle] += 40
        found = hotspots(self.table(cells, values), cells)
        assert found["hot"].iloc[middle].all()
        around = set(middle) | {m + d for m in middle for d in (-20, -1, 1, 20)}
        assert set(np.flatnonzero(found["hot"])) <= around
        assert found.attrs["shown"]
        assert "明显高于正常水平" in found.attrs["note_zh"]

    def test_formula_by_hand(self):
        cells = squares(4, 3)
        values = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
        found = hotspots(self.table(cells, values), cells, alternative="two-sided")
        n, mean = 12, values.mean()
        for i in range(n):
            row, column = divmod(i, 4)
            near = [i] + [
                r * 4 + c
                for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
                if 0 <= r < 3 and 0 <= c < 4
            ]
            w = len(near)
            z = (values[near].sum() - mean * w) / (values.std() * np.sqrt((n * w - w * w) / (n - 1)))
            assert found["z"].iloc[i] == pytest.approx(z, abs=1e-12)
            assert found["neighbours"].iloc[i] == w - 1
        assert "少于30个" in found.attrs["note_zh"]

    def test_mesh_and_polygons_give_the_same(self):
        cells = squares(7, 5)
        values = self.table(cells, np.random.default_rng(2).poisson(4, 35))
        one, other = hotspots(values, cells), hotspots(values, Mesh.from_layer(cells))
        pd.testing.assert_frame_equal(
            pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
        )

    def test_corner_is_no_border_and_a_narrow_gap_is_one(self):
        cells = squares(2, 2)
        assert contiguity(cells).tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
        moved = cells.copy()
        moved.loc[1, "geometry"] = shapely.transform(cells.geometry[1], lambda xy: xy + np.array([0.004, 0.0]))
        assert contiguity(moved).tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]

    def test_says_when_nothing_can_be_shown(self):
        cells = squares(10, 10)
        alike = hotspots(self.table(cells, np.full(100, 0.1)), cells, column="incidents")
        assert alike["z"].isna().all()
        assert not alike["hot"].any()
        assert "无法作出判断" in alike.attrs["note_zh"]
        none = hotspots(self.table(cells, np.zeros(100)), cells)
        assert none.attrs["note_en"] == "There are no incidents, so nothing can be shown."
        few = hotspots(self.table(cells, np.random.default_rng(0).poisson(0.3, 100)), cells)
        assert "unseen" in few.attrs["note_en"]

    def test_p_is_that_of_dealing_the_values_anew(self):
        """Compared with 40,000 random permutations: a skewed set of counts, a neighbourhood of five."""
        rng = np.random.default_rng(11)
        cells = squares(12, 12)
        values = rng.poisson(1.0, 144)
        found = hotspots(self.table(cells, values), cells, null="dealt")
        two = hotspots(self.table(cells, values), cells, null="dealt", alternative="two-sided")
        inner = found[found["neighbours"] == 4]
        deals = np.array([rng.choice(values, 5, replace=False).sum() for _ in range(40_000)])
        for row in inner.iloc[::7].itertuples():
            total = values[[row.Index + step for step in (0, -12, -1, 1, 12)]].sum()
            dealt = (deals >= total).mean()
            assert row.p == pytest.approx(dealt, abs=0.01 + 0.1 * dealt)
            below = (deals <= total).mean()
            assert two["p"].iloc[row.Index] == pytest.approx(min(1.0, 2 * min(dealt, below)), abs=0.03)

    @pytest.mark.parametrize("mean", [0.5, 1.0, 10.0])
    def test_even_reports_give_no_hot_spot_more_often_than_promised(self, mean):
        cells = squares(20, 20)
        pairs = pd.DataFrame(cells["code"].to_numpy()[contiguity(cells)], columns=["a", "b"])
        shown = [
            hotspots(self.table(cells, np.random.default_rng(seed).poisson(mean, 400)), cells, neighbours=pairs).attrs[
                "shown"
            ]
            for seed in range(60)
        ]
        assert sum(shown) <= 8  # 5 % of 60 is 3; more than 8 has probability 0.003

    def test_rows_of_other_levels_are_passed_over_and_missing_ones_are_not(self):
        cells = squares(6, 6)
        table = self.table(cells, np.arange(36))
        more = pd.concat([table, pd.DataFrame({"code": ["other"], "incidents": [10**6]})])
        pd.testing.assert_series_equal(hotspots(more, cells)["z"], hotspots(table, cells)["z"])
        with pytest.raises(CodeError, match="1 cell has no row \\(c035\\)"):
            hotspots(table.iloc[:-1], cells)
        with pytest.raises(CodeError, match="more than once"):
            hotspots(pd.concat([table, table]), cells)
        with pytest.raises(InputError, match="not a number in 1 cell"):
            hotspots(table.assign(incidents=table["incidents"].where(table["code"] != "c003")), cells)

    @pytest.mark.parametrize("columns", [1, 2, 3])
    def test_hardly_any_cells(self, columns):
        cells = squares(columns, 1)
        found = hotspots(self.table(cells, np.arange(columns) * 5), cells)
        assert not found["hot"].any()
        assert (found["cluster"] == "none").all()

    def test_all_cells_neighbours_of_all(self):
        import scipy.sparse

        z = gi_star(np.array([1.0, 2.0, 3.0]), scipy.sparse.csr_array(np.ones((3, 3))))
        assert np.isnan(z).all()

    def test_benjamini_hochberg_is_scipys(self):
        p = np.random.default_rng(4).uniform(0, 0.2, 200)
        np.testing.assert_allclose(benjamini_hochberg(p), scipy.stats.false_discovery_control(p), rtol=1e-12)


class TestCatalogue:
    def test_97_events_with_unique_codes_and_names(self):
        table = matters()
        assert table["kind"].value_counts().to_dict() == {"event": 97, "anomaly": 3}
        assert table["code"].is_unique
        assert table["name"].is_unique
        assert table.loc[table["kind"] == "event", "code"].str.fullmatch(r"(0[6-9]|10)\d{3}").all()
        assert not set(table["code"]) & {"06031", "07005", "09007"}
        assert (table["standard_ref"] == STANDARD_REF).all()

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("暴露垃圾", "06010"),
            ("道路遗撒（洒）", "06014"),
            (" 早（夜）市管理问题", "09002"),
            ("架空线缆脱落", "10002"),
        ],
    )
    def test_by_name(self, text, code):
        found = find_matter(text)
        assert found is not None
        assert found.code == code

    def test_a_code_means_nothing_without_its_standard(self):
        assert find_matter("06010") is None
        assert find_matter("06010", standard_ref="GB/T 30428.2-2013") is None
        assert find_matter("01-10", standard_ref="GB/T 30428.2-2013").current == "06010"
        assert find_matter("06010", standard_ref="GB/T 47678.5-2026").name == "暴露垃圾"
        assert find_matter("不存在的事项") is None
