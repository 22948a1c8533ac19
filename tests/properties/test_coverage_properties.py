"""Random coverages: nothing valid is reported, nothing planted is missed, repair is exact and idempotent."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.coverage import Mesh, check, plan_repair
from geo.coverage.faults import width_m

SEEDS = st.integers(0, 10**6)
SIZES = st.integers(4, 60)


def voronoi(seed: int, n: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A coverage of a disc of 500 m, and the disc."""
    rng = np.random.default_rng(seed)
    area = shapely.transform(shapely.Point(387000, 3553000).buffer(500), lambda xy: np.round(xy, 3))
    points = shapely.MultiPoint(rng.uniform([386500, 3552500], [387500, 3553500], (n, 2)))
    faces = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=area))
    cells = shapely.intersection(faces, area)
    cells = [c for c in cells if c.geom_type == "Polygon" and c.area > 1]
    frame = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(cells))]}, geometry=cells, crs=4549)
    return frame, gpd.GeoDataFrame(geometry=[shapely.union_all(cells)], crs=4549)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, n=SIZES)
def test_a_coverage_is_clean_and_goes_there_and_back(seed: int, n: int) -> None:
    cells, outline = voronoi(seed, n)
    report = check(cells, outline=outline, expected=len(cells))
    assert report.counts() == {}
    assert report.levels[0].covered == 1.0
    mesh = Mesh.from_layer(cells)
    once = mesh.polygons()
    again = Mesh.from_layer(gpd.GeoDataFrame(geometry=once)).polygons()
    assert shapely.to_wkb(once.array).tolist() == shapely.to_wkb(again.array).tolist()
    groups = np.random.default_rng(seed).integers(0, 3, len(cells))
    merged = mesh.dissolve(groups)
    for g, shape in enumerate(merged.polygons()):
        assert shapely.equals(shape, shapely.coverage_union_all(once.array[groups == g]))
    assert merged.areas_m2().sum() == np.float64(mesh.areas_m2().sum()) or np.isclose(
        merged.areas_m2().sum(), mesh.areas_m2().sum(), rtol=1e-15
    )


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, n=SIZES, move_m=st.sampled_from([0.01, 0.3, 5.0]))
def test_a_moved_vertex_is_found_and_mended_exactly(seed: int, n: int, move_m: float) -> None:
    cells, outline = voronoi(seed, n)
    rng = np.random.default_rng(seed)
    shapes = np.array(cells.geometry.array, dtype=object)
    i = int(rng.integers(len(shapes)))
    ring = shapely.get_coordinates(shapes[i])[:-1]
    k = int(rng.integers(len(ring)))
    turn = rng.uniform(0, 2 * np.pi)
    ring[k] += move_m * np.array([np.cos(turn), np.sin(turn)])
    shapes[i] = shapely.Polygon(ring)
    broken = cells.set_geometry(gpd.GeoSeries(shapes, crs=4549))
    report = check(broken, outline=outline)
    # A vertex that moves along its own border causes no difference wider than the tolerance.
    width = width_m(shapely.symmetric_difference(shapely.make_valid(shapes[i]), cells.geometry.iloc[i]))
    assert report.ok == (width <= 0.001) or move_m < 0.1
    assert all("c" + str(i) in row or len(row) <= 3 for row in report.findings["cells"])
    plan = plan_repair(broken, outline=outline)
    after = check(plan.cells, outline=outline)
    assert after.counts() == {}
    assert after.levels[0].below_tolerance["gap_m2"] < 1e-6
    assert plan.cells["code"].tolist() == cells["code"].tolist()
    second = plan_repair(plan.cells, outline=outline)
    assert second.changes.empty
    assert shapely.to_wkb(second.cells.geometry.array).tolist() == shapely.to_wkb(plan.cells.geometry.array).tolist()
    Mesh.from_layer(plan.cells)  # A repaired layer can be converted to a mesh.


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(10, 60), share=st.floats(0.05, 0.5))
@example(seed=362881, n=51, share=0.40625)  # One cell would be left inside another one.
def test_jitter_everywhere_is_mended(seed: int, n: int, share: float) -> None:
    cells, outline = voronoi(seed, n)
    rng = np.random.default_rng(seed)
    shapes = np.array(cells.geometry.array, dtype=object)
    for i in rng.choice(len(shapes), max(1, int(share * len(shapes))), replace=False):
        ring = shapely.get_coordinates(shapes[i])[:-1]
        moved = shapely.Polygon(ring + rng.normal(0, 0.03 * shapes[i].area ** 0.5, ring.shape))
        shapes[i] = moved if moved.is_valid else shapes[i]
    plan = plan_repair(cells.set_geometry(gpd.GeoSeries(shapes, crs=4549)), outline=outline)
    ground = np.asarray(plan.cells.geometry.array)
    assert shapely.coverage_is_valid(ground)
    border = outline.geometry.iloc[0]
    assert shapely.difference(border, shapely.coverage_union_all(ground)).area < 1e-6
    assert shapely.area(ground).sum() - border.area < 1e-5
    assert (shapely.get_num_geometries(ground) == 1).all()
    assert check(plan.cells, outline=outline).counts() == {}
