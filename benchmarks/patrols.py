"""Patrols: verdicts against known truth, and the speed from fixes to verdicts, beside other libraries.

    python benchmarks/patrols.py [--full] [--date 2026-11-23] [--seeds 201,202]

movingpandas is timed in the same run where it is installed, and named as left out where it is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd

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
        count, expected = np.zeros(9, dtype=int), 0.0
        for seed in seeds:
            tracks, truth = simulate_patrols(
                place, division, rng=np.random.default_rng(seed), day=DAY, interval_s=interval
            )
            cleaned, made, result = judged(tracks, division, index)
            table = truth.verdicts.merge(result, on="code", suffixes=("_true", ""))
            met, verdict = table["verdict_true"] == "met", table["verdict"]
            expected += float(result["visits_expected"].sum())
            liars = truth.faults[truth.faults["fault"].isin(["copied", "spoofed"])]
            named = set(liars["device"]) | {note[-4:] for note in liars["note"]}
            accused = set(integrity(cleaned)["device"]) - named
            count += [(~met).sum(), (~met & (verdict == "met")).sum(), (~met & (verdict == "unknown")).sum(), met.sum(),
                      (met & verdict.isin(["short", "not_visited"])).sum(), (met & (verdict == "unknown")).sum(),
                      made["counted"].sum(), truth.visits["counted"].sum(), len(accused)]  # fmt: skip
        shares = [f"{count[6] / count[7]:.3f}", f"{expected / count[7]:.3f}"]
        rows.append([f"{interval:.0f} s", *count[:6], *shares, count[8]])
    return rows


def many(devices):
    """Fixes of one simulated day, repeated a little aside until there are enough devices; eight hours each."""
    place, division = street()
    tracks, _ = simulate_patrols(place, division, rng=np.random.default_rng(1), day=DAY, interval_s=10.0)
    tracks = pd.DataFrame(tracks[tracks.groupby("device").cumcount() < 2880].drop(columns=["geometry", "officer"]))
    code, names = pd.factorize(tracks["device"])
    parts = []
    for k in range(-(-devices // len(names))):
        kept = code < devices - k * len(names)
        parts.append(
            tracks[kept]
            .assign(device=code[kept] + k * len(names), lon=tracks["lon"][kept] + k * 1e-5)
            .astype({"device": "int32"})
        )
    return pd.concat(parts, ignore_index=True), division


def frame(table):
    """Fixes with named devices; without points, which alone would take more than a gigabyte."""
    names = [f"D{n:05d}" for n in range(int(table["device"].max()) + 1)]
    device = pd.Categorical.from_codes(table["device"].to_numpy(), names)
    return table.assign(device=device)


def one_size(file, repeats):
    """What one process needs for a file of fixes: seconds to verdicts, and the memory of all of it."""
    division = read_division(HERE / "data/boundaries/division.gpkg")
    index = GridIndex(division.second)
    tracks = frame(pd.read_parquet(file))
    judged(tracks.iloc[:5000], division, index)
    seconds, used = [], []
    for _ in range(repeats):
        begin, own = time.perf_counter(), time.process_time()
        judged(tracks, division, index)
        seconds.append(time.perf_counter() - begin)
        used.append(time.process_time() - own)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "fixes": len(tracks),
        "seconds": statistics.median(seconds),
        "cpu": statistics.median(used),
        "memory": memory,
    }


def speed(sizes, repeats):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for devices in sizes:
            file = Path(folder) / f"{devices}.parquet"
            many(devices)[0].to_parquet(file, index=False)
            # A process of its own, so that its memory is that of this size.
            run = [sys.executable, __file__, "--file", str(file), "--repeats", str(repeats)]
            found = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
            rows.append([devices, f"{found['fixes']:,}", f"{found['seconds']:.1f}", f"{found['cpu']:.1f}",
                         f"{found['fixes'] / found['seconds'] / 1e6:.2f}", f"{found['memory']:.1f}"])  # fmt: skip
    return rows


def beside():
    """movingpandas' clip of a few devices against the same cells, per fix."""
    if importlib.util.find_spec("movingpandas") is None:
        return "movingpandas is not installed in this environment and was left out."
    import movingpandas

    table, division = many(4)
    tracks = gpd.GeoDataFrame(frame(table), geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    metric = tracks.assign(t=tracks["time"].dt.tz_localize(None)).set_index("t").to_crs(division.second.crs)
    begin = time.perf_counter()
    for _, rows in metric.groupby("device", observed=True):
        way = movingpandas.Trajectory(rows, "one")
        for shape in division.second.geometry.iloc[:32]:
            way.clip(shape)
    taken = (time.perf_counter() - begin) * len(division.second) / 32
    rate = f"{len(metric) / taken:,.0f} fixes/s against {len(division.second)} cells"
    return f"movingpandas {movingpandas.__version__} clip: {rate}."


def table(headings, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    parser.add_argument("--seeds", default="201")
    parser.add_argument("--file", help="measure this file of fixes only, and print what was found as JSON")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.file:
        print(json.dumps(one_size(options.file, options.repeats)))
        return
    seeds = [int(seed) for seed in options.seeds.split(",")]
    truth = accuracy(seeds, (10.0, 60.0, 300.0))
    cost = speed((250, 500, 1000, 2000) if options.full else (125, 250, 500), 3)
    machine = (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, {options.date}"
    )
    text = "\n\n".join([
        f"Seeds {options.seeds}; {machine}.",
        table(["fixes every", "failing", "passed", "unknown", "passing", "failed", "unknown", "proven / true",
               "expected / true", "honest devices with a finding"], truth),
        table(["devices", "fixes", "seconds to verdicts (median of 3)", "CPU seconds", "million fixes/s", "peak memory GB"],
              cost),
        beside(),
    ])  # fmt: skip
    print(text)
    begin, end = "<!-- benchmark -->", "<!-- /benchmark -->"
    page = DOC.read_text(encoding="utf-8")
    DOC.write_text(page[: page.index(begin) + len(begin)] + f"\n{text}\n" + page[page.index(end) :], encoding="utf-8")


if __name__ == "__main__":
    main()
