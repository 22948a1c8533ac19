"""Expected visits in gaps, compared with simulated days of visits and random gaps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo.patrols import Rules
from geo.patrols.stays.unobserved import unobserved_visits

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")


def at(seconds):
    return MIDNIGHT + pd.to_timedelta(np.asarray(seconds, dtype=float), unit="s").as_unit("us")


def frame(rows, **columns):
    """Rows of device, start and end in seconds of the day."""
    device, start, end = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame({"device": list(device), "start": at(start), "end": at(end), "day": DAY, **columns})


def visits(rows, codes, counted=True):
    made = frame(rows, code=codes, counted=counted)
    return made.assign(earliest=made["start"], latest=made["end"])


def test_as_many_for_an_hour_of_silence_as_for_an_hour_that_was_heard():
    # Two visits of 10 minutes in 8 observed hours, and one gap of 2 hours.
    made = visits([("A", 30_000, 30_600), ("A", 50_000, 50_600)], ["x", "y"])
    found = frame(
        [("A", 28_800, 40_000), ("A", 40_000, 47_200), ("A", 47_200, 64_800)], kind=["inside", "unknown", "inside"]
    )
    told = unobserved_visits(made, found, DAY, Rules())
    assert told.to_dict() == pytest.approx(dict.fromkeys("xy", (7200 - 600 + 60) / 28_800))


def test_a_silence_near_two_cells_is_one_and_one_shorter_than_a_visit_hides_none():
    made = visits([("A", 30_000, 30_600)], ["x"])
    rows = [("A", 28_800, 40_000), ("A", 40_000, 47_200), ("A", 40_000, 47_200), ("A", 47_200, 64_800)]
    kinds = ["inside", "unknown", "unknown", "inside"]
    told = unobserved_visits(made, frame(rows, kind=kinds), DAY, Rules())
    assert told["x"] == pytest.approx(6660 / 28_800)
    rows[1] = rows[2] = ("A", 40_000, 40_500)
    assert unobserved_visits(made, frame(rows, kind=kinds), DAY, Rules()).to_dict() == {"x": 0.0}


def test_a_visit_that_a_silence_has_cut_lasted_as_long_as_it_may_have():
    made = visits([("A", 39_400, 40_000)], ["x"]).assign(latest=at([47_200]))
    found = frame(
        [("A", 28_800, 40_000), ("A", 40_000, 47_200), ("A", 47_200, 64_800)], kind=["inside", "unknown", "inside"]
    )
    assert unobserved_visits(made, found, DAY, Rules()).to_dict() == {"x": 0.0}


def test_a_night_is_neither_silence_nor_heard():
    made = visits([("A", 30_000, 30_600)], ["x"])
    day = [("A", 28_800, 40_000), ("A", 40_000, 47_200), ("A", 47_200, 64_800)]
    found = frame(day, kind=["inside", "unknown", "inside"])
    # Silent until the start of duty at six, and observed elsewhere after its end at ten.
    night = frame(
        [("A", 0, 21_600), *day, ("A", 79_200, 86_400)], kind=["unknown", "inside", "unknown", "inside", "near"]
    )
    told = unobserved_visits(made, night, DAY, Rules())["x"]
    assert told == pytest.approx(6660 / (79_200 - 21_600 - 7200))
    assert told < unobserved_visits(made, found, DAY, Rules())["x"]


def test_nothing_is_expected_of_devices_without_a_proven_visit_or_without_a_silence():
    rows = [("A", 28_800, 40_000), ("A", 40_000, 47_200), ("B", 30_000, 40_000)]
    found = frame(rows, kind=["inside", "unknown", "inside"])
    made = visits([("A", 30_000, 30_600), ("B", 30_000, 30_600)], ["x", "y"], counted=[False, True])
    assert unobserved_visits(made, found, DAY, Rules()).empty
    assert unobserved_visits(made.iloc[:0], found.iloc[:0], DAY, Rules()).empty
    assert unobserved_visits(made, found, DAY + dt.timedelta(days=1), Rules()).empty
    all_silent = frame([("B", 30_000, 40_000)], kind=["unknown"])
    assert unobserved_visits(made, all_silent, DAY, Rules()).empty


def test_over_many_days_it_makes_up_for_what_silence_hid():
    rng = np.random.default_rng(7)
    rules, true, heard, hidden = Rules(), 0, 0, 0.0
    made, found = [], []
    for k in range(400):
        begin, end = 28_800.0, 64_800.0
        starts = np.sort(rng.uniform(begin, end - 1500, rng.poisson(3)))
        spans = rng.uniform(300, 1500, len(starts))
        s = rng.uniform(begin + 600, end - 5400)
        silence = (s, s + rng.uniform(1800, 4800))
        for a, v in zip(starts, spans, strict=True):
            # Observed part of a visit, on both sides of the gap.
            left = max(min(a + v, silence[0]) - a, 0) + max(a + v - max(a, silence[1]), 0)
            true += 1
            if left >= rules.min_stay_s / 2:
                heard += 1
                made.append((f"D{k}", a, a + v))
        found += [
            (f"D{k}", begin, silence[0], "inside"),
            (f"D{k}", *silence, "unknown"),
            (f"D{k}", silence[1], end, "inside"),
        ]
    told = unobserved_visits(
        visits(made, ["x"] * len(made)), frame([f[:3] for f in found], kind=[f[3] for f in found]), DAY, rules
    )
    hidden = told.sum()
    assert true - heard > 40
    assert (heard + hidden) / true == pytest.approx(1.0, abs=0.02)


def test_no_more_visits_are_hidden_than_fit_into_the_silences():
    """One visit proven in the only seconds that were heard, in two silences of three hours and a half."""
    made = visits([("A", 40_000, 40_060)], ["x"])
    day = [("A", 28_800, 40_030), ("A", 40_030, 40_032), ("A", 40_032, 53_832)]
    found = frame(day, kind=["unknown", "inside", "unknown"])
    silent_s = 11_230 + 13_800
    assert unobserved_visits(made, found, DAY, Rules()).to_dict() == pytest.approx({"x": silent_s / (60 + 1800)})
    # Without a distance between visits, as many as there are minutes.
    rules = Rules(min_between_s=0)
    assert unobserved_visits(made, found, DAY, rules).to_dict() == pytest.approx({"x": silent_s / 60})
