"""Trigonometric functions compared with the C library, bit by bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geo.layers import trigonometry

RIGHT = np.pi / 2


@pytest.mark.parametrize(
    ("ours", "theirs", "reach"),
    [
        (trigonometry.sin, math.sin, RIGHT),
        (trigonometry.tan, math.tan, 0.99 * RIGHT),
        (trigonometry.atan, math.atan, 1e6),
    ],
)
def test_they_are_right_to_a_few_units_in_the_last_place(ours, theirs, reach):
    x = np.r_[0.0, np.geomspace(1e-12, reach, 5000)]
    x = np.r_[-x[::-1], x]
    expected = np.array([theirs(value) for value in x])
    assert (np.abs(ours(x) - expected) <= 1e-14 * np.abs(expected)).all()


def test_they_are_the_same_alone_as_in_any_company():
    # NumPy's fast functions differ here on some processors, depending on the position of a value in the array.
    x = np.random.default_rng(1).uniform(-1.5, 1.5, 1001)
    for function in (trigonometry.sin, trigonometry.tan, trigonometry.atan):
        assert function(x).tolist() == [float(function(np.array([value]))[0]) for value in x]
