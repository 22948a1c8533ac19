"""One planted fault at a time, in a 4 × 4 grid; nothing else may be found."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import check, plan_repair, repair
from geo.errors import CrsError, GeometryError, ImpossibleError
from geo.layers import Level

SIDE = 10.0


def grid() -> gpd.GeoDataFrame:
    boxes = [shapely.box(i * SIDE, j * SIDE, (i + 1) * SIDE, (j + 1) * SIDE) for j in range(4) for i in range(4)]
    moved = [shapely.transform(box, lambda xy: np.add(xy, [387000, 3553000])) for box in boxes]
    return gpd.GeoDataFrame({"code": [f"c{i:02d}" for i in range(16)]}, geometry=moved, crs=4549)


def outline() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.union_all(grid().geometry.array)], crs=4549)


def replaced(position: int, *wkt_local: str) -> gpd.GeoDataFrame:
    """The grid with one cell replaced, in coordinates relative to the grid's corner."""
    cells = grid()
    shapes = [shapely.transform(shapely.from_wkt(w), lambda xy: np.add(xy, [387000, 3553000])) for w in wkt_local]
    cells.loc[position, "geometry"] = shapes[0]
    return cells


def kinds(cells: gpd.GeoDataFrame, **options: object) -> dict[str, int]:
    return check(cells, **options).counts()


def test_a_sound_grid_has_no_findings() -> None:
    report = check(grid(), outline=outline(), expected=16)
    assert report.ok
    assert report.counts() == {}
    assert report.levels[0].covered == 1.0
    assert report.levels[0].area_m2 == pytest.approx(1600 * (1 - 0.00031), rel=1e-4)


PLANTED = {
    "overlap": ({"overlap": 1}, "POLYGON ((10 10, 21 10, 21 20, 10 20, 10 10))", (10.0, 1.0)),
    "overlap of 5 cm": ({"overlap": 1}, "POLYGON ((10 10, 20.05 10, 20.05 20, 10 20, 10 10))", (0.5, 0.05)),
    "gap": ({"gap": 1}, "POLYGON ((10 10, 19 10, 19 20, 10 20, 10 10))", (10.0, 1.0)),
    "sliver of 5 cm": ({"sliver": 1}, "POLYGON ((10 10, 19.95 10, 19.95 20, 10 20, 10 10))", (0.5, 0.05)),
    "vertex that the neighbour lacks": (
        {"unmatched_edge": 1},
        "POLYGON ((10 10, 20 10, 20 15, 20 20, 10 20, 10 10))",
        (0, 0),
    ),
    "bow tie": ({"invalid_geometry": 1}, "POLYGON ((10 10, 20 20, 20 10, 10 20, 10 10))", None),
}


@pytest.mark.parametrize(("expected", "wkt", "measure"), PLANTED.values(), ids=PLANTED.keys())
def test_each_planted_fault_is_found_alone_and_measured(
    expected: dict[str, int], wkt: str, measure: tuple[float, float] | None
) -> None:
    report = check(replaced(5, wkt), outline=outline())
    assert report.counts() == expected
    assert not report.ok
    if measure is not None:
        row = report.findings.iloc[0]
        assert (row["area_m2"], row["width_m"]) == pytest.approx(measure, abs=1e-6)
        assert "c05" in row["cells"]
        assert row["geometry"] is not None


def test_faults_at_the_outline() -> None:
    assert kinds(replaced(3, "POLYGON ((30 0, 41 0, 41 10, 30 10, 30 0))"), outline=outline()) == {"outside_outline": 1}
    assert kinds(replaced(3, "POLYGON ((30 0, 39 0, 39 10, 30 10, 30 0))"), outline=outline()) == {
        "outline_uncovered": 1
    }
    inlet = "POLYGON ((30 0, 40 0, 40 4, 36 5, 40 6, 40 10, 30 10, 30 0))"
    report = check(replaced(3, inlet), outline=outline())
    assert report.counts() == {"inlet": 1}
    assert report.levels[0].covered == pytest.approx(1 - 4 / 1600)


def test_missing_cell() -> None:
    cells = grid().drop(index=5)
    assert kinds(cells, outline=outline()) == {"gap": 1}
    assert kinds(cells) == {"gap": 1}
    assert kinds(cells, expected=16) == {"gap": 1, "wrong_count": 1}
    assert kinds(grid().drop(index=0), outline=outline()) == {"outline_uncovered": 1}


def test_noise_is_no_finding() -> None:
    rng = np.random.default_rng(0)
    cells = grid()
    cells["geometry"] = [
        shapely.Polygon(np.array(cell.exterior.coords)[:-1] + rng.uniform(-1e-9, 1e-9, (4, 2)))
        for cell in cells.geometry
    ]
    assert kinds(cells, outline=outline()) == {}


def test_multipart_cell_is_a_warning() -> None:
    cells = grid().dissolve(by=np.r_[0, np.arange(1, 15), 0], as_index=False)
    report = check(cells, outline=outline())
    assert report.counts() == {"detached_part": 1}
    assert report.ok


def test_codes_and_counts_and_areas() -> None:
    cells = grid()
    cells.loc[3, "code"] = "c02"
    assert kinds(cells) == {"duplicate_code": 1}
    good = grid().assign(code=[f"320113003{i:03d}" for i in range(1, 17)])
    assert kinds(good, level=Level.COMMUNITY) == {}
    good.loc[0, "code"] = "32011300300X"
    assert kinds(good, level=Level.COMMUNITY) == {"bad_code": 1}
    areas = grid().assign(area_m2=100.0)  # Planar, 0.03 % too large: within the error of planar areas.
    assert kinds(areas) == {}
    areas.loc[7, "area_m2"] = 150.0
    assert kinds(areas) == {"area_mismatch": 1}


def test_nesting_by_column_and_by_prefix() -> None:
    parents = outline().assign(code="c").rename_axis(None)
    halves = gpd.GeoDataFrame(
        {"code": ["w", "e"]},
        geometry=[shapely.box(387000, 3553000, 387020, 3553040), shapely.box(387020, 3553000, 387040, 3553040)],
        crs=4549,
    )
    assert kinds(grid(), parents=parents) == {}
    west = (grid().geometry.centroid.x < 387020).map({True: "w", False: "e"})
    assert kinds(grid().assign(parent=west), parents=halves) == {}
    wrong = west.copy()
    wrong[0], wrong[1] = "e", "nobody"
    assert kinds(grid().assign(parent=wrong), parents=halves) == {"wrong_parent": 1, "missing_parent": 1}
    shifted = halves.assign(geometry=halves.geometry.translate(2.0, 0.0))
    assert kinds(grid().assign(parent=west), parents=shifted) == {"not_nested": 8}
    assert kinds(grid(), parents=halves) == {}  # Neither column nor prefix: by location.
    assert kinds(grid(), parents=shifted) == {"not_nested": 8}


def test_empty_and_missing_geometries_are_findings() -> None:
    cells = grid()
    cells.loc[5, "geometry"] = shapely.Polygon()
    cells.loc[6, "geometry"] = None
    assert kinds(cells, outline=outline()) == {"empty_geometry": 2, "gap": 1}


def test_report_can_be_read_by_machines_and_people() -> None:
    report = check(replaced(5, PLANTED["gap"][1]), outline=outline())
    told = report.to_dict()
    assert told["ok"] is False
    assert told["counts"] == {"gap": 1}
    assert told["findings"][0]["geometry"]["type"] == "Polygon"
    assert told["levels"][0]["covered"] == pytest.approx(1 - 10 / 1600)
    assert "99.37 %" in report.summary() or "99.38 %" in report.summary()
    assert "空洞" in report.summary()


def test_a_layer_without_crs_or_rows_is_refused() -> None:
    with pytest.raises(CrsError):
        check(grid().set_crs(None, allow_override=True))
    with pytest.raises(GeometryError, match="no cells"):
        check(grid().iloc[:0])


@pytest.mark.parametrize("wkt", [wkt for _, wkt, _ in PLANTED.values()], ids=PLANTED.keys())
def test_repair_is_exact_to_the_outline(wkt: str) -> None:
    cells = replaced(5, wkt)
    mended, _ = repair(cells, outline=outline())
    assert check(mended, outline=outline(), expected=16).counts() == {}
    assert mended["code"].tolist() == cells["code"].tolist()
    again, nothing = repair(mended, outline=outline())
    assert len(nothing) == 0
    assert shapely.to_wkb(again.geometry.array).tolist() == shapely.to_wkb(mended.geometry.array).tolist()


def test_repair_of_what_leaves_the_outline() -> None:
    cells = replaced(3, "POLYGON ((30 0, 41 0, 41 10, 30 10, 30 0))")
    mended, changes = repair(cells, outline=outline())
    assert check(mended, outline=outline()).counts() == {}
    assert changes["lost_m2"].tolist() == [10.0]


def test_repair_without_outline_leaves_wide_gaps() -> None:
    cells = grid().drop(index=5)
    mended, _ = repair(cells, largest_gap_m2=50.0)
    assert check(mended).counts() == {"gap": 1}
    mended, _ = repair(cells, largest_gap_m2=150.0)
    assert check(mended).counts() == {}


def test_repair_inside_parents_keeps_each_cell_in_its_own() -> None:
    halves = gpd.GeoDataFrame(
        {"code": ["w", "e"]},
        geometry=[shapely.box(387000, 3553000, 387020, 3553040), shapely.box(387020, 3553000, 387040, 3553040)],
        crs=4549,
    )
    west = (grid().geometry.centroid.x < 387020).map({True: "w", False: "e"})
    cells = replaced(5, "POLYGON ((10 10, 21 10, 21 20, 10 20, 10 10))").assign(parent=west)
    mended, changes = repair(cells, parents=halves)
    assert check(mended, parents=halves, outline=outline()).counts() == {}
    assert changes.to_dict("records") == [
        {"cell": "c05", "gained_m2": 0.0, "lost_m2": 10.0, "moved_m": 1.0, "made_valid": ""}
    ]


def test_the_plan_says_who_gives_what_to_whom_and_why() -> None:
    cells = grid().drop(index=5)
    plan = plan_repair(cells, outline=outline())
    assert plan.transfers["area_m2"].sum() == pytest.approx(100.0)
    assert plan.transfers["from_cell"].isna().all()
    assert plan.transfers["reason"].str.contains("gap").all()
    limited = plan_repair(cells, outline=outline(), largest_gap_m2=50.0)
    assert limited.open_gaps["area_m2"].tolist() == [100.0]
    assert limited.changes.empty
    assert check(limited.cells).counts() == {"gap": 1}


def test_protected_cells_keep_their_ground() -> None:
    cells = replaced(5, "POLYGON ((10 10, 21 10, 21 20, 10 20, 10 10))")
    for keeper, loser in (("c05", "c06"), ("c06", "c05")):
        plan = plan_repair(cells, outline=outline(), protected=[keeper])
        assert plan.changes["cell"].tolist() == [loser]
    with pytest.raises(ImpossibleError, match="protected"):
        plan_repair(cells, outline=outline(), protected=["c05", "c06"])


def test_a_cell_inside_another_is_not_lost_and_a_double_one_is_refused() -> None:
    cells = grid()
    inner = gpd.GeoDataFrame({"code": ["in"]}, geometry=[shapely.box(387012, 3553012, 387015, 3553015)], crs=4549)
    both = gpd.GeoDataFrame(pd.concat([cells, inner], ignore_index=True), crs=4549)
    mended, _ = repair(both, outline=outline())
    assert mended.geometry.area.iloc[16] == pytest.approx(9.0)
    assert mended.geometry.area.iloc[5] == pytest.approx(91.0)
    double = gpd.GeoDataFrame(pd.concat([cells, cells.iloc[[5]].assign(code="x")], ignore_index=True), crs=4549)
    with pytest.raises(ImpossibleError, match="lose all"):
        repair(double, outline=outline())


def test_declared_water_stays_bare() -> None:
    lake = gpd.GeoDataFrame(geometry=[grid().geometry[5]], crs=4549)
    cells = grid().drop(index=5)
    report = check(cells, outline=outline(), allowed=lake)
    assert report.ok
    assert report.findings["severity"].tolist() == ["allowed"]
    assert repair(cells, outline=outline(), allowed=lake)[1].empty


def test_sound_cells_are_not_touched() -> None:
    cells = replaced(5, "POLYGON ((10 10, 21 10, 21 20, 10 20, 10 10))")
    mended, _ = repair(cells, outline=outline())
    far = [3, 12, 15]
    assert shapely.to_wkb(mended.geometry.array[far]).tolist() == shapely.to_wkb(cells.geometry.array[far]).tolist()


def test_a_corner_that_comes_near_across_ground_of_another_cell_is_no_unmatched_vertex() -> None:
    west, south = 387000.0, 3553000.0

    def at(*corners: tuple[float, float]) -> shapely.Polygon:
        return shapely.Polygon([(west + x, south + y) for x, y in corners])

    # b ends 0.5 mm before c, and a runs between them.
    b = at((0, 0), (9.9995, 5), (0, 10))
    c = at((10, 0), (20, 0), (20, 10), (10, 10))
    a = at((0, 0), (10, 0), (10, 10), (0, 10), (9.9995, 5))
    cells = gpd.GeoDataFrame({"code": ["a", "b", "c"]}, geometry=[a, b, c], crs=4549)
    assert check(cells).counts() == {}


def test_a_repair_leaves_no_cell_inside_another_that_came_with_a_way_out() -> None:
    # c05 covers all of c06 except its middle, which would remain as an island of 1 m².
    broken = replaced(5, "POLYGON ((10 10, 30 10, 30 20, 10 20, 10 10), (25 15, 25 16, 26 16, 26 15, 25 15))")
    plan = plan_repair(broken, outline=outline())
    assert check(plan.cells, outline=outline()).counts() == {}
    assert shapely.area(plan.cells.geometry.array).tolist() == pytest.approx([100.0] * 16)
    assert plan.transfers["reason"].str.contains("surround").tolist() == [True]
