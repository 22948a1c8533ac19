"""Ground that changes its cell, compared with shapely; borders of grids, compared with the arcs around their cells."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.layers import Division, Level, read_division
from geo.redraw import Draft, RefusedEdit, SlideNode, Transfer
from geo.redraw.working.arcs import Arc
from geo.redraw.working.ground import changed_borders, changed_edges
from geo.sample.random_edits import RandomEdits

KINDS = ("move", "insert", "remove", "slide", "reshape")


@pytest.fixture(scope="module")
def base() -> Division:
    return read_division(Path(__file__).resolve().parents[2] / "data" / "boundaries" / "division.gpkg")


@pytest.fixture
def draft(base: Division) -> Draft:
    return Draft.of(base)


def _shapes(draft: Draft, codes: set[str]) -> dict[str, shapely.Geometry]:
    return draft.workspace.shapes(sorted(codes)).to_dict()


@pytest.mark.parametrize("seed", [5, 6])
def test_moved_areas_and_points_are_those_of_the_polygons(draft: Draft, seed: int) -> None:
    rng = np.random.default_rng(seed)
    makers = RandomEdits(draft, rng)
    compared = pairs = changed_points = 0
    for kind in KINDS * 25:
        edit = makers.make(kind)
        try:
            with draft.trial(edit) as change:
                borders = changed_borders(changed_edges(change.redraws[0].before, change.redraws[0].after))
                codes = {c for c in change.cells if c in draft.rows and draft.rows.level(c) is Level.THIRD}
                after = _shapes(draft, codes)
        except RefusedEdit:
            continue
        if borders is None:
            continue
        before = _shapes(draft, codes)
        compared += 1
        moved = {(source, target): area / 1e6 for source, target, area in borders.moved_areas()}
        for source in codes:
            for target in codes - {source}:
                expected = before[source].intersection(after[target]).area
                assert moved.get((source, target), 0.0) == pytest.approx(expected, abs=1e-6)
                pairs += expected > 0.01
        low, high = (np.array(corner, dtype=float) for corner in borders.box())
        points = low + rng.random((40, 2)) * (high - low + 1.0)
        for (x, y), (source, target) in zip(points, borders.cells_at(*points.T), strict=True):
            place = shapely.Point(x / 1000, y / 1000)
            if min(shape.boundary.distance(place) for shape in (*before.values(), *after.values())) < 1e-6:
                continue
            was = next((code for code, shape in before.items() if shape.contains(place)), "")
            is_now = next((code for code, shape in after.items() if shape.contains(place)), "")
            if was != is_now:
                assert (source, target) == (was, is_now)
                changed_points += 1
            else:
                assert source == target
    assert compared > 60
    assert pairs > 60
    assert changed_points > 60


def test_a_node_that_slides_takes_people_with_the_ground(draft: Draft) -> None:
    """The border along which it slides is unchanged but changes one of its cells."""
    third = draft.base.third.set_index("code")
    for arc in islice(draft.workspace.arcs(), 200):
        (ax, ay), (bx, by) = arc.points[:2]
        middle = ((ax + bx) / 2000, (ay + by) / 2000)
        try:
            with draft.trial(SlideNode((ax / 1000, ay / 1000), middle)) as change:
                codes = [c for c in change.cells if c in third.index]
                after = draft.workspace.shapes(codes)
                people = {code: draft.rows.get(code, "population") for code in codes}
        except RefusedEdit:
            continue
        gained = [c for c in codes if after[c].area > 1.1 * third.geometry[c].area]
        if gained:
            assert all(people[c] > third["population"][c] for c in gained)
            return
    pytest.fail("no node slid far enough")


def test_edges_that_stay_are_not_looked_at() -> None:
    square = ((0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0))
    assert changed_borders(changed_edges([Arc(square, "a", "b")], [Arc(square[::-1], "b", "a")])) is None
    borders = changed_borders(changed_edges([Arc(square, "a", "b")], [Arc(square, "a", "c")]))
    assert borders is not None
    # The exterior of the square cannot change its cell: only enclosed ground is counted.
    assert borders.moved_areas() == []


def test_the_border_of_a_grid_is_that_of_its_cells_after_any_edits(draft: Draft) -> None:
    makers = RandomEdits(draft, np.random.default_rng(9))
    for kind in ("transfer", "merge", "split", "move", "reshape") * 30:
        try:
            change = draft.apply(makers.make(kind))
        except RefusedEdit:
            continue
        makers.note([to for _, _, to in change.lineage])
    assert any(isinstance(edit, Transfer) for edit in draft.edits)
    for level in (Level.SECOND, Level.COMMUNITY):
        for code in draft.base.layer(level)["code"]:
            if code not in draft.rows:
                continue
            cells = set(draft.rows.third(code))
            expected = {
                frozenset((arc.points, arc.points[::-1]))
                for arc in draft.workspace.of_cells(cells).values()
                if (arc.left in cells) != (arc.right in cells)
            }
            found = draft.workspace.of_group(code, cells)
            assert {frozenset((arc.points, arc.points[::-1])) for arc in found} == expected
            assert len(found) == len(expected)
