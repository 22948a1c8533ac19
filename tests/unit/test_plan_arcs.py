"""Arc numbers and rings of cells sent to pages."""

from __future__ import annotations

import gzip
import json
from itertools import permutations

import pytest

from api.plans.arc_numbers import ArcNumbers
from api.plans.conflicts import _meet
from api.plans.wire import _joined, _part, steps_of
from geo.errors import InputError
from geo.redraw import edit_from_dict
from geo.redraw.working.arcs import Arc, Redraw

#: Cell A with an inner ring in which B lies, and C on the east.
OUTER_WEST = Arc(((10, 10), (0, 10), (0, 0), (10, 0)), "A", "")
BETWEEN = Arc(((10, 0), (10, 10)), "A", "C")
EAST = Arc(((10, 0), (20, 0), (20, 10), (10, 10)), "C", "")
INNER = Arc(((3, 3), (3, 6), (6, 6), (3, 3)), "A", "B")


@pytest.fixture
def numbers() -> ArcNumbers:
    return ArcNumbers([OUTER_WEST, BETWEEN, EAST, INNER])


@pytest.mark.parametrize("other", [(5, 0, 6, 1), (-5, 0, -4, 1), (0, 5, 1, 6), (0, -5, 1, -4)])
def test_places_are_in_conflict_only_where_they_meet(other):
    one = (0, 0, 2, 2)
    assert not _meet(one, other)
    assert not _meet(other, one)
    assert _meet(one, (2, 2, 3, 3))
    assert _meet((2, 2, 3, 3), one)


def test_rings_follow_the_arcs_with_the_cell_on_the_left(numbers):
    assert numbers.rings("A") == [[1, 2], [4]]
    assert numbers.rings("B") == [[-4]]
    assert numbers.rings("C") == [[-2, 3]]


def test_numbers_are_never_used_again(numbers):
    bent = Arc(((10, 0), (11, 5), (10, 10)), "A", "C")
    made = numbers.swap([Redraw((BETWEEN.reverse(),), (bent,))])
    assert (list(made.removed), list(made.added)) == ([2], [5])
    back = numbers.swap([Redraw((bent,), (BETWEEN,))])
    assert (list(back.removed), list(back.added)) == ([5], [6])
    assert numbers.rings("C") == [[3, -6]]


def test_an_arc_that_comes_and_goes_in_one_entry_is_not_told(numbers):
    passing = Arc(((10, 0), (11, 5), (10, 10)), "A", "C")
    final = Arc(((10, 0), (12, 5), (10, 10)), "A", "C")
    made = numbers.swap([Redraw((BETWEEN,), (passing,)), Redraw((passing,), (final,))])
    assert (list(made.removed), list(made.added)) == ([2], [6])


def test_a_swap_that_was_not_stored_leaves_no_trace(numbers):
    before, following = dict(numbers.arcs), numbers.next_number
    made = numbers.swap([Redraw((BETWEEN,), (Arc(((10, 0), (9, 5), (10, 10)), "A", "C"),))])
    numbers.revert(made, following)
    assert numbers.arcs == before
    assert numbers.next_number == following
    assert numbers.rings("A") == [[1, 2], [4]]


def test_a_cell_that_touches_itself_has_simple_rings():
    """Two squares of one cell that meet in (10, 10): each is a separate ring."""
    low = Arc(((10, 10), (0, 10), (0, 0), (10, 0), (10, 10)), "A", "")
    high = Arc(((10, 10), (20, 10), (20, 20), (10, 20), (10, 10)), "A", "")
    assert sorted(ArcNumbers([low, high]).rings("A")) == [[1], [2]]
    halves = [
        Arc(((10, 10), (0, 10), (0, 0)), "A", ""),
        Arc(((0, 0), (10, 0), (10, 10)), "A", ""),
        Arc(((10, 10), (20, 10), (20, 20)), "A", ""),
        Arc(((20, 20), (10, 20), (10, 10)), "A", ""),
    ]
    assert sorted(map(sorted, ArcNumbers(halves).rings("A"))) == [[1, 2], [3, 4]]
    # A walk that starts elsewhere passes the vertex and has to stay in its square.
    for order in permutations(range(4)):
        numbers = ArcNumbers([halves[k] for k in order])
        found = {frozenset(order[number - 1] for number in ring) for ring in numbers.rings("A")}
        assert found == {frozenset((0, 1)), frozenset((2, 3))}


def test_parts_that_are_compressed_apart_are_one_document():
    texts = [b'{"a":[', b"1,2,3" * 1000, b"]}"]
    assert gzip.decompress(_joined([_part(text) for text in texts])) == b"".join(texts)
    assert json.dumps(steps_of([(5, 5), (7, 4)], (0, 0))) == "[5, 5, 2, -1]"


@pytest.mark.parametrize(
    "bad",
    [
        {"edit": "Rename", "code": 5, "name": "x"},
        {"edit": "Rename", "code": "5", "name": None},
        {"edit": "Merge", "codes": "12"},
        {"edit": "Merge", "codes": [1, 2]},
        {"edit": "Redivide", "code": "1", "counts": [2.5], "seed": 1},
        {"edit": "Redivide", "code": "1", "counts": [2], "seed": True},
        {"edit": "MoveVertex", "at": [0, float("nan")], "to": [0, 0]},
        {"edit": "MoveVertex", "at": [0, 0], "to": [0, 1e9]},
        {"edit": "Reshape", "line": [[0, 0]]},
        {"edit": "Split", "code": "1", "line": [[0, 0], [float("inf"), 0]]},
    ],
)
def test_malformed_edits_are_refused(bad):
    with pytest.raises(InputError, match=bad["edit"]):
        edit_from_dict(bad)
