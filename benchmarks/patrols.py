"""Patrols: verdicts against known truth, and the speed from fixes to verdicts, beside other libraries.

    python benchmarks/patrols.py [--full] [--date 2026-11-23] [--seeds 201,202]

movingpandas is timed in the same run where it is installed, and named as left out where it is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from geo.layers import read_division  # noqa: E402
from geo.locate import GridIndex  # noqa: E402
from geo.patrols import clean, integrity, presences, verify, visits  # noqa: E402
from geo.sample.patrols import simulate_patrols  # noqa: E402

DAY = dt.date(2026, 11, 23)
DOC = HERE / "docs" / "patrols.md"


def street():
    division = read_division(HERE / "data/boundaries/division.gpkg")
    roads = gpd.read_file(HERE / "data/boundaries/street.gpkg", layer="roads")
    return SimpleNamespace(roads=roads, communities=division.community), division


def judged(tracks, division, index):
    cleaned = clean(tracks)
    found = presences(cleaned, index)
    made = visits(found)
    return cleaned, made, verify(made, division.second, presences=found, day=DAY)


def accuracy(seeds, intervals):
    place, division = street()
    index = GridIndex(division.second)
    rows = []
    for interval in intervals:
        count = np.zeros(9, dtype=int)
        for seed in seeds:
            tracks, truth = simulate_patrols(
                place, division, rng=np.random.default_rng(seed), day=DAY, interval_s=interval
            )
            cleaned, made, result = judged(tracks, division, index)
            table = truth.verdicts.merge(result, on="code", suffixes=("_true", ""))
            met, verdict = table["verdict_true"] == "met", table["verdict"]
            liars = truth.faults[truth.faults["fault"].isin(["copied", "spoofed"])]
            named = set(liars["device"]) | {note[-4:] for note in liars["note"]}
            accused = set(integrity(cleaned)["device"]) - named
            count += [(~met).sum(), (~met & (verdict == "met")).sum(), (~met & (verdict == "unknown")).sum(), met.sum(),
                      (met & verdict.isin(["short", "not_visited"])).sum(), (met & (verdict == "unknown")).sum(),
                      made["counted"].sum(), truth.visits["counted"].sum(), len(accused)]  # fmt: skip
        rows.append([f"{interval:.0f} s", *count[:6], f"{count[6] / count[7]:.3f}", count[8]])
    return rows


def many(devices):
    """Fixes of one simulated day, repeated a little aside until there are enough devices; eight hours each."""
    place, division = street()
    tracks, _ = simulate_patrols(place, division, rng=np.random.default_rng(1), day=DAY, interval_s=10.0)
    tracks = pd.DataFrame(tracks[tracks.groupby("device").cumcount() < 2880].drop(columns="geometry"))
    names = sorted(tracks["device"].unique())
    parts = []
    for k in range(-(-devices // len(names))):
        kept = tracks[tracks["device"].isin(names[: devices - k * len(names)])]
        parts.append(kept.assign(device=f"{k:02d}" + kept["device"], lon=kept["lon"] + k * 1e-5))
    table = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(table, geometry=shapely.points(table["lon"], table["lat"]), crs=4326), division


def speed(sizes, repeats):
    rows = []
    for devices in sizes:
        tracks, division = many(devices)
        index = GridIndex(division.second)
        judged(tracks.iloc[:5000], division, index)
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            judged(tracks, division, index)
            seconds.append(time.perf_counter() - begin)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        median = statistics.median(seconds)
        rows.append(
            [devices, f"{len(tracks):,}", f"{median:.1f}", f"{len(tracks) / median / 1e6:.2f}", f"{memory:.1f}"]
        )
        del tracks
    return rows


def beside():
    """movingpandas' clip of a few devices against the same cells, per fix."""
    if importlib.util.find_spec("movingpandas") is None:
        return "movingpandas is not installed in this environment and was left out."
    import movingpandas

    tracks, division = many(4)
    frame = tracks.assign(t=tracks["time"].dt.tz_localize(None)).set_index("t").to_crs(division.second.crs)
    begin = time.perf_counter()
    for _, rows in frame.groupby("device"):
        way = movingpandas.Trajectory(rows, "one")
        for shape in division.second.geometry.iloc[:32]:
            way.clip(shape)
    taken = (time.perf_counter() - begin) * len(division.second) / 32
    rate = f"{len(frame) / taken:,.0f} fixes/s against {len(division.second)} cells"
    return f"movingpandas {movingpandas.__version__} clip: {rate}."


def table(headings, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    parser.add_argument("--seeds", default="201")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    truth = accuracy(seeds, (10.0, 60.0, 300.0))
    cost = speed((250, 500, 1000, 2000) if options.full else (125, 250, 500), 3)
    machine = (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, {options.date}"
    )
    text = "\n\n".join([
        f"Seeds {options.seeds}; {machine}.",
        table(["fixes every", "failing", "passed", "unknown", "passing", "failed", "unknown", "visits counted / true",
               "honest devices with a finding"], truth),
        table(["devices", "fixes", "seconds to verdicts (median of 3)", "million fixes/s", "peak memory GB"], cost), beside(),
    ])  # fmt: skip
    print(text)
    begin, end = "<!-- benchmark -->", "<!-- /benchmark -->"
    page = DOC.read_text(encoding="utf-8")
    DOC.write_text(page[: page.index(begin) + len(begin)] + f"\n{text}\n" + page[page.index(end) :], encoding="utf-8")


if __name__ == "__main__":
    main()
