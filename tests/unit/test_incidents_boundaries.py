"""Boundaries, ties and units: cases decided by a single comparison."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import InputError
from geo.incidents import (
    Calendar,
    Limit,
    against_patrols,
    assign,
    assign_by_day,
    counts,
    density,
    mark_default_points,
    mark_repeats,
    periods,
    weekly,
)
from geo.incidents.statistics.rates import empirical_bayes
from geo.incidents.statistics.trend import starts
from geo.incidents.surface.kernel_density import require_raster
from geo.layers import Division

CRS = "EPSG:4549"
X0, Y0 = 388_000.0, 3_553_000.0
ZONE = "Asia/Shanghai"


def row_of_cells(n: int, **columns: object) -> gpd.GeoDataFrame:
    boxes = [shapely.box(X0 + 100 * i, Y0, X0 + 100 * i + 100, Y0 + 100) for i in range(n)]
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(n)], **columns}, geometry=boxes, crs=CRS)


def points(xy: object, **columns: object) -> gpd.GeoDataFrame:
    x, y = np.array(xy, dtype=float).reshape(-1, 2).T
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(X0 + x, Y0 + y), crs=CRS)


def local(*days: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(days))).dt.tz_localize(ZONE).dt.tz_convert("UTC")


class TestWeeks:
    CELLS = pd.DataFrame({"code": ["c0", "c1"]})

    def compared(self, *times: str, **options: object) -> pd.DataFrame:
        frame = pd.DataFrame({"cell": "c0", "reported_at": local(*times)})
        return weekly(frame, [(3, "cell", self.CELLS)], **options).set_index("code")

    @pytest.mark.parametrize(
        ("ago", "before", "now"), [(0, 0, 1), (6, 0, 1), (7, 1, 0), (13, 1, 0), (14, 0, 0), (-1, 0, 0)]
    )
    def test_the_day_decides_the_week(self, ago, before, now):
        day = pd.Timestamp("2026-03-15") - pd.Timedelta(days=ago)
        for clock in ("00:00:00", "23:59:59"):
            found = self.compared(f"{day:%Y-%m-%d} {clock}", end=dt.date(2026, 3, 15)).loc["c0"]
            assert (found["before"], found["now"]) == (before, now)

    def test_the_last_incident_ends_the_week_by_default(self):
        found = self.compared("2026-03-01 23:00", "2026-03-02 00:00", "2026-03-08 12:00", "2026-03-15 01:00")
        assert found.loc["c0", ["before", "now"]].tolist() == [2, 1]
        assert found.attrs == {"from": "2026-03-02", "to": "2026-03-15"}
        assert found["level"].tolist() == [3, 3]

    def test_figures_of_one_week_only(self):
        new = self.compared(*["2026-03-15 10:00"] * 4).loc["c0"]
        assert np.isnan(new["ratio"])
        assert new["ratio_high"] == np.inf
        assert new["ratio_low"] == pytest.approx(0.025**0.25 / (1 - 0.025**0.25))
        assert new["p"] == pytest.approx(2 * 0.5**4)
        gone = self.compared(*["2026-03-05 10:00"] * 4, end=dt.date(2026, 3, 15)).loc["c0"]
        assert (gone["ratio"], gone["ratio_low"]) == (0.0, 0.0)
        assert gone["ratio_high"] == pytest.approx((1 - 0.025**0.25) / 0.025**0.25)
        nothing = self.compared("2026-03-15 10:00").loc["c1"]
        assert nothing[["ratio", "ratio_low", "ratio_high", "p", "q"]].isna().all()
        assert nothing["change"] == "noise"

    def test_cells_without_incidents_are_no_tests(self):
        """q counts only cells with incidents: with one of them, q is p."""
        found = self.compared(*["2026-03-15 10:00"] * 6).loc["c0"]
        assert found["q"] == found["p"]
        assert found["change"] == "up"


class TestPatrols:
    def test_visits_that_do_not_count_give_hours_and_no_visits(self):
        cells = row_of_cells(2)
        visits = pd.DataFrame(
            {
                "code": ["c0", "c0", "c0", "c1"],
                "stay_s": [600.0, 1200.0, 1800.0, 60.0],
                "counted": [True, False, True, False],
            }
        )
        incidents = pd.DataFrame({"cell": ["c0"] * 6 + ["c1"]})
        found = against_patrols(incidents, visits, cells, column="cell").set_index("code")
        assert found["visits"].tolist() == [2, 0]
        assert found["patrol_hours"].tolist() == [1.0, 60.0 / 3600.0]
        assert found["per_visit"].iloc[0] == 3.0
        assert np.isnan(found["per_visit"].iloc[1])
        assert found["per_patrol_hour"].tolist() == [6.0, 60.0]
        everything = against_patrols(incidents, visits.drop(columns="counted"), cells, column="cell")
        assert everything["visits"].tolist() == [3, 1]

    def test_neglected_needs_incidents_of_residents_and_fewer_visits_than_the_median(self):
        cells = row_of_cells(4)
        incidents = pd.DataFrame({"cell": ["c0"] * 5 + ["c1"] * 2, "source": ["网格巡查"] * 5 + ["热线"] * 2})
        visits = pd.DataFrame({"code": ["c1", "c2", "c2", "c3", "c3"], "stay_s": 60.0, "counted": True})
        found = against_patrols(incidents, visits, cells, column="cell", fewest_visits=0.5)
        # c0 is never visited, but only patrols found anything there.
        assert found["neglected"].tolist() == [False, True, False, False]
        alike = pd.DataFrame({"code": ["c0", "c1", "c2", "c3"], "stay_s": 60.0, "counted": True})
        assert not against_patrols(incidents, alike, cells, column="cell")["neglected"].any()


class TestMarks:
    def marked(self, *sizes: int) -> tuple[list[int], list[dict]]:
        """Sizes of the places marked as default points, for places with these numbers of incidents."""
        lon = np.repeat(118.8 + 0.001 * np.arange(len(sizes)), sizes)
        frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, np.full(len(lon), 32.1)), crs=4326)
        frame, records = mark_default_points(frame)
        by_place = frame.groupby(lon)["default_point"].sum()
        return [int(n) for n in by_place if n], records

    def test_exactly_three_times_the_next_is_enough(self):
        assert self.marked(30, 10, 3)[0] == [30, 10]
        assert self.marked(29, 10, 4)[0] == []
        assert self.marked(30, 10, 4)[0] == [30]

    def test_exactly_ten_incidents_are_enough(self):
        assert self.marked(10, *[1] * 30)[0] == [10]
        assert self.marked(9, *[1] * 30)[0] == []

    def test_exactly_half_a_percent_is_enough(self):
        assert self.marked(12, *[4] * 597)[0] == [12]  # 12 of 2,400
        assert self.marked(12, *[4] * 598)[0] == []

    def test_one_place_says_nothing(self):
        assert self.marked(40)[0] == []

    def test_the_record_of_a_point(self):
        lon = np.r_[np.full(12, 118.8), 118.9, 118.91, 118.92]
        frame = gpd.GeoDataFrame(
            {"address": ["甲", "乙", *["甲"] * 13]}, geometry=gpd.points_from_xy(lon, np.full(15, 32.1)), crs=4326
        )
        _, (record,) = mark_default_points(frame)
        assert record == {"lon": 118.8, "lat": 32.1, "reports": 12, "share": 0.8, "addresses": 2}

    def test_points_a_tenth_of_a_metre_apart_are_one_and_farther_ones_are_two(self):
        lon = np.r_[np.full(6, 118.8), np.full(6, 118.8 + 2e-7), 118.9, 118.91]
        frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, np.full(14, 32.1)), crs=4326)
        assert mark_default_points(frame)[0]["default_point"].sum() == 12
        lon = np.where(lon == 118.8 + 2e-7, 118.8 + 2e-6, lon)
        frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, np.full(14, 32.1)), crs=4326)
        assert not mark_default_points(frame)[0]["default_point"].any()

    def test_the_first_of_a_number_is_no_repeat_and_no_number_is_none(self):
        frame = gpd.GeoDataFrame({"incident_id": ["a", "b", "a", None, None, "a"]}, geometry=[None] * 6)
        assert mark_repeats(frame)["repeat"].tolist() == [False, False, True, False, False, True]


class TestCounts:
    def test_rates_of_a_kind_are_drawn_towards_those_of_the_kind(self):
        cells = row_of_cells(3, population=[1000, 1000, 100])
        kinds = {"a": [40, 10, 0], "b": [1, 0, 5]}
        where = [(i, kind) for kind, numbers in kinds.items() for i, n in enumerate(numbers) for _ in range(n)]
        incidents = assign(points([(100 * i + 50, 50) for i, _ in where], kind=[kind for _, kind in where]), cells)
        table = counts(incidents, cells, by="kind")
        for kind, numbers in kinds.items():
            rows = table[table["kind"] == kind]
            assert rows["incidents"].tolist() == numbers
            expected = empirical_bayes(numbers, np.array([1.0, 1.0, 0.1]))
            np.testing.assert_allclose(rows["per_1000_eb"], expected, rtol=1e-12)
        alone = counts(incidents, cells)
        np.testing.assert_allclose(alone["per_1000_eb"], empirical_bayes([41, 10, 5], [1.0, 1.0, 0.1]), rtol=1e-12)

    def test_empirical_bayes_is_the_formula(self):
        """Marshall (1991): the prior variance is the variance between cells minus the sampling variance at the mean exposure."""
        k, e = np.array([0.0, 30.0, 12.0]), np.array([1.0, 10.0, 2.0])
        common = k.sum() / e.sum()
        between = (e * (k / e - common) ** 2).sum() / e.sum() - common / e.mean()
        weight = between / (between + common / e)
        np.testing.assert_allclose(empirical_bayes(k, e), weight * k / e + (1 - weight) * common, rtol=1e-12)
        alike = empirical_bayes([10, 20], [1.0, 2.0])
        np.testing.assert_allclose(alike, [10.0, 10.0])
        assert empirical_bayes([0, 0], [1.0, 2.0]).tolist() == [0.0, 0.0]

    def test_units_of_the_rates_and_their_intervals(self):
        cells = row_of_cells(1, area_m2=[2e6], population=[4000], units=[8])
        row = counts(assign(points([(50, 50)] * 16), cells), cells).iloc[0]
        assert (row["per_km2"], row["per_1000"], row["per_unit"]) == (8.0, 4.0, 2.0)
        for name, exposure in (("per_km2", 2.0), ("per_1000", 4.0), ("per_unit", 8.0)):
            assert row[f"{name}_low"] == row["incidents_low"] / exposure
            assert row[f"{name}_high"] == row["incidents_high"] / exposure
        assert row["incidents_low"] < 16 < row["incidents_high"]


class TestAssign:
    def test_a_point_exactly_at_the_distance_from_a_border_is_on_it(self):
        found = assign(points([(99, 50), (98.9999, 50), (50, 50), (101, 50)]), row_of_cells(2))
        assert found["on_border"].tolist() == [True, False, False, True]
        assert found["other_cells"].tolist() == ["c1", None, None, "c0"]
        wider = assign(points([(95, 50)]), row_of_cells(2), border_m=5.0)
        assert wider["other_cells"].tolist() == ["c1"]

    def test_a_point_exactly_at_the_distance_from_the_cells_is_taken(self):
        found = assign(points([(205, 50), (205.0001, 50)]), row_of_cells(2), within_m=5.0)
        assert found["cell"].tolist() == ["c1", None]
        assert found["distance_m"].iloc[0] == pytest.approx(5.0, abs=1e-9)
        assert np.isnan(found["distance_m"].iloc[1])
        with pytest.raises(ValueError, match="distances"):
            assign(points([(1, 1)]), row_of_cells(2), border_m=-1.0)

    def test_the_first_day_of_a_division_is_its_own(self):
        def divided(prefix: str) -> Division:
            third = row_of_cells(1).assign(code=[f"{prefix}320113003001001001"], level=3)
            third["parent"] = third["code"].str[:-3]
            layers = {}
            for name, less in (("second", 3), ("community", 6), ("street", 9)):
                code = third["code"].str[:-less]
                layers[name] = third.assign(code=code, parent=code.str[:-3])
            return Division(third=third, **layers)

        times = local("2026-02-28 23:59:59", "2026-03-01 00:00:00", "2026-01-31 23:59:59", "2026-02-01 00:00:00")
        found = assign_by_day(
            points([(50, 50)] * 4, reported_at=times),
            {dt.date(2026, 3, 1): divided("N"), dt.date(2026, 2, 1): divided("O")},
        )
        assert [c if c is None else c[0] for c in found["cell"]] == ["O", "N", None, "O"]
        assert found["second"].iloc[1] == "N320113003001001"
        assert found["community"].iloc[1] == "N320113003001"


class TestPeriods:
    def test_the_first_full_period_begins_on_its_first_day(self):
        times = local(
            "2026-03-01 12:00", "2026-03-02 00:00", "2026-03-08 23:59", "2026-03-09 00:00", "2026-03-15 08:00"
        )
        assert periods(times).fillna(-1).tolist() == [-1, 0, 0, 1, 1]
        assert starts(times) == [dt.date(2026, 3, 2), dt.date(2026, 3, 9)]
        # Exactly two weeks: no day is left over at the start.
        assert periods(times[1:]).tolist() == [0, 0, 1, 1]
        assert starts(local("2026-03-01 12:00")) == []


class TestDensity:
    def test_what_is_used_left_out_and_outside(self):
        given = points([(10, 10), (20, 20), (30, 30), (5000, 10)], default_point=[False, True, False, False])
        found = density(given, outline=row_of_cells(2), bandwidth_m=30.0, cell_m=10.0)
        assert (found.used, found.excluded, found.outside) == (2, 1, 1)
        assert (found.x[1] - found.x[0], found.y[1] - found.y[0]) == (10.0, 10.0)
        # Lines of the raster lie on multiples of its cell size.
        assert ((found.x - 5.0) % 10.0 == 0).all()
        assert found.x[0] > X0
        assert found.x[-1] < X0 + 210

    def test_a_raster_that_would_be_too_large_is_refused_with_the_bandwidth_that_is_possible(self):
        outline = gpd.GeoSeries([shapely.box(X0, Y0, X0 + 4000, Y0 + 4000)], crs=CRS)
        with pytest.raises(
            InputError, match=r"4\.0 × 4\.0 km needs 64\.0 million raster cells of 0\.5 m.* use at least 8 m"
        ):
            density(points([(10, 10)]), outline=outline, bandwidth_m=1.0, cell_m=0.5)
        with pytest.raises(InputError, match="million raster cells"):
            require_raster(outline, bandwidth_m=7.9)
        require_raster(outline, bandwidth_m=8.0)
        require_raster(outline, bandwidth_m=300.0)


class TestLimits:
    CHINA = Calendar.china()

    def due(self, time: str, limit: str) -> str:
        found = self.CHINA.due(local(time), Limit.parse(limit)).iloc[0]
        return f"{found.tz_convert(ZONE):%m-%d %H:%M}"

    @pytest.mark.parametrize(
        ("time", "limit", "due"),
        [
            ("2026-03-02 08:00", "4工作时", "03-02 12:00"),
            ("2026-03-02 08:01", "4工作时", "03-02 14:01"),
            ("2026-03-02 12:00", "1工作时", "03-02 15:00"),
            ("2026-03-02 18:00", "1工作时", "03-03 09:00"),
            ("2026-03-02 17:59", "1工作时", "03-03 08:59"),
            ("2026-03-06 19:00", "1工作时", "03-09 09:00"),
            ("2026-03-02 23:59", "1工作日", "03-03 18:00"),
            ("2026-03-03 00:00", "1工作日", "03-04 18:00"),
            ("2026-03-07 10:00", "1工作日", "03-09 18:00"),
            ("2026-03-02 10:00", "2紧急工作时", "03-02 12:00"),
            ("2026-03-02 10:00", "1紧急工作日", "03-03 10:00"),
            ("2026-03-02 10:00", "3天", "03-05 10:00"),
        ],
    )
    def test_when_a_limit_ends(self, time, limit, due):
        assert self.due(time, limit) == due
