"""Counts of grids per parent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.divide import apportion
from geo.errors import ImpossibleError, InputError


def slow_apportion(weights: list[float], seats: int) -> list[int]:
    given_out = [1] * len(weights)
    while sum(given_out) < seats:
        priority = [w / (n * (n + 1)) ** 0.5 for w, n in zip(weights, given_out, strict=True)]
        given_out[priority.index(max(priority))] += 1
    return given_out


def test_the_house_of_1790_by_huntington_and_hill():
    # 105 seats on the apportionment populations of 1790; Virginia has 18 by this method (19 by Jefferson's).
    people = pd.Series(
        {
            "VA": 630560,
            "MA": 475327,
            "PA": 432879,
            "NC": 353523,
            "NY": 331589,
            "MD": 278514,
            "CT": 236841,
            "SC": 206236,
            "NJ": 179570,
            "NH": 141822,
            "VT": 85533,
            "GA": 70835,
            "KY": 68705,
            "RI": 68446,
            "DE": 55540,
        }
    )
    seats = apportion(people, 105)
    assert seats.sum() == 105
    assert seats.to_dict() == {
        "VA": 18,
        "MA": 14,
        "PA": 12,
        "NC": 10,
        "NY": 10,
        "MD": 8,
        "CT": 7,
        "SC": 6,
        "NJ": 5,
        "NH": 4,
        "VT": 3,
        "GA": 2,
        "KY": 2,
        "RI": 2,
        "DE": 2,
    }


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12), st.integers(0, 60))
def test_equals_the_slow_way(weights, extra):
    seats = apportion(pd.Series(weights), len(weights) + extra)
    assert seats.tolist() == slow_apportion(weights, len(weights) + extra)


def test_index_is_kept_and_input_unchanged():
    workload = pd.Series([5.0, 1.0], index=["x", "y"])
    seats = apportion(workload, 4)
    assert list(seats.index) == ["x", "y"]
    assert workload.tolist() == [5.0, 1.0]
    assert seats.dtype == np.int64


def test_ceiling_is_respected_and_the_rest_goes_elsewhere():
    seats = apportion(pd.Series([100.0, 1.0]), 6, most=pd.Series([2, 9]))
    assert seats.tolist() == [2, 4]


def test_fewer_seats_than_parents_is_impossible():
    with pytest.raises(ImpossibleError, match="ask for 3 or more"):
        apportion(pd.Series([1.0, 2.0, 3.0]), 2)


def test_more_seats_than_pieces_is_impossible():
    with pytest.raises(ImpossibleError, match="into 4 at most"):
        apportion(pd.Series([1.0, 2.0]), 5, most=pd.Series([1, 3]))


def test_negative_workload_is_refused_by_name():
    with pytest.raises(InputError, match="b"):
        apportion(pd.Series([1.0, -2.0], index=["a", "b"]), 3)
