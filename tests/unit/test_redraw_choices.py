"""Which of several possible results an edit has: the border it means, the code that stays, the figures that follow."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString

from geo.errors import InputError
from geo.layers import Division, Level
from geo.redraw import (
    Draft,
    Merge,
    MoveVertex,
    Recode,
    Redivide,
    RefusedEdit,
    Reshape,
    SlideNode,
    Split,
    Transfer,
    compare,
    consequences,
    crosswalk,
    edit_from_dict,
    snap_to_roads,
)
from geo.redraw.working.sharing import apportion_value
from tests.unit.test_redraw_boundaries import _square
from tests.unit.test_redraw_rings import X, Y, _box, _division, _row

COMMUNITY = "320113003001"


def _moved(shapes: list[shapely.Geometry]) -> list[shapely.Geometry]:
    return [shapely.transform(shape, lambda xy: xy + np.array([X, Y])) for shape in shapes]


def _street(groups: list[list[shapely.Polygon]], **columns: Any) -> Division:
    """A community of second-level grids, given as the third-level cells of each; `columns` of the third level are summed up."""
    cells, parents, codes = [], [], []
    for k, group in enumerate(groups, start=1):
        parent = f"{COMMUNITY}{k:03d}"
        cells += group
        parents += [parent] * len(group)
        codes += [f"{parent}{n:03d}" for n in range(1, len(group) + 1)]
    third = gpd.GeoDataFrame(
        {"code": codes, "name": codes, "level": 3, "parent": parents, "leader": None, **columns},
        geometry=cells,
        crs="EPSG:4549",
    )

    def above(parent: str | None, of: dict[str, list[int]], level: int) -> gpd.GeoDataFrame:
        sums = {
            name: [np.sum([values[i] for i in rows]) for rows in of.values()]
            for name, values in columns.items()
            if not isinstance(values[0], str)
        }
        rows = {"code": list(of), "name": list(of), "level": level, "parent": parent, "leader": None, **sums}
        geometry = [shapely.union_all([cells[i] for i in rows]) for rows in of.values()]
        return gpd.GeoDataFrame(rows, geometry=geometry, crs="EPSG:4549")

    every = list(range(len(cells)))
    # Every vertex is one of all cells that it lies on.
    corners = shapely.multipoints(shapely.get_coordinates(cells))
    third.geometry = cells = [shapely.snap(cell, corners, 0.001) for cell in cells]
    second = {parent: [i for i in every if parents[i] == parent] for parent in dict.fromkeys(parents)}
    return Division(
        above(None, {"320113003": every}, 0),
        above("320113003", {COMMUNITY: every}, 1),
        above(COMMUNITY, second, 2),
        third,
    )


def _line(*places: tuple[float, float]) -> LineString:
    return LineString([(X + x, Y + y) for x, y in places])


def _areas(draft: Draft) -> dict[str, float]:
    return draft.division().third.set_index("code").geometry.area.round(6).to_dict()


def _refused(draft: Draft, edit: Any) -> tuple[str, str]:
    with pytest.raises(RefusedEdit) as caught:
        draft.apply(edit)
    return caught.value.kind, caught.value.en


def test_of_two_borders_between_the_same_nodes_the_nearer_one_is_reshaped() -> None:
    lens, whole, north = _moved(
        [
            shapely.Polygon([(100, 150), (150, 100), (200, 150), (150, 200)]),
            shapely.box(0, 0, 300, 300),
            shapely.box(0, 150, 300, 300),
        ]
    )
    upper = shapely.difference(north, lens)
    lower = shapely.difference(shapely.difference(whole, north), lens)
    draft = Draft.of(_division([lens, upper, lower], [1, 1, 1]))
    draft.apply(Reshape(_line((100, 150), (150, 190), (200, 150))))
    lens_m2, upper_m2, lower_m2 = _areas(draft).values()
    assert (lens_m2, upper_m2, lower_m2) == (5000 - 500, 42_500 + 500, 42_500)


def test_of_two_ways_along_grids_the_one_with_fewer_borders_is_reshaped() -> None:
    """A grid in the middle borders on three cells in the north and on two in the south."""
    middle = _box(100, 100, 200, 200)
    upper = [_box(0, 150, 130, 300), _box(130, 150, 160, 300), _box(160, 150, 300, 300)]
    lower = [_box(0, 0, 150, 150), _box(150, 0, 300, 150)]
    around = [[shapely.difference(cell, middle) for cell in group] for group in (upper, lower)]
    draft = Draft.of(_street([*around, [middle]]))
    draft.apply(Reshape(_line((100, 150), (110, 90), (190, 90), (200, 150))))
    assert _areas(draft)[f"{COMMUNITY}003001"] == 5000 + 5400


def test_the_side_of_an_enclave_beside_the_line_is_reshaped() -> None:
    enclave = _box(40, 40, 60, 60)
    draft = Draft.of(_division([shapely.difference(_box(0, 0, 100, 100), enclave), enclave], [1, 1]))
    draft.apply(Reshape(_line((40, 40), (50, 35), (60, 40))))
    assert list(_areas(draft).values()) == [9600 - 50, 400 + 50]


def _staircase() -> Division:
    """Three cells between x = 60 and x = 100 and one beside them, and a second-level grid in the east."""
    west = [(0, 0, 60, 300), (60, 0, 100, 100), (60, 100, 100, 200), (60, 200, 100, 300)]
    ends = [[_box(0, -100, 200, 0)], [_box(0, 300, 200, 400)]]
    return _street([[_box(*bounds) for bounds in west], [_box(100, 0, 200, 300)], *ends])


def test_borders_are_cut_where_they_cross_the_new_line() -> None:
    draft = Draft.of(_staircase())
    draft.apply(Reshape(_line((100, 0), (70, 150), (100, 300))))
    corners = {(round(x - X, 6), round(y - Y, 6)) for x, y in shapely.get_coordinates(draft.division().third.geometry)}
    assert {(80.0, 100.0), (80.0, 200.0)} <= corners, "the borders between the cells stay where they are"
    # A line beyond the end of the borders extends them.
    draft.undo()
    draft.apply(Reshape(_line((100, 0), (130, 150), (100, 300))))
    assert shapely.coverage_is_valid(draft.division().third.geometry.to_numpy())
    assert sum(_areas(draft).values()) == 100_000


def test_borders_keep_their_order_along_a_new_line() -> None:
    draft = Draft.of(_staircase())
    around = [(100, 0), (30, 20), (30, 230), (80, 230), (80, 50), (130, 40), (130, 300), (100, 300)]
    kind, en = _refused(draft, Reshape(_line(*around)))
    assert (kind, "change their order along the line" in en) == ("crosses", True)


def test_a_node_does_not_slide_onto_another() -> None:
    above, below = _moved(
        [
            shapely.Polygon([(0, 100), (100, 100), (200, 100), (200, 200), (0, 200)]),
            shapely.Polygon([(0, -100), (200, -100), (200, 0), (100, 0), (0, 0)]),
        ]
    )
    draft = Draft.of(_division([_box(0, 0, 100, 100), _box(100, 0, 200, 100), above, below], [1] * 4))
    refusal = _refused(draft, SlideNode((X + 100, Y + 100), (X + 100, Y)))
    assert refusal == ("touches", "a node cannot slide onto another one")


def test_what_is_wrong_with_a_line_is_said() -> None:
    draft = Draft.of(_square(3))
    middle = "320113003001001005"
    splinter = Split(middle, _line((100.03, 99), (100.03, 201)))
    assert _refused(draft, splinter) == ("too_small", "a part would have less than 4 m²")
    along = Split(middle, _line((100, 99), (100, 201)))
    assert _refused(draft, along) == ("misses", "the line does not cross the cell from border to border")


def test_a_cut_may_begin_and_end_on_one_edge() -> None:
    middle = "320113003001001005"
    notch = [(130, 99), (150, 150), (170, 99)]
    made = []
    for places in (notch, notch[::-1]):
        draft = Draft.of(_square(3))
        draft.apply(Split(middle, _line(*places)))
        shapes = draft.division().third
        assert shapely.coverage_is_valid(shapes.geometry.to_numpy())
        made.append(sorted(shapes.geometry.area.round(3))[:2])
    assert made[0] == made[1] == pytest.approx([980.4, 9019.6], abs=0.1)


def test_codes_have_digits_only() -> None:
    draft = Draft.of(_row(2, [1, 1]))
    assert _refused(draft, Recode("320113003001001001", "3201130030010010a1"))[0] == "retired"


def test_codes_end_at_999() -> None:
    base = _row(2, [1, 1])
    for layer in (base.third,):
        layer["code"] = ["320113003001001001", "320113003001001999"]
    draft = Draft.of(base)
    kind, en = _refused(draft, Split("320113003001001001", _line((50, -1), (50, 101))))
    assert (kind, en) == ("retired", "all 999 codes under 320113003001001 have been used")


@pytest.fixture(scope="module")
def redivided(small_street: Any) -> tuple[Division, Draft, Any]:
    """A community of six grids cut into twelve, and into two by another seed."""
    base = small_street.division()
    draft = Draft.of(base)
    change = draft.apply(Redivide(COMMUNITY, (12, 24), 3))
    return base, draft, change


def test_a_redivided_grid_keeps_its_code_only_where_most_of_it_is_left(redivided: Any) -> None:
    base, draft, change = redivided
    former = base.second.set_index("code")
    former = former[former["parent"] == COMMUNITY]
    made = draft.division().second.set_index("code")
    made = made[made["parent"] == COMMUNITY]
    assert len(made) == 12
    for code in set(made.index) & set(former.index):
        common = made.geometry[code].intersection(former.geometry[code]).area
        assert common > 0.5 * max(made.geometry[code].area, former.geometry[code].area)
    born = made[~made.index.isin(former.index)]
    assert len(born) >= 6
    assert born["leader"].isna().all(), "a new grid has no leader yet"
    descent = {(old, new) for _, old, new in change.lineage if len(old) == len(new) == 15}
    shared = {
        (old, new)
        for old in former.index
        for new in made.index
        if former.geometry[old].intersection(made.geometry[new]).area > 0.01 * former.geometry[old].area
    }
    assert descent == shared


def test_another_seed_divides_in_another_way(small_street: Any) -> None:
    base = small_street.division()
    x, y = np.random.default_rng(1).uniform((388_010, 3_552_010), (389_190, 3_552_890), (150, 2)).T
    people = {"population": np.arange(150)}
    buildings = gpd.GeoDataFrame(people, geometry=shapely.box(x, y, x + 6, y + 6), crs="EPSG:4549")

    def made(seed: int) -> list[bytes]:
        draft = Draft.of(base, buildings=buildings)
        draft.apply(Redivide(COMMUNITY, (3, 17), seed))
        layer = draft.division().third
        mine = layer.geometry[layer["code"].str.startswith(COMMUNITY)]
        return sorted(shapely.to_wkb(shapely.normalize(mine.to_numpy())))

    first = made(1)
    assert first == made(1)
    assert first != made(2)


def _with_people(**people: list[int]) -> gpd.GeoDataFrame:
    """Two buildings in the west of the second of two squares, and one in the first."""
    shapes = [_box(x, 45, x + 6, 51) for x in (20, 104, 150)]
    return gpd.GeoDataFrame(people, geometry=shapes, crs="EPSG:4549")


def test_other_figures_follow_the_households_of_a_building() -> None:
    columns = {"population": [10, 30], "households": [4, 10], "units": [1, 2], "workload": [10.0, 100.0]}
    (right,) = _moved([shapely.Polygon([(100, 0), (130, 0), (200, 0), (200, 100), (130, 100), (100, 100)])])
    base = _street([[_box(0, 0, 100, 100), right]], **columns)
    buildings = _with_people(population=[10, 3, 27], households=[4, 2, 8], units=[1, 2, 0])
    draft = Draft.of(base, buildings=buildings)
    draft.apply(Reshape(_line((100, 0), (120, 50), (100, 100))))
    rows = draft.division().third
    assert rows[["population", "households", "units"]].to_numpy().tolist() == [[13, 6, 3], [27, 8, 0]]
    assert rows["workload"].tolist() == [30.0, 80.0], "two of ten households"
    # And in a split: the western part has 2 of 10 households, and 3 of 30 residents.
    draft = Draft.of(base, buildings=buildings)
    draft.apply(Split("320113003001001002", _line((130, -1), (130, 101))))
    rows = draft.division().third.set_index("code")
    assert sorted(rows.loc[rows.index != "320113003001001001", "workload"]) == [20.0, 80.0]


def test_figures_that_are_no_sums_stay_with_both_parts() -> None:
    base = _street([[_box(0, 0, 100, 100), _box(100, 0, 200, 100)]], population=[10, 30], floors=[6, 9])
    for layer in (base.street, base.community, base.second):
        layer["floors"] = [9]
    draft = Draft.of(base)
    draft.apply(Split("320113003001001002", _line((150, -1), (150, 101))))
    assert sorted(draft.division().third["floors"]) == [6, 9, 9]


def test_a_building_that_a_border_cuts_already_is_no_new_cut() -> None:
    base = _street([[_box(0, 0, 100, 100), _box(100, 0, 200, 100)]], population=[10, 30])
    across = gpd.GeoDataFrame({"population": [4]}, geometry=[_box(95, 40, 105, 60)], crs="EPSG:4549")
    draft = Draft.of(base, buildings=across)
    bent = Reshape(_line((100, 0), (101, 50), (100, 100)))
    assert consequences(draft, bent).cut_buildings == 0
    draft.apply(bent)
    aside = gpd.GeoDataFrame({"population": [4]}, geometry=[_box(104, 40, 115, 60)], crs="EPSG:4549")
    draft = Draft.of(base, buildings=aside)
    cuts = Reshape(_line((100, 0), (110, 50), (100, 100)))
    assert consequences(draft, cuts).cut_buildings == 1
    assert _refused(draft, cuts)[0] == "cut_building"


def test_the_remainder_goes_to_the_largest_fraction() -> None:
    assert apportion_value(10, np.array([0.17, 0.33, 0.5])) == [2, 3, 5]
    assert apportion_value(10, np.array([0.5, 0.33, 0.17])) == [5, 3, 2]


def test_without_leaders_another_grid_is_another_leader() -> None:
    groups = [[_box(0, 0, 100, 100), _box(0, 100, 100, 200)], [_box(100, 0, 200, 200)]]
    base = _street(groups, population=[10, 20, 30], households=[5, 10, 15], workload=[10.0, 20.0, 30.0])
    draft = Draft.of(base)
    told = consequences(draft, Transfer((f"{COMMUNITY}001001",), f"{COMMUNITY}002"))
    assert (told.residents_with_another_leader, told.households_with_another_leader) == (10, 5)
    # 30 and 30 become 20 and 40: a third above the mean.
    assert "1.00 -> 1.33" in told.en
    moved = Draft.of(base)
    moved.apply(Transfer((f"{COMMUNITY}001001",), f"{COMMUNITY}002"))
    assert compare(base, moved.division()).residents_with_another_leader == 10
    assert consequences(draft, Merge((f"{COMMUNITY}001001", f"{COMMUNITY}001002"))).residents_with_another_leader == 0
    slight = consequences(draft, MoveVertex((X + 100, Y + 100), (X + 100.0, Y + 101)))
    assert "->" not in slight.en, "a change below half a hundredth is not told"


def test_ground_that_the_new_division_leaves_is_told() -> None:
    old = _row(2, [10, 20])
    new = _division([_box(0, 0, 100, 100), _box(100, 0, 160, 100)], [10, 20])
    walk = crosswalk(old, new, Level.THIRD)
    gone = walk[walk["to_code"].isna()]
    assert gone[["from_code", "area_m2"]].to_numpy().tolist() == [["320113003001001002", 4000.0]]
    assert walk["area_m2"].sum() == 20_000


def test_the_part_with_more_people_keeps_the_code_though_it_is_smaller() -> None:
    (right,) = _moved([shapely.Polygon([(100, 0), (130, 0), (200, 0), (200, 100), (130, 100), (100, 100)])])
    base = _street([[_box(0, 0, 100, 100), right]], population=[10, 30])
    draft = Draft.of(base, buildings=_with_people(population=[10, 27, 3]))
    code = "320113003001001002"
    draft.apply(Split(code, _line((130, -1), (130, 101))))
    made = draft.division().third.set_index("code")
    assert (made.geometry[code].area, made.loc[code, "population"]) == (3000.0, 27)


def test_sums_are_right_when_a_change_is_put_back_among_others() -> None:
    groups = [[_box(x, 0, x + 100, 100), _box(x, 100, x + 100, 200)] for x in (0, 100)]
    draft = Draft.of(_street(groups, population=[100, 100, 100, 100]))
    first = draft.apply(Reshape(_line((100, 0), (140, 50), (100, 100))))
    draft.take_back(first)
    draft.apply(Reshape(_line((100, 100), (140, 150), (100, 200))))
    draft.put_back(first)
    made = draft.division()
    sums = made.third.groupby("parent")["population"].sum()
    assert made.third["population"].tolist() != [100] * 4
    assert made.second.set_index("code")["population"].to_dict() == sums.to_dict()


def test_a_line_follows_roads_within_reach_only() -> None:
    line = LineString([(0, 0), (50, 0), (100, 0)])
    for away_m, drawn in ((14.0, [(50.0, 14.0)]), (16.0, [(50.0, 0.0)])):
        roads = gpd.GeoDataFrame(geometry=[LineString([(40, away_m), (60, away_m)])], crs="EPSG:4549")
        assert list(snap_to_roads(line, roads, reach_m=15.0).coords)[1:-1] == drawn


def test_a_seed_is_not_negative() -> None:
    values = {"edit": "Redivide", "code": COMMUNITY, "counts": [2, 4], "seed": -1}
    with pytest.raises(InputError, match="seed"):
        edit_from_dict(values)
    assert edit_from_dict({**values, "seed": 0}) == Redivide(COMMUNITY, (2, 4), 0)
