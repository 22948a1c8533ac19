"""Barriers, bodies, atoms, locks and wishes of a division, in cases small enough to be seen."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide.balancing.locks import locked_cells, read_locks
from geo.divide.blocks.atoms import _block_of_body, _bodies, _without_holes
from geo.divide.blocks.barriers import Border, _extensions, _labelled, _other_barriers, road_border
from geo.divide.blocks.street_blocks import _KEEP, _strips
from geo.divide.compose import _require_counts, _rounding, _wishes
from geo.divide.partitioning.adjacency import build_graph, segments
from geo.divide.partitioning.bounds import least_tolerance
from geo.divide.partitioning.hole_cuts import _runs_round, ringed
from geo.divide.partitioning.moves import shift
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.search import best_division
from geo.divide.street_pieces import COSTS, _compounds, _graph, building_of_atom, share_on_barriers
from geo.errors import ImpossibleError, InputError

E0, N0 = 388_000, 3_554_000


def box(x0, y0, x1, y1):
    return shapely.box(E0 + x0, N0 + y0, E0 + x1, N0 + y1)


def array(*shapes):
    return np.array(shapes, dtype=object)


# -- barriers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("highway", "kind"),
    [
        ("motorway", "ARTERIAL"),
        ("secondary_link", "ARTERIAL"),
        ("tertiary", "COLLECTOR"),
        ("unclassified", "COLLECTOR"),
        ("residential", "LANE"),
        ("pedestrian", "LANE"),
        ("service", "OPEN"),
        (None, "OPEN"),
    ],
)
def test_roads_are_borders_by_their_class(highway, kind):
    assert road_border(highway).name == kind


def test_railways_are_more_than_water_and_small_ponds_are_no_barriers():
    """Ponds of 1,999 and 2,001 m²."""
    shapes = [shapely.LineString([(E0, N0), (E0 + 90, N0)])] * 2 + [box(0, 0, 10, 199.9), box(50, 0, 60, 200.1)]
    frame = gpd.GeoDataFrame({"railway": ["rail", None, None, None]}, geometry=shapes, crs=4549)
    found = _other_barriers(frame, box(-500, -500, 500, 500))
    assert found["border"].tolist() == [Border.RAIL, Border.WATER, Border.WATER]
    assert found.geometry.length.tolist() == pytest.approx([90, 90, 2 * 210.1])
    assert list(Border) == sorted(Border)


def test_a_dangling_line_is_extended_to_the_line_ahead_of_it():
    """A lane ends 20 m before a road, another 31 m before it."""
    lines = [[(0, 0), (200, 0)], [(50, 100), (50, 20)], [(150, 100), (150, 31)]]
    shapes = array(*(shapely.LineString(np.array(one) + np.array([E0, N0])) for one in lines))
    found = _extensions(_labelled(shapes, np.array([3, 1, 1], dtype=np.int8)))
    down = found[found.geometry.bounds["minx"].between(E0 + 49, E0 + 51)]
    assert down["border"].tolist() == [1]
    assert down.geometry.iloc[0].length == pytest.approx(20.02, abs=1e-3)
    assert not found.geometry.bounds["minx"].between(E0 + 149, E0 + 151).any()


def test_metres_of_border_are_worth_more_the_stronger_the_barrier():
    assert _KEEP.tolist() == [1.0, 1.5, 2.5, 5.0, 4.0, 6.0, 50.0, 50.0]
    assert COSTS.tolist() == [1.0, 0.35, 0.15, -0.1, -0.6, -0.8, 0.0, 0.0]
    assert len(COSTS) == len(_KEEP) == len(Border)


# -- buildings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("overlap_m", "bodies"), [(0.004, 2), (0.006, 1)])
def test_buildings_that_overlap_by_five_square_decimetres_are_one_body(overlap_m, bodies):
    """Ten metres of common wall."""
    found = _bodies(array(box(0, 0, 10 + overlap_m, 10), box(10, 0, 20, 10)))
    assert len(set(found.tolist())) == bodies


def test_a_building_belongs_to_the_block_of_most_of_it_and_to_none_if_most_is_outside():
    blocks = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    bodies = [
        *(box(94, 10, 104, 20), box(97, 30, 107, 40), box(10, 96, 20, 106), box(10, 94, 20, 104)),
        *(box(95, 96, 105, 106), box(95, 94, 105, 104), box(300, 0, 310, 10)),
    ]
    assert _block_of_body(array(*bodies), blocks).tolist() == [0, 1, -1, 0, -1, 0, -1]


@pytest.mark.parametrize(("community", "merged"), [([0, 0, 0], True), ([0, 1, 0], False)])
def test_an_atom_inside_another_is_merged_within_its_community(community, merged):
    outer, inner = box(0, 0, 90, 90), box(30, 30, 60, 60)
    faces = array(outer.difference(inner), inner, box(90, 0, 120, 90))
    found = _without_holes(faces, np.arange(3), np.array(community))
    assert (found[0] == found[1]) == merged
    assert found[2] != found[0]


def atoms(*numbers):
    return SimpleNamespace(atom_of_building=np.array(numbers), polygons=np.empty(max(numbers) + 1, dtype=object))


def test_the_first_building_decides_the_compound_of_an_atom_and_the_largest_its_name():
    shapes = [box(0, 0, 5, 5), box(0, 0, 9, 9), box(0, 0, 7, 7), box(0, 0, 3, 3)]
    frame = gpd.GeoDataFrame({"compound": [7, 8, -1, 9]}, geometry=shapes, crs=4549, index=list("abcd"))
    given, made = SimpleNamespace(buildings=frame), atoms(0, 0, 1, -1)
    assert _compounds(given, made).tolist() == [7, -1]
    assert building_of_atom(given, made, 3).tolist() == ["b", "c", None]


def test_the_share_of_border_on_barriers_counts_each_inner_border_once():
    """Two squares of 100 m: 600 m of outline and 100 m between them."""
    seg = segments(array(box(0, 0, 100, 100), box(100, 0, 200, 100)))
    for kind, share in ((Border.OPEN, 600 / 700), (Border.LANE, 1.0)):
        pieces = SimpleNamespace(segments=seg, border=np.full(len(seg.cell), kind))
        assert share_on_barriers(pieces, np.array([0, 1])) == pytest.approx(share)
        assert share_on_barriers(pieces, np.array([0, 0])) == 1.0


# -- requests ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(3, 2, 9), (3, 9, 8), (10, 9, 9)])
def test_each_level_has_at_least_as_many_grids_as_the_one_above(counts):
    with pytest.raises(ImpossibleError, match="each level needs at least as many grids"):
        _require_counts(counts, None)


def test_what_of_the_outline_is_missing_and_what_is_beyond():
    exact, drawn = box(0, 0, 100, 100), box(1, 0, 102, 100)
    assert _rounding(exact, drawn) == {"missing_m2": 100.0, "beyond_m2": 200.0}


def test_a_present_grid_that_changes_completely_costs_four_borders():
    """Ten residents in two grids: each has 5 on average."""
    cells = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    current = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=cells, crs=4549)
    facts = pd.DataFrame({"population": [2.0, 8.0]})
    made = SimpleNamespace(polygons=cells, community=np.zeros(2, dtype=np.int64))
    assert _wishes(None, current, 1.0, made, facts).stay.tolist() == pytest.approx([4 * 2 / 5, 4 * 8 / 5])
    assert _wishes(None, current, 0.5, made, facts).stay.tolist() == pytest.approx([2 * 2 / 5, 2 * 8 / 5])


@pytest.mark.parametrize(("overlap_m", "fits"), [(0.009, True), (0.011, False)])
def test_locked_grids_overlap_by_a_square_metre_at_most(overlap_m, fits):
    locks = gpd.GeoDataFrame(geometry=[box(0, 0, 100 + overlap_m, 100), box(100, 0, 200, 100)], crs=4549)
    if fits:
        assert len(read_locks(locks, 4549)) == 2
    else:
        with pytest.raises(InputError, match="locked grids overlap"):
            read_locks(locks, 4549)


# -- partition -----------------------------------------------------------------------------------------------------------


def row(*loads):
    graph = build_graph(array(*(box(100 * k, 0, 100 * k + 100, 100) for k in range(len(loads)))))
    return graph, np.array(loads, dtype=float), np.arange(len(loads))


@pytest.mark.parametrize(
    ("loads", "parts", "reason", "tolerance", "under"),
    [
        ((70, 10, 10, 10), 4, "heavy", 1.8, 0.6),
        ((8, 6, 5), 2, "pair", 1.5 / 9.5, 0.0),
        ((9, 1, 1, 1), 2, "heavy", 0.5, 0.5),
        ((5, 5, 5, 5), 2, "", 0.0, 0.0),
    ],
)
def test_bounds_by_hand(loads, parts, reason, tolerance, under):
    found = least_tolerance(*row(*loads), parts)
    assert (found.reason, found.tolerance, found.under) == (reason, pytest.approx(tolerance), pytest.approx(under))


def test_the_best_division_of_a_row():
    """1 2 | 3 is even; of 4 1 1 the best has 4 | 2, a third off on both sides."""
    assert best_division(*row(1, 2, 3), 2, 1.0)[0] == pytest.approx(0.0, abs=1e-9)
    tolerance, label, finished = best_division(*row(4, 1, 1), 2, 1.0)
    assert (tolerance, finished) == (pytest.approx(1 / 3), True)
    assert (label[0] != label[1]) & (label[1] == label[2])
    # Three parts: the light ones deviate more than the heavy one.
    assert best_division(*row(5, 5, 2), 3, 1.0)[0] == pytest.approx(0.5)


def test_members_surround_a_hole_if_no_quarter_turn_is_free():
    turn = 2 * np.pi
    assert _runs_round(np.arange(5) / 5 * turn)
    assert not _runs_round(np.arange(4) / 4 * turn)
    assert not _runs_round(np.arange(8) / 16 * turn)


@pytest.mark.parametrize(("inner", "found"), [((4,), True), ((4, 5), False), ((), False)])
def test_a_part_around_others_is_a_ring(inner, found):
    shapes = [box(100 * i, 100 * j, 100 * i + 100, 100 * j + 100) for j in range(3) for i in range(3)]
    label = np.zeros(9, dtype=np.int64)
    label[list(inner)] = 1
    assert ringed(build_graph(array(*shapes)), np.arange(9), label) == found


def test_the_sums_of_a_part_have_the_moments_of_its_cells_as_discs():
    graph = build_graph(array(box(0, 0, 1, 1)))
    net = Cells(graph, np.array([5.0]), np.array([2.0]), np.array([[3.0, 4.0]]), np.array([6.0])).net()
    sums = np.zeros(7)
    shift(net, sums, 0, 1.0)
    assert sums.tolist() == pytest.approx([5, 1, 2, 6, 8, 2 * 25 + 4 / (2 * np.pi), 6])


def test_nine_tenths_of_the_tolerance_are_aimed_at():
    numbers = Rules(tolerance=0.05, balance=200.0, cut=2.0, shape=3.0).numbers(0.8, 0.1)
    assert numbers[[0, 1, 2, 3, 6]].tolist() == pytest.approx([200, 2, 3, 3, 0.045])
    assert numbers[[4, 5]].tolist() == pytest.approx([0.08, 0.001])


@pytest.mark.parametrize(("missing_m", "fits"), [(0.0, True), (0.09, True), (0.11, False), (50.0, False)])
def test_a_locked_grid_consists_of_complete_cells_but_for_a_thousandth(missing_m, fits):
    locks = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], crs=4549)
    cells, community = array(box(0, 0, 100 - missing_m, 100), box(200, 0, 300, 100)), np.zeros(2, dtype=np.int64)
    if fits:
        assert locked_cells(locks, cells, community).tolist() == [0, -1]
    else:
        with pytest.raises(ImpossibleError, match="does not consist of complete pieces of ground"):
            locked_cells(locks, cells, community)


@pytest.mark.parametrize(
    ("width_m", "length_m", "built", "strip"),
    [
        (17.0, 100.0, False, True),  # twice the area over the perimeter: 14.5 m
        (18.0, 100.0, False, False),  # 15.3 m
        (25.0, 700.0, False, True),  # the green of a dual carriageway: 24.1 m
        (27.0, 700.0, False, False),
        (17.0, 100.0, True, False),
        (5.0, 100.0, True, True),  # narrower than any building
    ],
)
def test_strips_are_no_blocks(width_m, length_m, built, strip):
    buildings = array(box(1, 1, 2, 2)) if built else np.empty(0, dtype=object)
    assert _strips(array(box(0, 0, width_m, length_m)), buildings, None).tolist() == [strip]


@pytest.mark.parametrize(
    ("compound", "border", "factor"),
    [
        ([4, 4], Border.OPEN, 2.0),
        ([4, 5], Border.OPEN, 1.0),
        ([-1, -1], Border.OPEN, 1.0),
        ([4, 4], Border.LANE, 0.35),
        ([4, 5], Border.WATER, -0.6),
    ],
)
def test_a_border_inside_a_compound_costs_twice_as_much(compound, border, factor):
    """Two atoms with a building each and 100 m between them."""
    polygons = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    frame = gpd.GeoDataFrame({"compound": compound}, geometry=[box(1, 1, 9, 9), box(101, 1, 109, 9)], crs=4549)
    seg = segments(polygons)
    made = SimpleNamespace(polygons=polygons, atom_of_building=np.array([0, 1]))
    kinds = np.where(seg.other_cell >= 0, border, Border.OUTLINE).astype(np.int64)
    pieces = SimpleNamespace(atoms=made, segments=seg, border=kinds)
    graph = _graph(SimpleNamespace(buildings=frame), pieces, np.empty(0, dtype=object))
    inner = graph.neighbour >= 0
    assert graph.cost_m[inner].tolist() == pytest.approx([100 * factor] * 2)
