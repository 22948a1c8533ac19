"""Faults of real layers reduced to small cases: pinched vertices, contradictory codes, other CRS, grouped findings, bare
geometries.
"""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import Cause, LayerOptions, check, plan_repair
from geo.coverage.parents import find_parents
from geo.coverage.validity import valid_polygons
from geo.errors import ColumnError
from geo.layers import area_m2

E, N = 380000.0, 3550000.0


def moved_to_place(xy: np.ndarray) -> np.ndarray:
    return xy + np.array([E, N])


def layer(*shapes: shapely.Geometry, **columns: object) -> gpd.GeoDataFrame:
    codes = [f"c{i:03d}" for i in range(len(shapes))]
    moved = [shapely.transform(shape, moved_to_place) for shape in shapes]
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=moved, crs=4549)


def grid(n: int, side: float = 100.0) -> gpd.GeoDataFrame:
    return layer(
        *(shapely.box(i * side, j * side, i * side + side, j * side + side) for j in range(n) for i in range(n))
    )


def twin_totals(cells: gpd.GeoDataFrame) -> tuple[float, float]:
    """Overlap of all pairs, and holes of the union, with plain shapely."""
    shapes = shapely.make_valid(cells.geometry.array)
    twice = sum(a.intersection(b).area for i, a in enumerate(shapes) for b in shapes[:i])
    union = shapely.union_all(shapes)
    bare = sum(shapely.Polygon(hole).area for part in shapely.get_parts(union) for hole in part.interiors)
    return twice, bare


PINCHED = "POLYGON ((0 0, 1000 0, 1000 1000, 500 1000, 480 980, 520 980, 500 1000, 0 1000, 0 600, 40 500, 0 400, 0 0))"


@pytest.mark.parametrize("pinched", [True, False])
def test_a_pinched_vertex_hides_no_fault(pinched: bool) -> None:
    west = shapely.from_wkt(PINCHED if pinched else PINCHED.replace("500 1000, 480 980, 520 980, 500 1000, ", ""))
    east = shapely.from_wkt("POLYGON ((990 0, 2000 0, 2000 1000, 990 1000, 990 0))")
    far = shapely.from_wkt("POLYGON ((-500 0, 0 0, 0 400, 0 600, 0 1000, -500 1000, -500 0))")
    cells = layer(west, east, far)
    report = check(cells)
    twice, bare = twin_totals(cells)
    level = report.levels[0]
    assert level.overlap_m2 == pytest.approx(twice, abs=1e-3)
    assert level.uncovered_m2 == pytest.approx(bare, abs=1e-3)
    assert report.counts().get("invalid_geometry", 0) == int(pinched)
    assert report.counts()["overlap"] == 1
    assert report.counts()["gap"] >= 1
    assert level.not_listed == {"overlaps": 0, "overlap_m2": 0, "gaps": 0, "gap_m2": 0, "outside": 0, "outside_m2": 0}


def test_what_lies_at_a_crossing_is_counted_and_not_listed() -> None:
    bow_tie = shapely.from_wkt("POLYGON ((100 100, 200 200, 200 100, 100 200, 100 100))")
    cells = grid(4)
    cells.loc[5, "geometry"] = shapely.transform(bow_tie, moved_to_place)
    shifted = shapely.box(E + 290, N + 100, E + 400, N + 200)  # a real overlap elsewhere in the layer
    cells.loc[7, "geometry"] = shifted
    report = check(cells)
    assert report.counts() == {"overlap": 1, "invalid_geometry": 1}
    level = report.levels[0]
    assert (level.not_listed["gaps"], level.not_listed["gap_m2"]) == (2, pytest.approx(5000.0))
    twice, bare = twin_totals(cells)
    assert (level.overlap_m2, level.uncovered_m2) == (pytest.approx(twice), pytest.approx(bare))
    assert "overlaps and gaps where an invalid polygon crosses itself: 2 (" in report.summary()
    assert report.to_dict()["levels"][0]["not_listed"]["gaps"] == 2


def test_a_large_gap_at_a_small_crossing_is_listed() -> None:
    """The ring crosses itself in a loop of 2 m; the ground of 5,000 m² next to it has another cause."""
    west = "POLYGON ((0 0, 100 0, 100 50, 99 51, 101 51, 100 50.0001, 50 100, 0 100, 0 0))"
    cells = layer(shapely.from_wkt(west), shapely.box(100, 0, 200, 100), shapely.box(0, 100, 200, 200))
    report = check(cells)
    assert report.findings.loc[report.findings["kind"] == "gap", "area_m2"].max() > 1000


@pytest.mark.parametrize("tolerance_m", [0.0, 0.0005, 0.001, 0.01, 0.4])
def test_the_kind_does_not_depend_on_the_tolerance(tolerance_m: float) -> None:
    cells = grid(4)
    outline = gpd.GeoDataFrame(geometry=[shapely.union_all(cells.geometry.array)], crs=4549)
    wanted = {}
    for position, wkt, kind in (
        (3, "POLYGON ((300 0, 399 0, 399 100, 300 100, 300 0))", "outline_uncovered"),
        (12, "POLYGON ((0 300, 100 300, 100 400, 60 400, 50 340, 40 400, 0 400, 0 300))", "inlet"),
        (5, "POLYGON ((100 100, 199 100, 199 200, 100 200, 100 100))", "gap"),
        (10, "POLYGON ((200 200, 300 200, 300 299.6, 200 299.6, 200 200))", "sliver"),
        (0, "POLYGON ((-1 0, 100 0, 100 100, -1 100, -1 0))", "outside_outline"),
        (15, "POLYGON ((299 300, 400 300, 400 400, 299 400, 299 300))", "overlap"),
    ):
        cells.loc[position, "geometry"] = shapely.transform(shapely.from_wkt(wkt), moved_to_place)
        wanted[kind] = 1
    if tolerance_m >= 0.4:
        wanted.pop("sliver")
    found = check(cells, outline=outline, tolerance_m=tolerance_m)
    assert found.counts() == wanted
    rows = found.findings
    assert np.allclose(rows["area_m2"], shapely.area(rows.geometry.array))


def families(prefixes: list[str]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """4 × 4 cells in 2 × 2 parents, with the given prefix of each cell's code, by column."""
    cells = grid(4)
    cells["code"] = [f"{prefix}{i:03d}" for i, prefix in enumerate(prefixes)]
    parents = layer(*(shapely.box(200 * i, 200 * j, 200 * i + 200, 200 * j + 200) for j in range(2) for i in range(2)))
    return cells, parents.assign(code=["01", "02", "03", "04"])


TRUE = [f"0{j // 2 * 2 + i // 2 + 1}" for j in range(4) for i in range(4)]


def test_place_decides_where_numbers_contradict_it_widely() -> None:
    cells, parents = families([f"0{i % 4 + 1}" for i in range(16)])  # Numbered by row instead of by parent.
    report = check(cells, parents=parents)
    assert report.counts() == {}
    assert report.levels[0].parent_rule == "place"
    assert "parents by place" in report.summary()
    twin = gpd.sjoin(cells.set_geometry(cells.representative_point()), parents, predicate="within")["code_right"]
    found = find_parents(cells, np.asarray(cells.geometry.array), parents, None)
    assert found.codes.tolist() == twin.loc[cells.index].tolist()


def test_codes_decide_where_they_mostly_fit_the_place() -> None:
    wrong = [*TRUE]
    wrong[0], wrong[5] = "04", "03"
    cells, parents = families(wrong)
    report = check(cells, parents=parents)
    assert report.levels[0].parent_rule == "code"
    assert report.counts() == {"wrong_parent": 2}


def test_a_quarter_of_contradictions_is_the_limit() -> None:
    cells, parents = families(["04" if i < 4 else prefix for i, prefix in enumerate(TRUE)])  # 4 of 16
    assert check(cells, parents=parents).levels[0].parent_rule == "code"
    cells, parents = families(["04" if i < 5 else prefix for i, prefix in enumerate(TRUE)])  # 5 of 16
    assert check(cells, parents=parents).levels[0].parent_rule == "place"


def test_a_named_column_is_never_overruled() -> None:
    cells, parents = families(TRUE)
    cells["belongs"] = ["04"] * 16
    report = check(cells, parents=parents, options=LayerOptions(parent_column="belongs"))
    assert report.levels[0].parent_rule == "column belongs"
    assert report.counts() == {"wrong_parent": 12}
    with pytest.raises(ColumnError, match="nowhere"):
        check(cells, parents=parents, options=LayerOptions(parent_column="nowhere"))
    numbers = cells.assign(parent=[float(prefix) for prefix in TRUE])
    assert check(numbers, parents=parents.assign(code=["1", "2", "3", "4"])).counts() == {}
    strange = cells.assign(parent="elsewhere")  # No values of parents: not a column of parents.
    assert check(strange, parents=parents).levels[0].parent_rule == "code"


def test_a_missing_parent_is_one_thing_to_do() -> None:
    cells, parents = families(TRUE)
    report = check(cells, parents=parents[parents["code"] != "02"])
    assert report.counts() == {"missing_parent": 4}
    groups = report.groups()
    assert [(group.cause, group.count, dict(group.parents)) for group in groups] == [
        (Cause.MISSING_PARENT, 4, {"02": 4})
    ]
    assert report.to_dict()["to_do"][0]["parents"] == {"02": 4}


def test_jitter_is_one_cause_and_the_first_screen_is_short() -> None:
    rng = np.random.default_rng(7)
    cells = grid(12)
    shapes = np.array(cells.geometry.array)
    for i in rng.choice(144, 60, replace=False):
        corners = shapely.get_coordinates(shapes[i])[:-1]
        shapes[i] = shapely.Polygon(corners + rng.normal(0, 1.5, corners.shape))
    shapes[77] = shapely.box(E + 500, N + 600, E + 640, N + 700)  # 40 m into its neighbour: another cause.
    cells = cells.set_geometry(gpd.GeoSeries(shapes, crs=4549)).drop(index=30)
    report = check(cells)
    groups = report.groups()
    assert len(report.findings) > 100
    assert len(groups) <= 5
    causes = {group.cause: group for group in groups}
    assert groups[0].cause is Cause.BORDERS_DRAWN_TWICE
    assert groups[0].count > 0.9 * len(report.findings)
    assert causes[Cause.MISSING_CELL].count == 1
    assert causes[Cause.DOUBLY_ASSIGNED].count >= 1
    assert sum(group.count for group in groups) == len(report.findings)
    twin = report.findings.groupby(["layer", "severity", "cause"]).agg(n=("kind", "size"), m2=("area_m2", "sum"))
    assert sorted(twin["n"]) == sorted(group.count for group in groups)
    assert sum(twin["m2"]) == pytest.approx(sum(group.area_m2 for group in groups))
    assert list(report.to_dict()).index("to_do") < list(report.to_dict()).index("findings")
    lines = report.summary().splitlines()
    assert lines[1].startswith("1. ")
    most = groups[0].cells
    named = pd.Series([str(c) for row in report.findings["cells"] for c in row]).value_counts()
    assert next(iter(most.values())) <= named.iloc[0]


@pytest.mark.parametrize("epsg", [4326, 2437, 32650, 3857])
def test_repair_keeps_the_crs_and_every_sound_cell(epsg: int) -> None:
    cells = grid(5)
    shapes = np.array(cells.geometry.array)
    shapes[12] = shapely.box(E + 195, N + 200, E + 300, N + 300)
    sent = cells.set_geometry(gpd.GeoSeries(shapes, crs=4549)).to_crs(epsg)
    outline = gpd.GeoDataFrame(geometry=[shapely.union_all(shapes)], crs=4549)
    for area in (None, outline):
        plan = plan_repair(sent, outline=area)
        assert plan.cells.crs == sent.crs
        same = plan.cells.geometry.array == sent.geometry.array
        changed = set(plan.changes["cell"])
        assert changed
        beside = {"c010", "c011", "c012", "c013", "c014", "c006", "c007", "c008", "c016", "c017", "c018"}
        assert {code for code, kept in zip(sent["code"], same, strict=True) if not kept} <= beside | changed
        assert same.sum() >= 14
        assert check(plan.cells, outline=area).ok
        assert plan.transfers.crs == sent.crs
        assert plan.transfers["area_m2"].sum() == pytest.approx(500, rel=0.3 if epsg == 3857 else 0.01)


def test_a_sound_layer_in_degrees_comes_back_bit_for_bit() -> None:
    sent = grid(3).to_crs(4326)
    plan = plan_repair(sent)
    assert (plan.cells.geometry.array == sent.geometry.array).all()
    assert plan.changes.empty


def test_polygons_that_were_made_valid_are_listed() -> None:
    cells = grid(2)
    pinched = shapely.from_wkt("POLYGON ((0 0, 100 0, 100 100, 50 100, 40 90, 60 90, 50 100, 0 100, 0 0))")
    cells.loc[0, "geometry"] = shapely.transform(pinched, moved_to_place)
    changes = plan_repair(cells).changes.set_index("cell")["made_valid"]
    assert "Self-intersection" in changes["c000"]
    assert (changes.drop("c000") == "").all()


@pytest.mark.parametrize("crs", [4549, 4326])
def test_a_bare_geometry_is_an_outline_in_the_crs_of_the_cells(crs: int) -> None:
    cells = grid(3).to_crs(crs)
    outline = shapely.union_all(cells.geometry.array)
    pond = shapely.transform(shapely.box(100, 100, 200, 200), moved_to_place)
    pond = gpd.GeoSeries([pond], crs=4549).to_crs(crs).iloc[0]
    assert check(cells, outline=outline).counts() == {}
    some = cells.drop(index=4)
    report = check(some, outline=outline, allowed=pond.buffer(1e-9))
    assert report.ok
    assert report.findings["severity"].tolist() == ["allowed"]
    assert report.levels[0].uncovered_m2 == pytest.approx(0, abs=1e-3)
    assert report.levels[0].covered == pytest.approx(1.0)
    assert check(plan_repair(some, outline=outline).cells, outline=outline).counts() == {}


def test_ground_that_is_allowed_in_part_counts_in_part() -> None:
    some, outline = grid(3).drop(index=4), shapely.transform(shapely.box(0, 0, 300, 300), moved_to_place)
    half = shapely.transform(shapely.box(100, 100, 200, 150), moved_to_place)
    report = check(some, outline=outline, allowed=half)
    assert report.levels[0].uncovered_m2 == pytest.approx(5000)
    assert report.levels[0].covered == pytest.approx(1 - 5000 / 90000)
    assert sorted(report.findings["severity"]) == ["allowed", "error"]


def test_declared_areas_may_be_off_by_either_limit() -> None:
    cells = grid(2, side=300.0)  # 0.1 % are 90 m²
    true = area_m2(cells.geometry)
    for off, wrong in ((80.0, 0), (100.0, 1), (-100.0, 1)):
        assert check(cells.assign(area_m2=true + np.array([off, 0, 0, 0]))).counts().get("area_mismatch", 0) == wrong
    small = grid(2, side=10.0)  # 0.1 % are 0.1 m²; a difference of 1 m² is still accepted.
    true = area_m2(small.geometry)
    for off, wrong in ((0.9, 0), (1.1, 1), (-1.1, 1), (np.nan, 1)):
        assert check(small.assign(area_m2=true + np.array([off, 0, 0, 0]))).counts().get("area_mismatch", 0) == wrong


def test_validity_is_that_of_geos() -> None:
    rng = np.random.default_rng(3)
    shapes = [shapely.Polygon(rng.integers(0, 12, (int(rng.integers(3, 9)), 2)).astype(float)) for _ in range(3000)]
    shapes += [shapely.from_wkt(PINCHED), shapely.Polygon(), shapely.box(0, 0, 1, 1).buffer(1, quad_segs=40)]
    shapes += [
        shapely.from_wkt("POLYGON ((0 0, 5 0, 9 0, 5 0, 5 5, 0 0))"),
        shapely.from_wkt("POLYGON ((0 0, 9 0, 9 9, 0 0), (6 2, 8 2, 8 4, 6 2))"),
    ]
    shapes += [
        shapely.box(0, 0, 1, 1).union(shapely.box(3, 3, 4, 4)),
    ]
    with np.errstate(invalid="ignore"):
        shapes.append(shapely.Polygon([(0, 0), (1, 0), (np.nan, 1), (0, 0)]))
    given = np.array([*shapes, None], dtype=object)
    assert valid_polygons(given).tolist() == shapely.is_valid(given).tolist()
    assert 300 < shapely.is_valid(given).sum() < 2700


def _touching_itself(west: float, south: float, kind: str) -> shapely.Polygon:
    """A square of 100 m whose ring touches or crosses itself."""
    local = {
        "hole": "0 0, 100 0, 100 100, 50 100, 50 70, 40 80, 50 100, 0 100, 0 0",
        "waist": "0 0, 100 0, 50 50, 100 100, 0 100, 50 50, 0 0",
        "spike": "0 0, 100 0, 100 100, 50 100, 50 130, 50 100, 0 100, 0 0",
        "lobe": "0 0, 100 0, 100 100, 50 100, 70 125, 30 125, 50 100, 0 100, 0 0",
        "bow tie": "0 0, 100 100, 100 0, 0 100, 0 0",
    }[kind]
    return shapely.transform(shapely.from_wkt(f"POLYGON (({local}))"), lambda xy: np.add(xy, [west, south]))


@pytest.mark.parametrize("with_outline", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_the_certificate_beside_pinched_polygons_equals_plain_shapely(seed: int, with_outline: bool) -> None:
    rng = np.random.default_rng(seed)
    west, south = 387_000.0, 3_553_000.0
    bounds = np.array([[west + 100 * i, south + 100 * j] * 2 for i in range(4) for j in range(4)])
    bounds[:, 2:] += 100
    for cell in np.flatnonzero(rng.random(16) < 0.25):
        bounds[cell, rng.integers(4)] += rng.choice([-30, 45, -60, 4])
    shapes = shapely.box(*bounds.T)
    for cell, kind in zip(rng.choice(16, 3, replace=False), rng.permutation([*"hwslb"]), strict=False):
        name = next(n for n in ("hole", "waist", "spike", "lobe", "bow tie") if n.startswith(kind))
        shapes[cell] = _touching_itself(*bounds[cell, :2], name)
    area = shapely.box(west, south, west + 400, south + 400)
    frame = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(16)]}, geometry=shapes, crs=4549)
    level = check(frame, outline=area if with_outline else None).levels[0]
    valid = [
        shapely.union_all([p for p in shapely.get_parts(v) if p.area > 0]) for v in shapely.make_valid(shapes)
    ]  # even-odd rule
    ground = shapely.union_all(valid)
    twice = sum(one.intersection(two).area for one, two in itertools.combinations(valid, 2))
    if with_outline:
        bare, beyond = area.difference(ground).area, ground.difference(area).area
    else:
        rings = [ring for part in shapely.get_parts(ground) for ring in getattr(part, "interiors", ())]
        bare, beyond = sum(shapely.Polygon(ring).difference(ground).area for ring in rings), 0.0
    assert (level.overlap_m2, level.uncovered_m2, level.outside_m2) == pytest.approx((twice, bare, beyond), abs=0.01)
