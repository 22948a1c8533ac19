"""Properties of every division, on random towns."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.divide import divide
from geo.layers import Level

CENTRE = np.array([388_000.0, 3_554_000.0])


@st.composite
def towns(draw):
    """An irregular street with crooked roads and possibly overlapping houses; the roads and the outline."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9)) + np.arange(9) * 1e-3
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(150, 350, (9, 1)) + CENTRE
    shape = shapely.union_all([shapely.Polygon(ring).buffer(0), shapely.Point(CENTRE).buffer(140)])
    outline = shapely.Polygon(max(shapely.get_parts(shape), key=lambda part: part.area).exterior)
    ends = rng.uniform(-400, 400, (draw(st.integers(0, 6)), 2, 2)) + CENTRE
    kinds = rng.choice(["primary", "residential", "tertiary"], len(ends))
    roads = gpd.GeoDataFrame({"highway": kinds}, geometry=shapely.linestrings(ends), crs=4549)
    roads = roads[roads.intersects(outline)]
    xy = rng.uniform(-300, 300, (draw(st.integers(0, 120)), 2)) + CENTRE
    size = rng.uniform(4, 40, xy.shape)
    boxes = shapely.box(xy[:, 0], xy[:, 1], *(xy + size).T)
    buildings = gpd.GeoDataFrame({"building": ["apartments"] * len(boxes)}, geometry=boxes, crs=4549)
    if not buildings.intersects(outline).any():
        buildings = buildings.iloc[:0]  # Otherwise refused as a layer of another place.
    return gpd.GeoDataFrame(geometry=[outline], crs=4549), (roads if len(roads) else None), buildings


@settings(max_examples=12, deadline=None)
@given(towns(), st.integers(1, 3), st.integers(0, 5), st.integers(0, 40))
def test_exact_contiguous_hole_free_nested_and_whole(town, first, more, most):
    street, roads, buildings = town
    counts = (first, first + more, first + more + most)
    division = divide(street, roads=roads, buildings=buildings, counts=counts)
    assert division.counts == counts
    for level in Level:
        shapes = np.asarray(division.layer(level).geometry.array)
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        assert shapely.coverage_is_valid(shapes)
        assert (shapely.get_num_interior_rings(shapes) == 0).all()
        # The outline gets vertices where roads meet it, rounded to the lattice: 0.7 mm at most.
        assert shapely.union_all(shapes).symmetric_difference(street.geometry.iloc[0]).area < 1.5
    assert (division.third["code"].str[:-3] == division.third["parent"]).all()
    assert (division.second["code"].str[:-3] == division.second["parent"]).all()
    assert division.street["buildings"].iloc[0] + division.third.attrs["buildings_outside"] == len(buildings)
