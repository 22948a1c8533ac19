"""Predicates on prepared copies: the geometries of a caller are left as they were."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.coverage import check_division, repair_division
from geo.incidents import density
from geo.prepared import prepared_copy


def test_a_copy_is_prepared_and_the_original_is_not() -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), None, shapely.Point(1, 2, 3)], dtype=object)
    copies = prepared_copy(shapes)
    assert shapely.is_prepared(copies).tolist() == [True, False, True]
    assert not shapely.is_prepared(shapes).any()
    assert shapely.equals_exact(copies[0], shapes[0])
    assert copies[1] is None


@pytest.mark.parametrize("use", [check_division, repair_division], ids=["check", "repair"])
def test_a_division_is_not_prepared(small_street, use) -> None:  # type: ignore[no-untyped-def]
    division = small_street.division()
    use(division)
    assert not any(
        shapely.is_prepared(frame.geometry.array).any() for frame in (division.street, division.second, division.third)
    )


def test_an_outline_is_not_prepared(small_street) -> None:  # type: ignore[no-untyped-def]
    street = small_street.division().street
    density(street.geometry.representative_point(), outline=street)
    assert not shapely.is_prepared(street.geometry.array).any()
