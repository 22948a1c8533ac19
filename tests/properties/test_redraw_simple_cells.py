"""The fast test of an edit only ever confirms what the detailed tests confirm, and gives the same areas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from geo.errors import RefusedEdit
from geo.layers import Division, read_division
from geo.redraw import Draft
from geo.redraw.working import applying
from geo.redraw.working.arcs import Arc
from geo.redraw.working.ground import changed_edges
from geo.redraw.working.postconditions import Rings, require_no_conflict, require_rings, rings_of_each
from geo.redraw.working.simple_cells import Surroundings, areas_if_simple
from geo.sample.random_edits import RandomEdits

KINDS = ("move", "insert", "remove", "slide", "reshape", "split", "merge", "transfer")

SOUTH, NORTH = "south", "north"
#: Two squares of 10 m beside each other: their common border, and the rest of each.
SHARED = Arc(((0, 10_000), (5_000, 10_000), (10_000, 10_000)), NORTH, SOUTH)
BELOW = Arc(((0, 10_000), (0, 0), (10_000, 0), (10_000, 10_000)), SOUTH, "")
ABOVE = Arc(((10_000, 10_000), (10_000, 20_000), (4_000, 20_000), (0, 20_000), (0, 10_000)), NORTH, "")


def _to(*points: tuple[int, int]) -> list[Arc]:
    return [SHARED._replace(points=points)]


def _detailed(before: Sequence[Arc], after: Sequence[Arc], rest: Sequence[Arc]) -> dict[str, Rings] | None:
    """The rings before, if the tests of postconditions.py accept the edit."""
    codes = {code for arc in before for code in (arc.left, arc.right)} - {""}
    later = {code for arc in after for code in (arc.left, arc.right)} - {""}
    former = rings_of_each((*before, *rest), codes)
    try:
        if fresh := changed_edges(before, after).fresh():
            require_no_conflict(after, rest, fresh)
        for code, rings in rings_of_each((*after, *rest), later).items():
            require_rings(former.get(code, Rings()), rings, code, "encloses")
    except RefusedEdit:
        return None
    return former


@pytest.fixture(scope="module")
def base() -> Division:
    return read_division(Path(__file__).resolve().parents[2] / "data" / "boundaries" / "division.gpkg")


@pytest.mark.parametrize("seed", [3, 4])
def test_random_edits(base: Division, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    simple = seen = 0

    def both(before: Sequence[Arc], after: Sequence[Arc], rest: Surroundings) -> dict[str, float] | None:
        nonlocal simple, seen
        around = [*map(draft.workspace.arc, rest.numbers), *rest.edited]
        fast, slow = areas_if_simple(before, after, rest), _detailed(before, after, around)
        seen += slow is not None
        if fast is not None:
            simple += 1
            assert slow is not None
            assert fast == {code: rings.area_m2() for code, rings in slow.items()}
        return fast

    monkeypatch.setattr(applying, "areas_if_simple", both)
    draft = Draft.of(base)
    makers = RandomEdits(draft, np.random.default_rng(seed))
    for k in range(400):
        try:
            change = draft.apply(makers.make(KINDS[k % len(KINDS)]))
        except RefusedEdit:
            continue
        makers.note([to for _, _, to in change.lineage])
    assert seen > 200
    assert simple > 0.9 * seen


def test_a_moved_vertex_gives_the_areas_before() -> None:
    assert areas_if_simple(
        [SHARED], _to((0, 10_000), (5_000, 9_000), (10_000, 10_000)), Surroundings([BELOW, ABOVE])
    ) == {
        NORTH: 100.0,
        SOUTH: 100.0,
    }


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(((0, 10_000), (5_000, -1), (10_000, 10_000)), id="crosses the southern border"),
        pytest.param(((0, 10_000), (5_000, 0), (10_000, 10_000)), id="touches an edge"),
        pytest.param(((0, 10_000), (4_000, 20_000), (10_000, 10_000)), id="touches an inner vertex"),
        pytest.param(
            ((0, 10_000), (8_000, 9_000), (8_000, 11_000), (2_000, 9_000), (10_000, 10_000)), id="crosses itself"
        ),
        pytest.param(((0, 10_000), (5_000, 9_000), (5_000, 9_000), (10_000, 10_000)), id="repeated vertex"),
        pytest.param(((0, 10_000), (5_000, 9_000), (6_000, 8_000), (5_000, 9_000), (10_000, 10_000)), id="twice"),
        pytest.param(((0, 10_000), (1, 19_999), (9_999, 19_999), (10_000, 10_000)), id="under 4 m² remain"),
        pytest.param(((0, 10_000), (0, 20_000), (10_000, 10_000)), id="along another border"),
    ],
)
def test_what_is_not_simple_is_left_to_the_detailed_tests(points: tuple[tuple[int, int], ...]) -> None:
    assert areas_if_simple([SHARED], _to(*points), Surroundings([BELOW, ABOVE])) is None


def test_a_node_on_an_inner_vertex_is_not_simple() -> None:
    corner, top = (0, 10_000), (5_000, 20_000)
    stays = Arc(((10_000, 10_000), (10_000, 20_000), top, (1_000, 20_000)), NORTH, "")
    west = Arc(((1_000, 20_000), (0, 25_000), corner), NORTH, "")
    before = [SHARED, BELOW, west]
    assert areas_if_simple(before, before, Surroundings([stays])) is not None
    after = [arc._replace(points=tuple(top if v == corner else v for v in arc.points)) for arc in before]
    assert areas_if_simple(before, after, Surroundings([stays])) is None
    assert _detailed(before, after, [stays]) is None


def test_a_cell_with_an_inner_ring_is_not_simple() -> None:
    ring = Arc(((2_000, 2_000), (4_000, 2_000), (4_000, 4_000), (2_000, 4_000), (2_000, 2_000)), "enclave", SOUTH)
    moved = _to((0, 10_000), (5_000, 9_000), (10_000, 10_000))
    assert areas_if_simple([SHARED], moved, Surroundings([BELOW, ABOVE, ring])) is None
    assert areas_if_simple([SHARED], moved, Surroundings([BELOW, ABOVE, ring._replace(right="another")])) is not None


def test_a_cell_that_turned_over_is_not_simple() -> None:
    # The southern cell is walked clockwise: the sides of its border are exchanged.
    after = [SHARED._replace(left=SOUTH, right=NORTH)]
    assert areas_if_simple([SHARED], after, Surroundings([BELOW, ABOVE])) is None
