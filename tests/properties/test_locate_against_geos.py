"""The index compared with GEOS and with a slow, obvious implementation on random coverages."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.locate import GridIndex


def voronoi(seed: int, n: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    area = shapely.Point(387000, 3553000).buffer(500)
    faces = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(rng.normal([387000, 3553000], 250, (n, 2))), extend_to=area)
    )
    cells = shapely.intersection(faces, area)
    return gpd.GeoDataFrame(geometry=[c for c in cells if c.geom_type == "Polygon" and not c.is_empty], crs=4549)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 60))
def test_equal_to_geos_and_exactly_one_cell_on_borders(seed: int, n: int) -> None:
    cells = voronoi(seed, n)
    index = GridIndex(cells)
    shapes = np.asarray(cells.geometry.array)
    rng = np.random.default_rng(seed)
    vertices = shapely.get_coordinates(shapes)
    beside = np.nextafter(vertices, vertices + rng.choice([-1.0, 1.0], vertices.shape))
    points = np.concatenate([rng.uniform([386400, 3552400], [387600, 3553600], (2000, 2)), beside])
    found = index.locate(*points.T)
    inside, cell = shapely.STRtree(shapes).query(shapely.points(points), predicate="within")
    assert (found[inside] == cell).all()
    nowhere = np.ones(len(points), dtype=bool)
    touched, _ = shapely.STRtree(shapes).query(shapely.points(points), predicate="intersects")
    nowhere[touched] = False
    assert (found[nowhere] == -1).all()
    assert (found[~nowhere] >= 0).all()  # Points exactly on a border also have a cell.
    assert (index.locate(*vertices.T) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 60))
def test_pieces_of_segments_lie_in_their_cells(seed: int, n: int) -> None:
    cells = voronoi(seed, n)
    index = GridIndex(cells)
    rng = np.random.default_rng(seed + 1)
    a = rng.uniform([386400, 3552400], [387600, 3553600], (300, 2))
    b = a + rng.normal(0, 150, a.shape)
    pieces = index.cross(*a.T, *b.T)
    assert (np.unique(pieces.segment) == np.arange(300)).all()
    same = pieces.segment[1:] == pieces.segment[:-1]
    assert (pieces.t_in[1:][same] == pieces.t_out[:-1][same]).all()
    assert (pieces.t_in[np.r_[True, ~same]] == 0).all()
    assert (pieces.t_out[np.r_[~same, True]] == 1).all()
    assert (pieces.cell[1:][same] != pieces.cell[:-1][same]).all()
    length = np.hypot(*(b - a).T)[pieces.segment] * (pieces.t_out - pieces.t_in)
    way = (b - a)[pieces.segment]
    middle = a[pieces.segment] + way * ((pieces.t_in + pieces.t_out) / 2)[:, None]
    wrong = index.locate(*middle.T) != pieces.cell
    assert length[wrong].max(initial=0.0) < 1e-6
    # The length inside each cell agrees with GEOS.
    lines = shapely.linestrings(np.stack([a, b], axis=1))
    for cell in range(len(cells)):
        expected = shapely.length(shapely.intersection(lines, cells.geometry.array[cell])).sum()
        assert abs(length[pieces.cell == cell].sum() - expected) < 1e-5
