"""Evidence records, restatements, findings of false tracks, coverage inside, and due cells, on a small street."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo.errors import ColumnError, InputError
from geo.patrols import (
    SIGNS,
    Rules,
    blind_spots,
    clean,
    digest,
    due,
    evidence,
    feasible,
    integrity,
    presences,
    restate,
    seen,
    verify,
    visits,
)
from geo.tracks import trajectory as path_module
from geo.tracks.matching.visibility import within_sight
from geo.tracks.projection import MANY, to_metres
from geo.tracks.sorting import by_time, maybe_equal, numbered, numbered_texts

DAY = dt.date(2026, 11, 23)
X0, Y0 = 387_000.0, 3_553_000.0
TO_DEGREES = pyproj.Transformer.from_crs(4549, 4326, always_xy=True)
RULES = Rules(default_accuracy_m=6.0)


def cells():
    boxes = [shapely.box(X0 + 200 * i, Y0, X0 + 200 * (i + 1), Y0 + 200) for i in range(3)]
    return gpd.GeoDataFrame({"code": ["A", "B", "C"]}, geometry=boxes, crs=4549)


def walk(x, y, *, clock="08:30", device="D1", every_s=10, noise_m=4.0, seed=0, digits=7):
    rng = np.random.default_rng(seed)
    xy = np.column_stack([np.asarray(x, float), np.asarray(y, float)]) + rng.normal(0, noise_m, (len(x), 2))
    lon, lat = TO_DEGREES.transform(X0 + xy[:, 0], Y0 + xy[:, 1])
    time = pd.Timestamp(f"{DAY} {clock}", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")
    times = time + pd.to_timedelta(np.arange(len(x)) * every_s, unit="s").as_unit("us")
    points = shapely.points(np.round(lon, digits), np.round(lat, digits))
    return gpd.GeoDataFrame({"device": device, "officer": "S1", "time": times}, geometry=points, crs=4326)


def rounds(x_m, clocks=("08:30", "14:00"), **options):
    t = np.arange(120)
    parts = [
        walk(x_m + 60 * np.sin(t / 9), 100 + 60 * np.cos(t / 11), clock=clock, seed=k, **options)
        for k, clock in enumerate(clocks)
    ]
    # Seen elsewhere between the rounds; otherwise the gap would join them to one stay.
    parts.append(walk(np.full(60, 900.0), 5.0 * np.arange(60), clock="11:00", seed=9, **options))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def judged():
    tracks = clean(rounds(100), rules=RULES)
    found = presences(tracks, cells(), rules=RULES)
    made = visits(found, rules=RULES)
    return tracks, found, made, verify(made, cells(), presences=found, rules=RULES, day=DAY)


def record(judged, code="A", **options):
    tracks, found, made, verdicts = judged
    return evidence(
        code,
        day=DAY,
        tracks=tracks,
        presences=found,
        visits=made,
        verdicts=verdicts,
        cells=cells(),
        rules=RULES,
        **options,
    )


def test_evidence_is_the_same_in_any_order_and_tells_any_change(judged):
    one = record(judged)
    mixed = tuple(table.sample(frac=1, random_state=3) for table in judged)
    assert record(mixed)["sha256"] == one["sha256"] == digest(one)
    assert one["verdict"]["verdict"] == "met"
    assert [part["fixes"] for part in one["fixes"]] == [300]
    moved = (judged[0].assign(mark="jump"), *judged[1:])
    assert record(moved)["sha256"] != one["sha256"]
    assert record(judged, division="2")["sha256"] != one["sha256"]
    with pytest.raises(InputError, match="0 rows for cell Z"):
        record(judged, "Z")


def test_late_data_give_a_new_verdict_beside_the_old_one(judged):
    _, _, made, verdicts = judged
    early = made[made["start"] < pd.Timestamp(f"{DAY} 04:00Z")]
    before = verify(early, cells(), rules=RULES, day=DAY)
    table = restate(before, verdicts, visits_before=early, visits_after=made, why="late data").set_index("code")
    assert table.loc["A", ["verdict_before", "verdict_after", "changed"]].tolist() == ["short", "met", True]
    assert table.loc["A", "difference_zh"].startswith("新增到访1次")
    assert not table.loc["C", "changed"]


def test_what_made_the_difference_is_told_with_its_times(judged):
    _, _, made, verdicts = judged
    names = {"visits_before": made, "why": "other rules"}
    # A stay whose times were moved by a few seconds by late fixes is the same stay.
    moved = made.assign(start=made["start"] + pd.Timedelta(7, "s"))
    table = restate(verdicts, verdicts, visits_after=moved, **names)
    assert set(table["difference_zh"]) == {"无变化"}
    refused = made.assign(counted=False, reason=made["reason"].where(~made["counted"], "too_short"))
    table = restate(verdicts, verdicts, visits_after=refused, **names).set_index("code")
    assert "08:30–08:49由“计入”改为“停留时间不足”" in table.loc["A", "difference_zh"]
    assert "08:30–08:49: counted, now stay too short" in table.loc["A", "difference_en"]
    other = verdicts.assign(day=DAY + dt.timedelta(1))
    table = restate(verdicts, other, visits_after=made.iloc[:0], **names)
    assert table["difference_en"].tolist() == ["the day is not judged now"] * 3 + ["the day was not judged before"] * 3
    fewer = restate(verdicts, verdicts[verdicts["code"] != "C"], visits_after=made, **names)
    assert fewer.set_index("code").loc["C", "difference_zh"] == "新方案无此网格"


def signs(tracks):
    found = integrity(clean(tracks))
    return set(found["sign"])


def test_an_honest_walk_shows_no_sign():
    assert signs(rounds(100)) == set()


@pytest.mark.parametrize(
    ("tracks", "sign"),
    [
        (lambda: walk(np.arange(200) * 10.0, np.zeros(200), noise_m=0.0), "no_noise"),
        (lambda: walk(np.arange(200) * 10.0, np.zeros(200), noise_m=0.0), "steady"),
        (lambda: rounds(100, digits=4), "lattice"),
        (lambda: walk(np.full(500, 50.0), np.full(500, 50.0), noise_m=0.0), "frozen"),
        (lambda: pd.concat([rounds(100), rounds(100, device="D2")], ignore_index=True), "copied"),
        (
            lambda: pd.concat(
                [rounds(100), rounds(100, device="D2").assign(time=lambda f: f["time"] + pd.Timedelta("1h"))],
                ignore_index=True,
            ),
            "replayed",
        ),
        (
            lambda: pd.concat(
                [one := rounds(100, ("08:30",)), one.assign(time=one["time"] + pd.Timedelta("5h"))], ignore_index=True
            ),
            "replayed",
        ),
        (lambda: rounds(100).assign(mock=True), "mock"),
        (lambda: walk(np.arange(700) * 100.0, np.zeros(700), noise_m=3.0), "vehicle"),
    ],
)
def test_each_sign_is_found_with_its_innocent_explanations(tracks, sign):
    found = integrity(clean(tracks()))
    rows = found[found["sign"] == sign]
    assert len(rows) >= 1
    assert rows["innocent_zh"].iloc[0] == SIGNS[sign][2]


@pytest.mark.parametrize(("stated_m", "named"), [(12.0, False), (6.0, False), (4.0, True)])
def test_radii_that_do_not_fit_the_scatter_are_named(stated_m, named):
    """At rest with errors of 6 m along an axis, of which the 68 % radius is 9.1 m: reported from half of that on."""
    rest = walk(np.full(400, 50.0), np.full(400, 50.0), noise_m=6.0).assign(accuracy_m=stated_m)
    found = integrity(clean(rest))
    rows = found[found["sign"] == "radii"]
    assert (len(rows) == 1) == named
    if named:
        assert rows["note"].tolist() == ["2.3 x"]
        assert rows["start"].iloc[0] == rest["time"].min()
        assert rows["end"].iloc[0] == rest["time"].max()
    assert "radii" not in signs(rest.drop(columns="accuracy_m"))


def test_a_clock_that_is_off_by_whole_hours_is_named_for_each_day():
    others = [rounds(100, device=f"D{k}") for k in range(2, 8)]
    late = rounds(100, device="D1").assign(time=lambda frame: frame["time"] + pd.Timedelta(hours=8))
    tracks = pd.concat([late, late.assign(time=late["time"] + pd.Timedelta(days=1)), *others], ignore_index=True)
    found = integrity(clean(tracks))
    rows = found[found["sign"] == "clock"]
    assert rows["device"].tolist() == ["D1", "D1"]
    assert rows["note"].tolist() == ["+8 h", "+8 h"]
    assert "clock" not in set(integrity(clean(pd.concat(others, ignore_index=True)))["sign"])


def test_coverage_inside_a_cell():
    tracks = clean(walk(np.linspace(0, 200, 100), np.full(100, 100.0), noise_m=0.0))
    roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(X0, Y0 + 100), (X0 + 600, Y0 + 100)])], crs=4549)
    table = seen(tracks, cells(), day=DAY, within_m=20, roads=roads).set_index("code")
    assert table.loc["A", "swept_share"] == pytest.approx(0.2, abs=0.02)
    assert table.loc["A", "road_seen_m"] == pytest.approx(200, abs=6)
    assert table["road_m"].tolist() == pytest.approx([200, 200, 200])
    assert table.loc["C", ["seen", "time_s"]].tolist() == [False, 0.0]
    spots = blind_spots(table.reset_index(), day=DAY, days=1)
    assert spots["code"].tolist() == ["C"]


def test_what_is_due_and_whether_it_can_be_done(judged):
    tracks, _, made, _ = judged
    table = due(made, tracks, cells(), now=pd.Timestamp(f"{DAY} 08:49", tz="Asia/Shanghai"), rules=RULES).set_index(
        "code"
    )
    assert set(table.index) == {"A", "B", "C"}
    late = due(made, tracks, cells(), now=pd.Timestamp(f"{DAY} 14:30", tz="Asia/Shanghai"), rules=RULES)
    assert set(late["code"]) == {"B", "C"}
    assert table.loc["B", "nearest_device"] == "D1"
    hopeless = due(made, tracks, cells(), now=pd.Timestamp(f"{DAY} 21:59", tz="Asia/Shanghai"), rules=RULES)
    assert not hopeless["possible"].any()
    bases = cells().geometry.centroid
    roster = pd.DataFrame({"officer": ["S1", "S2", "S3"], "hours": [1.0, 1.0, 1.0]})
    assert feasible(cells(), roster, bases=bases, stay_s=900).possible
    assert not feasible(cells(), roster.assign(hours=0.2), bases=bases, stay_s=900).possible


def test_where_only_leaders_count_only_theirs_is_done_and_they_alone_are_sent(judged):
    tracks, _, made, _ = judged
    rules, layer = Rules(default_accuracy_m=6.0, who="leader"), cells().assign(leader=["S9", "S1", None])
    late = pd.Timestamp(f"{DAY} 14:18", tz="Asia/Shanghai")
    table = due(made, tracks, layer, now=late, rules=rules).set_index("code")
    # S1 made both rounds in A, which belongs to another leader, and is the leader of B.
    assert table["missing"].to_dict() == {"A": 2, "B": 2, "C": 2}
    assert table["nearest_officer"].dropna().to_dict() == {"B": "S1"}
    assert not table.loc[["A", "C"], "possible"].any()
    with pytest.raises(ColumnError, match="no column 'leader'"):
        due(made, tracks, cells(), now=late, rules=rules)
    roster = pd.DataFrame({"officer": ["S1", "S9"], "hours": [8.0, 8.0]})
    found = feasible(layer, roster, bases=cells().geometry.centroid[:2], rules=rules)
    assert found.cells["officer"].fillna("").tolist() == ["S9", "S1", ""]
    assert not found.possible


def test_an_officer_with_one_grid_waits_between_his_rounds():
    one, base = cells().iloc[:1], cells().geometry.centroid[:1]
    # Two stays of a quarter of an hour with half an hour between them.
    for hours, possible in ((0.9, False), (1.0, True)):
        roster = pd.DataFrame({"officer": ["S1"], "hours": [hours]})
        assert feasible(one, roster, bases=base, stay_s=900).possible is possible
    # With three grids he returns after half an hour in any case.
    walks = 2 * 100 * 1.3 / 1.2 * 2 + 2 * 300 * 1.3 / 1.2 * 2
    for spare_s, possible in ((-1.0, False), (1.0, True)):
        roster = pd.DataFrame({"officer": ["S1"], "hours": [(6 * 900 + walks + spare_s) / 3600]})
        assert feasible(cells(), roster, bases=base, stay_s=900).possible is possible


def test_a_grid_that_is_due_once_is_walked_once():
    park = Rules(visits_per_day=1, class_column="kind", class_values=("park",))
    rules = Rules(classes=(park,))
    roster, base = pd.DataFrame({"officer": ["S1"], "hours": [0.3]}), cells().geometry.centroid[:1]
    assert feasible(cells().iloc[:1].assign(kind="park"), roster, bases=base, rules=rules).possible
    assert not feasible(cells().iloc[:1].assign(kind="community"), roster, bases=base, rules=rules).possible


def test_fitted_metres_are_those_of_proj_to_a_tenth_of_a_millimetre():
    rng = np.random.default_rng(5)
    lon, lat = 118.8 + rng.uniform(-0.3, 0.3, MANY), 32.1 + rng.uniform(-0.3, 0.3, MANY)
    plain = pyproj.Transformer.from_crs(4326, 4549, always_xy=True).transform(lon, lat)
    for one, other in zip(to_metres(lon, lat, pyproj.CRS(4549)), plain, strict=True):
        assert np.abs(one - other).max() < 1e-4


def test_sorting_is_that_of_lexsort_and_no_equal_row_is_missed():
    rng = np.random.default_rng(6)
    owner, time, tie = rng.integers(0, 5, 3000), rng.integers(0, 200, 3000), rng.integers(0, 4, 3000).astype(float)
    np.testing.assert_array_equal(by_time(owner, time, tie), np.lexsort((tie, time, owner)))
    table = pd.DataFrame({"t": time, "x": tie})
    assert set(np.flatnonzero(table.duplicated(keep=False))) <= set(maybe_equal(time, tie))


@pytest.mark.parametrize("spread_m", [10.0, 400.0])
def test_sight_is_the_distance_to_the_nearest_step(spread_m):
    rng = np.random.default_rng(4)
    x, y = rng.uniform(0, 1500, (2, 1200))
    begin = rng.uniform(-100, 1600, (60, 2))
    end = begin + rng.normal(0, spread_m, (60, 2))
    end[:8], end[8:16, 1] = begin[:8], begin[8:16, 1]
    steps = np.column_stack([begin, end])
    places, ways = shapely.points(x, y), shapely.linestrings(steps.reshape(-1, 2, 2))
    true = np.array([min(shapely.distance(place, ways)) <= 25.0 for place in places])
    assert 0 < true.sum() < len(true)
    assert (within_sight(x, y, steps, 25.0) == true).all()
    assert not within_sight(x, y, steps[:0], 25.0).any()


def test_a_plain_frame_is_taken_by_its_degrees():
    tracks = rounds(300)
    plain = pd.DataFrame(tracks.drop(columns="geometry")).assign(lon=tracks.geometry.x, lat=tracks.geometry.y)
    pd.testing.assert_frame_equal(presences(clean(plain), cells()), presences(clean(tracks), cells()))


def test_a_day_in_blocks_is_the_day_at_once(monkeypatch):
    tracks = pd.concat([rounds(x, device=f"D{k}") for k, x in enumerate((100, 300, 500))], ignore_index=True)
    whole = presences(clean(tracks), cells())
    monkeypatch.setattr(path_module.paths_of, "__kwdefaults__", {"most": 250})
    pd.testing.assert_frame_equal(presences(clean(tracks), cells()), whole)
    assert len(list(path_module.paths_of(clean(tracks), cells().crs, RULES))) == 3


def test_numbers_of_names_are_those_of_a_sorted_list():
    names = pd.Series(["b", "b", None, "a", "c", "c", "a"], dtype=object)
    for column in (names, names.astype("category"), names.astype("string")):
        number, known = numbered(column)
        assert number.tolist() == [1, 1, -1, 0, 2, 2, 0]
        assert known.tolist() == ["a", "b", "c"]


def test_numbers_of_names_as_text_are_in_the_order_of_the_text():
    names = pd.Series([10, 10, 9, None, "b", "10", 9], dtype=object)
    number, known = numbered_texts(names)
    assert known.tolist() == ["10", "9", "b"]
    assert number.tolist() == [0, 0, 1, -1, 2, 0, 1]
    assert numbered_texts(pd.Series(["b", "a", None], dtype=object))[0].tolist() == [1, 0, -1]
