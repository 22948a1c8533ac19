"""Incidents and fixes that a draft concerns, computed without a database."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from api.plans.examining import proposal
from api.plans.replays.replaying import _bounds, _incidents
from geo.layers import Division, Level, lon_lat
from geo.redraw import Draft, Lock, Merge, edit_from_dict


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


def test_a_proposal_leaves_locked_grids_alone_and_balances_the_others(small_street: Any) -> None:
    base = small_street.division()
    third = base.third.assign(workload=np.random.default_rng(3).integers(5, 40, len(base.third)).astype(float))
    sums = third.groupby("parent")["workload"].sum()
    base = base.with_layer(Level.THIRD, third)
    base = base.with_layer(Level.SECOND, base.second.assign(workload=sums[base.second["code"]].to_numpy()))
    community, grid = base.community["code"].iloc[0], base.second["code"].iloc[0]
    draft = Draft.of(base)
    draft.apply(Lock((grid,)))
    opened = SimpleNamespace(draft=draft, division=draft.division, revision=1)
    edits = [edit_from_dict(edit) for edit in proposal(opened, community, 0.05, 0)["edits"]]  # type: ignore[arg-type]
    assert edits
    before = sums[[code for code in sums.index if code.startswith(community) and code != grid]]
    draft.apply(edits)
    after = draft.division().second.set_index("code")["workload"]
    assert after[grid] == sums[grid]
    # With moves planned for the locked grid too, the largest of the others would stay.
    assert (before.max(), after[before.index].max()) == (104.0, 85.0)
