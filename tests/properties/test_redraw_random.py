"""Random edits of the model street: accepted edits leave a valid division, and every step can be undone bit by bit."""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.coverage import check_division
from geo.layers import Division, Level, digest_of, read_division
from geo.redraw import Draft, RefusedEdit
from geo.sample.random_edits import RandomEdits

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ["population", "households", "units"]


@pytest.fixture(scope="module")
def base() -> Division:
    return read_division(ROOT / "data" / "boundaries" / "division.gpkg")


@pytest.fixture(scope="module")
def edited(base: Division) -> tuple[Draft, Counter[str]]:
    draft = Draft.of(base)
    makers = RandomEdits(draft, np.random.default_rng(41))
    accepted: Counter[str] = Counter()
    refusals: list[tuple[RefusedEdit, int]] = []
    for kind in islice(cycle(makers.kinds), 900):
        before = draft.revision
        try:
            change = draft.apply(makers.make(kind))
        except RefusedEdit as refused:
            refusals.append((refused, draft.revision - before))
            continue
        accepted[kind] += 1
        makers.note([to for _, _, to in change.lineage])
    assert all(refused.zh and refused.en and steps == 0 for refused, steps in refusals)
    return draft, accepted


def _equal(one: Division, other: Division) -> bool:
    return all(
        one.layer(level).drop(columns="geometry").equals(other.layer(level).drop(columns="geometry"))
        and (one.layer(level).geometry.to_wkb() == other.layer(level).geometry.to_wkb()).all()
        for level in Level
    )


def test_every_kind_is_accepted_often(edited: tuple[Draft, Counter[str]]) -> None:
    _, accepted = edited
    assert min(accepted.values()) >= 10
    assert accepted["remove"] >= 60, "random vertices are mostly nodes, which cannot be removed"
    assert len(accepted) == 10


@pytest.mark.parametrize("level", [Level.STREET, Level.COMMUNITY, Level.SECOND])
def test_each_grid_keeps_the_people_of_its_cells(
    base: Division, edited: tuple[Draft, Counter[str]], level: Level
) -> None:
    for division in (base, edited[0].division()):
        below = division.layer(Level(level + 1)).groupby("parent")[PEOPLE].sum().sort_index()
        own = division.layer(level).set_index("code")[PEOPLE].sort_index()
        assert own.index.tolist() == below.index.tolist()
        assert np.allclose(own, below, rtol=0, atol=1e-6)
    if level is Level.COMMUNITY:
        before, after = (d.layer(level).set_index("code")["population"] for d in (base, edited[0].division()))
        assert not before.equals(after)


def test_the_result_is_whole_at_three_levels(base: Division, edited: tuple[Draft, Counter[str]]) -> None:
    result = edited[0].division()
    report = check_division(result)
    assert report.ok, report.summary()
    assert shapely.coverage_is_valid(result.third.geometry.to_numpy())
    for level in Level:
        assert result.layer(level)[PEOPLE].sum().tolist() == base.layer(level)[PEOPLE].sum().tolist()
        assert result.layer(level)["workload"].sum() == pytest.approx(base.layer(level)["workload"].sum(), rel=1e-12)
        assert result.layer(level).area.sum() == pytest.approx(base.layer(level).area.sum(), abs=1e-4)
    sums = result.third.groupby("parent")[PEOPLE].sum()
    assert (sums == result.second.set_index("code")[PEOPLE].loc[sums.index]).all(axis=None)


def test_a_saved_draft_is_the_same(base: Division, edited: tuple[Draft, Counter[str]]) -> None:
    draft, _ = edited
    loaded = Draft.from_json(base, draft.to_json())
    assert loaded.edits == draft.edits
    assert loaded.revision == draft.revision
    assert _equal(loaded.division(), draft.division())


def test_the_edits_played_again_give_the_same(base: Division, edited: tuple[Draft, Counter[str]]) -> None:
    draft, _ = edited
    again = Draft.of(base)
    for change in draft.changes:
        again.apply(change.edits)
    assert digest_of(again.division()) == digest_of(draft.division())


def test_undo_gives_the_base_and_redo_the_result(base: Division, edited: tuple[Draft, Counter[str]]) -> None:
    draft, _ = edited
    result = draft.division()
    steps = len(draft.changes)
    while draft.undo():
        pass
    assert _equal(draft.division(), base)
    assert sum(1 for _ in iter(draft.redo, None)) == steps
    assert _equal(draft.division(), result)
