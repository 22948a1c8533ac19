"""Undo of changes in any order: the others are unchanged, and without all of them the base is restored."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from geo.coverage import check_division
from geo.layers import Division, Level, read_division
from geo.redraw import Draft, RefusedEdit
from geo.redraw.changes import Change
from geo.sample.random_edits import RandomEdits

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def base() -> Division:
    return read_division(ROOT / "data" / "boundaries" / "division.gpkg")


def _edited(base: Division, seed: int, count: int) -> Draft:
    draft = Draft.of(base)
    makers = RandomEdits(draft, np.random.default_rng(seed))
    for kind in islice(cycle(makers.kinds), count):
        try:
            change = draft.apply(makers.make(kind))
        except RefusedEdit:
            continue
        makers.note([to for _, _, to in change.lineage])
    return draft


def _equal(one: Division, other: Division) -> bool:
    return all(
        one.layer(level).drop(columns="geometry").equals(other.layer(level).drop(columns="geometry"))
        and (one.layer(level).geometry.to_wkb() == other.layer(level).geometry.to_wkb()).all()
        for level in Level
    )


def _take_back_half(draft: Draft, rng: np.random.Generator) -> tuple[list[Change], list[RefusedEdit]]:
    taken: list[Change] = []
    refused: list[RefusedEdit] = []
    for revision in rng.permutation(np.array([c.revision for c in draft.changes]))[: len(draft.changes) // 2]:
        mine = next(c for c in draft.changes if c.revision == revision)
        try:
            draft.take_back(mine)
        except RefusedEdit as error:
            refused.append(error)
            continue
        taken.append(mine)
    return taken, refused


def test_any_order_leads_back_to_the_base(base: Division) -> None:
    draft = _edited(base, 7, 300)
    assert len(draft.changes) > 100
    taken, refused = _take_back_half(draft, np.random.default_rng(3))
    assert len(taken) > 40
    assert refused
    assert all(error.kind == "stale" and error.cells for error in refused)
    middle = draft.division()
    assert check_division(middle).ok
    for column in ("population", "households", "units"):
        sums = middle.third.groupby("parent")[column].sum()
        assert (middle.second.set_index("code")[column] == sums.reindex(middle.second["code"])).all()
        assert middle.third[column].sum() == base.third[column].sum()
    # The result equals a draft with only the remaining changes.
    alone = Draft.of(base)
    for change in draft.changes:
        alone.put_back(change)
    assert _equal(alone.division(), middle)
    for change in reversed(draft.changes):
        draft.take_back(change)
    assert _equal(draft.division(), base)


def test_a_failed_check_changes_nothing(base: Division) -> None:
    draft = _edited(base, 11, 60)
    before = draft.division()
    revision, changes = draft.revision, draft.changes

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    makers = RandomEdits(draft, np.random.default_rng(5))
    with pytest.raises(OSError, match="disk"):
        draft.apply(makers.make("rename"), check=fail)
    free = next(c for c in changes if _can_go(draft, c))
    with pytest.raises(OSError, match="disk"):
        draft.take_back(free, check=fail)
    assert (draft.revision, draft.changes) == (revision, changes)
    assert _equal(draft.division(), before)


def _can_go(draft: Draft, change: Change) -> bool:
    from geo.redraw.working.undo import clash

    later = [c for c in draft.changes if c.revision > change.revision]
    return bool(later) and not any(clash(change, other) for other in later)


def test_what_was_taken_back_is_put_back(base: Division) -> None:
    draft = _edited(base, 7, 200)
    whole = draft.division()
    taken = next(c for c in draft.changes if _can_go(draft, c) and c.sums)
    draft.take_back(taken)
    assert not _equal(draft.division(), whole)
    draft.put_back(taken)
    again = draft.division()
    assert (again.third.geometry.to_wkb() == whole.third.geometry.to_wkb()).all()
    assert again.third.drop(columns="geometry").equals(whole.third.drop(columns="geometry"))
    assert again.second[["population", "households"]].equals(whole.second[["population", "households"]])
