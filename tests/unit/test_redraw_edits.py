"""Edits on a small street: their effects, and refusals with kind, place and reason."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from shapely import LineString

from geo.errors import InputError
from geo.layers import Division, Level
from geo.redraw import (
    Draft,
    InsertVertex,
    Lock,
    Merge,
    MoveVertex,
    Recode,
    RefusedEdit,
    RemoveVertex,
    Rename,
    Reshape,
    SetLeader,
    SlideNode,
    Split,
    Transfer,
    Unlock,
    UnlockOutline,
    edit_from_dict,
)


@pytest.fixture
def base(small_street) -> Division:
    return small_street.division()


@pytest.fixture
def draft(base: Division) -> Draft:
    return Draft.of(base)


def _shape(draft: Draft, code: str) -> shapely.Polygon:
    layer = draft.division().third.set_index("code")
    return layer.geometry[code]


def _inner_node(draft: Draft, degree: int) -> tuple[float, float]:
    """A node where this many borders meet, not on the outline."""
    workspace = draft.workspace
    for code in draft.base.third["code"]:
        for arc in workspace.of_cells([code]).values():
            around = [workspace.arc(n) for n in workspace.at_vertex(arc.points[0])]
            if len(around) == degree and all(a.left and a.right for a in around):
                x, y = arc.points[0]
                return x / 1000, y / 1000
    raise AssertionError(f"no node of {degree} borders")


def _refusal(draft: Draft, edit, **options) -> RefusedEdit:
    revision, text = draft.revision, draft.to_json()
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(edit, **options)
    assert (draft.revision, draft.to_json()) == (revision, text)
    return caught.value


def test_a_moved_node_moves_in_all_its_cells(draft: Draft) -> None:
    at = _inner_node(draft, 4)
    change = draft.apply(MoveVertex(at, (at[0] + 5.0, at[1] + 3.0)))
    assert len(change.cells) >= 4
    moved = [shape for shape in draft.division().third.geometry if (at[0] + 5.0, at[1] + 3.0) in shape.exterior.coords]
    assert len(moved) == 4
    assert draft.revision == 1
    assert draft.edits == (MoveVertex(at, (at[0] + 5.0, at[1] + 3.0)),)


def test_coordinates_are_rounded_to_a_millimetre(draft: Draft) -> None:
    x, y = _inner_node(draft, 4)
    draft.apply(MoveVertex((x + 0.0004, y), (x + 1.0004, y)))
    assert draft.workspace.at_vertex((round(x * 1000) + 1000, round(y * 1000)))


def test_a_move_across_a_border_is_refused(draft: Draft) -> None:
    at = _inner_node(draft, 4)
    refused = _refusal(draft, MoveVertex(at, (at[0] + 5_000.0, at[1])))
    assert refused.kind in {"crosses", "flips", "touches"}
    assert refused.cells
    assert refused.geometry is not None


def test_a_move_onto_another_vertex_is_refused(draft: Draft) -> None:
    at = _inner_node(draft, 4)
    arc = draft.workspace.arc(next(iter(draft.workspace.at_vertex((round(at[0] * 1000), round(at[1] * 1000))))))
    other = arc.points[-1] if arc.points[0] == (round(at[0] * 1000), round(at[1] * 1000)) else arc.points[0]
    refused = _refusal(draft, MoveVertex(at, (other[0] / 1000, other[1] / 1000)))
    assert refused.kind in {"touches", "self_crossing", "crosses"}


def test_a_place_without_a_vertex_is_refused(draft: Draft) -> None:
    x, y = _inner_node(draft, 4)
    assert _refusal(draft, MoveVertex((x + 7.0, y + 7.0), (x, y))).kind == "misses"
    assert _refusal(draft, InsertVertex((x + 7.0, y + 7.0))).kind == "misses"


def test_insert_move_and_remove_a_vertex(draft: Draft, base: Division) -> None:
    code = base.third["code"].iloc[0]
    arc = next(a for a in draft.workspace.of_cells([code]).values() if a.left and a.right)
    (ax, ay), (bx, by) = arc.points[:2]
    at = ((ax + bx) // 2 / 1000, (ay + by) // 2 / 1000)
    draft.apply([InsertVertex(at), MoveVertex(at, (at[0] + 1.0, at[1] + 1.0))])
    assert draft.revision == 1
    draft.apply(RemoveVertex((at[0] + 1.0, at[1] + 1.0)))
    assert shapely.equals(_shape(draft, code), base.third.geometry.iloc[0])
    assert _refusal(draft, InsertVertex((ax / 1000, ay / 1000))).kind == "touches"
    assert _refusal(draft, RemoveVertex((ax / 1000, ay / 1000))).kind == "misses"


def test_the_outline_is_locked_until_it_is_unlocked(draft: Draft) -> None:
    outline = next(arc for arc in draft.workspace.arcs() if "" in (arc.left, arc.right))
    at = tuple(v / 1000 for v in outline.points[1 if len(outline.points) > 2 else 0])
    middle = shapely.Point(389_200.0, 3_552_900.0)
    to = (at[0] + 0.01 * (middle.x - at[0]), at[1] + 0.01 * (middle.y - at[1]))
    assert _refusal(draft, MoveVertex(at, to)).kind == "outline"
    draft.apply(UnlockOutline())
    draft.apply(MoveVertex(at, to))
    assert draft.division().street.area.iloc[0] < draft.base.street.area.iloc[0]
    draft.undo()
    draft.undo()
    assert draft.outline_locked


def test_a_split_shares_people_exactly_and_names_the_new_cell(draft: Draft, base: Division) -> None:
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)]
    row = inner.iloc[0]
    x0, y0, x1, y1 = row.geometry.bounds
    third = x0 + (x1 - x0) / 3
    change = draft.apply(Split(row["code"], LineString([(third, y0 - 5), (third, y1 + 5)])))
    new = change.lineage[1][2]
    layer = draft.division().third.set_index("code")
    parts = layer.loc[[row["code"], new]]
    assert parts["population"].sum() == row["population"]
    assert parts["population"].tolist() == sorted(parts["population"], reverse=True)
    assert parts.area.sum() == pytest.approx(row.geometry.area, abs=1e-3)
    assert parts.area.iloc[0] == pytest.approx(2 * parts.area.iloc[1], rel=0.01)
    assert new[:-3] == row["parent"]
    assert new not in set(base.third["code"])
    assert (
        draft.division().second.set_index("code").loc[row["parent"], "population"]
        == base.second.set_index("code").loc[row["parent"], "population"]
    )


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ([(0.4, 0.4), (0.6, 0.6)], "misses"),
        ([(-1.0, -1.0), (-2.0, -2.0)], "misses"),
        ([(-0.2, 0.3), (0.5, 0.3), (1.2, 0.35), (1.2, 0.6), (-0.2, 0.6)], "crosses"),
        ([(0.002, -0.1), (0.002, 1.1)], "too_small"),
    ],
)
def test_splits_that_do_not_cut_in_two_are_refused(draft: Draft, base: Division, line, kind: str) -> None:
    row = base.third.iloc[0]
    x0, y0, x1, y1 = row.geometry.bounds
    scale = 1.0 if kind != "too_small" else 3.0 / ((y1 - y0) * (x1 - x0) * 0.002)
    drawn = LineString(
        [
            (x0 + fx * scale * (x1 - x0) if kind == "too_small" else x0 + fx * (x1 - x0), y0 + fy * (y1 - y0))
            for fx, fy in line
        ]
    )
    refused = _refusal(draft, Split(row["code"], drawn))
    assert refused.kind == kind
    if line == [(0.4, 0.4), (0.6, 0.6)]:
        draft.apply(refused.proposal)


def test_merge_keeps_the_code_with_most_residents_and_retires_the_other(draft: Draft, base: Division) -> None:
    grid = base.third[base.third["parent"] == base.second["code"].iloc[0]]
    one, other = grid["code"].iloc[0], grid["code"].iloc[1]
    draft.apply(
        Split(
            one,
            LineString(
                [
                    (grid.total_bounds[0] - 1, grid.geometry.iloc[0].centroid.y),
                    (grid.total_bounds[2] + 1, grid.geometry.iloc[0].centroid.y),
                ]
            ),
        )
    )
    draft.undo()
    people = grid["population"].iloc[:2].sum()
    draft.apply(Merge((one, other), into=other))
    layer = draft.division().third.set_index("code")
    assert one not in layer.index
    assert layer.loc[other, "population"] == people
    assert _refusal(draft, Rename(one, "旧")).kind == "retired"
    assert _refusal(draft, Merge((other, "320113003999999999"))).kind == "misses"


def test_cells_apart_cannot_be_merged(draft: Draft, base: Division) -> None:
    far = base.third["code"].iloc[[0, -1]].tolist()
    assert _refusal(draft, Merge(tuple(far))).kind == "detached"


def test_merging_second_level_grids_moves_their_cells(draft: Draft, base: Division) -> None:
    community = base.community["code"].iloc[0]
    one, other = base.second.loc[base.second["parent"] == community, "code"].iloc[:2]
    draft.apply(Merge((one, other), into=one))
    result = draft.division()
    assert other not in set(result.second["code"])
    assert (result.third["parent"] == one).sum() == 8
    assert result.community["population"].tolist() == base.community["population"].tolist()
    assert len(set(result.third["code"])) == len(result.third)


def test_transfer_gives_new_codes_and_keeps_grids_connected(draft: Draft, base: Division) -> None:
    one, other = base.second["code"].iloc[:2]
    border = base.second.geometry.iloc[1]
    near = base.third[(base.third["parent"] == one) & (base.third.intersection(border).length > 1.0)]
    code = near["code"].iloc[0]
    change = draft.apply(Transfer((code,), other))
    new = change.lineage[0][2]
    layer = draft.division().third.set_index("code")
    assert layer.loc[new, "parent"] == other
    assert new.startswith(other)
    assert code not in layer.index
    far = base.third[(base.third["parent"] == base.second["code"].iloc[-1])]["code"].iloc[-1]
    assert _refusal(draft, Transfer((far,), one)).kind == "detached"
    rest = draft.rows.children(one)
    assert _refusal(draft, Transfer(tuple(rest), other)).kind == "too_small"


def test_a_locked_grid_holds_all_below_it(draft: Draft, base: Division) -> None:
    second = base.second["code"].iloc[0]
    code = base.third.loc[base.third["parent"] == second, "code"].iloc[0]
    draft.apply(Lock((second,)))
    assert _refusal(draft, Rename(code, "新")).kind == "locked"
    draft.apply(Unlock((second,)))
    draft.apply(Rename(code, "新"))
    assert draft.division().third.set_index("code").loc[code, "name"] == "新"


def test_recode_takes_a_free_code_only(draft: Draft, base: Division) -> None:
    code = base.third["code"].iloc[0]
    assert _refusal(draft, Recode(code, base.third["code"].iloc[1])).kind == "retired"
    draft.apply(Recode(code, code[:-3] + "077"))
    assert _refusal(draft, Recode(code[:-3] + "077", code)).kind == "retired"
    assert code[:-3] + "077" in set(draft.division().third["code"])


def test_a_list_is_one_transaction(draft: Draft, base: Division) -> None:
    code = base.third["code"].iloc[0]
    _refusal(draft, [Rename(code, "甲"), Merge((code, "320113003999999999"))])
    assert draft.division().third.equals(base.third)
    draft.apply([Rename(code, "甲"), SetLeader(code, "P001")])
    assert draft.revision == 1
    draft.undo()
    assert draft.division().third.equals(base.third)
    assert draft.undo() is None


def test_an_edit_on_an_older_revision_is_stale_where_the_place_has_changed(draft: Draft, base: Division) -> None:
    code, far = base.third["code"].iloc[0], base.third["code"].iloc[-1]
    draft.apply(Rename(code, "甲"))
    draft.apply(Rename(far, "乙"), since=0)
    assert _refusal(draft, Rename(code, "丙"), since=0).kind == "stale"
    draft.apply(Rename(code, "丙"), since=1)


def test_a_reshape_of_a_border_of_second_level_grids_takes_the_ends_of_other_borders_with_it(
    draft: Draft, base: Division
) -> None:
    one, other = base.second.geometry.iloc[0], base.second.geometry.iloc[1]
    border = shapely.line_merge(shapely.intersection(one, other))
    coords = list(border.coords)
    middle = border.interpolate(0.5, normalized=True)
    line = LineString([coords[0], (middle.x + 6.0, middle.y + 4.0), coords[-1]])
    draft.apply(Reshape(line))
    result = draft.division()
    new = shapely.intersection(result.second.geometry.iloc[0], result.second.geometry.iloc[1])
    assert shapely.hausdorff_distance(new, line) < 0.01
    assert shapely.coverage_is_valid(result.third.geometry.to_numpy())
    assert result.third["population"].sum() == base.third["population"].sum()


def test_a_line_that_crosses_itself_is_refused(draft: Draft, base: Division) -> None:
    border = shapely.line_merge(shapely.intersection(base.third.geometry.iloc[0], base.third.geometry.iloc[1]))
    (ax, ay), (bx, by) = border.coords[0], border.coords[-1]
    ux, uy = (bx - ax) / border.length, (by - ay) / border.length
    loop = [
        (ax, ay),
        (ax + 9 * ux, ay + 9 * uy),
        (ax + 9 * ux - 3 * uy, ay + 9 * uy + 3 * ux),
        (ax + 6 * ux - 3 * uy, ay + 6 * uy + 3 * ux),
        (ax + 6 * ux + 3 * uy, ay + 6 * uy - 3 * ux),
        (bx, by),
    ]
    assert _refusal(draft, Reshape(LineString(loop))).kind == "self_crossing"


def test_a_node_slides_along_a_border_that_stays(draft: Draft, base: Division) -> None:
    code = base.third["code"].iloc[0]
    parent = base.third["parent"].iloc[0]
    draft.apply(
        Merge(
            (
                base.third.loc[base.third["parent"] == parent, "code"].iloc[0],
                base.third.loc[base.third["parent"] == parent, "code"].iloc[1],
            )
        )
    )
    at = _inner_node(draft, 3)
    vertex = (round(at[0] * 1000), round(at[1] * 1000))
    arc = next(draft.workspace.arc(n) for n in sorted(draft.workspace.at_vertex(vertex)))
    arc = arc if arc.points[0] == vertex else arc.reverse()
    (ax, ay), (bx, by) = arc.points[:2]
    before = draft.division().third.union_all()
    draft.apply(SlideNode(at, (round(ax + 0.3 * (bx - ax)) / 1000, round(ay + 0.3 * (by - ay)) / 1000)))
    assert shapely.coverage_is_valid(draft.division().third.geometry.to_numpy())
    assert shapely.equals(draft.division().third.union_all(), before)
    assert code


def test_edits_are_plain_values() -> None:
    for edit in (
        MoveVertex((1.0, 2.0), (3.0, 4.0)),
        Reshape(LineString([(0, 0), (1, 1)])),
        Transfer(("320113003001001001",), "320113003001002"),
        UnlockOutline(),
    ):
        assert edit_from_dict(edit.to_dict()) == edit
    with pytest.raises(InputError, match="no edit is called 'Explode'"):
        edit_from_dict({"edit": "Explode"})
    with pytest.raises(InputError, match="has no speed"):
        edit_from_dict({"edit": "Rename", "code": "1", "name": "a", "speed": 3})
    with pytest.raises(InputError, match="Rename"):
        edit_from_dict({"edit": "Rename", "code": "1"})


def test_a_draft_of_another_division_is_not_loaded(draft: Draft, base: Division) -> None:
    draft.apply(Rename(base.third["code"].iloc[0], "甲"))
    other = base.with_layer(Level.THIRD, base.third.assign(code=np.roll(base.third["code"], 1)))
    with pytest.raises(InputError, match="another division"):
        Draft.from_json(other, draft.to_json())
    with pytest.raises(InputError, match="not a saved draft"):
        Draft.from_json(base, "{}")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"edit": "Rename", "code": "1"}, "Rename needs name"),
        ({"edit": "Rename", "code": 1, "name": "x"}, "Rename: code must be a text"),
        ({"edit": "Lock", "codes": [1]}, "Lock: codes must be a list of texts"),
        ({"edit": "Lock", "codes": "12"}, "Lock: codes must be a list of texts"),
        ({"edit": "Reshape", "line": 3}, "Reshape: line needs at least two points"),
        ({"edit": "Reshape", "line": [[1, 2]]}, "Reshape: line needs at least two points"),
        *(
            ({"edit": "MoveVertex", "at": at, "to": [1, 2]}, "MoveVertex: at is no place in metres")
            for at in (5, [1], [1, 2, 3], [1, "2"], [1, 10**400], [1, float("nan")], [1, 1.01e8], [True, 2])
        ),
    ],
)
def test_a_malformed_edit_is_told_by_its_field(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match="^" + re.escape(message)):
        edit_from_dict(values)


def test_a_place_may_be_up_to_the_bound() -> None:
    assert edit_from_dict({"edit": "MoveVertex", "at": [1e8, -1e8], "to": [1, 2]}) == MoveVertex(
        (1e8, -1e8), (1.0, 2.0)
    )
