"""Trigonometric functions by sums and products only, with identical bits on every processor.

NumPy's functions use the fastest instructions of each processor, so their last bits differ between processors; stored
areas, and digests of them, would differ too. Errors are a few units in the last place.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Coefficients of x² in sin(x)/x and cos(x), to 1e-17 up to a right angle, and in atan(t)/t up to a sixteenth of a half turn.
_SIN = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(12)]
_COS = [(-1.0) ** k / math.factorial(2 * k) for k in range(12)]
_ATAN = [(-1.0) ** k / (2 * k + 1) for k in range(12)]


def series(coefficients: list[float], x: Floats) -> Floats:
    """Evaluate a polynomial, lowest coefficient first."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value *= x
        value += coefficient
    return value


def sin(x: Floats) -> Floats:
    """Sine of angles from minus to plus a right angle, radians."""
    return x * series(_SIN, x * x)


def tan(x: Floats) -> Floats:
    """Tangent of angles between minus and plus a right angle, radians."""
    return sin(x) / series(_COS, x * x)


def atan(t: Floats) -> Floats:
    """Arc tangent of `t`, radians; the argument is halved three times to shorten the series."""
    for _ in range(3):
        t = t / (1.0 + np.sqrt(1.0 + t * t))
    return 8.0 * t * series(_ATAN, t * t)
