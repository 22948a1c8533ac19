"""Small numbers, weeks, trends, patrols, doubtful coordinates, divisions by day."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import shapely

from geo.errors import ColumnError, InputError
from geo.incidents import (
    against_patrols,
    assign,
    assign_by_day,
    count_stream,
    counts,
    datum_doubts,
    periods,
    trends,
    weekly,
)
from geo.incidents.statistics.rates import empirical_bayes, poisson_interval
from geo.layers import Division, Level, convert

CRS = "EPSG:4549"
X0, Y0 = 388_000.0, 3_553_000.0


def squares(columns: int, rows: int, side_m: float = 100.0) -> gpd.GeoDataFrame:
    cells = [
        {"code": f"c{row * columns + column:03d}", "geometry": shapely.box(x, y, x + side_m, y + side_m)}
        for row in range(rows)
        for column in range(columns)
        for x, y in [(X0 + column * side_m, Y0 + row * side_m)]
    ]
    return gpd.GeoDataFrame(cells, crs=CRS)


def points(xy: object, **columns: object) -> gpd.GeoDataFrame:
    x, y = np.array(xy, dtype=float).reshape(-1, 2).T
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(X0 + x, Y0 + y), crs=CRS)


def division(prefix: str = "", side_m: float = 100.0) -> Division:
    """One community of 2 second-level grids of 2 third-level grids, side by side."""
    third = squares(4, 1, side_m)
    codes = [f"{prefix}320113003001{s:03d}{t:03d}" for s in (1, 2) for t in (1, 2)]
    third = third.assign(code=codes, level=3, parent=[c[:-3] for c in codes], population=[10, 20, 30, 40])
    layers = {}
    for level, less in ((Level.SECOND, 3), (Level.COMMUNITY, 6), (Level.STREET, 9)):
        frame = (
            third.assign(code=[c[:-less] for c in codes]).dissolve("code", aggfunc={"population": "sum"}).reset_index()
        )
        layers[level.layer] = frame.assign(level=int(level), parent=frame["code"].str[:-3])
    return Division(third=third, **layers)


class TestSmallNumbers:
    def test_intervals_hold_the_mean_as_often_as_promised(self):
        rng = np.random.default_rng(1)
        for mean in (0.4, 3.0, 30.0):
            low, high = poisson_interval(rng.poisson(mean, 4000))
            assert ((low <= mean) & (mean <= high)).mean() >= 0.95

    def test_rates_drawn_together_are_nearer_to_the_truth(self):
        rng = np.random.default_rng(2)
        truth, residents = rng.gamma(20.0, 0.5 / 20.0, 400), rng.integers(2, 60, 400).astype(float)
        number = rng.poisson(truth * residents)
        drawn = empirical_bayes(number, residents)
        assert ((drawn - truth) ** 2).mean() < 0.5 * ((number / residents - truth) ** 2).mean()
        # The smaller the cell, the nearer to the common rate.
        common = number.sum() / residents.sum()
        kept = np.abs(drawn - common) / np.abs(number / residents - common)
        assert scipy.stats.spearmanr(kept, residents).statistic > 0.99

    def test_unknown_exposure_gives_nothing(self):
        drawn = empirical_bayes([3, 4, 5], [10, 0, np.nan])
        assert np.isnan(drawn).tolist() == [False, True, True]
        assert np.isnan(empirical_bayes([1], [0])).all()

    def test_counts_bring_rates_per_unit_with_their_intervals(self):
        cells = squares(2, 1).assign(units=[5, 0], population=[100, 0])
        row = counts(assign(points([(50, 50)] * 10), cells), cells).iloc[0]
        assert (row["per_unit"], row["per_1000"]) == (2.0, 100.0)
        assert (round(row["incidents_low"], 3), round(row["incidents_high"], 3)) == (4.795, 18.390)
        assert round(row["per_unit_high"], 3) == 3.678


class TestWeeks:
    END = pd.Timestamp("2026-03-15 12:00", tz="Asia/Shanghai")

    def table(self, before: int, now: int) -> pd.DataFrame:
        times = [self.END - pd.Timedelta(days=10)] * before + [self.END] * now
        return pd.DataFrame({"cell": "a", "reported_at": pd.Series(times).dt.tz_convert("UTC")})

    def compared(self, before: int, now: int) -> pd.Series:
        cells = pd.DataFrame({"code": ["a", "b"]})
        return weekly(self.table(before, now), [(None, "cell", cells)]).set_index("code").loc["a"]

    def test_change_is_told_from_noise(self):
        assert self.compared(10, 14)["change"] == "noise"
        assert self.compared(5, 40)["change"] == "up"
        assert self.compared(40, 5)["change"] == "down"

    def test_p_is_that_of_the_binomial_test(self):
        assert self.compared(3, 9)["p"] == pytest.approx(scipy.stats.binomtest(9, 12).pvalue, abs=1e-12)

    def test_ratio_and_days(self):
        row = self.compared(20, 30)
        assert row["ratio"] == 1.5
        assert row["ratio_low"] < 1.5 < row["ratio_high"]
        found = weekly(self.table(1, 1), [(None, "cell", pd.DataFrame({"code": ["a"]}))])
        assert found.attrs == {"from": "2026-03-02", "to": "2026-03-15"}

    def test_without_change_hardly_anything_is_called_change(self):
        rng = np.random.default_rng(5)
        cells = pd.DataFrame({"code": [f"c{i}" for i in range(255)]})
        alarms = 0
        for _ in range(40):
            code = rng.integers(0, 255, 1500)
            when = self.END - pd.to_timedelta(rng.integers(0, 14, 1500), unit="D")
            frame = pd.DataFrame({"cell": cells["code"].to_numpy()[code], "reported_at": when.tz_convert("UTC")})
            alarms += (weekly(frame, [(None, "cell", cells)])["change"] != "noise").any()
        assert alarms <= 5

    def test_no_times(self):
        with pytest.raises(ColumnError, match="no incident has a time"):
            weekly(
                self.table(1, 1).assign(reported_at=pd.Series([pd.NaT] * 2, dtype="datetime64[us, UTC]")),
                [(None, "cell", pd.DataFrame({"code": ["a"]}))],
            )


class TestTrends:
    def test_each_kind_of_hot_spot(self):
        """Four weeks on a board: one persistent hot spot, one at the end, one at the beginning, one that grows."""
        cells = squares(18, 18)
        rng = np.random.default_rng(6)
        table = np.stack([rng.poisson(6, 324) for _ in range(6)], axis=1)
        spots = {"lasting": 40, "new": 52, "fading": 264, "growing": 277}
        table[spots["lasting"]] += 60
        table[spots["new"], -1] += 90
        table[spots["fading"], :3] += 70
        table[spots["growing"]] += np.array([20, 45, 70, 95, 120, 145])
        rows, weeks = np.nonzero(table)
        each = table[rows, weeks]
        frame = pd.DataFrame({"cell": np.repeat(cells["code"].to_numpy()[rows], each)})
        found = trends(frame, cells, column="cell", period=pd.Series(np.repeat(weeks, each)))
        named = found.set_index("code")["trend"]
        assert {kind: named.iloc[at] for kind, at in spots.items()} == {kind: kind for kind in spots}
        assert (named == "none").sum() > 280
        assert "持续热点" in found.attrs["note_zh"]

    def test_periods_end_with_the_last_report_and_are_full(self):
        times = pd.Series(
            pd.to_datetime(
                ["2026-03-01 01:00", "2026-03-02 01:00", "2026-03-08 01:00", "2026-03-15 20:00", None], utc=True
            )
        )
        # 20:00 UTC is the 16th in Shanghai: the weeks are 3 to 9 and 10 to 16 March.
        assert periods(times).isna().tolist() == [True, True, False, False, True]
        assert periods(times).dropna().tolist() == [0, 1]
        assert periods(times, days=5).max() == 2

    def test_too_few_periods(self):
        cells = squares(6, 6)
        frame = pd.DataFrame({"cell": cells["code"]})
        with pytest.raises(InputError, match="2 full periods are there"):
            trends(frame, cells, column="cell", period=pd.Series([0, 1] * 18))


class TestPatrols:
    def test_per_visit_and_per_hour_with_the_caution(self):
        cells = squares(4, 1)
        incidents = pd.DataFrame(
            {"cell": ["c000"] * 12 + ["c001"] * 3 + ["c003"], "source": ["12345热线"] * 10 + ["网格巡查"] * 6}
        )
        visits = pd.DataFrame(
            {"code": ["c001"] * 6 + ["c002"] * 4 + ["c003"] * 4 + ["x"], "stay_s": 1800.0, "counted": [True] * 15}
        )
        found = against_patrols(incidents, visits, cells, column="cell").set_index("code")
        assert found["visits"].tolist() == [0, 6, 4, 4]
        assert found["patrol_hours"].tolist() == [0.0, 3.0, 2.0, 2.0]
        assert found["by_residents"].tolist() == [10, 0, 0, 0]
        assert found["per_patrol_hour"].iloc[1] == 1.0
        assert np.isnan(found["per_visit"].iloc[0])
        assert found["neglected"].tolist() == [True, False, False, False]
        assert "不宜用来排名" in found.attrs["caution_zh"]
        assert found.attrs["strange_visits"] == 1

    def test_missing_columns(self):
        with pytest.raises(ColumnError, match="visits: no column 'stay_s'"):
            against_patrols(pd.DataFrame({"cell": ["a"]}), pd.DataFrame({"code": ["a"]}), squares(1, 1), column="cell")


class TestDivisionOfTheDay:
    def test_each_report_by_the_division_of_its_day(self):
        old, new = division("O"), division("N")
        days = ["2026-02-28T15:59Z", "2026-02-28T16:00Z", "2025-12-31T10:00Z", None]
        given = points([(50, 50)] * 4, reported_at=pd.to_datetime(days, utc=True, format="mixed"))
        given.index = pd.Index(list("wxyz"))
        found = assign_by_day(given, {dt.date(2026, 3, 1): new, dt.date(2026, 1, 1): old})
        assert found.index.tolist() == list("wxyz")
        # The day starts in Shanghai.
        assert [c if c is None else c[0] for c in found["cell"]] == ["O", "N", None, None]
        assert found["division_valid_from"].tolist() == [dt.date(2026, 1, 1), dt.date(2026, 3, 1), None, None]
        assert set(assign(given, new).columns) < set(found.columns)

    def test_no_times_no_division(self):
        with pytest.raises(ColumnError, match="the division of the day cannot be chosen"):
            assign_by_day(points([(1, 1)]), {dt.date(2026, 1, 1): division()})
        with pytest.raises(InputError, match="no division"):
            assign_by_day(points([(1, 1)]), {})


def test_a_report_on_a_border_names_the_other_sides():
    cells = squares(2, 2)
    found = assign(points([(50, 50), (100, 50), (100.5, 100), (0, 50)]), cells)
    assert found["cell"].tolist() == ["c000", "c001", "c003", "c000"]
    assert found["other_cells"].tolist() == [None, "c000", "c000|c001|c002", None]
    assert found["on_border"].tolist() == [False, True, True, True]


def test_a_stream_counts_what_assigning_counts():
    whole = division()
    rng = np.random.default_rng(7)
    xy = rng.uniform(-50, 450, (5000, 2)) * [1, 0.25]
    at_once = counts(assign(points(xy), whole), whole)
    streamed = count_stream(((part[:, 0] + X0, part[:, 1] + Y0) for part in np.array_split(xy, 7)), whole)
    assert streamed["code"].tolist() == at_once["code"].tolist()
    assert streamed["incidents"].tolist() == at_once["incidents"].tolist()
    assert streamed.attrs == {"points": 5000, "outside": at_once.attrs["outside"]}


class TestDoubts:
    OUTLINE = gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 3000, Y0 + 3000)], crs=CRS)

    def reports(self, n: int, seed: int, away: int = 60) -> gpd.GeoDataFrame:
        """Incidents in the street, and some correct ones from its surroundings."""
        rng = np.random.default_rng(seed)
        xy = np.vstack([rng.uniform(0, 3000, (n, 2)), rng.uniform(-900, 3900, (away, 2))])
        frame = points(xy, source_row=range(2, n + away + 2)).to_crs("EPSG:4326")
        return frame.assign(lon=frame.geometry.x, lat=frame.geometry.y, source="热线", address=None)

    def shifted(self, frame: gpd.GeoDataFrame, rows: np.ndarray) -> gpd.GeoDataFrame:
        lon, lat = convert(frame["lon"], frame["lat"], "WGS-84", "GCJ-02")
        x, y = np.where(rows, lon, frame["lon"]), np.where(rows, lat, frame["lat"])
        return frame.assign(lon=x, lat=y).set_geometry(gpd.points_from_xy(x, y, crs="EPSG:4326"))

    @pytest.mark.parametrize("seed", range(5))
    def test_an_honest_file_is_not_doubted(self, seed):
        assert datum_doubts(self.reports(1500, seed), self.OUTLINE).empty

    def test_a_source_on_another_datum_is_told(self):
        frame = self.reports(800, 1)
        mailbox = np.arange(len(frame)) % 4 == 0
        mixed = self.shifted(frame.assign(source=np.where(mailbox, "信箱", "热线")), mailbox)
        told = datum_doubts(mixed, self.OUTLINE)
        by_source = told[told["evidence"] == "source"]
        assert set(by_source["datum"]) == {"GCJ-02"}
        assert set(by_source["source_row"]) == set(frame.loc[mailbox, "source_row"])
        assert (told["evidence"] == "outside").sum() > 10

    def test_one_address_on_two_datums_is_told(self):
        frame = self.reports(40, 2, away=0)
        address = [f"和燕路{i // 2}号" for i in range(40)]
        again = frame.iloc[np.arange(40) // 2 * 2].assign(source_row=frame["source_row"].to_numpy(), address=address)
        again = again.reset_index(drop=True)
        told = datum_doubts(self.shifted(again, np.arange(40) == 7))
        assert told["source_row"].tolist() == [again["source_row"].iloc[7]]
        assert told["evidence"].tolist() == ["address"]
