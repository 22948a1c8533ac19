"""A layer with faults planted in it, for pictures and demonstrations of a check."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from shapely.affinity import translate

from geo.layers.columns import CODE


def spoiled_layer(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Remove a cell, shift another by 6 m, shrink a third by 0.4 m, and assign to one the code of another.

    The cells are chosen by their area, so the same layer gets the same faults.

    Raises
    ------
    IndexError
        If there are fewer than 2,001 cells.
    """
    shapes, codes = np.array(cells.geometry.array, dtype=object), cells[CODE].tolist()
    wide = np.argsort(-cells.geometry.area.to_numpy(), kind="stable")[200:2600:600]
    shapes[wide[0]] = translate(shapes[wide[0]], 6.0, 0.0)
    shapes[wide[1]] = shapes[wide[1]].buffer(-0.4, join_style="mitre")
    codes[wide[2]] = codes[wide[2] - 1]
    changed = cells.assign(code=codes).set_geometry(gpd.GeoSeries(shapes, index=cells.index, crs=cells.crs))
    return changed.drop(index=cells.index[wide[3]])
