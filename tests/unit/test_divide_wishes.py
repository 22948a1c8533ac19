"""Locks, current grids, incidents, roster and report on a small street."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.divide import (
    Weights,
    assign_leaders,
    balance_plot,
    divide,
    report_markdown,
    roster,
    staff_needed,
    summarise,
)
from geo.errors import ColumnError, CrsError, FileError, ImpossibleError, InputError
from geo.layers import Level

CRS = "EPSG:4549"
COUNTS = (2, 6, 30)


def frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    moved = [shapely.transform(s, lambda xy: xy + np.array([388_000.0, 3_554_000.0])) for s in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=CRS)


STREET = frame([shapely.box(0, 0, 600, 400)], code=["320113003"], name=["测试街道"])
ROADS = frame([shapely.LineString([(300, -5), (300, 405)])], highway=["primary"])
LEGAL = frame(
    [shapely.box(0, 0, 300, 400), shapely.box(300, 0, 600, 400)],
    code=["320113003001", "320113003002"],
    name=["西社区", "东社区"],
)


@pytest.fixture(scope="module")
def town() -> gpd.GeoDataFrame:
    x, y = np.meshgrid(np.arange(12) * 48.0 + 15, np.arange(9) * 43.0 + 12)
    boxes = [shapely.box(a, b, a + 22, b + 12) for a, b in zip(x.ravel(), y.ravel(), strict=True)]
    return frame(boxes, building="apartments", levels=[3 + k % 5 for k in range(len(boxes))])


def draw(town: gpd.GeoDataFrame, **wishes: object):
    return divide(STREET, roads=ROADS, buildings=town, communities=LEGAL, counts=COUNTS, **wishes)


def test_a_locked_grid_is_in_the_division_to_the_vertex(town):
    kept = frame([shapely.box(0, 10.5, 108, 140)])
    division = draw(town, locks=kept)
    found = [shape for shape in division.second.geometry if shape.equals(kept.geometry.iloc[0])]
    assert len(found) == 1
    assert division.counts == COUNTS
    assert division.third.attrs["locked"] == 1
    assert shapely.get_num_interior_rings(np.asarray(division.second.geometry.array)).sum() == 0


def test_a_locked_border_stays_a_border(town):
    line = frame([shapely.LineString([(0, 181), (300, 181)])])
    division = draw(town, locks=line)
    borders = shapely.union_all(shapely.boundary(np.asarray(division.second.geometry.array)))
    assert shapely.difference(line.geometry.iloc[0], borders.buffer(0.01)).length < 1


def test_locks_that_cannot_be_are_refused(town):
    with pytest.raises(ImpossibleError, match="several communities"):
        draw(town, locks=frame([shapely.box(250, 100, 350, 200)]))
    with pytest.raises(InputError, match="overlap"):
        draw(town, locks=frame([shapely.box(10, 10, 120, 140), shapely.box(50, 50, 150, 150)]))
    with pytest.raises(InputError, match="points cannot"):
        draw(town, locks=frame([shapely.Point(50, 50)]))
    with pytest.raises(ColumnError, match="second-level"):
        draw(town, locks=frame([shapely.box(10, 10, 120, 140)], level=[3]))
    with pytest.raises(CrsError, match="locks"):
        draw(town, locks=frame([shapely.box(10, 10, 120, 140)]).set_crs(None, allow_override=True))


def test_people_stay_with_their_leader_if_it_is_wished(town):
    current = draw(town, rng=1).second
    again = draw(town, rng=2, current=current, keep=30.0).second
    shared = shapely.area(
        shapely.intersection(np.asarray(current.geometry.array)[:, None], np.asarray(again.geometry.array)[None, :])
    )
    assert shared.max(axis=1).sum() > 0.9 * 240_000


def test_incidents_count_by_their_weight(town):
    reported = frame([shapely.Point(100, 100)] * 7 + [shapely.Point(5000, 0)])
    division = draw(town, incidents=reported, workload=Weights(incident=3.0))
    assert division.street["incidents"].iloc[0] == 7
    assert division.street["from_incidents"].iloc[0] == pytest.approx(21.0)


def test_weights_come_from_a_file(tmp_path):
    file = tmp_path / "weights.toml"
    file.write_text("[workload]\nhousehold = 1.5\nincident = 2\n", encoding="utf-8")
    assert Weights.read(file) == Weights(household=1.5, incident=2.0)
    file.write_text("[workload]\nhouse = 1\n", encoding="utf-8")
    with pytest.raises(ColumnError, match="house is not known"):
        Weights.read(file)
    file.write_text("household = 1", encoding="utf-8")
    with pytest.raises(FileError, match=r"\[workload\]"):
        Weights.read(file)
    with pytest.raises(FileError, match="cannot be read"):
        Weights.read(tmp_path / "none.toml")


def test_roster_and_staff(town):
    division = assign_leaders(draw(town))
    table = roster(division)
    assert len(table) == 30
    assert table[["community", "second", "third", "leader", "staff_kind"]].notna().all().all()
    assert table.groupby("second")["leader"].nunique().eq(1).all()
    assert table["duty_zh"].str.contains("公顷").all()
    staff = staff_needed(division)
    assert staff["leaders"].sum() == 6
    assert staff["needed"].sum() == pytest.approx(6, abs=0.2)
    assert staff_needed(division, workload_per_leader=10.0)["short"].gt(0).all()
    with pytest.raises(InputError, match="cannot handle"):
        staff_needed(division, workload_per_leader=0.0)


def test_the_report_says_where_the_division_came_from(town):
    division = draw(town, rng=5)
    facts = json.loads(json.dumps(summarise(division)))
    assert facts["origin"]["seed"] == 5
    assert len(facts["origin"]["inputs"]["buildings"]) == 64
    assert facts["origin"]["inputs"]["barriers"] is None
    assert facts["levels"]["community"]["on_barriers"] == pytest.approx(1.0)
    assert [c["name"] for c in facts["communities"]] == ["西社区", "东社区"]
    other = summarise(draw(town.assign(levels=9), rng=5))
    assert other["origin"]["inputs"]["buildings"] != facts["origin"]["inputs"]["buildings"]
    page = report_markdown(division, title="测试街道网格划分报告")
    assert "西社区" in page
    drawn = ET.fromstring(balance_plot(division, Level.SECOND))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) == 21


def test_the_building_to_blame_is_named(town):
    heavy = town.assign(levels=[200 if k == 30 else 3 for k in range(len(town))])
    found = draw(heavy).third.attrs["obstacles"]
    assert "30" in [row["building"] for row in found]
    assert all(row["reached"] >= row["bound"] - 1e-3 for row in found)
    assert all(row["proposal_zh"] for row in found)
