"""Enclaves, rings and corners: forbidden changes of the shape of a cell, and small guarantees of edits."""

from __future__ import annotations

from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString

from geo.layers import Division, Level
from geo.redraw import (
    Draft,
    Merge,
    RefusedEdit,
    Rename,
    Reshape,
    SlideNode,
    Split,
    consequences,
    crosswalk,
)
from geo.redraw.working.arcs import Arc
from geo.redraw.working.postconditions import rings_of

X, Y = 388_000.0, 3_553_000.0


def _division(shapes: list[shapely.Polygon], people: list[int]) -> Division:
    """A street of one community and one second-level grid with these third-level cells."""
    whole = shapely.union_all(shapes)

    def layer(codes: list[str], geometry: list[shapely.Geometry], level: int, parent: str | None) -> gpd.GeoDataFrame:
        count = people if level == 3 else [sum(people)]
        rows = {
            "code": codes,
            "name": codes,
            "level": level,
            "parent": parent,
            "population": count,
            "workload": np.array(count, float),
        }
        return gpd.GeoDataFrame({**rows, "leader": "L1"}, geometry=geometry, crs="EPSG:4549")

    codes = [f"320113003001001{k:03d}" for k in range(1, len(shapes) + 1)]
    return Division(
        layer(["320113003"], [whole], 0, None),
        layer(["320113003001"], [whole], 1, "320113003"),
        layer(["320113003001001"], [whole], 2, "320113003001"),
        layer(codes, shapes, 3, "320113003001001"),
    )


def _box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    return shapely.box(X + x0, Y + y0, X + x1, Y + y1)


def _row(n: int, people: list[int]) -> Division:
    """Squares of 100 m from west to east."""
    return _division([_box(100 * k, 0, 100 * (k + 1), 100) for k in range(n)], people)


def _kind(draft: Draft, edit) -> str:
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(edit)
    return caught.value.kind


def test_a_border_cannot_jump_over_an_enclave() -> None:
    enclave = _box(40, 40, 60, 60)
    around = shapely.difference(_box(0, 0, 100, 100), enclave)
    draft = Draft.of(_division([around, enclave, _box(100, 0, 200, 100)], [10, 5, 10]))
    line = LineString([(X + 100, Y), (X + 30, Y + 20), (X + 30, Y + 80), (X + 100, Y + 100)])
    assert _kind(draft, Reshape(line)) == "encloses"
    draft.apply(Reshape(LineString([(X + 100, Y), (X + 70, Y + 20), (X + 70, Y + 80), (X + 100, Y + 100)])))


def test_a_merge_may_not_put_a_ring_round_another_cell() -> None:
    inner = shapely.Polygon([(X + x, Y + y) for x, y in ((40, 40), (50, 40), (60, 40), (60, 60), (50, 60), (40, 60))])
    left = shapely.difference(_box(0, 0, 50, 100), inner)
    right = shapely.difference(_box(50, 0, 100, 100), inner)
    draft = Draft.of(_division([left, right, inner], [1, 1, 1]))
    assert _kind(draft, Merge(("320113003001001001", "320113003001001002"))) == "ring"


def test_parts_that_touch_in_a_point_are_parts() -> None:
    square = ((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))
    other = ((10, 10), (20, 10), (20, 20), (10, 20), (10, 10))
    rings = rings_of([Arc(square, "a", ""), Arc(other, "a", "")], "a")
    assert sorted(area for area, _ in rings.outer) == [200, 200]
    assert rings.inner == []


def test_parts_that_touch_in_two_points_are_parts_whatever_comes_first() -> None:
    west, east = (0, 0), (20, 0)
    above = [(west, (10, 5), east), (east, (10, 15), west)]
    below = [(west, (10, -15), east), (east, (10, -5), west)]
    for lines in permutations([*above, *below]):
        rings = rings_of([Arc(line, "a", "") for line in lines], "a")
        assert sorted(area for area, _ in rings.outer) == [200, 200]
        assert rings.inner == []


def test_a_cell_whose_hole_touches_its_border_has_one_part_and_one_hole() -> None:
    outer = ((0, 0), (30, 0), (30, 30), (0, 30), (0, 0))
    hole = ((0, 0), (10, 20), (20, 10), (0, 0))
    rings = rings_of([Arc(outer, "a", ""), Arc(hole, "a", "b")], "a")
    assert [area for area, _ in rings.outer] == [1800]
    assert [area for area, _ in rings.inner] == [-300]


def test_new_codes_follow_the_last_one() -> None:
    draft = Draft.of(_row(3, [9, 9, 9]))
    change = draft.apply(Split("320113003001001002", LineString([(X + 99, Y + 50), (X + 201, Y + 50)])))
    assert change.lineage[1][2] == "320113003001001004"
    draft.undo()
    again = draft.apply(Split("320113003001001002", LineString([(X + 99, Y + 30), (X + 201, Y + 30)])))
    assert again.lineage[1][2] == "320113003001001004"


def test_a_split_ends_at_vertices_of_the_outline() -> None:
    draft = Draft.of(_row(3, [9, 9, 9]))
    before = draft.base.street.geometry.iloc[0]
    draft.apply(Split("320113003001001002", LineString([(X + 101, Y - 5), (X + 198, Y + 105)])))
    assert shapely.equals_exact(draft.division().street.geometry.iloc[0], before, normalize=True)


def test_the_larger_number_of_residents_decides_which_code_stays() -> None:
    draft = Draft.of(_row(3, [5, 50, 500]))
    draft.apply(Merge(("320113003001001001", "320113003001001002")))
    assert draft.division().third["code"].tolist() == ["320113003001001002", "320113003001001003"]
    assert draft.division().third["population"].tolist() == [55, 500]


def test_a_new_edit_ends_what_could_be_made_again() -> None:
    draft = Draft.of(_row(2, [1, 1]))
    draft.apply(Rename("320113003001001001", "甲"))
    draft.undo()
    draft.apply(Rename("320113003001001002", "乙"))
    assert draft.redo() is None
    assert draft.division().third["name"].tolist() == ["320113003001001001", "乙"]


def test_people_go_with_the_ground() -> None:
    base = _row(2, [100, 100])
    draft = Draft.of(base)
    draft.apply(Reshape(LineString([(X + 100, Y), (X + 120, Y + 0.001), (X + 120, Y + 99.999), (X + 100, Y + 100)])))
    assert draft.division().third["population"].tolist() == [120, 80]
    assert draft.changes[-1].basis == "area"


def test_a_building_takes_no_more_people_than_there_are() -> None:
    buildings = gpd.GeoDataFrame(
        {"population": [70], "households": [30], "units": [0]}, geometry=[_box(105, 40, 115, 60)], crs="EPSG:4549"
    )
    draft = Draft.of(_row(2, [100, 40]), buildings=buildings)
    draft.apply(Reshape(LineString([(X + 100, Y), (X + 120, Y + 0.001), (X + 120, Y + 99.999), (X + 100, Y + 100)])))
    assert draft.division().third["population"].tolist() == [140, 0]
    assert draft.changes[-1].basis == "buildings"


def test_the_border_that_a_node_slides_along_stays() -> None:
    shapes = [_box(0, 0, 50, 100), _box(50, 0, 100, 100), _box(0, 100, 100, 200)]
    shapes[2] = shapely.Polygon([(X, Y + 100), (X + 50, Y + 100), (X + 100, Y + 100), (X + 100, Y + 200), (X, Y + 200)])
    draft = Draft.of(_division(shapes, [1, 1, 1]))
    draft.apply(SlideNode((X + 50, Y + 100), (X + 70, Y + 100)))
    third = draft.division().third.geometry
    assert shapely.equals(third.iloc[2], shapes[2])
    assert third.iloc[0].area == pytest.approx(6000.0, abs=0.01)


def test_balance_is_workload_over_the_mean() -> None:
    base = _row(2, [10, 30])
    second = pd.concat([base.second, base.second.assign(code="320113003001002")], ignore_index=True)
    second["workload"] = [10.0, 30.0]
    second["geometry"] = base.third.geometry.to_numpy()
    third = base.third.assign(parent=second["code"].to_numpy(), code=["320113003001001001", "320113003001002001"])
    draft = Draft.of(Division(base.street, base.community, gpd.GeoDataFrame(second, crs="EPSG:4549"), third))
    told = consequences(draft, Rename("320113003001002001", "甲"))
    assert told.grids["balance_before"].tolist() == [1.5]


def test_people_of_pieces_that_are_left_out_stay_with_the_largest() -> None:
    old = _row(2, [1000, 1000])
    shapes = [_box(0, 0, 100.00005, 100), _box(100.00005, 0, 200, 100)]
    new = _division(shapes, [1000, 1000])
    walk = crosswalk(old, new, Level.THIRD)
    assert len(walk) == 2
    assert walk["population"].tolist() == pytest.approx([1000.0, 1000.0], abs=1e-9)
