"""A small day and its evidence, and the command that re-records them:

    python -m tests.golden.record

Review the difference before committing it: every change of a verdict, a count or a hash is visible to users.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geo.patrols import Rules, clean, evidence, integrity, presences, verify, visits

FILE = Path(__file__).with_name("patrols.json")
DAY = dt.date(2026, 11, 23)
#: Visits of anyone count: the tracks of the day are of officers with one cell each.
RULES = Rules(who="anyone")
X0, Y0 = 387_000.0, 3_553_000.0


def cells() -> gpd.GeoDataFrame:
    """Six grids of 200 m."""
    boxes = [
        shapely.box(X0 + 200 * i, Y0 + 200 * j, X0 + 200 * i + 200, Y0 + 200 * j + 200)
        for j in (0, 1)
        for i in range(3)
    ]
    return gpd.GeoDataFrame(
        {"code": list("ABCDEF"), "leader": [f"S{k}" for k in range(1, 7)]}, geometry=boxes, crs=4549
    )


def _walk(device: str, x: float, y: float, clock: str, minutes: int, *, seed: int, every_s: int = 20) -> pd.DataFrame:
    """Rounds around a place, with an error of 4 m, a radius of 60 m and five minutes per round."""
    n = minutes * 60 // every_s
    angle = np.arange(n) * every_s / 300 * 2 * np.pi
    noise = np.random.default_rng(seed).normal(0, 4, (n, 2))
    east, north = X0 + x + 60 * np.cos(angle) + noise[:, 0], Y0 + y + 60 * np.sin(angle) + noise[:, 1]
    lon, lat = pyproj.Transformer.from_crs(4549, 4326, always_xy=True).transform(east, north)
    start = pd.Timestamp(f"{DAY} {clock}", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")
    time = start + pd.to_timedelta(np.arange(n) * every_s, unit="s").as_unit("us")
    return pd.DataFrame(
        {
            "device": device,
            "officer": "S" + device[1:],
            "time": time,
            "lon": np.round(lon, 7),
            "lat": np.round(lat, 7),
            "accuracy_m": 6.0,
            "mock": False,
        }
    )


def _rest(device: str, clock: str, minutes: int, *, seed: int) -> pd.DataFrame:
    """At a desk 500 m away, with a fix every two minutes."""
    rows = _walk(device, -500, -500, clock, minutes, seed=seed, every_s=120)
    noise = np.round(np.random.default_rng(seed).normal(0, 3e-5, (2, len(rows))), 7)
    return rows.assign(lon=rows["lon"].mean().round(7) + noise[0], lat=rows["lat"].mean().round(7) + noise[1])


def tracks() -> gpd.GeoDataFrame:
    """A day with two rounds (A), one (B), none (C), rounds on a border (D and E), and a simulated one (F)."""
    parts = [
        _walk("D1", 100, 100, "08:30", 20, seed=1),
        _walk("D1", 100, 100, "14:10", 25, seed=2),
        _walk("D2", 300, 100, "09:00", 15, seed=3),
        _walk("D4", 195, 300, "08:40", 20, seed=4),
        _walk("D4", 195, 300, "15:00", 20, seed=5),
        _rest("D1", "09:00", 300, seed=8),
        _rest("D4", "09:15", 330, seed=9),
        _rest("D2", "09:25", 400, seed=10),
        _walk("D6", 500, 300, "10:00", 20, seed=6).assign(mock=True),
        _walk("D6", 500, 300, "23:50", 20, seed=7),
    ]
    # A fix that jumps a kilometre, a duplicate, and a gap of twenty minutes in the first round.
    parts[0].loc[10, "lon"] += 0.01
    parts[2] = pd.concat([parts[2], parts[2].iloc[[5]]])
    parts[1] = parts[1].drop(index=range(30, 60))
    table = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)


def records() -> dict[str, object]:
    """Results of the day: for each cell the verdict, its visits and the hash of its evidence; the findings; the marks."""
    marked = clean(tracks())
    found = presences(marked, cells())
    made = visits(found)
    verdicts = verify(made, cells(), presences=found, rules=RULES, day=DAY)
    proofs = [
        evidence(
            code, day=DAY, tracks=marked, presences=found, visits=made, verdicts=verdicts, cells=cells(), rules=RULES
        )
        for code in cells()["code"]
    ]
    signs = integrity(marked)
    kept = ("code", "device", "start", "end", "stay_s", "counted", "reason", "probability")
    return {
        "marks": {str(mark): int(n) for mark, n in sorted(marked["mark"].value_counts().items())},
        "signs": sorted(set(signs["device"] + " " + signs["sign"])),
        "cells": [
            {
                "verdict": proof["verdict"],
                "visits": [{key: visit[key] for key in kept} for visit in proof["visits"]],
                "fixes": sum(part["fixes"] for part in proof["fixes"]),
                "sha256": proof["sha256"],
            }
            for proof in proofs
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(records(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{FILE} written")
