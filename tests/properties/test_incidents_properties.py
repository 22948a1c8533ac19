"""Properties of any incidents on any chessboard."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.incidents import assign, counts, density

CELLS = gpd.GeoDataFrame(
    {"code": [f"{x}{y}" for x in range(3) for y in range(3)]},
    geometry=[
        shapely.box(x, y, x + 50, y + 50) for x in range(388_000, 388_150, 50) for y in range(3_553_000, 3_553_150, 50)
    ],
    crs="EPSG:4549",
)

# Half of the coordinates lie on borders, nodes and the outline.
METRES = st.one_of(st.integers(-1, 4).map(lambda k: 50.0 * k), st.floats(-60.0, 210.0))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(METRES, METRES), max_size=30), st.randoms(use_true_random=False))
def test_each_report_is_counted_once_whatever_the_order(places, shuffler):
    xy = np.array(places, dtype=float).reshape(-1, 2) + np.array([388_000.0, 3_553_000.0])
    incidents = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=CELLS.crs)
    found = assign(incidents, CELLS)
    within = shapely.intersects(shapely.union_all(CELLS.geometry.array), incidents.geometry.array)
    assert (found["cell"].notna().to_numpy() == within).all()
    table = counts(found, CELLS)
    assert table["incidents"].sum() == within.sum()
    assert table["incidents"].sum() + table.attrs["outside"] == len(incidents)

    order = list(range(len(incidents)))
    shuffler.shuffle(order)
    again = assign(incidents.iloc[order], CELLS.iloc[::-1])
    assert again["cell"].sort_index().tolist() == found["cell"].tolist()

    spread = density(incidents, outline=CELLS, bandwidth_m=40.0, cell_m=10.0)
    assert spread.used == within.sum()
    assert abs(spread.total() - spread.used) <= 1e-6 * max(1, spread.used)
