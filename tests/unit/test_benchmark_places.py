"""The places of the benchmark of edits: their cells are as the check requires."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate

from benchmarks.redraw import as_division, simply_connected
from geo.coverage import check_division


def test_blocks_in_parts_and_around_others_become_simple_cells() -> None:
    outer = [(0, 0), (60, 0), (60, 40), (60, 50), (60, 60), (0, 60)]
    ring = Polygon(outer, [box(20, 20, 40, 40).exterior])
    enclosed = [box(20, 20, 30, 40), box(30, 20, 40, 40)]
    parts = MultiPolygon([box(60, 0, 120, 40), box(60, 50, 70, 60)])
    rest = Polygon([(60, 40), (120, 40), (120, 60), (70, 60), (70, 50), (60, 50)])
    shapes = [ring, *enclosed, parts, rest]
    shapes = [translate(shape, 300_000.0, 4_630_000.0) for shape in shapes]
    blocks = gpd.GeoDataFrame({"TOTPOP": [5, 7, 11, 13, 17]}, geometry=shapes, crs="EPSG:32619")
    simple = simply_connected(blocks)
    assert simple["TOTPOP"].tolist() == [23, 13, 17]
    assert blocks.geometry.tolist() == shapes
    assert simple.area.tolist() == [3600.0, 2400.0, 1200.0]
    groups = pd.DataFrame({"community": np.zeros(3, int), "second": np.arange(3)}, index=simple.index)
    report = check_division(as_division(simple.assign(workload=1.0), groups))
    assert report.ok, report.summary()
