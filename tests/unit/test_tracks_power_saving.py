"""Phones that send fixes while they move, and one in minutes while they rest."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from api.commands.patrols.verified import verify_tracks
from geo.patrols import Rules, presences, verify, visits
from geo.tracks.path import SECOND, Path
from geo.tracks.power_saving import rests
from geo.tracks.resting import settled
from geo.tracks.trajectory import steps_of

X0, Y0 = 387_000.0, 3_553_000.0
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
DAY = dt.date(2026, 11, 23)
CELLS = gpd.GeoDataFrame(
    {"code": ["A", "B"], "leader": ["L", "M"]},
    geometry=[shapely.box(X0 + 200 * i, Y0, X0 + 200 * (i + 1), Y0 + 200) for i in range(2)],
    crs=4549,
)
ONCE = Rules(id="once", version="1", visits_per_day=1, who="leader")


def path(steps_s, moves_m, *, sigma=6.0):
    """A phone that moves east by `moves_m` in each of `steps_s`."""
    x = np.r_[0.0, np.cumsum(moves_m)]
    n = len(x)
    return Path(
        walker=np.zeros(n, dtype=np.int64),
        time=(np.r_[0.0, np.cumsum(steps_s)] * SECOND).astype(np.int64),
        x=x,
        y=np.zeros(n),
        sigma=np.full(n, sigma),
        stand=np.full(n, -1, dtype=np.int64),
        walkers=pd.DataFrame({"device": ["D"], "officer": ["L"]}),
        detached=np.zeros(n, dtype=np.bool_),
        resting=np.zeros(n, dtype=np.bool_),
    )


def habit(quiet, *, moving=60, step_s=10.0, sigma=6.0):
    """Quiet steps, each (seconds, metres), each followed by a walk."""
    steps, moves = [], []
    for lasts, away in quiet:
        steps += [lasts, *[step_s] * moving]
        moves += [away, *[step_s * 1.2] * moving]
    found = rests(path(steps, moves, sigma=sigma), "Asia/Shanghai")
    assert not np.delete(found, np.arange(len(quiet)) * (moving + 1)).any()
    return found[:: moving + 1][: len(quiet)].tolist()


def test_ten_quiet_steps_that_end_where_they_began_are_rests():
    assert habit([(600, 0.0)] * 10) == [True] * 10
    assert habit([(600, 0.0)] * 9) == [False] * 9


def test_a_phone_that_was_elsewhere_after_more_than_one_silence_in_ten_does_not_rest_in_them():
    assert habit([(600, 0.0)] * 9 + [(600, 300.0)]) == [True] * 9 + [False]
    assert habit([(600, 0.0)] * 9 + [(600, 300.0)] * 2) == [False] * 11


def test_the_habit_is_that_of_a_local_day():
    """So that verdicts of a day do not depend on whether other days are read with it."""
    midnight = 16 * 3_600  # UTC of midnight in China
    day = path(
        [600.0] * 6 + [10.0] * 60 + [midnight - 4_200.0] + [600.0] * 6 + [10.0] * 60,
        [0.0] * 6 + [12.0] * 60 + [0.0] * 7 + [12.0] * 60,
    )
    assert not rests(day, "Asia/Shanghai").any()
    assert rests(day, "UTC").sum() == 12
    # Ten rests, and one over midnight: 27 minutes before it, and 3 after.
    steps = [10.0] * 60 + [49_380.0] + [600.0] * 10 + [1_800.0] + [10.0] * 60
    over = path(steps, [12.0] * 60 + [0.0] * 12 + [12.0] * 60)
    assert np.flatnonzero(rests(over, "UTC")).tolist() == [*range(61, 72)]
    assert np.flatnonzero(rests(over, "Asia/Shanghai")).tolist() == [*range(61, 71)]


def test_a_rest_is_longer_than_two_minutes_and_no_longer_than_half_an_hour():
    assert habit([(600, 0.0)] * 10 + [(119, 0.0), (120, 0.0), (1_800, 0.0), (1_801, 0.0)])[10:] == [
        False,
        True,
        True,
        False,
    ]


def test_a_rest_is_four_times_as_long_as_the_usual_step():
    assert habit([(600, 0.0)] * 10 + [(239, 0.0), (240, 0.0)], step_s=60.0)[10:] == [False, True]
    # With a fix each five minutes nothing shows when the phone moved.
    assert not rests(path([300.0] * 60, [0.0] * 60), "Asia/Shanghai").any()


def test_the_same_place_is_within_three_standard_deviations_of_both_errors():
    reach = 3 * np.hypot(6.0, 6.0)
    assert habit([(600, 0.0)] * 10 + [(600, reach - 0.01), (600, reach + 0.01)])[10:] == [True, False]


def test_the_first_fix_of_a_walk_may_come_a_step_after_it_began():
    """It is elsewhere and so no rest, but it does not speak against the habit."""
    away = 3 * np.hypot(6.0, 6.0) + 1.5 * 10.0
    assert habit([(600, 0.0)] * 9 + [(600, away - 0.1)] * 3) == [True] * 9 + [False] * 3
    assert habit([(600, 0.0)] * 9 + [(600, away + 0.1)] * 3) == [False] * 12


def test_the_fixes_of_a_rest_are_one_stand_and_its_steps_are_known():
    steps = [10.0] * 30 + [600.0] * 12 + [10.0] * 30
    moves = [12.0] * 30 + [6.0, -6.0] * 6 + [12.0] * 30
    stood = settled(path(steps, moves), "Asia/Shanghai")
    desk = slice(30, 43)
    assert len(set(stood.stand[desk])) == 1
    assert stood.stand[desk][0] >= 0
    assert np.ptp(stood.x[desk]) == 0.0
    assert (stood.stand[:25] < 0).all()
    assert (stood.stand[50:] < 0).all()
    # Two hours are two independent errors.
    assert stood.sigma[35] == pytest.approx(6.0 / np.sqrt(2.0), rel=0.01)
    known, gap = steps_of(stood, Rules())
    assert known.all()
    assert not gap.any()


def test_a_rest_between_two_fixes_is_a_stand_and_as_long_as_it_shows():
    steps = [10.0] * 60 + ([600.0] + [10.0] * 60) * 10 + [1_800.0] * 2 + [10.0] * 60
    moves = [12.0] * 60 + ([0.0] + [12.0] * 60) * 10 + [0.0] * 62
    stood = settled(path(steps, moves), "Asia/Shanghai")
    assert (stood.stand[60:62] >= 0).all()
    assert stood.stand[60] == stood.stand[61]
    assert (stood.stand[65:115] < 0).all()
    # An hour of rest, and ten minutes with fixes at the same place.
    last = stood.stand[-62]
    assert (stood.stand[-61:-20] == last).all()
    lasts_s = np.ptp(stood.time[stood.stand == last]) / SECOND
    assert stood.sigma[-62] == pytest.approx(6.0 / np.sqrt(lasts_s / 3_600.0), rel=1e-6)


def day_of(*walks, rest_s=600.0):
    """The leader of A at a desk in B, 20 m from the border, without fixes for `rest_s`, and walks to A and back."""
    t, x, y = [], [], []
    now = 0.0
    for walk in (*walks, None):
        for _ in range(12):
            t.append(now)
            x.append(220.0)
            y.append(100.0)
            now += rest_s
        if walk:
            way = np.arange(10, 401, 10.0)
            t += (now - rest_s + 590.0 + way).tolist()
            # 100 m to the west, around there, and back to the desk.
            x += (220 - np.minimum(1.2 * way, np.minimum(120, 1.2 * (400 - way)))).tolist()
            y += (100 + 40 * np.sin(np.clip(way - 100, 0, 200) / 100 * np.pi)).tolist()
            now += 400.0 - rest_s + 600.0
    # The way home shows that the phone sends a fix each ten seconds while it moves.
    way = np.arange(10, 1_200, 10.0)
    t += (now - rest_s + way).tolist()
    x += (220 + 1.2 * way).tolist()
    y += (100 + 0 * way).tolist()
    lon, lat = TO_DEGREES.transform(X0 + np.array(x), Y0 + np.array(y))
    start = pd.Timestamp("2026-11-23T00:00:00Z").as_unit("us")
    return gpd.GeoDataFrame(
        {
            "device": "D",
            "officer": "L",
            "time": start + pd.to_timedelta(np.array(t), unit="s").as_unit("us"),
            "accuracy_m": 5.0,
        },
        geometry=shapely.points(lon, lat),
        crs=4326,
    )


@pytest.mark.parametrize(("walks", "verdict"), [((True,), "met"), ((), "not_visited")])
def test_a_rest_beside_a_grid_leaves_it_decided(walks, verdict):
    found = presences(day_of(*walks), CELLS, rules=ONCE)
    assert not (found["kind"] == "unknown").any()
    made = visits(found, rules=ONCE)
    result = verify(made, CELLS, presences=found, rules=ONCE, day=DAY).set_index("code").loc["A"]
    assert (result["verdict"], result["unknown_s"]) == (verdict, 0.0)


def test_silences_of_a_phone_that_is_elsewhere_afterwards_leave_it_open():
    table = day_of()
    keep = np.ones(len(table), dtype=bool)
    keep[5:10] = False
    found = presences(table[keep], CELLS, rules=ONCE)
    assert (found["kind"] == "unknown").any()
    result = verify(visits(found, rules=ONCE), CELLS, presences=found, rules=ONCE, day=DAY).set_index("code").loc["A"]
    assert result["verdict"] == "unknown"


def test_the_run_says_how_many_phones_save_power():
    table = pd.concat([day_of(True), day_of(True).assign(device="E", officer="M")], ignore_index=True)
    verified = verify_tracks(table, CELLS, rules=ONCE)
    assert verified.saving_devices() == verified.to_dict()["saving_devices"] == 2
    # Longer than half an hour, they are silences.
    few = verify_tracks(day_of(rest_s=1_801.0), CELLS, rules=ONCE)
    assert few.saving_devices() == 0


def test_rests_do_not_lengthen_the_usual_step():
    found = presences(day_of(True), CELLS, rules=ONCE)
    inside = found[found["kind"] == "inside"]
    desk = inside[inside["cell"] == "B"]
    assert desk["resting_s"].sum() == pytest.approx(23 * 600.0)
    # The walk in A is judged as one with a fix each ten seconds.
    made = visits(found, rules=ONCE).set_index("code")
    assert made.loc["A", "own_probability"] > 0.999
