"""The division of the model street."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.divide import assign_leaders, divide
from geo.layers import Division
from geo.sample.town.model import ModelStreet
from geo.sample.town.plan import MODEL_SEED

#: Numbers of communities, second-level and third-level grids, as those of the real street.
MODEL_COUNTS = (13, 255, 3052)


def model_division(
    street: ModelStreet,
    *,
    valid_from: date | None = None,
    rng: np.random.Generator | int = MODEL_SEED,
    progress: Callable[[str, float], None] | None = None,
) -> Division:
    """Divide the model street into 13 / 255 / 3,052 cells, its communities kept, and put a leader on each second-level grid.

    Parameters
    ----------
    street
        The model street.
    valid_from
        Day from which the division holds.
    rng
        Seed or generator; the same seed gives the same division.
    progress
        Called with the step and the share done, 0 to 1.
    """
    barriers = gpd.GeoDataFrame(pd.concat([street.railways, street.water], ignore_index=True), crs=street.outline.crs)
    division = divide(
        street.outline,
        roads=street.roads,
        buildings=street.buildings,
        barriers=barriers,
        communities=street.communities,
        counts=MODEL_COUNTS,
        valid_from=valid_from,
        rng=rng,
        progress=progress,
    )
    return assign_leaders(division)
