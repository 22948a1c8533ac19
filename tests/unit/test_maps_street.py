"""The small street shared by the tests of maps has the assumed properties."""

from __future__ import annotations

from geo.layers import Level


def test_the_division_is_nested_and_covers_its_street(small_street) -> None:
    division = small_street.division()
    assert division.counts == (4, 24, 96)
    for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
        assert division.layer(level).geometry.area.sum() == 2_400.0 * 1_800.0
        assert set(division.layer(level)["parent"]) == set(division.layer(Level(level - 1))["code"])
