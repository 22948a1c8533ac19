"""Side of an edge on which a point lies: exact for all finite doubles.

A floating-point determinant is used if it exceeds its rounding error (Shewchuk 1997, bound ccwerrboundA); otherwise the six
products are expanded without error and the sign of their sum is exact. Underflow is the only limit: coordinates whose
products are below 1e-290 cannot be distinguished.
"""

from __future__ import annotations

import numpy as np

from geo.kernels import kernel

#: (3 + 16 ε) ε with ε = 2^-53, the bound on the relative error of the determinant.
BOUND = (3.0 + 16.0 * 2.0**-53) * 2.0**-53

# 2^27 + 1 splits a double into two halves whose products are exact.
_SPLITTER = 134217729.0


@kernel(inline="always")
def orient(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Sign of the turn a, b, p: 1 if p lies left of the line from a to b, -1 right of it, 0 on it."""
    left = (bx - ax) * (py - ay)
    right = (by - ay) * (px - ax)
    det = left - right
    bound = BOUND * (abs(left) + abs(right))
    if det > bound:
        return 1
    if det < -bound:
        return -1
    if left == 0.0 and right == 0.0 and (bx - ax == 0.0 or py - ay == 0.0) and (by - ay == 0.0 or px - ax == 0.0):
        return 0  # the difference of two doubles is zero only if they are equal
    return _orient_exact(ax, ay, bx, by, px, py)


@kernel(inline="always")
def side(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Like :func:`orient` for the point (px + ε, py + ε²) with ε > 0 smaller than any double: never 0 for a real edge."""
    turn = orient(ax, ay, bx, by, px, py)
    if turn != 0:
        return turn
    if by != ay:
        return -1 if by > ay else 1
    return 1 if bx > ax else -1


@kernel()
def _product(a, b):  # type: ignore[no-untyped-def]
    """A product and its rounding error (Dekker)."""
    p = a * b
    c = _SPLITTER * a
    a1 = c - (c - a)
    a2 = a - a1
    c = _SPLITTER * b
    b1 = c - (c - b)
    b2 = b - b1
    return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)


@kernel()
def _orient_exact(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Sign of ax·by − ay·bx + bx·py − by·px + px·ay − py·ax, without rounding."""
    expansion = np.zeros(12)
    n = 0
    for a, b in ((ax, by), (-ay, bx), (bx, py), (-by, px), (px, ay), (-py, ax)):
        high, low = _product(a, b)
        for term in (low, high):
            # Grow the expansion by one term; components stay non-overlapping and ordered by size.
            q = term
            for i in range(n):
                s = q + expansion[i]
                bb = s - q
                expansion[i] = (q - (s - bb)) + (expansion[i] - bb)
                q = s
            expansion[n] = q
            n += 1
    for i in range(n - 1, -1, -1):
        if expansion[i] != 0.0:
            return 1 if expansion[i] > 0.0 else -1
    return 0
