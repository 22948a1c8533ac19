"""Number of visits: the distribution compared with all possible days, and its use in verdicts."""

from __future__ import annotations

import datetime as dt
from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError, InputError
from geo.patrols import Rules, verify, visits
from geo.patrols.stays.visit_counts import visit_count

DAY = dt.date(2026, 11, 23)


def slow(start, end, chance, apart):
    """Probability of each number: every combination of stays that were visits, counted greedily by earliest end."""
    order = sorted(range(len(start)), key=lambda k: (end[k], start[k]))
    found = {}
    for day in product([False, True], repeat=len(order)):
        weight, number, free = 1.0, 0, -np.inf
        for real, k in zip(day, order, strict=True):
            weight *= chance[k] if real else 1 - chance[k]
            if real and start[k] >= free:
                number, free = number + 1, end[k] + apart
        found[number] = found.get(number, 0.0) + weight
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_distribution_is_that_of_all_possible_days(seed):
    rng = np.random.default_rng(seed)
    groups, expected, enough = [], [], []
    for g in range(4):
        n = int(rng.integers(0, 9))
        start = rng.integers(0, 36_000, n)
        end = start + rng.integers(60, 9_000, n)
        chance = rng.choice([0.0, 0.05, 0.4, 0.9, 1.0], n)
        groups.append((np.full(n, g), start, end, chance))
        true = slow(start, end, chance, 1800)
        expected.append(sum(k * p for k, p in true.items()))
        enough.append(sum(p for k, p in true.items() if k >= 2))
    group, start, end, chance = (np.concatenate(column) for column in zip(*groups, strict=True))
    mixed = rng.permutation(len(group))
    found = visit_count(group[mixed], start[mixed], end[mixed], chance[mixed], groups=4, apart=1800.0, required=2)
    np.testing.assert_allclose(found.expected, expected, atol=1e-9)
    np.testing.assert_allclose(found.p_required, enough, atol=1e-9)
    assert (found.low <= found.expected + 1).all()
    assert (found.low <= found.high).all()


def test_the_range_is_that_of_nine_in_ten():
    hour = 3600 * np.arange(10)
    found = visit_count(
        np.zeros(10, dtype=np.int64), hour, hour + 60, np.full(10, 0.5), groups=1, apart=0.0, required=2
    )
    assert (found.low[0], found.high[0]) == (2, 8)
    assert found.expected[0] == pytest.approx(5)


def at(clock):
    return pd.Timestamp(f"{DAY} {clock}", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")


def presence(cell, start, end, *, speed=1.0, kind="inside"):
    lasts = (at(end) - at(start)).total_seconds()
    inside = kind == "inside"
    return {
        "device": "D1",
        "officer": "S1",
        "cell": cell,
        "start": at(start),
        "end": at(end),
        "duration_s": lasts,
        "fixes": int(lasts / 10) * inside,
        "kind": kind,
        "day": DAY,
        "likely_s": lasts * inside,
        "spread_s2": 0.0,
        "sure_s": lasts * inside,
        "length_m": lasts * speed * inside,
    }


def cells(**columns):
    boxes = [shapely.box(200 * i, 0, 200 * (i + 1), 200) for i in range(3)]
    return gpd.GeoDataFrame({"code": ["A", "B", "P"], **columns}, geometry=boxes, crs=4549)


ROUNDS = pd.DataFrame(
    [presence(c, *clocks) for c in "ABP" for clocks in (("08:30", "08:50"), ("15:00", "15:20"))]
    + [presence("P", "10:00", "10:05", speed=8.0)]
)


def test_proven_visits_are_certain():
    found = verify(visits(ROUNDS), cells(), day=DAY)
    assert found["visits_expected"].tolist() == [2, 2, 2]
    assert found[["visits_low", "visits_high"]].to_numpy().tolist() == [[2, 2]] * 3
    assert found["enough_probability"].tolist() == [1, 1, 1]


def rules(tmp_path, text, name="a.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_class_of_cells_has_its_own_numbers(tmp_path):
    path = rules(
        tmp_path,
        'id = "r"\nversion = "2"\nvisits_per_day = 3\n[[class]]\ncolumn = "kind"\nvalues = ["park"]\n'
        'visits_per_day = 1\nmode = "vehicle"\n',
    )
    park = Rules.read(path)
    layer = cells(kind=["built", "built", "park"])
    made = visits(ROUNDS, rules=park, cells=layer)
    found = verify(made, layer, rules=park, day=DAY).set_index("code")
    assert found["required"].to_dict() == {"A": 3, "B": 3, "P": 1}
    assert found["verdict"].to_dict() == {"A": "short", "B": "short", "P": "met"}
    assert found["rules"].to_dict() == {"A": "r@2", "B": "r@2", "P": "r@2#park"}
    assert made.loc[made["code"] == "P", "reason"].tolist() == ["on_foot", "", "on_foot"]
    assert made.loc[made["code"] == "A", "reason"].tolist() == ["", ""]
    with pytest.raises(InputError, match="give the cells"):
        visits(ROUNDS, rules=park)
    with pytest.raises(ColumnError, match="no column 'kind'"):
        verify(made, cells(), rules=park, day=DAY)


def test_each_day_has_the_version_that_held(tmp_path):
    old = rules(tmp_path, 'id = "r"\nversion = "1"\nvisits_per_day = 1\n')
    new = rules(tmp_path, 'id = "r"\nversion = "2"\nholds_from = 2026-11-23\nvisits_per_day = 3\n', "b.toml")
    both = Rules.read(new, old)
    assert both.on(DAY).name == "r@2"
    assert both.on(DAY - dt.timedelta(1)).name == "r@1"
    assert verify(visits(ROUNDS, rules=both), cells(), rules=both, day=DAY)["verdict"].unique().tolist() == ["short"]
    earlier = ROUNDS.assign(day=DAY - dt.timedelta(1))
    for column in ("start", "end"):
        earlier[column] -= pd.Timedelta(1, "D")
    found = verify(visits(earlier, rules=both), cells(), rules=both, day=DAY - dt.timedelta(1))
    assert found[["verdict", "rules"]].drop_duplicates().to_numpy().tolist() == [["met", "r@1"]]
    with pytest.raises(InputError, match="both hold from"):
        Rules.read(old, old)
    with pytest.raises(InputError, match="not yet on 2026-11-22"):
        Rules.read(new).on(DAY - dt.timedelta(1))


def test_a_share_of_the_cell_must_be_seen_if_the_rules_ask(tmp_path):
    asks = Rules(id="s", version="1", seen_cells_share=0.5, seen_roads_share=0.2)
    coverage = pd.DataFrame(
        {
            "parent": ["A", "B", "P"],
            "period": DAY,
            "cells": 10,
            "seen": [9, 3, 9],
            "swept_share": 0.5,
            "road_seen_share": [0.5, 0.5, np.nan],
        }
    )
    made = visits(ROUNDS, rules=asks)
    found = verify(made, cells(), rules=asks, coverage=coverage, day=DAY)
    assert found["verdict"].tolist() == ["met", "short", "met"]
    assert "三级网格已见30%（要求50%）" in found["reason_zh"].iloc[1]
    silent = pd.DataFrame([presence("B", "12:00", "12:30", kind="unknown")])
    assert (
        verify(made, cells(), rules=asks, coverage=coverage, presences=silent, day=DAY)["verdict"].tolist()[1]
        == "unknown"
    )
    with pytest.raises(InputError, match="give coverage"):
        verify(made, cells(), rules=asks, day=DAY)


def test_two_rounds_with_a_silent_phone_between_are_in_doubt_not_failed():
    rows = [
        presence("A", "08:30", "08:50"),
        presence("A", "08:50", "15:00", kind="unknown"),
        presence("A", "15:00", "15:20"),
    ]
    found = pd.DataFrame(rows)
    result = verify(visits(found), cells(), presences=found, day=DAY)
    assert (result["verdict"].iloc[0], result["visits"].iloc[0]) == ("unknown", 1)
    short = pd.DataFrame(
        [
            presence("A", "08:30", "08:50"),
            presence("A", "08:50", "09:10", kind="unknown"),
            presence("A", "09:10", "09:20"),
        ]
    )
    assert verify(visits(short), cells(), presences=short, day=DAY)["verdict"].iloc[0] == "short"


@pytest.mark.parametrize(("apart", "expected"), [(90.0, 2.0), (90.5, 1.0)])
def test_visits_exactly_as_far_apart_as_required_both_count(apart, expected):
    zero, start, end = np.zeros(2, dtype=np.int64), np.array([0, 100]), np.array([10, 110])
    found = visit_count(zero, start, end, np.ones(2), groups=1, apart=apart, required=2)
    assert found.expected.tolist() == [expected]
    assert found.p_required.tolist() == [float(expected == 2.0)]
