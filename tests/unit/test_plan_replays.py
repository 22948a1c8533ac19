"""Incidents and fixes that a draft concerns, computed without a database."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from api.plans.replays.replaying import _bounds, _incidents
from geo.layers import Division, lon_lat
from geo.redraw import Draft, Merge


def _ground(division: Division) -> Any:
    parents = dict(zip(division.third["code"], division.third["parent"], strict=True))
    return SimpleNamespace(thirds=division.third, parents=parents)


def test_an_incident_in_another_cell_of_its_grid_is_told(small_street: Any) -> None:
    base = small_street.division()
    draft = Draft.of(base)
    kept, gone = base.third["code"].iloc[:2]
    draft.apply(Merge((kept, gone), kept))
    places = lon_lat(base.third.geometry.representative_point()).iloc[[0, 1, 9]]
    incidents = [
        {"id": k, "number": f"N{k}", "kind": None, "lon": place.x, "lat": place.y} for k, place in enumerate(places)
    ]
    week = SimpleNamespace(incidents=incidents, since=date(2026, 2, 1), today=date(2026, 3, 4))
    told = _incidents(week, _ground(base), _ground(draft.division()))
    (moved,) = told["changed"]
    assert (moved["number"], moved["from_third"], moved["to_third"]) == ("N1", gone, kept)
    assert moved["from_second"] == moved["to_second"] == gone[:15]
    assert (told["count"], told["changed_second"]) == (3, 0)


def test_fixes_within_reach_of_a_changed_grid_are_judged_again(small_street: Any) -> None:
    """A degree of longitude is 94 km here: the margin is at least 50 m and the reach of the rules."""
    grid = small_street.division().second.geometry.iloc[:1]
    bounds = lon_lat(grid).total_bounds
    west, south, east, north = _bounds([grid], 30.0)
    for beyond in (bounds[0] - west, bounds[1] - south, east - bounds[2], north - bounds[3]):
        assert beyond == pytest.approx(80 / 65_000)
