"""Reports and parents: shares close to one, order and severity of findings, hashes, the longest prefix of a code."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import DEFAULT_POLICY, Kind, LevelReport, Report
from geo.coverage.parents import find_parents
from geo.coverage.report import finding as row_of
from geo.coverage.report import findings_frame, percent

SMALL, LARGE = shapely.box(0, 0, 1, 1), shapely.box(0, 0, 9, 9)


def level(shapes):
    return LevelReport("cells", len(shapes), 1.0, None, 0.0, 0.0, 0.0, {}, shapes=np.array(shapes, dtype=object))


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (1 - 1e-13, "100 %"), (0.99995, "99.995 %"), (0.999, "99.90 %")]
)
def test_only_complete_cover_is_a_hundred_per_cent(share, text):
    assert percent(share) == text


def test_six_cells_are_named_and_of_more_the_first_six():
    assert "…" not in row_of(Kind.OVERLAP, list("abcdef"), None)["explanation"]
    assert "a、b、c、d、e、f…" in row_of(Kind.OVERLAP, list("abcdefg"), None)["explanation"]


def test_a_gap_beside_one_cell_is_inside_it():
    assert "ground inside a belongs to no cell" in row_of(Kind.GAP, ["a"], None)["explanation"]
    assert "inside" not in row_of(Kind.GAP, ["a", "b"], None)["explanation"]


def test_faults_of_ground_come_before_findings_about_whole_cells_and_a_severity_that_is_given_is_kept():
    rows = [
        row_of(Kind.MISSING_PARENT, ["a"], LARGE),
        row_of(Kind.OVERLAP, ["a", "b"], SMALL),
        row_of(Kind.GAP, ["a", "b"], LARGE) | {"severity": "allowed"},
    ]
    found = findings_frame(rows, "cells", 4549, DEFAULT_POLICY)
    assert found["kind"].tolist() == ["overlap", "missing_parent", "gap"]
    assert found["severity"].tolist() == ["error", "error", "allowed"]


def test_the_summary_counts_errors_and_not_what_is_allowed():
    rows = [row_of(Kind.OVERLAP, ["a", "b"], SMALL), row_of(Kind.GAP, ["a", "b"], SMALL) | {"severity": "allowed"}]
    report = Report(findings_frame(rows, "cells", 4549, DEFAULT_POLICY), (level([SMALL]),), 0.001)
    assert report.summary().splitlines()[-1] == "1 error"


def test_the_hash_of_a_layer_changes_with_its_polygons_and_their_order():
    hashes = {level(shapes).geometry_hash for shapes in ([SMALL, LARGE], [LARGE, SMALL], [SMALL, SMALL])}
    assert len(hashes) == 3


def layer(codes, boxes):
    return gpd.GeoDataFrame({"code": codes}, geometry=[shapely.box(*box) for box in boxes], crs=4549)


def test_the_longest_known_prefix_is_the_parent_and_no_cell_its_own():
    parents = layer(["1", "12"], [(1, 0, 2, 1), (0, 0, 1, 1)])
    cells = layer(["123", "12", "19"], [(0, 0, 1, 1), (1, 0, 2, 1), (1, 0, 2, 1)])
    found = find_parents(cells, np.asarray(cells.geometry.array, dtype=object), parents, None)
    assert (found.rule, found.codes.tolist()) == ("code", ["12", "1", "1"])


def test_cells_outside_all_parents_do_not_contradict_their_codes():
    parents = layer(["1"], [(0, 0, 1, 1)])
    cells = layer(["11", "12", "13"], [(0, 0, 1, 1), (5, 0, 6, 1), (6, 0, 7, 1)])
    found = find_parents(cells, np.asarray(cells.geometry.array, dtype=object), parents, None)
    assert (found.rule, found.codes.tolist()) == ("code", ["1", "1", "1"])


def test_the_cause_of_a_gap_follows_from_the_smaller_of_its_cells():
    row = row_of(Kind.GAP, ["a", "b"], SMALL, width_m=1.0)
    found = [
        findings_frame([dict(row)], "cells", 4549, DEFAULT_POLICY, areas)["cause"].iloc[0]
        for areas in ({"a": 10_000.0, "b": 10_000.0}, {"a": 10_000.0, "b": 4.0})
    ]
    assert found == ["borders_drawn_twice", "missing_cell"]
