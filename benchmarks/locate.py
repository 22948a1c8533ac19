"""Speed of assigning points to cells, compared with alternatives. Writes its tables and curves into docs/.

    python benchmarks/locate.py [--full] [--date DAY] [--only TEXT]

Alternatives are imported from the running Python; those that are not installed are skipped, with their names.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

ROOT = Path(__file__).resolve().parent.parent
# Replaces this folder, whose scripts have names of libraries.
sys.path[0] = str(ROOT)

from benchmarks.locate_kit import engines, svg  # noqa: E402
from benchmarks.locate_kit.coverages import jagged  # noqa: E402
from geo.locate import GridIndex  # noqa: E402

CITY = {"width_m": 40_000.0, "height_m": 30_000.0}
STREET = {"width_m": 4_000.0, "height_m": 3_115.0}


def points_in(cells: gpd.GeoDataFrame, n: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = cells.total_bounds
    rng = np.random.default_rng(seed)
    return rng.uniform(west, east, n), rng.uniform(south, north, n)


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median time of some rounds, after an uncounted one."""
    work()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def cells_of(n: int, vertices: float = 80, area: dict[str, float] = CITY) -> gpd.GeoDataFrame:
    return jagged(n, vertices=vertices, rng=np.random.default_rng(1), **area)


# ---------------------------------------------------------------------------------------------------------- sections


def compare(full: bool) -> str:
    """Run the engines in turn, round after round, so that noise of the machine affects all of them."""
    cells = cells_of(3_052)
    n = 10_000_000 if full else 2_000_000
    x, y = points_in(cells, n)
    index = GridIndex(cells)
    rows, skipped = [], []
    with_server = {}
    joins: dict[str, tuple[engines.Join, int]] = {}
    for name, (make, most) in engines.ENGINES.items():
        try:
            joins[name] = (make(cells), min(most if full else most // 4, n))
        except ImportError:
            skipped.append(name)
    try:
        server = engines.postgis_server()
        address = server.__enter__()
        joins["PostGIS"] = (engines.postgis(cells, address), 100_000)
        with_server["server"] = server
    except (ImportError, subprocess.CalledProcessError) as error:
        skipped.append(f"PostGIS ({error})")
    try:
        rounds = 3
        taken: dict[str, list[float]] = {"wangge": []}
        index.locate(x, y)
        ours = {}
        for _ in range(rounds):
            for _ in range(3):
                begin = time.perf_counter()
                found = index.locate(x, y)
                taken["wangge"].append((time.perf_counter() - begin) / n)
            for name, (join, most) in joins.items():
                px, py = ours.setdefault(name, (x[:most].copy(), y[:most].copy()))
                if name not in taken:
                    join(px, py) if name == "PostGIS" else join(px[:1000], py[:1000])
                begin = time.perf_counter()
                join(px, py)
                taken.setdefault(name, []).append((time.perf_counter() - begin) / most)
    finally:
        for server in with_server.values():
            server.__exit__(None, None, None)
    wrong = differences(cells, x, y, found)
    best = statistics.median(taken["wangge"])
    for name, times in taken.items():
        middle = statistics.median(times)
        count = n if name == "wangge" else joins[name][1]
        rows.append(f"| {name} | {count:,} | {1e-6 / middle:.2f} | {middle / best:.0f} × |")
    lines = ["| engine | points | million points a second | time, wangge = 1 |", "|---|---:|---:|---:|", *rows]
    note = f"\nDifferences from GEOS: **{wrong}** of {n:,} points. "
    return "\n".join(lines) + note + (f"Not installed, so skipped: {'; '.join(skipped)}." if skipped else "")


def differences(cells: gpd.GeoDataFrame, x: np.ndarray, y: np.ndarray, found: np.ndarray) -> int:
    """Number of points for which GEOS gives another cell; none of them lies on a border."""
    tree, wrong = shapely.STRtree(cells.geometry.array), 0
    for begin in range(0, len(x), 1_000_000):
        part = slice(begin, begin + 1_000_000)
        point, cell = tree.query(shapely.points(x[part], y[part]), predicate="within")
        expected = np.full(len(x[part]), -1)
        expected[point] = cell
        wrong += int((expected != found[part]).sum())
    return wrong


_COLD = """
import pickle, sys, time
begin = time.perf_counter()
cells = pickle.load(open(sys.argv[1], "rb"))
loaded = time.perf_counter()
from geo.locate import GridIndex
index = GridIndex(cells)
index.locate(cells.geometry.representative_point().x, cells.geometry.representative_point().y)
print(time.perf_counter() - loaded)
"""


def building(full: bool) -> str:
    rows = []
    for n in (255, 3_052, *((30_000, 300_000) if full else (10_000,))):
        cells = cells_of(n)
        warm = seconds(lambda cells=cells: GridIndex(cells), 5 if n < 20_000 else 1)
        index = GridIndex(cells)
        with tempfile.TemporaryDirectory() as folder:
            index.save(Path(folder) / "index")
            mapped = seconds(lambda folder=folder: GridIndex.load(Path(folder) / "index"), 5)
            cells.to_pickle(Path(folder) / "cells.pkl")
            command = [sys.executable, "-c", _COLD, str(Path(folder) / "cells.pkl")]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            runs = [
                subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(3)
            ]
        cold = statistics.median(float(run.stdout) for run in runs)
        rows.append(f"| {n:,} | {warm:.2f} | {cold:.2f} | {mapped * 1e3:.1f} | {index.nbytes / 1e6:.1f} |")
    head = "| cells | build, s | in a new process, imports and first lookup included, s | load a saved one, ms | MB |"
    return "\n".join([head, "|---:|---:|---:|---:|---:|", *rows])


def crossing(full: bool) -> str:
    cells = cells_of(255, 314, STREET)
    index = GridIndex(cells)
    n = 5_000_000 if full else 2_000_000
    x, y = points_in(cells, n)
    rng = np.random.default_rng(3)
    way, angle = rng.uniform(10, 15, n), rng.uniform(0, 2 * np.pi, n)
    to = x + way * np.cos(angle), y + way * np.sin(angle)
    ours = n / seconds(lambda: index.cross(x, y, *to), 5)
    few = 100_000
    lines = shapely.linestrings(np.stack([np.stack([x, y], 1)[:few], np.stack(to, 1)[:few]], axis=1))
    tree, shapes = shapely.STRtree(cells.geometry.array), np.asarray(cells.geometry.array)

    def geos() -> None:
        """Only segments that intersect several cells are cut: the fastest known alternative."""
        line, cell = tree.query(lines, predicate="intersects")
        several = np.bincount(line, minlength=len(lines))[line] > 1
        shapely.intersection(lines[line[several]], shapes[cell[several]])

    theirs = few / seconds(geos, 3)
    return (
        "| 255 cells, segments of 10 to 15 m | million segments a second |\n|---|---:|\n"
        f"| `GridIndex.cross` | {ours / 1e6:.1f} |\n| shapely, tree and intersection | {theirs / 1e6:.2f} |"
    )


def curves(full: bool) -> str:
    n = 10_000_000 if full else 1_000_000
    by_cells, by_vertices, by_points = [], [], []
    for count in (100, 1_000, 3_052, 10_000, *((100_000, 300_000, 1_000_000) if full else ())):
        cells = cells_of(count)
        index = GridIndex(cells)
        x, y = points_in(cells, n)
        by_cells.append((count, 1e9 * seconds(lambda index=index, x=x, y=y: index.locate(x, y), 5) / n))
        del index, cells
    for vertices in (10, 20, 40, 80, 160, 320, 640):
        cells = cells_of(1_000, vertices)
        index = GridIndex(cells)
        x, y = points_in(cells, n)
        by_vertices.append((vertices, 1e9 * seconds(lambda index=index, x=x, y=y: index.locate(x, y), 5) / n))
    cells = cells_of(3_052)
    index = GridIndex(cells)
    tree = shapely.STRtree(cells.geometry.array)
    theirs = []
    for count in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, *((10_000_000,) if full else ())):
        x, y = points_in(cells, count)
        by_points.append((count, 1e9 * seconds(lambda x=x, y=y: index.locate(x, y), 7) / count))
        if count <= 100_000:

            def join(x: np.ndarray = x, y: np.ndarray = y) -> None:
                tree.query(shapely.points(x, y), predicate="within")

            theirs.append((count, 1e9 * seconds(join, 3) / count))
    drawing = svg.curves(
        [
            ("Cells of 80 vertices", "cells", "ns a point", {"wangge": by_cells}),
            ("Vertices of 1,000 cells", "vertices a cell", "ns a point", {"wangge": by_vertices}),
            (
                "Points in one call, 3,052 cells",
                "points",
                "ns a point",
                {"wangge": by_points, "shapely STRtree": theirs},
            ),
        ]
    )
    images = ROOT / "docs" / "images"
    images.mkdir(exist_ok=True)
    (images / "locate-cost.svg").write_text(drawing)
    rows = [f"| {count:,} | {cost:.0f} | {cost / dict(by_cells)[3_052]:.1f} |" for count, cost in by_cells]
    table = "\n".join(["| cells | ns a point, all processors | 3,052 cells = 1 |", "|---:|---:|---:|", *rows])
    return f"![Cost of a lookup](images/locate-cost.svg)\n\n{n:,} points, spread evenly.\n\n{table}"


def billion(full: bool) -> str:
    """Simulated fixes, a million at a time: each batch is generated, located, counted and discarded."""
    cells = cells_of(3_052, area=STREET)
    index = GridIndex(cells)
    total, batch = (1_000_000_000 if full else 50_000_000), 2_000_000
    west, south, east, north = cells.total_bounds
    rng = np.random.default_rng(11)
    at = rng.uniform([west, south], [east, north], (batch, 2))
    kernel, counts = 0.0, np.zeros(len(index) + 1, dtype=np.int64)
    begin = time.perf_counter()
    for _ in range(total // batch):
        at += rng.standard_normal(at.shape, dtype=np.float32) * 12.0
        np.clip(at, [west, south], [east, north], out=at)
        x, y = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
        start = time.perf_counter()
        found = index.locate(x, y)
        kernel += time.perf_counter() - start
        counts += np.bincount(found + 1, minlength=len(counts))
    whole = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return (
        "| fixes | lookup, s | with generating and counting, s | counted | most memory, GB |\n|---:|---:|---:|---:|---:|\n"
        f"| {total:,} | {kernel:.1f} | {whole:.0f} | {counts.sum():,} | {memory:.2f} |"
    )


def service(full: bool) -> str:
    """One point over HTTP on a persistent connection; only if the server's packages are installed."""
    try:
        from benchmarks.locate_kit.service import latencies

        times = np.sort(latencies(2_000 if full else 500)) * 1e3
    except ImportError as error:
        return f"Skipped: {error}."
    return "| requests | median, ms | p99, ms |\n|---:|---:|---:|\n" + (
        f"| {len(times):,} | {np.median(times):.2f} | {np.quantile(times, 0.99):.2f} |"
    )


SECTIONS = {
    "compare": compare,
    "building": building,
    "crossing": crossing,
    "curves": curves,
    "billion": billion,
    "service": service,
}


def machine(day: str, full: bool) -> str:
    names = ("numba", "numpy", "geopandas", "shapely", "duckdb", "sedonadb", "pycanopy")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "",
    )
    return (
        f"{day}, {os.cpu_count()} processors ({model}), Python {platform.python_version()}, GEOS {shapely.geos_version_string}, "
        f"{', '.join(versions)}; load {os.getloadavg()[0]:.1f}; `{'--full' if full else 'quick'}`."
    )


def write(section: str, text: str) -> None:
    path = ROOT / "docs" / "locate.md"
    document = path.read_text()
    opening, closing = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, rest = document.split(opening)
    path.write_text(before + opening + "\n" + text + "\n" + closing + rest.split(closing)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="ten million points, a billion fixes")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    parser.add_argument("--only", default="", help="names of sections, with commas")
    given = parser.parse_args()
    if not given.only:
        # Each in a separate process, so that its memory is measured separately.
        for name in SECTIONS:
            more = ["--full"] if given.full else []
            subprocess.run([sys.executable, __file__, "--only", name, "--date", given.date, *more], check=True)
        return
    for name in given.only.split(","):
        text = SECTIONS[name](given.full)
        print(f"\n== {name}\n{text}", flush=True)
        write(name, f"{text}\n\n{machine(given.date, given.full)}")


if __name__ == "__main__":
    main()
