"""Two concurrent planners with random edits: edits on one revision are both applied, in either order, or one is refused as a
conflict.
"""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.coverage import check_division
from geo.layers import Division, digest_of, read_division
from geo.redraw import Change, Draft, Edit, RefusedEdit, merge_drafts
from geo.redraw.working.arcs import Arc
from geo.sample.random_edits import RandomEdits

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 150
PEOPLE = ["population", "households", "units"]


@pytest.fixture(scope="module")
def base() -> Division:
    return read_division(ROOT / "data" / "boundaries" / "division.gpkg")


def _edges(arcs: list[Arc]) -> set[frozenset]:
    return {frozenset(edge) for arc in arcs for edge in zip(arc.points, arc.points[1:], strict=False)}


def _touched(change: Change) -> tuple[set[frozenset], set[str]]:
    """Slow twin: edges of the borders removed by a change, and cells whose rows it changes itself."""
    edges = _edges([arc for redraw in change.redraws for arc in redraw.before])
    own = {step for _, *codes in change.lineage for step in codes}
    own |= {
        code for edit in change.edits for code in (getattr(edit, "code", None), *getattr(edit, "codes", ())) if code
    }
    return edges, own


def _near_pairs(base: Division, rng: np.random.Generator) -> list[tuple[Edit, Edit]]:
    """Pairs of edits that would be accepted singly, as close to each other as random ones occur."""
    draft = Draft.of(base)
    makers = RandomEdits(draft, rng)
    alone: list[tuple[Edit, Change]] = []
    for kind in islice(cycle(makers.kinds), 1500):
        edit = makers.make(kind)
        try:
            with draft.trial(edit) as change:
                alone.append((edit, change))
        except RefusedEdit:
            continue
    by_cell: dict[str, list[int]] = {}
    for k, (_, change) in enumerate(alone):
        for code in change.cells:
            by_cell.setdefault(code, []).append(k)
    near = sorted({(a, b) for ks in by_cell.values() for a in ks for b in ks if a < b})
    chosen = rng.permutation(len(near))[:PAIRS]
    return [(alone[near[k][0]][0], alone[near[k][1]][0]) for k in chosen.tolist()]


def test_edits_of_one_cell_go_through_together_or_are_conflicts(base: Division) -> None:
    pairs = _near_pairs(base, np.random.default_rng(20261130))
    assert len(pairs) > 100
    draft, outcomes = Draft.of(base), Counter()
    for one, other in pairs:
        first = draft.apply(one)
        outcome, second = _beside(draft, other)
        if second is not None:
            touched = [code for code in {*first.cells, *second.cells} if draft.workspace.of_cell(code)]
            assert shapely.coverage_is_valid(draft.workspace.shapes(touched).to_numpy())
            draft.undo()
        draft.undo()
        with draft.trial(other) as alone:
            edges, cells = _touched(alone)
        mine, own = _touched(first)
        if edges & mine:
            # Stale, or its vertices and cells no longer exist.
            assert outcome != "made", (one, other)
        elif not cells & set(first.cells) and not own & set(alone.cells):
            # Separate borders, and neither names a cell touched by the other one.
            assert outcome != "stale", (one, other)
        outcomes[outcome] += 1
    assert outcomes["made"] > 20
    assert outcomes["stale"] > 20
    assert digest_of(draft.division()) == digest_of(base)


def _beside(draft: Draft, edit: Edit) -> tuple[str, Change | None]:
    try:
        return "made", draft.apply(edit, since=draft.revision - 1)
    except RefusedEdit as refused:
        return refused.kind, None


def test_drafts_merge_the_same_way_round_and_keep_everybody(base: Division) -> None:
    rng = np.random.default_rng(7)
    drafts = []
    for _ in range(2):
        draft = Draft.of(base)
        makers = RandomEdits(draft, rng)
        for kind in islice(cycle(makers.kinds), 12):
            try:
                draft.apply(makers.make(kind))
            except RefusedEdit:
                continue
        drafts.append(draft)
    kinds = []
    for one, other in (drafts, drafts[::-1]):
        try:
            merged = merge_drafts(base, one, other)
        except RefusedEdit as refused:
            kinds.append(refused.kind)
            continue
        kinds.append("made")
        result = merged.division()
        assert check_division(result).ok
        assert result.third[PEOPLE].sum().tolist() == base.third[PEOPLE].sum().tolist()
        assert len(merged.changes) == len(one.changes) + len(other.changes)
    assert kinds[0] == kinds[1] == "made"
