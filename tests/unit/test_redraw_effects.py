"""Concurrent edits: an edit on an older revision is applied if nothing that it reads was changed; otherwise it is a conflict."""

from __future__ import annotations

import pytest
import shapely
from shapely import LineString

from geo.coverage import check_division
from geo.layers import Division, digest_of
from geo.redraw import (
    Draft,
    Edit,
    InsertVertex,
    Merge,
    MoveVertex,
    RefusedEdit,
    Rename,
    Reshape,
    SetLeader,
    Split,
    Transfer,
    merge_drafts,
)
from geo.redraw.effects import Since, effect_of
from geo.redraw.working.arcs import Arc


@pytest.fixture
def base(small_street) -> Division:
    return small_street.division()


def arcs_of(base: Division, code: str) -> list[Arc]:
    """The inner borders of a cell, the longest first."""
    workspace = Draft.of(base).workspace
    arcs = [arc for arc in workspace.of_cells([code]).values() if arc.left and arc.right]
    return sorted(arcs, key=lambda arc: (-LineString(arc.points).length, arc))


def cell_with_neighbours(base: Division) -> str:
    return next(code for code in base.third["code"] if len(arcs_of(base, code)) >= 3)


def bent(arc: Arc, by_m: float) -> Reshape:
    """The border with its middle moved to one side; its ends are fixed."""
    (ax, ay), (bx, by) = arc.points[0], arc.points[-1]
    length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
    x = (ax + bx) / 2 - (by - ay) / length * by_m * 1000
    y = (ay + by) / 2 + (bx - ax) / length * by_m * 1000
    return Reshape(LineString([(ax / 1000, ay / 1000), (x / 1000, y / 1000), (bx / 1000, by / 1000)]))


def refused(base: Division, first: Edit, second: Edit) -> RefusedEdit:
    """The conflict of two concurrent edits."""
    draft = Draft.of(base)
    draft.apply(first)
    text = draft.to_json()
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(second, since=0)
    assert draft.to_json() == text
    assert (caught.value.kind, caught.value.revisions) == ("stale", (1,))
    return caught.value


def assert_whole(result: Division, base: Division) -> None:
    """Assert no findings except missing vertices of the grids above, as in the base of these tests."""
    assert check_division(base).ok
    found = check_division(result).findings
    assert found[~((found["kind"] == "unmatched_edge") & (found["layer"] != "third"))].empty
    assert shapely.coverage_is_valid(result.third.geometry.to_numpy())


def both(base: Division, first: Edit, second: Edit) -> Division:
    """The division after two concurrent edits, computed directly and by merging drafts."""
    draft = Draft.of(base)
    draft.apply(first)
    draft.apply(second, since=0)
    one, other = Draft.of(base), Draft.of(base)
    one.apply(first)
    other.apply(second)
    assert digest_of(merge_drafts(base, one, other).division()) == digest_of(draft.division())
    assert_whole(draft.division(), base)
    return draft.division()


def test_two_borders_of_one_cell_are_both_redrawn(base: Division) -> None:
    code = cell_with_neighbours(base)
    one, other = (bent(arc, 1.5) for arc in arcs_of(base, code)[:2])
    results = [both(base, one, other), both(base, other, one)]
    shapes = [result.third.set_index("code").geometry for result in results]
    assert (shapes[0].to_wkb() == shapes[1].to_wkb()).all()
    assert not shapely.equals(shapes[0][code], base.third.set_index("code").geometry[code])
    for result in results:
        assert result.third["population"].sum() == base.third["population"].sum()


def test_one_border_is_redrawn_once(base: Division) -> None:
    arc = arcs_of(base, cell_with_neighbours(base))[0]
    error = refused(base, bent(arc, 1.5), bent(arc, -1.5))
    drafts = [Draft.of(base), Draft.of(base)]
    for draft, by_m in zip(drafts, (1.5, -1.5), strict=True):
        draft.apply(bent(arc, by_m))
    with pytest.raises(RefusedEdit) as caught:
        merge_drafts(base, *drafts)
    assert (caught.value.kind, caught.value.cells) == ("stale", error.cells)
    # New vertices change the border for both, although they are valid one after the other.
    (ax, ay), (bx, by) = arc.points[0], arc.points[1]
    drafts = [Draft.of(base), Draft.of(base)]
    for draft, share in zip(drafts, (0.25, 0.75), strict=True):
        draft.apply(InsertVertex(((ax + share * (bx - ax)) / 1000, (ay + share * (by - ay)) / 1000)))
    with pytest.raises(RefusedEdit) as caught:
        merge_drafts(base, *drafts)
    assert (caught.value.kind, caught.value.cells) == ("stale", error.cells)
    assert error.cells == tuple(sorted((arc.left, arc.right)))
    assert shapely.intersects(error.geometry, shapely.Point(arc.points[0][0] / 1000, arc.points[0][1] / 1000))


def test_a_border_and_the_node_at_its_end_are_one_place(base: Division) -> None:
    arc = arcs_of(base, cell_with_neighbours(base))[0]
    x, y = arc.points[0]
    move = MoveVertex((x / 1000, y / 1000), (x / 1000 + 0.4, y / 1000 + 0.4))
    refused(base, bent(arc, 1.5), move)
    refused(base, move, bent(arc, 1.5))


def test_together_they_have_to_leave_a_whole_division(base: Division) -> None:
    """Each of two borders of a cell may be moved in, but not both: refused for the resulting fault, not as stale."""
    cells = base.third.set_index("code").geometry
    code = next(c for c in base.third["code"] if len(arcs_of(base, c)) == 4)
    arcs = arcs_of(base, code)
    first = arcs[0]
    second = next(arc for arc in arcs if not set(arc.points) & {first.points[0], first.points[-1]})
    width = cells[code].centroid.distance(LineString([(x / 1000, y / 1000) for x, y in first.points]))
    pushed = [bent(arc, (1.3 if arc.left == code else -1.3) * width) for arc in (first, second)]
    for one, other in (pushed, pushed[::-1]):
        Draft.of(base).apply(other)
        draft = Draft.of(base)
        draft.apply(one)
        with pytest.raises(RefusedEdit) as caught:
            draft.apply(other, since=0)
        assert caught.value.kind in ("crosses", "touches")
        drafts = [Draft.of(base), Draft.of(base)]
        drafts[0].apply(one)
        drafts[1].apply(other)
        with pytest.raises(RefusedEdit):
            merge_drafts(base, *drafts)


def test_a_name_a_leader_and_a_border_of_one_cell_are_apart(base: Division) -> None:
    code = cell_with_neighbours(base)
    border = bent(arcs_of(base, code)[0], 1.5)
    for one, other in (
        (Rename(code, "甲"), border),
        (border, Rename(code, "甲")),
        (Rename(code, "甲"), SetLeader(code, "乙")),
    ):
        both(base, one, other)
    refused(base, Rename(code, "甲"), Rename(code, "丙"))
    refused(base, SetLeader(code, "甲"), SetLeader(code, "丙"))


def test_what_a_cell_is_is_read_by_edits_that_name_it(base: Division) -> None:
    arc = arcs_of(base, cell_with_neighbours(base))[0]
    code, other = arc.left, arc.right
    west, south, east, north = base.third.set_index("code").geometry[code].bounds
    middle = (west + east) / 2
    split = Split(code, LineString([(middle, south - 9), (middle, north + 9)]))
    merge = Merge((code, other), code)
    assert code in refused(base, split, Rename(code, "甲")).cells
    refused(base, Rename(code, "甲"), split)
    refused(base, split, merge)
    refused(base, merge, split)
    refused(base, Rename(other, "甲"), merge)
    refused(base, merge, Rename(code, "甲"))
    refused(base, bent(arc, 1.5), merge)
    for one in (code, other):
        # Which of them keeps its code depends on both rows.
        refused(base, Rename(one, "甲"), Merge((code, other)))


def test_drafts_are_in_each_others_way_whichever_comes_first(base: Division) -> None:
    """A border moves people out of a cell that the other draft splits elsewhere; only the split reads them."""
    drafts = [Draft.of(base), Draft.of(base)]
    for code in base.third["code"]:
        west, south, east, north = base.third.set_index("code").geometry[code].bounds
        middle = (west + east) / 2
        split = drafts[0].apply(Split(code, LineString([(middle, south - 9), (middle, north + 9)])))
        cut = {arc.one_way() for redraw in split.redraws for arc in redraw.before}
        whole = [arc for arc in arcs_of(base, code) if arc.one_way() not in cut]
        if whole:
            break
        drafts[0].undo()
    drafts[1].apply(bent(whole[0], 9.0))
    for one, other in (drafts, drafts[::-1]):
        with pytest.raises(RefusedEdit) as caught:
            merge_drafts(base, one, other)
        assert (caught.value.kind, code in caught.value.cells) == ("stale", True)


def test_new_cells_of_two_drafts_get_codes_of_their_own(base: Division) -> None:
    grid = base.second["code"].iloc[0]
    codes = base.third["code"][base.third["parent"] == grid].tolist()
    shapes = base.third.set_index("code").geometry
    splits = []
    for code in (codes[0], codes[-1]):
        west, south, east, north = shapes[code].bounds
        splits.append(Split(code, LineString([((west + east) / 2, south - 9), ((west + east) / 2, north + 9)])))
    result = both(base, *splits)
    assert len(result.third) == len(base.third) + 2
    assert result.third["code"].is_unique


def test_what_was_taken_back_again_is_no_conflict(base: Division) -> None:
    arc = arcs_of(base, cell_with_neighbours(base))[0]
    draft = Draft.of(base)
    done = draft.apply([bent(arc, 1.5), Rename(arc.left, "甲")])
    draft.take_back(done)
    since = Since([effect_of(done), effect_of(done, revision=2, undone=True)])
    assert (since.put_in, since.taken_out, since.values) == (set(), set(), set())
    draft.apply([bent(arc, -1.5), Rename(arc.left, "丙")], since=since)


def test_a_line_does_not_jump_to_another_border(base: Division) -> None:
    """Its ends lie on two borders; the nearer one was redrawn by another planner, so that only the farther one remains."""
    draft = Draft.of(base)
    code = cell_with_neighbours(base)
    west, south, east, north = base.third.set_index("code").geometry[code].bounds
    middle = (west + east) / 2
    split = draft.apply(Split(code, LineString([(middle, south - 9), (middle, north + 9)])))
    born = split.lineage[-1][2]
    inner = next(arc for arc in draft.workspace.of_cells([born]).values() if {arc.left, arc.right} == {code, born})
    line = bent(inner, 0.5)
    Draft.from_json(base, draft.to_json()).apply(line)
    other = [code for a in draft.workspace.of_cells([born]).values() for code in (a.left, a.right)]
    assert {code, born} < set(other)
    draft.apply(Merge((code, born), code))
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(line, since=split.revision)
    assert caught.value.kind in ("stale", "misses")


def test_two_transfers_that_cut_a_grid_in_two_together_are_refused(base: Division) -> None:
    """Each leaves the grid connected; the second one is tested on the result of the first one."""
    found = 0
    for grid in base.second["code"]:
        cells = base.third[base.third["parent"] == grid]
        for k, one in enumerate(cells["code"]):
            for other in cells["code"].tolist()[k + 1 :]:
                found += _refused_together(base, grid, one, other)
        if found:
            return
    raise AssertionError("no such pair in the street")


def _refused_together(base: Division, grid: str, one: str, other: str) -> int:
    def takers(code: str) -> list[str]:
        sides = {c for arc in arcs_of(base, code) for c in (arc.left, arc.right)}
        parents = base.third.set_index("code")["parent"]
        return sorted({parents[c] for c in sides} - {grid})

    pairs = [(a, b) for a in takers(one) for b in takers(other) if a != b]
    for a, b in pairs:
        transfers = Transfer((one,), a), Transfer((other,), b)
        try:
            for transfer in transfers:
                Draft.of(base).apply(transfer)
        except RefusedEdit:
            continue
        draft = Draft.of(base)
        draft.apply(transfers[0])
        try:
            draft.apply(transfers[1], since=0)
        except RefusedEdit as error:
            return error.kind in ("detached", "ring")
        assert_whole(draft.division(), base)
    return 0


def test_a_vertex_is_put_in_beside_a_split_that_leaves_its_border(base: Division) -> None:
    code = cell_with_neighbours(base)
    arc = arcs_of(base, code)[0]
    (ax, ay), (bx, by) = arc.points[0], arc.points[1]
    place = ((ax + bx) / 2000, (ay + by) / 2000)
    draft = Draft.of(base)
    draft.apply(Rename(code, "甲"))
    draft.apply(InsertVertex(place), since=0)
    refused(base, InsertVertex(place), bent(arc, 1.5))
