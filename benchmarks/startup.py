"""Cost of each command on input so small that the work itself is negligible: CPU of the process, and its imports.

``python -m benchmarks.startup`` writes the table in docs/architecture.md. CPU is user and system time, the median of several
runs: of the process until it first writes to standard output (a progress line is no result), and of the process and its children
in all; importing geopandas alone is measured in the same run, for comparison.
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
    "scipy.sparse",
    "pydantic",
    "jinja2",
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


#: Runs a command, and writes the CPU time when it first wrote to standard output, and the heavy modules imported by then and
#: at the end, one line each.
_RUN = """
import sys, time
class Watched:
    def __init__(self, stream): self.stream, self.first = stream, None
    def write(self, text):
        if self.first is None: self.first = f"{time.process_time()} {' '.join(n for n in HEAVY if n in sys.modules)}"
        return self.stream.write(text)
    def __getattr__(self, name): return getattr(self.stream, name)
watched = sys.stdout = Watched(sys.stdout)
from api.cli import run
run(ARGUMENTS)
last = f"{time.process_time()} {' '.join(n for n in HEAVY if n in sys.modules)}"
open(SHOW, "w").write(f"{watched.first or last}\\n{last}")
from api.deployment.ending import leave
leave(0)
"""


def run(arguments: list[str], show: Path) -> tuple[float, float, list[str], list[str]]:
    """CPU seconds of a command to its first result and in all, and the heavy libraries imported by then and in all."""
    code = f"HEAVY, ARGUMENTS, SHOW = {HEAVY!r}, {arguments!r}, {str(show)!r}\n{_RUN}"
    total = cpu_s([sys.executable, "-c", code])
    first, last = (line.split() for line in show.read_text().splitlines())
    return float(first[0]), total, first[1:], last[1:]


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
        rows = [["importing geopandas alone", f"{alone:.2f}", "", "", ""]]
        for verb, arguments in commands.items():
            measured = [run(arguments, folder / "modules.txt") for _ in range(runs)]
            first, total = (median(taken[kind] for taken in measured) for kind in (0, 1))
            soon, later = measured[-1][2], [name for name in measured[-1][3] if name not in measured[-1][2]]
            libraries = ", ".join(soon) + (f"; then {', '.join(later)}" if later else "")
            rows.append([f"`{verb}`", f"{first:.2f}", f"{total:.2f}", f"{first / alone:.1f}", libraries])
            print(rows[-1], flush=True)
    headings = [
        "verb",
        "to the first result, s of CPU",
        "in all",
        "first result to geopandas",
        "libraries that it imports",
    ]
    made = table(headings, rows)
    write("architecture.md", "start-up", f"{made}\n\n{machine('geopandas', 'numba', 'scipy')}")


if __name__ == "__main__":
    main()
