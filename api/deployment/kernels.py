"""Compiles the kernels at installation on a corner of the model street; otherwise the first run of each would wait for them.

``python -m api.deployment.kernels`` uses two processes; numba caches the result next to the modules or in the folder given by
``NUMBA_CACHE_DIR``.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable

import geopandas as gpd
import numpy as np

from api.ogc.tiles.tile_cache import LAST_ZOOM, TileCache
from geo.coverage import check_division, plan_repair
from geo.divide import divide
from geo.layers.transformers import to_crs
from geo.locate import GridIndex
from geo.patrols import clean, integrity, presences, verify, visits
from geo.sample import model_street
from geo.tracks.projection import MANY, to_metres

#: Half the side of the corner, metres: a few hundred buildings.
_HALF_M = 450.0


def division() -> None:
    """Divide a square, check the result, build its tiles, and repair it after damage."""
    street = model_street()
    middle = street.outline.geometry.iloc[0].centroid
    square = gpd.GeoDataFrame(geometry=[middle.buffer(_HALF_M, cap_style="square")], crs=street.outline.crs)
    buildings = street.buildings[street.buildings.within(square.geometry.iloc[0])]
    made = divide(square, roads=street.roads, buildings=buildings, counts=(2, 8, 80), rng=np.random.default_rng(1))
    check_division(made)
    TileCache(made).zoom(LAST_ZOOM)
    damaged = made.third.copy()
    damaged.loc[damaged.index[:1], "geometry"] = damaged.geometry.iloc[:1].buffer(1.0)
    plan_repair(damaged, outline=square)


def patrols() -> None:
    """Judge one hour of a few patrols."""
    cells = model_street().communities
    place = to_crs(cells.geometry.representative_point(), 4326)
    time = np.datetime64("2026-03-02T02:00:00") + np.arange(360) * np.timedelta64(10, "s")
    rng = np.random.default_rng(1)
    tracks = gpd.GeoDataFrame(
        {
            "device": np.repeat([f"D{k}" for k in range(4)], 360),
            "time": np.tile(time, 4),
            "accuracy_m": 8.0,
        },
        geometry=gpd.points_from_xy(
            np.concatenate([place.x.iloc[k] + np.cumsum(rng.normal(2e-5, 5e-5, 360)) for k in range(4)]),
            np.concatenate([place.y.iloc[k] + np.cumsum(rng.normal(2e-5, 5e-5, 360)) for k in range(4)]),
        ),
        crs=4326,
    )
    tracks["time"] = tracks["time"].dt.tz_localize("UTC")
    cleaned = clean(tracks)
    found = presences(cleaned, GridIndex(cells))
    verify(visits(found), cells, presences=found, day=dt.date(2026, 3, 2))
    integrity(cleaned)
    # A large number of fixes is projected by a separate kernel.
    lon, lat = (np.resize(at.to_numpy(), MANY) for at in (place.x, place.y))
    to_metres(lon, lat, cells.crs)


WORK: dict[str, Callable[[], None]] = {"division": division, "patrols": patrols}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        WORK[sys.argv[1]]()
    else:
        running = [subprocess.Popen([sys.executable, "-m", "api.deployment.kernels", name]) for name in WORK]
        raise SystemExit(max(process.wait() for process in running))
