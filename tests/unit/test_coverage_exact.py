"""Every field of the plan of a repair, computed by hand on squares of 100 m."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import plan_repair
from geo.coverage.grouping import Cause, cause_of, group_findings
from geo.coverage.kinds import DEFAULT_POLICY, Kind, Severity
from geo.coverage.repairing.assignment import CONTESTED, CUT_OFF, GAP, NEEDED, OUTSIDE, PROTECTED
from geo.errors import ImpossibleError

X, Y = 388_000.0, 3_554_000.0


def layer(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    placed = [shapely.transform(one, lambda q: q + np.array([X, Y])) for one in shapes]
    return gpd.GeoDataFrame({"code": [f"c{k}" for k in range(len(shapes))]}, geometry=placed, crs=4549)


def moves(plan: object) -> list[tuple[object, object, float, str]]:
    table = plan.transfers  # type: ignore[attr-defined]
    return [
        (*(None if pd.isna(one) else one for one in row[:2]), round(row[2], 3), row[3])
        for row in table[["from_cell", "to_cell", "area_m2", "reason"]].itertuples(index=False)
    ]


def test_every_field_of_a_plan() -> None:
    # c1 reaches 2 m into c0; between c1 and c2 lies a gap of 3 m; c2 reaches 5 m beyond the outline.
    cells = layer(shapely.box(0, 0, 100, 100), shapely.box(98, 0, 200, 100), shapely.box(203, 0, 305, 100))
    plan = plan_repair(cells, outline=layer(shapely.box(0, 0, 300, 100)))
    assert moves(plan) == [("c2", None, 500.0, OUTSIDE), (None, "c1", 300.0, GAP), ("c1", "c0", 200.0, CONTESTED)]
    assert plan.changes["cell"].tolist() == ["c1", "c2"]
    assert plan.changes["gained_m2"].round(3).tolist() == [300.0, 0.0]
    assert plan.changes["lost_m2"].round(3).tolist() == [200.0, 500.0]
    assert plan.changes["moved_m"].round(6).tolist() == [3.0, 5.0]
    assert plan.changes["made_valid"].tolist() == ["", ""]
    assert plan.open_gaps.empty
    assert plan.parent_rule is None
    assert plan.cells.geometry.area.round(3).tolist() == [10_000.0, 10_300.0, 9_700.0]


def test_protected_and_needed_ground() -> None:
    cells = layer(shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100))
    plan = plan_repair(cells, protected=["c1"])
    assert moves(plan)[0] == ("c0", "c1", 1000.0, PROTECTED)
    cells = layer(shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.box(110, 10, 120, 20))
    assert moves(plan_repair(cells)) == [("c1", "c2", 100.0, NEEDED)]
    with pytest.raises(ImpossibleError, match="two protected cells overlap"):
        plan_repair(layer(shapely.box(0, 0, 9, 9), shapely.box(8, 0, 20, 9)), protected=["c0", "c1"])


def test_the_largest_gap_that_is_filled_without_an_outline() -> None:
    for side, left_open in ((31.622, 0), (31.623, 1)):  # 1,000 m²
        hole = shapely.box(10, 10, 10 + side, 10 + side)
        ring = shapely.box(0, 0, 100, 100) - hole
        west, east = ring & shapely.box(0, 0, 20, 100), ring & shapely.box(20, 0, 100, 100)
        plan = plan_repair(layer(west, east))
        assert len(plan.open_gaps) == left_open
        assert list(plan.open_gaps["cells"]) == [("c0", "c1")] * left_open
        inside = plan_repair(layer(west, east), outline=layer(shapely.box(0, 0, 100, 100)))
        assert inside.open_gaps.empty


def test_an_invalid_polygon_is_listed_with_its_reason() -> None:
    touching = shapely.Polygon([(0, 0), (100, 0), (100, 100), (50, 100), (50, 50), (50, 100), (0, 100)])
    plan = plan_repair(layer(touching, shapely.box(100, 0, 200, 100)))
    assert plan.changes["cell"].tolist() == ["c0"]
    assert plan.changes["made_valid"].iloc[0].startswith("Ring Self-intersection")
    assert plan.cells.geometry.area.round(3).tolist() == [10_000.0, 10_000.0]


def test_the_limits_of_causes_and_the_severity_of_kinds() -> None:
    assert cause_of(Kind.GAP, 6.0, 60.0) is Cause.BORDERS_DRAWN_TWICE
    assert cause_of(Kind.GAP, 6.1, 60.0) is Cause.MISSING_CELL
    assert cause_of(Kind.SLIVER, 6.1, 60.0) is Cause.BORDERS_DRAWN_TWICE
    assert cause_of(Kind.NOT_NESTED, 6.0, 60.0) is Cause.LEVELS_DRAWN_TWICE
    assert cause_of(Kind.NOT_NESTED, 6.1, 60.0) is Cause.BEYOND_PARENT
    assert cause_of(Kind.INLET, 6.1, 60.0) is Cause.BARE_AT_OUTLINE
    assert cause_of(Kind.OUTSIDE_OUTLINE, 6.1, 60.0) is Cause.BEYOND_OUTLINE
    assert cause_of(Kind.OVERLAP, 6.1, 60.0) is Cause.DOUBLY_ASSIGNED
    shapes = (Kind.RING_SHAPED, Kind.CORNER_CONTACT, Kind.DETACHED_PART)
    assert {cause_of(kind, 0.0, 0.0) for kind in shapes} == {Cause.SHAPE}
    assert {k for k in Kind if DEFAULT_POLICY[k] is Severity.WARNING} == {*shapes, Kind.AREA_MISMATCH}


def test_detached_ground_goes_to_a_neighbour_and_parts_of_the_input_stay() -> None:
    # The protected c1 cuts c0 in two; the smaller part, in the west, borders on c2.
    bar, strip, above = shapely.box(0, 0, 300, 100), shapely.box(100, 0, 130, 200), shapely.box(0, 100, 100, 200)
    plan = plan_repair(layer(bar, strip, above), protected=["c1"])
    assert moves(plan) == [("c0", "c2", 10_000.0, CUT_OFF), ("c0", "c1", 3_000.0, PROTECTED)]
    assert plan.cells.geometry.area.round(3).tolist() == [17_000.0, 6_000.0, 20_000.0]
    both = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 280, 100)])
    plan = plan_repair(layer(both, shapely.box(98, 0, 200, 100)))
    assert moves(plan) == [("c1", "c0", 200.0, CONTESTED)]
    assert plan.cells.geometry.area.round(3).tolist() == [18_000.0, 10_000.0]


def test_the_smallest_cell_gets_the_ground_that_it_needs_first() -> None:
    # Both lie in c0, and c2 reaches 5 m into c1.
    plan = plan_repair(layer(shapely.box(0, 0, 100, 100), shapely.box(10, 10, 60, 60), shapely.box(55, 20, 65, 30)))
    fifty = sorted((giver, "c2", 50.0, NEEDED) for giver in ("c0", "c0", "c1"))
    assert moves(plan)[0] == ("c0", "c1", 2_450.0, NEEDED)
    assert sorted(moves(plan)[1:]) == fifty


def test_groups_name_ten_cells_and_show_three() -> None:
    rows = [
        {"severity": "warning", "cells": tuple(f"w{k:02d}" for k in range(12)), "area_m2": 9.0, "x": 30.0},
        {"severity": "error", "cells": ("a", "b"), "area_m2": 2.0, "x": 10.0},
        {"severity": "error", "cells": ("a",), "area_m2": 5.0, "x": 20.0},
    ]
    findings = pd.DataFrame(rows).assign(
        layer="third", cause="missing_cell", kind="gap", parent=None, width_m=[3, 1, 2]
    )
    findings["geometry"] = [shapely.box(x - 1, 99, x + 1, 101) for x in findings.pop("x")]
    errors, warnings = group_findings(findings)
    assert (errors.severity, errors.count, errors.area_m2, errors.width_m, errors.place) == (
        "error",
        2,
        7.0,
        2.0,
        (20.0, 100.0),
    )
    assert (dict(errors.cells), errors.n_cells, dict(errors.kinds)) == ({"a": 2, "b": 1}, 2, {"gap": 2})
    assert (len(warnings.cells), warnings.n_cells, warnings.place) == (10, 12, (30.0, 100.0))
    assert "(w00, w01, w02…), 9.00 m², up to 3.00 m wide;" in warnings.en
