"""Writes the cells touched by tracks, and on request the stops and routes of each device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from api.files.outputs import write_csv
from geo.days import dates_of
from geo.layers import aside, write_layer
from geo.locate import GridIndex
from geo.patrols.rules import Rules
from geo.tracks.matching.route_cells import touched
from geo.tracks.matching.viterbi import match
from geo.tracks.stop_detection import stops


def write_routes(
    cleaned: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    folder: Path,
    *,
    days: Sequence[date],
    rules: Rules,
    roads: gpd.GeoDataFrame | None = None,
    by_device: bool = False,
) -> list[Path]:
    """Write ``touched``, and on request the tables of single devices.

    Parameters
    ----------
    cleaned
        Fixes with their marks.
    cells
        Cells of one level, with codes.
    roads
        Lines for map matching; without them only positions are used.
    by_device
        Also write ``stops`` (CSV and Parquet) and, with roads, ``routes.gpkg``. They show where a person was, so keep them no
        longer than needed.
    """
    tables = {"touched": cells_by_day(cleaned, cells, days=days, rules=rules, roads=roads)}
    if by_device:
        found = stops(cleaned, rules=rules)
        place = {"lon": found.geometry.x.round(6), "lat": found.geometry.y.round(6)}
        plain = pd.DataFrame(found.drop(columns="geometry"))
        tables["stops"] = plain.assign(radius_m=found["radius_m"].round(1), **place)
    written = []
    for name, table in tables.items():
        written.append(folder / f"{name}.csv")
        write_csv(table, written[-1], zone=rules.zone)
        written.append(folder / f"{name}.parquet")
        with aside(written[-1]) as temporary:
            table.to_parquet(temporary, index=False)
    if by_device and roads is not None:
        routes = match(cleaned, roads, rules=rules).routes
        text = {name: routes[name].astype(str) for name in ("start", "end")}
        written.append(folder / "routes.gpkg")
        write_layer(routes.assign(**text), written[-1], layer="routes")
    return written


def cells_by_day(
    cleaned: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    days: Sequence[date],
    rules: Rules,
    roads: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Cells touched by any device on each local day: `day`, `code`, `probability`, `on_path` and `roads`."""
    index = GridIndex(cells)
    local = dates_of(cleaned["time"], rules.zone)
    frames = []
    for day in days:
        found = touched(cleaned[local == day], index, roads=roads, rules=rules)
        missed = found.assign(missed=np.log1p(-np.minimum(found["probability"], 1 - 1e-12)))
        by_cell = missed.groupby("cell").agg(missed=("missed", "sum"), on_path=("on_path", "any"))
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "code": by_cell.index,
                    "probability": (-np.expm1(by_cell["missed"])).round(4).to_numpy(),
                    "on_path": by_cell["on_path"].to_numpy(dtype=bool),
                    "roads": roads is not None,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
