"""Assigns incidents to cells, with counts and hot spots; all maps and tables of incidents are based on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from api.commands.incidents.hot_spots import hot_spots
from geo.incidents import assign, counts
from geo.layers import Division, Level
from geo.layers.columns import LEVEL


@dataclass(frozen=True)
class Assigned:
    """Incidents with their cells, and figures computed from them.

    Attributes
    ----------
    incidents
        All columns of the input and those of :func:`geo.incidents.assign`.
    counts
        One row per cell of each level.
    placed
        The same without incidents at default points.
    hot
        Cells with their Gi* and whether they are hot: second and third level of a division, each tested separately, otherwise
        all cells. Incidents at default points are excluded, as in the density, because their position is meaningless.
    refused
        Number of rows without usable coordinates.
    """

    incidents: gpd.GeoDataFrame
    counts: pd.DataFrame
    placed: pd.DataFrame
    hot: gpd.GeoDataFrame
    refused: int

    @property
    def inside(self) -> int:
        """Number of incidents inside cells."""
        return int(self.incidents["cell"].notna().sum())

    def hot_cells(self) -> dict[str, int]:
        """Number of hot cells of each tested level."""
        if LEVEL not in self.hot:
            return {"cells": int(self.hot["hot"].sum())}
        return {Level(level).layer: int(rows["hot"].sum()) for level, rows in self.hot.groupby(LEVEL)}

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        levels = {}
        for level in self.counts[LEVEL].drop_duplicates():
            # A layer that is not a level of a division has no number.
            single = pd.isna(level)
            rows = self.counts if single else self.counts[self.counts[LEVEL] == level]
            name = "cells" if single else Level(level).layer
            hit = int((rows["incidents"] > 0).sum())
            levels[name] = {"cells": len(rows), "cells_with_incidents": hit, "incidents": int(rows["incidents"].sum())}
        return {
            "incidents": len(self.incidents),
            "inside": self.inside,
            "outside": len(self.incidents) - self.inside,
            "refused_rows": self.refused,
            "on_border": int(self.incidents["on_border"].sum()),
            "default_point": int(self.incidents["default_point"].sum()),
            "repeats": int(self.incidents["repeat"].sum()),
            "hot_cells": self.hot_cells(),
            "hot_note": self.hot.attrs["note_en"],
            "levels": levels,
        }


def assign_incidents(
    incidents: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, *, within_m: float = 0.0
) -> Assigned:
    """Assign incidents to cells, count them, and test for hot spots."""
    assigned = assign(incidents, cells, within_m=within_m)
    counted = counts(assigned, cells)
    placed = counts(assigned[~assigned["default_point"].astype(bool)], cells)
    return Assigned(assigned, counted, placed, hot_spots(placed, cells), len(incidents.attrs.get("refused", ())))
