"""Edits at their tolerances and least numbers, and what is refused beyond them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import LineString

from geo.layers import Division
from geo.redraw import (
    Draft,
    InsertVertex,
    Lock,
    Merge,
    Recode,
    RefusedEdit,
    RemoveVertex,
    Rename,
    SlideNode,
    Split,
    Transfer,
    compare,
    consequences,
)
from tests.unit.test_redraw_rings import X, Y, _box, _division, _kind, _row

ONE = "320113003001001001"


def _square(n: int) -> Division:
    """Squares of 100 m in n rows of n."""
    places = [(100 * (k % n), 100 * (k // n)) for k in range(n * n)]
    return _division([_box(x, y, x + 100, y + 100) for x, y in places], [10] * (n * n))


@pytest.mark.parametrize(("aside_m", "there"), [(0.005, True), (0.006, False)])
def test_a_border_is_found_within_five_millimetres(aside_m: float, there: bool) -> None:
    draft = Draft.of(_row(2, [1, 1]))
    edit = InsertVertex((X + 100 + aside_m, Y + 50))
    if there:
        draft.apply(edit)
        assert _kind(draft, edit) == "touches", "one vertex at one place"
    else:
        assert _kind(draft, edit) == "misses"


def test_a_ring_keeps_three_vertices() -> None:
    enclave = shapely.Polygon([(X + 40, Y + 40), (X + 60, Y + 40), (X + 60, Y + 60), (X + 40, Y + 60)])
    draft = Draft.of(_division([shapely.difference(_box(0, 0, 100, 100), enclave), enclave], [1, 1]))
    draft.apply(RemoveVertex((X + 40, Y + 60)))
    assert _kind(draft, RemoveVertex((X + 60, Y + 60))) == "flips"


def test_only_a_node_of_three_borders_slides_and_not_onto_another() -> None:
    four = Draft.of(_square(2))
    assert _kind(four, SlideNode((X + 100, Y + 100), (X + 130, Y + 100))) == "misses"
    above = shapely.Polygon([(X, Y + 100), (X + 100, Y + 100), (X + 200, Y + 100), (X + 200, Y + 200), (X, Y + 200)])
    below = shapely.Polygon([(X, Y - 100), (X + 200, Y - 100), (X + 200, Y), (X + 100, Y), (X, Y)])
    shapes = [_box(0, 0, 100, 100), _box(100, 0, 200, 100), above, below]
    three = Draft.of(_division(shapes, [1] * 4))
    assert _kind(three, SlideNode((X + 100, Y + 100), (X + 100, Y))) == "touches"
    three.apply(SlideNode((X + 100, Y + 100), (X + 130, Y + 100)))


def test_what_is_no_merge_or_transfer_is_refused(small_street) -> None:
    base = small_street.division()
    draft = Draft.of(base)
    first, second = base.community["code"].iloc[:2]
    assert _kind(draft, Merge((first, second))) == "misses"
    third = base.third
    own = third[third["parent"] == base.second["code"].iloc[0]]
    other = base.second["code"].iloc[1]
    assert _kind(draft, Transfer((own["code"].iloc[0],), own["parent"].iloc[0])) == "misses"
    assert _kind(draft, Transfer(tuple(own["code"]), other)) == "too_small"
    border = base.second.geometry.iloc[1]
    beside = own[shapely.length(shapely.intersection(own.geometry.to_numpy(), border)) > 1]["code"].iloc[0]
    rest = next(code for code in own["code"] if code != beside)
    change = draft.apply(Transfer((beside,), other))
    (born,) = {code for code in change.cells if code.startswith(other) and code not in set(third["code"])}
    made = draft.division().third.set_index("code")
    assert made.loc[born, "name"] == f"{base.second.set_index('code').loc[other, 'name']}-{int(born[-3:]):02d}"
    assert _kind(draft, Recode(rest, beside)) == "retired", "a code that was used"
    assert _kind(draft, Recode(rest, f"{own['parent'].iloc[0]}000")) == "retired"


def test_locks_hold_for_names_and_for_what_is_given(small_street) -> None:
    base = small_street.division()
    draft = Draft.of(base)
    here, there = base.second["code"].iloc[:2]
    cell = base.third.loc[base.third["parent"] == here, "code"].iloc[0]
    draft.apply(Lock((there,)))
    assert _kind(draft, Rename(there, "新名")) == "locked"
    assert _kind(draft, Transfer((cell,), there)) == "locked"
    with pytest.raises(RefusedEdit) as refused:
        draft.apply([Rename(here, "新名"), Lock((here,)), Rename(here, " ")])
    assert refused.value.position == 2
    assert draft.rows.locked == {there}, "nothing of a refused transaction stays"
    assert _kind(draft, Rename(here, " ")) == "misses"


def test_a_split_leaves_no_splinter_and_proposes_what_would_do() -> None:
    draft = Draft.of(_square(3))
    middle = "320113003001001005"

    def line(*places: tuple[float, float]) -> Split:
        return Split(middle, LineString([(X + 100 + x, Y + 100 + y) for x, y in places]))

    assert _kind(draft, line((0.03, -1), (0.03, 101))) == "too_small", "3 square metres"
    with pytest.raises(RefusedEdit) as short:
        draft.apply(line((50, 40), (50, 60)))
    assert short.value.kind == "misses"
    with draft.trial(short.value.proposal) as change:
        assert middle in change.cells
    with pytest.raises(RefusedEdit) as twice:
        draft.apply(line((20, -1), (20, 101), (95, 101), (95, 80), (101, 80)))
    assert twice.value.kind == "crosses"
    assert twice.value.proposal.line.length == pytest.approx(100), "the longest crossing"
    codes = set(draft.division().third["code"])
    draft.apply(line((30, -1), (30, 101)))
    made = draft.division().third.set_index("code").geometry
    (born,) = set(made.index) - codes
    assert sorted((made[middle].centroid.x - X - 100, made[born].centroid.x - X - 100)) == pytest.approx([15, 65])
    assert shapely.coverage_is_valid(made.to_numpy())


def test_a_square_is_as_compact_as_a_square() -> None:
    draft = Draft.of(_row(2, [10, 10]))
    rows = consequences(draft, Rename(ONE, "甲")).grids
    # Two squares side by side: 600 m around 20,000 m2.
    assert rows["compactness_before"].iloc[0] == pytest.approx(4 * np.pi * 20_000 / 600**2)


def test_new_and_retired_cells_are_told_apart() -> None:
    draft = Draft.of(_square(3))
    base = draft.division()
    middle = "320113003001001005"
    draft.apply(Split(middle, LineString([(X + 130, Y + 99), (X + 130, Y + 201)])))
    after = draft.division()
    (born,) = set(after.third["code"]) - set(base.third["code"])
    there, back = compare(base, after).cells.set_index("code"), compare(after, base).cells.set_index("code")
    assert (there.loc[born, "status"], back.loc[born, "status"]) == ("new", "retired")
    assert (there.loc[middle, "status"], there.loc[ONE, "status"]) == ("changed", "same")
    assert not there["renamed"].any()
