"""Maps: time to write, size, and speed of opening and moving, compared with folium's heatmap.

``python benchmarks/map_pages.py [--full] [--date YYYY-MM-DD]`` writes its table into docs/maps.md. folium's HeatMap plots each
incident as a point of some pixels; it loads its libraries from other hosts and cannot be opened without a network, so only its
time and size are measured.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import re
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import geopandas as gpd
import numpy as np

from api.commands.incidents.assignment import Assigned, assign_incidents
from geo.coverage import check_division
from geo.incidents import density, mark_default_points, mark_repeats
from geo.layers import Division, lon_lat, read_division
from geo.sample import MODEL_SEED, model_street, simulate_incidents
from maps import check_map, heat_map, save
from maps.sheet import find_chromium
from tools.boundaries import FOLDER

DOCS = Path(__file__).resolve().parent.parent / "docs" / "maps.md"
REPEATS = 3

# Time until the page is ready, by the page's clock: the first frame after everything is drawn.
_STANDING = (
    """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
)
_FRAMES = """(() => { window.frames_ms = []; window.counting = true; let last = performance.now();
    const tick = (now) => { window.frames_ms.push(now - last); last = now; if (window.counting) requestAnimationFrame(tick); };
    requestAnimationFrame(tick); })()"""
# Tasks of the main thread that take 50 ms or more.
_LONG_TASKS = """new PerformanceObserver((list) => list.getEntries().forEach((task) => window.long_ms.push(task.duration)))
    .observe({ type: "longtask" })"""


def assigned_incidents(count: int, division: Division) -> Assigned:
    """A year of simulated incidents, assigned and counted."""
    incidents, _ = simulate_incidents(
        model_street(MODEL_SEED), rng=np.random.default_rng(1), start=dt.date(2025, 3, 1), days=365, count=count
    )
    marked, _ = mark_default_points(mark_repeats(incidents))
    return assign_incidents(marked, division)


def written(drawing: folium.Map, path: Path) -> float:
    """Size of a saved map, megabytes."""
    save(drawing, path)
    return path.stat().st_size / 1e6


def draw_ours(division: Division, result: Assigned, path: Path) -> tuple[float, float]:
    """Seconds and megabytes; the density, computed before, is not included."""
    surface = density(result.incidents, outline=division)
    street = model_street(MODEL_SEED)
    start = time.perf_counter()
    drawn = heat_map(
        division,
        result.incidents,
        surface,
        result.counts,
        hotspots=result.hot,
        roads=street.roads,
        water=street.water,
        green=street.green,
    )
    size = written(drawn, path)
    return time.perf_counter() - start, size


def draw_folium(points: gpd.GeoDataFrame, path: Path) -> tuple[float, float]:
    """Seconds and megabytes of folium's HeatMap of the same incidents."""
    start = time.perf_counter()
    places = lon_lat(points.geometry)
    drawn = folium.Map(location=[32.1, 118.8], zoom_start=14)
    folium.plugins.HeatMap(np.column_stack([places.y, places.x]).tolist()).add_to(drawn)
    drawn.save(str(path))
    return time.perf_counter() - start, path.stat().st_size / 1e6


def turn_wheel(page: Any) -> list[tuple[float, float]]:
    """Milliseconds of tasks of the main thread, and the longest of them, for each of four turns of the wheel.

    The map is zoomed in and out once before, so that what is made at the first visit of a zoom is not counted.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def busy_s() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    found = []
    page.evaluate(_LONG_TASKS)
    for k in range(8):
        page.evaluate("window.long_ms = [0]")
        before = busy_s()
        page.mouse.wheel(0, -240 if k % 4 < 2 else 240)
        page.wait_for_timeout(1000)
        found.append((1000 * (busy_s() - before), float(page.evaluate("Math.max(...window.long_ms)"))))
    return found[4:]


def open_pages(views: list[tuple[str, Path, str]]) -> dict[str, tuple[float, float, float, float, float]]:
    """Milliseconds: the first complete picture, a frame while the map is dragged, the main thread for a turn of the wheel.

    Median of the first; median and 95th percentile of the second; median of all tasks and of the longest task of the third.
    """
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for name, path, view in views:
            first, frames, turns = [], [], []
            for _ in range(REPEATS):
                context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
                page = context.new_page()
                page.goto(f"{path.as_uri()}#{view}")
                page.wait_for_selector("html[data-ready=yes]")
                first.append(float(page.evaluate(_STANDING)))
                page.evaluate(_FRAMES)
                page.mouse.move(600, 450)
                page.mouse.down()
                for i in range(40):
                    page.mouse.move(600 + 4 * i, 450 + 2 * i)
                    page.wait_for_timeout(16)
                page.mouse.up()
                # Counting frames would keep the main thread busy during the turns of the wheel.
                frames += page.evaluate("(window.counting = false, window.frames_ms.slice(2))")
                turns += turn_wheel(page)
                context.close()
            tasks, longest = (statistics.median(column) for column in zip(*turns, strict=True))
            dragged = (statistics.median(frames), float(np.quantile(frames, 0.95)))
            found[name] = (statistics.median(first), *dragged, tasks, longest)
        browser.close()
    return found


def measure(*, full: bool) -> list[str]:
    """Lines of the tables."""
    division = read_division(FOLDER / "division.gpkg")
    lines = ["| incidents | wangge: written in | size | folium HeatMap: written in | size |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (1_000, 10_000, 100_000, *((1_000_000,) if full else ())):
            result = assigned_incidents(count, division)
            ours, theirs = [], []
            for _ in range(3 if count <= 10_000 else 1):
                ours.append(draw_ours(division, result, folder / f"ours-{count}.html"))
                theirs.append(
                    draw_folium(result.incidents[~result.incidents.geometry.is_empty], folder / "theirs.html")
                )
            (s, mb), (s2, mb2) = (
                tuple(statistics.median(column) for column in zip(*rows, strict=True)) for rows in (ours, theirs)
            )
            lines.append(f"| {count:,} | {s:.2f} s | {mb:.1f} MB | {s2:.2f} s | {mb2:.1f} MB |")
        written(check_map(check_division(division), division), folder / "check.html")
        page = folder / "ours-100000.html"
        views = [
            ("incidents, density", page, ""),
            ("incidents, 3,052 grids", page, "level=3&by=incidents"),
            ("incidents, one week of 3,052 grids", page, "level=3&by=per_km2&span=week&window=20"),
            ("check, 3,052 grids", folder / "check.html", ""),
        ]
        lines += [
            "",
            "| page, 100,000 incidents | first full picture | a frame while dragged: median | 95 % "
            "| a turn of the wheel: main thread | longest task |",
            "|---|---|---|---|---|---|",
        ]
        for view, (first, *rest) in open_pages(views).items():
            lines.append(f"| {view} | {first / 1000:.2f} s | " + " | ".join(f"{value:.0f} ms" for value in rest) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million incidents too")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    arguments = parser.parse_args()
    with open("/proc/loadavg", encoding="ascii") as file:
        load = file.read().split()[0]
    lines = measure(full=arguments.full)
    about = (
        f"{arguments.date}, Python {platform.python_version()}, folium {version('folium')}, shapely {version('shapely')}, "
        f"{platform.machine()}, load {load} at the start; medians. Chromium without a graphics card."
    )
    text = DOCS.read_text(encoding="utf-8")
    table = "\n".join(["<!-- benchmark -->", about, "", *lines, "<!-- /benchmark -->"])
    text = re.sub(r"<!-- benchmark -->.*?<!-- /benchmark -->", lambda _: table, text, flags=re.DOTALL)
    DOCS.write_text(text, encoding="utf-8", newline="\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
