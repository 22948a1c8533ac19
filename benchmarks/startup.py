"""Cost of each command on input so small that the work itself is negligible: CPU of the process, and its imports.

``python -m benchmarks.startup`` writes the table in docs/architecture.md. CPU is user and system time of the process and its
children, the median of several runs; importing geopandas alone is measured in the same run, for comparison.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import geopandas as gpd
import pandas as pd
import shapely

from benchmarks.report import ROOT, machine, table, write

#: Libraries that cost more than 0.2 s of CPU to import.
HEAVY = (
    "geopandas",
    "numba",
    "scipy.special",
    "scipy.optimize",
    "scipy.stats",
    "scipy.spatial",
    "folium",
    "openpyxl",
    "rasterio",
)


def small_files(folder: Path) -> dict[str, Path]:
    """Files of a few rows: 16 cells with a gap, seven incidents, two points, and a track of one fix."""
    x, y = 387_000.0, 3_553_000.0
    cells = [
        {
            "code": f"k{i:02d}",
            "geometry": shapely.box(
                x + 100 * (i % 4), y + 100 * (i // 4), x + 100 * (i % 4) + 100, y + 100 * (i // 4) + 100
            ),
        }
        for i in range(16)
        if i != 5
    ]
    layer = gpd.GeoDataFrame(cells, crs="EPSG:4549")
    layer.to_file(folder / "cells.gpkg")
    layer.iloc[:2].to_file(folder / "two.gpkg")
    middles = layer.geometry.centroid.to_crs(4326)
    lon, lat = middles.x, middles.y
    times = pd.date_range("2026-03-02 09:00", periods=7, freq="h").strftime("%Y-%m-%d %H:%M")
    pd.DataFrame({"编号": range(7), "上报时间": times, "类别": "暴露垃圾", "经度": lon[:7], "纬度": lat[:7]}).to_csv(
        folder / "incidents.csv", index=False
    )
    pd.DataFrame({"lon": lon[:2], "lat": lat[:2]}).to_csv(folder / "points.csv", index=False)
    pd.DataFrame({"device": ["a"], "time": ["2026-03-02T09:00:00+08:00"], "lon": lon[:1], "lat": lat[:1]}).to_csv(
        folder / "track.csv", index=False
    )
    return {path.name: path for path in folder.iterdir()}


def verbs(files: dict[str, Path], folder: Path) -> dict[str, list[str]]:
    """Command lines by command."""
    cells, out = str(files["cells.gpkg"]), folder / "out"
    return {
        "--help": ["--help"],
        "convert": ["convert", cells, str(folder / "copy.geojson")],
        "check": ["check", cells],
        "repair": ["repair", cells, "-o", str(folder / "repaired.gpkg")],
        "locate": [
            "locate",
            str(files["points.csv"]),
            "--cells",
            cells,
            "--datum",
            "WGS-84",
            "-o",
            str(folder / "located.csv"),
        ],
        "incidents": [
            "incidents",
            str(files["incidents.csv"]),
            "--cells",
            cells,
            "--datum",
            "WGS-84",
            "-o",
            str(out / "incidents"),
        ],
        "patrols": [
            "patrols",
            str(files["track.csv"]),
            "--cells",
            str(files["two.gpkg"]),
            "--datum",
            "WGS-84",
            "-o",
            str(out / "patrols"),
        ],
    }


def run(arguments: list[str], show: Path) -> tuple[float, list[str]]:
    """CPU seconds of a command, user and system, and the heavy libraries that it imports."""
    code = (
        f"import sys; from api.cli import run; run({arguments!r}); "
        f"open({str(show)!r}, 'w').write(' '.join(n for n in {HEAVY!r} if n in sys.modules))"
    )
    return cpu_s([sys.executable, "-c", code]), show.read_text().split()


def cpu_s(command: list[str]) -> float:
    """CPU seconds of a process, user and system."""
    before = os.times()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = verbs(small_files(folder), folder)
        alone = median(cpu_s([sys.executable, "-c", "import geopandas"]) for _ in range(runs))
        rows = [["importing geopandas alone", f"{alone:.2f}", "", ""]]
        for verb, arguments in commands.items():
            measured = [run(arguments, folder / "modules.txt") for _ in range(runs)]
            seconds = median(taken for taken, _ in measured)
            rows.append([f"`{verb}`", f"{seconds:.2f}", f"{seconds / alone:.1f}", ", ".join(measured[-1][1])])
            print(rows[-1], flush=True)
    made = table(["verb", "CPU, s", "to geopandas", "libraries that it imports"], rows)
    write("architecture.md", "start-up", f"{made}\n\n{machine('geopandas', 'numba', 'scipy')}")


if __name__ == "__main__":
    main()
