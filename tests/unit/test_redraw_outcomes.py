"""Consequences of edits, differences of two divisions, and drafts of two planners."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString

from geo.coverage import check_division
from geo.errors import CrsError, InputError
from geo.layers import Division, Level
from geo.redraw import (
    Draft,
    InsertVertex,
    Merge,
    MoveVertex,
    RefusedEdit,
    Rename,
    SetLeader,
    Split,
    Transfer,
    compare,
    consequences,
    crosswalk,
    merge_drafts,
    snap_to_roads,
    split_by_buildings,
)


@pytest.fixture
def base(small_street) -> Division:
    return small_street.division()


@pytest.fixture
def draft(base: Division) -> Draft:
    return Draft.of(base)


def _border_cell(base: Division) -> tuple[str, str]:
    """A third-level cell of the first second-level grid that borders on the second one, and the code of that one."""
    one, other = base.second["code"].iloc[:2]
    near = base.third[
        (base.third["parent"] == one) & (base.third.intersection(base.second.geometry.iloc[1]).length > 1.0)
    ]
    return near["code"].iloc[0], other


def _buildings(cell: shapely.Polygon, fractions: list[tuple[float, float]], people: list[int]) -> gpd.GeoDataFrame:
    x0, y0, x1, y1 = cell.bounds
    shapes = [
        shapely.box(x - 5, y - 5, x + 5, y + 5)
        for x, y in ((x0 + fx * (x1 - x0), y0 + fy * (y1 - y0)) for fx, fy in fractions)
    ]
    return gpd.GeoDataFrame(
        {"population": people, "households": [p // 2 for p in people], "units": 0}, geometry=shapes, crs="EPSG:4549"
    )


def test_consequences_change_nothing(draft: Draft, base: Division) -> None:
    code, other = _border_cell(base)
    draft.apply(Rename(code, "甲"))
    draft.undo()
    text = draft.to_json()
    told = consequences(draft, Transfer((code,), other))
    assert draft.to_json() == text
    people = int(base.third.set_index("code").loc[code, "population"])
    assert told.residents_with_another_leader == people
    assert told.moved["from_code"].tolist() == [base.second["code"].iloc[0]]
    assert told.moved["to_code"].tolist() == [other]
    assert told.leaders == ("G000", "G001")
    assert str(people) in told.zh
    assert str(people) in told.en
    grids = told.grids
    assert (grids["population_after"] - grids["population_before"]).tolist() == [-people, people]
    assert told.cells["population_before"].sum() == told.cells["population_after"].sum()


def test_consequences_of_an_impossible_edit_are_its_refusal(draft: Draft, base: Division) -> None:
    with pytest.raises(RefusedEdit) as caught:
        consequences(draft, Merge((base.third["code"].iloc[0], base.third["code"].iloc[-1])))
    assert caught.value.kind == "detached"
    assert draft.revision == 0


def test_another_leader_for_a_grid_concerns_all_who_live_there(draft: Draft, base: Division) -> None:
    grid = base.second["code"].iloc[3]
    told = consequences(draft, SetLeader(grid, "P777"))
    assert told.residents_with_another_leader == int(base.third.loc[base.third["parent"] == grid, "population"].sum())
    assert "P777" in told.leaders


def test_a_cut_building_is_refused_accepted_with_a_reason_and_counted(base: Division) -> None:
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)]
    cell = inner.geometry.iloc[0]
    draft = Draft.of(base, buildings=_buildings(cell, [(0.5, 0.5), (0.2, 0.5)], [30, 10]))
    x0, y0, x1, y1 = cell.bounds
    edit = Split(inner["code"].iloc[0], LineString([((x0 + x1) / 2, y0 - 1), ((x0 + x1) / 2, y1 + 1)]))
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(edit)
    assert caught.value.kind == "cut_building"
    assert consequences(draft, edit).cut_buildings == 1
    change = draft.apply(edit, accept={"cut_building": "to be torn down"})
    assert change.accepted == {"cut_building": "to be torn down"}


def test_people_go_with_their_buildings(base: Division) -> None:
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)]
    row = inner.iloc[0]
    people = int(row["population"])
    draft = Draft.of(base, buildings=_buildings(row.geometry, [(0.1, 0.5), (0.9, 0.5)], [3 * people, people]))
    x0, y0, x1, y1 = row.geometry.bounds
    at = x0 + 0.7 * (x1 - x0)
    change = draft.apply(Split(row["code"], LineString([(at, y0 - 1), (at, y1 + 1)])))
    assert change.basis == "buildings"
    layer = draft.division().third.set_index("code")
    assert layer.loc[row["code"], "population"] == round(0.75 * people)
    assert layer.loc[change.lineage[1][2], "population"] == people - round(0.75 * people)


def test_a_crosswalk_keeps_area_and_people(draft: Draft, base: Division) -> None:
    code, other = _border_cell(base)
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)].iloc[-1]
    x0, y0, x1, y1 = inner.geometry.bounds
    draft.apply(Transfer((code,), other))
    draft.apply(Split(inner["code"], LineString([(x0 - 1, y0 + 0.3 * (y1 - y0)), (x1 + 1, y0 + 0.3 * (y1 - y0))])))
    new = draft.division()
    for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
        walk = crosswalk(base, new, level)
        assert list(walk.columns) == ["from_code", "to_code", "area_m2", "population"]
        sums = walk.groupby("from_code")[["area_m2", "population"]].sum()
        layer = base.layer(level).set_index("code").loc[sums.index]
        people = base.third.groupby(base.third["code"].str[: len(sums.index[0])])["population"].sum()
        assert np.abs(sums["population"] - people.loc[sums.index]).max() < 1e-6
        assert np.abs(sums["area_m2"] - layer.area).max() < 0.1
        assert (walk["area_m2"] >= 0.01).all()
    moved = walk[walk["from_code"] == code]
    assert moved["to_code"].tolist() == [draft.lineage()["to_code"].iloc[0]]
    halves = walk[walk["from_code"] == inner["code"]]
    assert sorted(halves["area_m2"] / inner.geometry.area) == pytest.approx([0.3, 0.7], abs=0.01)
    assert halves["population"].sum() == pytest.approx(inner["population"])


def test_ground_that_the_new_division_leaves_bare_keeps_its_people(base: Division) -> None:
    smaller = base.with_layer(Level.THIRD, base.third.iloc[1:])
    walk = crosswalk(base, smaller, Level.THIRD)
    gone = walk[walk["from_code"] == base.third["code"].iloc[0]]
    assert gone["to_code"].tolist() == [None]
    assert gone["population"].tolist() == [base.third["population"].iloc[0]]


def test_divisions_in_two_systems_are_not_compared(base: Division) -> None:
    other = Division(*(base.layer(level).to_crs("EPSG:4548") for level in Level))
    with pytest.raises(CrsError, match="convert one of them"):
        crosswalk(base, other, Level.SECOND)


def test_a_comparison_names_what_differs(draft: Draft, base: Division) -> None:
    code, other = _border_cell(base)
    draft.apply([Transfer((code,), other), Rename(base.third["code"].iloc[-1], "新名")])
    found = compare(base, draft.division())
    third = found.cells[found.cells["level"] == 3].set_index("code")
    assert third.loc[code, "status"] == "retired"
    assert third.loc[draft.lineage()["to_code"].iloc[0], "status"] == "new"
    assert third.loc[base.third["code"].iloc[-1], "status"] == "changed"
    assert third.loc[base.third["code"].iloc[-1], "renamed"]
    assert (third["status"] == "same").sum() == len(base.third) - 2
    people = base.third.set_index("code").loc[code, "population"]
    assert found.residents_with_another_leader == pytest.approx(people)
    assert found.leaders[["from_leader", "to_leader"]].to_numpy().tolist() == [["G000", "G001"]]
    zh, en = found.words()[0]
    assert f"{people:,}" in zh
    assert f"{people:,}" in en
    assert compare(base, base).words() == [("两个方案相同", "the divisions are the same")]


def test_drafts_that_touch_different_places_are_merged(base: Division) -> None:
    one, other = Draft.of(base), Draft.of(base)
    code, to = _border_cell(base)
    last = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)].iloc[-1]
    x0, y0, x1, y1 = last.geometry.bounds
    one.apply(Transfer((code,), to))
    change = other.apply(Split(last["code"], LineString([((x0 + x1) / 2 + 7, y0 - 1), ((x0 + x1) / 2 + 7, y1 + 1)])))
    other.apply(Rename(change.lineage[1][2], "新格"))
    merged = merge_drafts(base, one, other)
    assert len(merged.edits) == 3
    assert "新格" in set(merged.division().third["name"])
    both = merge_drafts(base, other, one).division()
    assert sorted(both.third["code"]) == sorted(merged.division().third["code"])
    other.apply(Rename(code, "乙"))
    with pytest.raises(RefusedEdit) as caught:
        merge_drafts(base, one, other)
    assert caught.value.kind == "stale"
    assert code in caught.value.cells


def test_drafts_of_another_base_are_not_merged(base: Division) -> None:
    moved = base.with_layer(Level.THIRD, base.third.iloc[::-1].assign(code=base.third["code"].to_numpy()))
    with pytest.raises(InputError, match="not made on this division"):
        merge_drafts(moved, Draft.of(base), Draft.of(base))


def test_a_drawn_line_is_laid_along_a_road() -> None:
    roads = gpd.GeoDataFrame(
        geometry=[LineString([(0, 0), (50, 5), (100, 0)]), LineString([(0, 80), (100, 80)])], crs="EPSG:4549"
    )
    snapped = snap_to_roads(LineString([(-2, 3), (10, 4), (90, 3), (103, -2)]), roads)
    assert snapped.coords[0] == (-2, 3)
    assert snapped.coords[-1] == (103, -2)
    assert (50.0, 5.0) in snapped.coords
    inner = shapely.MultiPoint(snapped.coords[1:-1])
    assert shapely.distance(shapely.get_parts(inner), roads.geometry.iloc[0]).max() < 1e-9
    far = LineString([(0, 40), (50, 41), (100, 40)])
    assert snap_to_roads(far, roads) == far
    with pytest.raises(InputError, match="no length"):
        snap_to_roads(LineString([(1, 1), (1, 1)]), roads)


def test_a_split_between_round_buildings_keeps_the_middle(base: Division) -> None:
    """Five circles, whose many equal angles disturb a union of the faces nearest to each."""
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)].iloc[0]
    x0, y0, x1, y1 = inner.geometry.bounds
    places = [(0.15, 0.2), (0.2, 0.5), (0.15, 0.8), (0.8, 0.25), (0.85, 0.7)]
    circles = [shapely.Point(x0 + fx * (x1 - x0), y0 + fy * (y1 - y0)).buffer(4) for fx, fy in places]
    houses = gpd.GeoDataFrame({"name": list("abcde")}, geometry=circles, crs=base.crs)
    line = split_by_buildings(Draft.of(base, buildings=houses), inner["code"], 2).line
    assert not houses.intersects(line).any()
    sides = [x0 + 0.3 * (x1 - x0), x0 + 0.7 * (x1 - x0)]
    assert all(sides[0] < x < sides[1] for x, _ in line.coords)


def test_a_split_between_two_groups_of_buildings_cuts_none(base: Division) -> None:
    inner = base.third[~base.third.intersects(base.street.geometry.iloc[0].boundary)].iloc[0]
    places = [(0.15, 0.2), (0.2, 0.5), (0.15, 0.8), (0.8, 0.25), (0.85, 0.7)]
    draft = Draft.of(base, buildings=_buildings(inner.geometry, places, [10] * 5))
    edit = split_by_buildings(draft, inner["code"], 2)
    change = draft.apply(edit)
    layer = draft.division().third.set_index("code")
    parts = layer.loc[[inner["code"], change.lineage[1][2]]]
    held = [int(sum(part.contains(b) for b in draft.buildings.shapes)) for part in parts.geometry]
    assert sorted(held) == [2, 3]
    with pytest.raises(InputError, match="at least two parts"):
        split_by_buildings(draft, inner["code"], 1)
    with pytest.raises(RefusedEdit) as caught:
        split_by_buildings(draft, base.third["code"].iloc[0], 2)
    assert caught.value.kind == "too_small"


def test_what_people_share_out_adds_up(draft: Draft, base: Division) -> None:
    rng = np.random.default_rng(5)
    nodes = [
        (x / 1000, y / 1000)
        for code in base.third["code"]
        for arc in draft.workspace.of_cells([code]).values()
        if arc.left and arc.right
        for x, y in (arc.points[0],)
    ]
    for k in rng.integers(len(nodes), size=60):
        x, y = nodes[k]
        try:
            draft.apply(MoveVertex((x, y), (x + rng.normal(0, 20), y + rng.normal(0, 20))))
        except RefusedEdit:
            continue
    result = draft.division()
    sums = result.third.groupby("parent")["population"].sum()
    assert (sums == result.second.set_index("code")["population"].loc[sums.index]).all()
    assert result.third["population"].sum() == base.third["population"].sum()
    assert (result.third["population"] != base.third["population"]).any()
    assert pd.api.types.is_integer_dtype(result.third["population"])


def test_grids_with_fewer_vertices_than_their_cells_still_match_their_neighbours(base: Division) -> None:
    """The second-level grids of this street have no vertex where only third-level borders end."""
    assert check_division(base).ok
    draft = Draft.of(base)
    tested = 0
    for arc in list(draft.workspace.arcs()):
        if not (arc.left and arc.right):
            continue
        (ax, ay), (bx, by) = arc.points[:2]
        middle, across = ((ax + bx) / 2000, (ay + by) / 2000), (4.0 if ax == bx else 0.0, 0.0 if ax == bx else 4.0)
        draft.apply([InsertVertex(middle), MoveVertex(middle, (middle[0] + across[0], middle[1] + across[1]))])
        report = check_division(draft.division())
        assert report.ok, report.summary()
        draft.undo()
        tested += 1
        if tested == 12:
            return
    pytest.fail("too few borders")
