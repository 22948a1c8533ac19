"""The orientation of three points compared with exact fractions, where rounding would decide otherwise."""

from __future__ import annotations

from fractions import Fraction

import geopandas as gpd
import numpy as np
import shapely

from geo.locate import GridIndex
from geo.locate.predicates import orient, side


def turn(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> int:
    """Sign of the determinant in exact arithmetic."""
    ax, ay, bx, by, px, py = (Fraction(float(v)) for v in (*a, *b, *p))
    det = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    return (det > 0) - (det < 0)


def rounded_turn(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> int:
    det = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
    return int(np.sign(det))


def nearly_collinear(seed: int, n: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Points a few units in the last place from a line, in metres of a projected CRS and near the origin."""
    rng = np.random.default_rng(seed)
    cases = []
    for k in range(n):
        origin = np.array([387_000.0, 3_553_000.0]) if k % 2 else np.zeros(2)
        a = origin + rng.uniform(-500, 500, 2)
        b = a + rng.uniform(-200, 200, 2)
        p = a + (b - a) * rng.uniform(-0.5, 1.5)
        for axis in (0, 1):
            for _ in range(int(rng.integers(0, 3))):
                p[axis] = np.nextafter(p[axis], rng.choice([-np.inf, np.inf]))
        cases.append((a, b, p))
    # The lattice of Kettner and others (2008): steps of one unit near the diagonal.
    for i in range(16):
        for j in range(16):
            p = np.array([0.5 + i * 2.0**-53, 0.5 + j * 2.0**-53])
            cases.append((np.array([12.0, 12.0]), np.array([24.0, 24.0]), p))
    return cases


def test_orient_is_exact():
    cases = nearly_collinear(1, 3000)
    exact = [turn(*case) for case in cases]
    # Plain arithmetic fails on many of them; otherwise the test would be empty.
    assert sum(rounded_turn(*case) != sign for case, sign in zip(cases, exact, strict=True)) > 150
    assert {-1, 0, 1} <= set(exact)
    assert [orient(*a, *b, *p) for a, b, p in cases] == exact


def test_orient_of_points_on_a_line_parallel_to_an_axis_and_of_equal_points():
    assert orient(0.1, 0.3, 0.7, 0.3, 0.9, 0.3) == 0
    assert orient(0.1, 0.3, 0.1, 0.7, 0.1, 0.9) == 0
    assert orient(0.1, 0.3, 0.7, 0.2, 0.1, 0.3) == 0
    assert orient(0.1, 0.3, 0.7, 0.2, 0.7, 0.2) == 0


def test_side_is_the_orientation_of_a_point_a_little_east_and_less_north():
    tiny = Fraction(1, 10**60)
    for a, b, p in nearly_collinear(2, 400):
        ax, ay, bx, by = (Fraction(float(v)) for v in (*a, *b))
        px, py = Fraction(float(p[0])) + tiny, Fraction(float(p[1])) + tiny**2
        det = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
        assert side(*a, *b, *p) == (1 if det > 0 else -1)
    for a, b in (
        ((0.0, 0.0), (0.0, 2.0)),
        ((0.0, 2.0), (0.0, 0.0)),
        ((0.0, 0.0), (2.0, 0.0)),
        ((2.0, 0.0), (0.0, 0.0)),
    ):
        ax, ay, bx, by = (Fraction(v) for v in (*a, *b))
        px, py = (ax + bx) / 2 + tiny, (ay + by) / 2 + tiny**2
        det = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
        assert side(*a, *b, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2) == (1 if det > 0 else -1)


def test_points_beside_a_sloping_border_go_to_their_side():
    """One index, points within a few units in the last place of the border between two cells."""
    rng = np.random.default_rng(3)
    low, high = np.array([387_100.3, 3_553_000.7]), np.array([387_233.9, 3_553_411.1])
    west = shapely.Polygon([(387_000, 3_553_000.7), low, high, (387_000, 3_553_411.1)])
    east = shapely.Polygon([low, (387_400, 3_553_000.7), (387_400, 3_553_411.1), high])
    index = GridIndex(gpd.GeoDataFrame(geometry=[west, east], crs=4549))
    p = low + (high - low) * rng.uniform(0.01, 0.99, (4000, 1))
    for _ in range(2):
        p[:, 0] = np.nextafter(p[:, 0], p[:, 0] + rng.choice([-1.0, 0.0, 1.0], len(p)))
    signs = np.array([turn(low, high, point) for point in p])
    assert (index.locate(*p.T) == np.where(signs > 0, 0, 1)).all()
    assert min((signs > 0).sum(), (signs < 0).sum()) > 500
