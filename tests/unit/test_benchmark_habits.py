"""Simulated days of other patrol habits: their truth, reproducibility, and imports."""

from __future__ import annotations

import ast
import datetime as dt
import itertools
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import benchmarks.habits
from benchmarks.habits import Ground, Rule, fixes, read_rules, simulate
from benchmarks.habits.phones import LASTS_S, RADIUS_M, RADIUS_SD, error_law, lasting_error
from benchmarks.habits.rule import STAY_COLUMNS, judge, stays_of
from benchmarks.habits.ways import RIDE_M_S, WALK_M_S, Itinerary
from benchmarks.patrol_bound import chances, number_of_visits, shift_sd_m, walks
from benchmarks.patrol_habits import rules_of, upper_bound
from geo.patrols import DEFAULT_RULES

FIRST = dt.date(2026, 11, 23)
SIDE_M = 160.0


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Nine square cells, with roads along their borders and through their centres."""
    corners = list(itertools.product(range(3), range(3)))
    x0, y0 = 388_000.0, 3_554_000.0
    boxes = [
        shapely.box(x0 + i * SIDE_M, y0 + j * SIDE_M, x0 + (i + 1) * SIDE_M, y0 + (j + 1) * SIDE_M) for i, j in corners
    ]
    cells = gpd.GeoDataFrame({"code": [f"C{i}{j}" for i, j in corners], "parent": "one"}, geometry=boxes, crs=4549)
    at = np.arange(0, 3.5, 0.5) * SIDE_M
    lines = [shapely.LineString([(x0 + a, y0), (x0 + a, y0 + 3 * SIDE_M)]) for a in at]
    lines += [shapely.LineString([(x0, y0 + a), (x0 + 3 * SIDE_M, y0 + a)]) for a in at]
    return Ground(cells, gpd.GeoDataFrame(geometry=lines, crs=4549))


def test_imports_nothing_of_the_product():
    for path in Path(benchmarks.habits.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("geo", "api", "maps")], path.name
            assert not (isinstance(node, ast.ImportFrom) and node.level), path.name


def test_the_table_states_the_default_rules():
    rule = read_rules()["default"]
    assert rules_of(_day_of(rule), "leader").hours_to == DEFAULT_RULES.hours_to
    for name in ("visits_per_day", "min_stay_s", "merge_gap_s", "min_between_s"):
        assert getattr(rule, name) == getattr(DEFAULT_RULES, name)
    assert dt.time(rule.hours_from_s // 3600) == DEFAULT_RULES.hours_from
    assert dt.time(rule.hours_to_s // 3600) == DEFAULT_RULES.hours_to


def _day_of(rule: Rule):
    class Some:
        pass

    some = Some()
    some.rule = rule
    return some


def _slow_place(way, second: int) -> tuple[float, float, bool]:
    """Place at a second, and whether its leg is ridden, by a loop over all legs."""
    leg = 0
    while leg < len(way.ride) - 1 and way.t[leg + 1] <= second:
        leg += 1
    (t0, t1), (a, b) = way.t[leg : leg + 2], way.xy[leg : leg + 2]
    share = 0.0 if t1 == t0 else (second - t0) / (t1 - t0)
    return *(float(p + (q - p) * share) for p, q in zip(a, b, strict=True)), bool(way.ride[leg])


def _slow_recount(day, ground: Ground) -> tuple[set, dict]:
    """Stays and numbers of visits, computed second by second, for one person and one cell at a time."""
    rule, answers = day.rule, set(zip(day.roster["code"], day.roster["person"], strict=True))
    boxes = [shape.bounds for shape in ground.shapes]  # all cells of this ground are boxes
    inside: dict[tuple, list[int]] = {}
    for person, ways in day.ways.items():
        for way in ways:
            for second in range(math.ceil(way.t[0]), math.floor(way.t[-1]) + 1):
                x, y, rides = _slow_place(way, second)
                found = [k for k, (a, b, c, d) in enumerate(boxes) if a <= x <= c and b <= y <= d]
                if found and not rides:
                    inside.setdefault((ground.codes[found[0]], second // 86_400, person), []).append(second)
    stays = set()
    for key, seconds in inside.items():
        groups = [[seconds[0]]]
        for before, second in itertools.pairwise(seconds):
            if second - (before + 1) > rule.merge_gap_s:
                groups.append([])
            groups[-1].append(second)
        for group in groups:
            duty = sum(rule.hours_from_s <= second % 86_400 < rule.hours_to_s for second in group)
            stays.add((*key, group[0], group[-1] + 1, len(group), duty))
    number: dict[tuple, int] = {}
    for code, which in {stay[:2] for stay in stays}:
        mine = sorted(
            (s[4], s[3])
            for s in stays
            if s[:2] == (code, which) and s[6] >= rule.min_stay_s and (code, s[2]) in answers
        )
        end = -math.inf
        for stop, start in mine:
            if start - end >= rule.min_between_s:
                number[code, which], end = number.get((code, which), 0) + 1, stop
    return stays, number


@pytest.mark.parametrize(
    ("habit", "only"), [("base", [4]), ("ebike", [1]), ("borders", [2]), ("swap", [0, 3]), ("night", [5])]
)
def test_truth_is_that_of_a_slow_recount(ground, habit, only):
    day = simulate(habit, ground, officers=9, seed=3, first=FIRST, only=only)
    stays, number = _slow_recount(day, ground)
    midnight = pd.Timestamp(FIRST, tz="Asia/Shanghai")
    found = {
        (
            stay.code,
            (stay.day - FIRST).days,
            stay.person,
            (stay.start - midnight).total_seconds(),
            (stay.end - midnight).total_seconds(),
            stay.foot_s,
            stay.duty_s,
        )
        for stay in day.stays.itertuples()
    }
    assert found == stays
    given = {(v.code, (v.day - FIRST).days): v.visits for v in day.verdicts.itertuples() if v.visits}
    assert given == {key: value for key, value in number.items() if key[1] < len(day.days)}
    assert given
    words = {0: "not_visited", 1: "short"}
    assert (day.verdicts["verdict"] == [words.get(n, "met") for n in day.verdicts["visits"]]).all()


RULE = Rule(
    visits_per_day=2, min_stay_s=60, merge_gap_s=300, min_between_s=1800, hours_from_s=21_600, hours_to_s=79_200
)


def _one(*intervals, ride=()):
    """Stays of one person who is in cell 0 in these intervals and outside otherwise."""
    seconds = np.arange(intervals[0][0] - 5, intervals[-1][1] + 5)
    inside = np.any([(seconds >= a) & (seconds < b) for a, b in intervals], axis=0)
    rides = np.any([(seconds >= a) & (seconds < b) for a, b in ride], axis=0) if ride else np.zeros(len(seconds), bool)
    return pd.DataFrame(stays_of(seconds, np.where(inside, 0, -1), rides, RULE, "P"), columns=STAY_COLUMNS)


def _number(stays) -> int:
    answers = pd.DataFrame({"cell": [0], "person": ["P"]})
    return int(judge(stays, answers, 1, 1, RULE)[1][0, 0])


@pytest.mark.parametrize(
    ("intervals", "visits"),
    [
        ([(30_000, 30_060)], 1),
        ([(30_000, 30_059)], 0),
        ([(30_000, 30_030), (30_330, 30_360)], 1),
        ([(30_000, 30_030), (30_331, 30_361)], 0),
        ([(30_000, 30_060), (31_860, 31_920)], 2),
        ([(30_000, 30_060), (31_859, 31_919)], 1),
        ([(21_540, 21_660)], 1),
        ([(21_540, 21_659)], 0),
        ([(79_140, 79_300)], 1),
        ([(79_141, 79_300)], 0),
    ],
)
def test_the_words_of_the_rule_at_their_bounds(intervals, visits):
    assert _number(_one(*intervals)) == visits


def test_rides_do_not_count():
    assert _number(_one((30_000, 30_120), ride=[(30_000, 30_061)])) == 0
    assert _number(_one((30_000, 30_120), ride=[(30_000, 30_060)])) == 1


def test_a_stay_over_midnight_is_one_on_each_day():
    stays = _one((86_000, 87_000))
    assert stays[["day", "start", "end"]].to_numpy().tolist() == [[0, 86_000, 86_400], [1, 86_400, 87_000]]


def test_others_do_not_count():
    stays = _one((30_000, 30_100))
    nobody = pd.DataFrame({"cell": [0], "person": ["Q"]})
    judged, number = judge(stays, nobody, 1, 1, RULE)
    assert number[0, 0] == 0
    assert judged["patrol"].all()
    assert not judged["counted"].any()


def test_cells_of_places_are_those_of_shapely(ground):
    rng = np.random.default_rng(2)
    low, high = ground.bounds[:, :2].min(axis=0) - 30, ground.bounds[:, 2:].max(axis=0) + 30
    xy = rng.uniform(low, high, (5000, 2))
    slow = [next((k for k, shape in enumerate(ground.shapes) if shape.intersects(shapely.Point(p))), -1) for p in xy]
    assert ground.cell_of(xy).tolist() == slow


@pytest.mark.parametrize("habit", ["base", "cafe", "ebike", "late", "lunch_home", "night", "power_saving", "swap"])
def test_a_seed_gives_one_day(ground, habit):
    one, two, other = (simulate(habit, ground, officers=9, seed=seed, first=FIRST, only=[1]) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one.stays, two.stays)
    pd.testing.assert_frame_equal(fixes(one, rate_s=60), fixes(two, rate_s=60))
    assert not fixes(one, rate_s=60).equals(fixes(other, rate_s=60))


def test_people_walk_and_ride_at_their_speeds():
    itinerary = Itinerary(0.0, (0.0, 0.0), np.random.default_rng(1))
    itinerary.walk([(0.0, 900.0), (50.0, 900.0)])
    itinerary.ride([(2000.0, 900.0)])
    way = itinerary.way()
    speed = np.hypot(*np.diff(way.xy, axis=0).T) / np.diff(way.t)
    moves = speed > 0
    for ride, (slow, fast) in ((False, WALK_M_S), (True, RIDE_M_S)):
        some = speed[(way.ride == ride) & moves]
        assert len(some)
        assert some.min() >= slow - 1e-9
        assert some.max() <= fast + 1e-9
    assert pytest.approx((16.0, 24.0)) == tuple(3.6 * value for value in RIDE_M_S)


def test_errors_last_as_long_and_are_as_wide_as_said():
    error = lasting_error(400_000, 4.0, 120.0, np.random.default_rng(1))
    assert error.std(axis=0) == pytest.approx([4.0, 4.0], rel=0.05)
    for lag in (60, 240):
        share = (error[lag:, 0] * error[:-lag, 0]).mean() / error[:, 0].var()
        assert share == pytest.approx(math.exp(-lag / 120), abs=0.04)
    assert (np.hypot(*error.T) < 4.0 * RADIUS_SD).mean() == pytest.approx(0.68, abs=0.02)
    assert LASTS_S == (60.0, 3600.0)


def _errors_m(day, table) -> pd.Series:
    """Distance of each fix from the true place at its time."""
    xy = gpd.points_from_xy(table["lon"], table["lat"], crs=4326).to_crs(day.cells.crs)
    t = (table["time"] - pd.Timestamp(day.first, tz="Asia/Shanghai")).dt.total_seconds()
    true = [day.ways[who][0].at([s])[0] for who, s in zip(table["officer"], t, strict=True)]
    return pd.Series(np.hypot(*(np.column_stack([xy.x, xy.y]) - true).T), index=table.index)


def test_radii_are_honest_too_small_or_absent(ground):
    ratio = {}
    for habit in ("base", "radii_third"):
        day = simulate(habit, ground, officers=9, seed=8, first=FIRST, only=range(6))
        table = fixes(day, rate_s=300)
        ratio[habit] = (_errors_m(day, table) < table["accuracy_m"]).mean()
    assert 0.58 < ratio["base"] < 0.78
    assert ratio["radii_third"] < 0.2
    day = simulate("no_radii", ground, officers=9, seed=8, first=FIRST, only=[0])
    assert fixes(day, rate_s=60)["accuracy_m"].isna().all()


def test_fixes_come_at_their_rate_and_some_twice(ground):
    day = simulate("base", ground, officers=9, seed=8, first=FIRST, only=[0, 1, 2])
    for rate_s in (10, 900):
        table = fixes(day, rate_s=rate_s)
        once = table.drop_duplicates(["device", "time"]).sort_values(["device", "time"])
        steps = once.groupby("device")["time"].diff().dt.total_seconds().dropna()
        assert steps.median() == pytest.approx(rate_s, abs=0.5)
        assert len(once) < len(table) if rate_s == 10 else len(once) <= len(table)


def test_late_phones_send_out_of_order(ground):
    day = simulate("late", ground, officers=9, seed=8, first=FIRST)
    table = fixes(day, rate_s=60)
    delay = (table["received"] - table["time"]).dt.total_seconds().groupby(table["device"]).median()
    assert 0 < (delay > 3000).sum() < 9
    assert table["received"].is_monotonic_increasing
    back = table.groupby("device")["time"].diff().dt.total_seconds() < -60
    assert set(table.loc[back, "device"]) >= set(delay[delay > 3000].index)


def test_clocks_are_eight_hours_off(ground):
    day = simulate("clocks", ground, officers=9, seed=2, first=FIRST)
    table = fixes(day, rate_s=600)
    off = ((table["received"] - table["time"]).dt.total_seconds() / 3600).groupby(table["device"]).median()
    assert set(off.round()) <= {0.0, 8.0, -8.0}
    assert (off.abs() > 4).any()
    assert (off.abs() < 1).any()


def test_phones_that_save_power_are_rare_at_rest(ground):
    day = simulate("power_saving", ground, officers=9, seed=2, first=FIRST)
    steps = fixes(day, rate_s=10).sort_values(["device", "time"]).groupby("device")["time"].diff().dt.total_seconds()
    assert (steps > 290).sum() > 50
    assert (steps < 12).sum() > 1000
    assert steps.max() < 3 * 3600


def test_deputies_are_declared_for_half_of_the_swaps(ground):
    day = simulate("swap", ground, officers=9, seed=4, first=FIRST, only=[])
    assert (day.roster["role"] == "leader").sum() == 9
    deputies = day.roster[day.roster["role"] == "deputy"]
    assert len(deputies) == 2
    for row in deputies.itertuples():
        assert row.person not in day.roster.query("code == @row.code and role == 'leader'")["person"].tolist()


def test_night_shifts_have_two_days(ground):
    day = simulate("night_all_hours", ground, officers=9, seed=4, first=FIRST, only=[0])
    assert day.days == (FIRST, FIRST + dt.timedelta(days=1))
    assert len(day.verdicts) == 18
    assert [(way.t[0] // 86_400, way.t[-1] // 86_400) for way in day.ways["P000"]] == [(0, 1), (1, 2)]


def test_upper_bounds_are_those_of_clopper_and_pearson():
    assert upper_bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert upper_bound(5, 5) == 1.0
    assert upper_bound(1, 20) == pytest.approx(0.2161, abs=1e-3)
    assert upper_bound(0, 0) == 1.0


class TestBound:
    """What a judge who knows the phones could know at best."""

    def test_the_mean_of_an_error_is_known_better_the_longer_a_walk_lasts(self):
        assert shift_sd_m(np.array([0.0, 600.0, 1e12]), 8.0, 300.0) == pytest.approx(
            [8.0, 8.0 / math.sqrt(2), 0.0], abs=1e-3
        )

    def test_absences_of_more_than_the_merge_gap_part_walks(self):
        rule = read_rules()["default"]
        assert walks(np.array([10, 11, 311, 612]), rule).tolist() == [0, 0, 0, 1]

    def test_visits_are_long_enough_on_duty_and_far_enough_apart(self):
        rule = read_rules()["default"]
        seconds = np.arange(rule.hours_from_s, rule.hours_from_s + 7200)
        inside = np.zeros(7200, dtype=bool)
        inside[0:60] = inside[1860:1920] = True
        assert number_of_visits(seconds, inside, rule) == 2
        inside[1859] = True
        assert number_of_visits(seconds, inside, rule) == 1
        inside[1859:1861] = False
        assert number_of_visits(seconds, inside, rule) == 1
        assert number_of_visits(seconds - 60, np.arange(7200) < 60, rule) == 0

    def test_the_law_of_a_phone_is_that_of_its_fixes(self, ground):
        day = simulate("base", ground, officers=9, seed=7, first=FIRST, only=[4])
        sd, lasts = error_law(day, "P004")
        assert RADIUS_M[0] <= sd * RADIUS_SD <= RADIUS_M[1]
        assert LASTS_S[0] <= lasts <= LASTS_S[1]
        stated = fixes(day, rate_s=10)["accuracy_m"]
        assert 0.9 * sd * RADIUS_SD - 0.05 <= stated.min() <= stated.max() <= 1.1 * sd * RADIUS_SD + 0.05

    def test_with_small_errors_the_judge_knows_the_truth(self, ground, monkeypatch):
        monkeypatch.setattr("benchmarks.patrol_bound.error_law", lambda day, name: (1e-6, 60.0))
        day = simulate("base", ground, officers=9, seed=7, first=FIRST)
        found = chances(day, ground, 2, np.random.default_rng(1))
        assert found.tolist() == (day.verdicts["verdict"] == "met").astype(float).tolist()
        assert 0 < found.sum() < 9
