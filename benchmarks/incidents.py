"""Speed of reading, assigning, counting and mapping incidents, and detection of planted hot spots, compared with other libraries.

``python -m benchmarks.incidents [--full]`` writes the tables in docs/incidents.md. esda with libpysal and scikit-learn are
included if installed. ``--full`` adds a million incidents, a stream of 17 million, and 200 simulated months in place of 20.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import resource
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import scipy.stats
import shapely

from benchmarks.report import ROOT, machine, median_s, seconds, table, write
from geo.incidents import assign, count_stream, counts, density, hotspots, mark_default_points, read_incidents
from geo.incidents.statistics.association import gi_star
from geo.incidents.statistics.multiple_testing import benjamini_hochberg
from geo.incidents.statistics.neighbours import contiguity, contiguity_weights
from geo.layers import Division, Level, convert, read_division
from geo.layers.columns import AREA_M2, POPULATION
from geo.sample import model_street, simulate_incidents
from geo.sample.days.incidents import hot_spots

SEED = 1
BOUNDARIES = ROOT / "data" / "boundaries" / "division.gpkg"
# Incidents have a noise of 6 m (standard deviation): a margin of three standard deviations around a disc contains all its
# incidents.
NOISE_M = 18.0


def optional(name: str) -> Any:
    """A competitor, or None if not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"skipped: {name} is not installed")
        return None


def places(division: Division, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n places uniformly distributed over the street, metres."""
    rng = np.random.default_rng(SEED)
    area = shapely.union_all(division.street.geometry.array)
    shapely.prepare(area)
    west, south, east, north = area.bounds
    found: list[np.ndarray] = []
    while sum(map(len, found)) < n:
        xy = rng.uniform([west, south], [east, north], (n, 2))
        found.append(xy[shapely.contains_xy(area, *xy.T)])
    x, y = np.concatenate(found)[:n].T
    return x, y


def export(division: Division, n: int, folder: Path) -> Path:
    """Export of a hotline with n incidents of a month, in GCJ-02."""
    path = folder / f"{n}.csv"
    rng = np.random.default_rng(SEED)
    x, y = places(division, n)
    lon, lat = pyproj.Transformer.from_crs(division.crs, 4326, always_xy=True).transform(x, y)
    lon, lat = convert(lon, lat, "WGS-84", "GCJ-02")
    when = pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 30 * 86_400, n), unit="s")
    kinds = ["暴露垃圾", "店外经营", "乱停车", "噪声扰民"]
    pd.DataFrame(
        {
            "编号": [f"A{i:08d}" for i in range(n)],
            "受理时间": when.strftime("%Y-%m-%d %H:%M:%S"),
            "类别": rng.choice(kinds, n),
            "来源": "12345热线",
            "地址": [f"和燕路{i % 3000}号" for i in range(n)],
            "经度": lon.round(7),
            "纬度": lat.round(7),
        }
    ).to_csv(path, index=False)
    return path


def pipeline(division: Division, sizes: list[int]) -> str:
    """From a file to a map, step by step."""
    from maps import heat_map, save

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        assign(read_incidents(export(division, 2000, Path(folder)), datum="GCJ-02"), division)  # Compiles the kernels.
        for n in sizes:
            path = export(division, n, Path(folder))
            marks = [time.perf_counter()]
            incidents = read_incidents(path, datum="GCJ-02")
            marks.append(time.perf_counter())
            assigned = assign(incidents, division)
            marks.append(time.perf_counter())
            counted = counts(assigned, division)
            hot = hotspots(counted, division.second)
            marks.append(time.perf_counter())
            surface = density(assigned, outline=division)
            marks.append(time.perf_counter())
            save(heat_map(division, assigned, surface, counted, hotspots=hot), Path(folder) / "heat.html")
            marks.append(time.perf_counter())
            times = [float(t) for t in np.diff(marks)]
            size = (Path(folder) / "heat.html").stat().st_size / 1e6
            rows.append([f"{n:,}", *map(seconds, times), f"**{seconds(sum(times))}**", f"{size:.1f} MB"])
            print(rows[-1], flush=True)
    return table(["reports", "read", "assign, 3 levels", "count, test", "density", "map", "all", "page"], rows)


def against_others(division: Division, n: int) -> str:
    """Single steps compared with alternatives in one run."""
    x, y = places(division, n)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=division.crs)
    cells = division.third[["code", "geometry"]]
    rows = []
    ours = median_s(lambda: assign(points, division))[0]
    theirs = median_s(lambda: gpd.sjoin(points, cells, how="left", predicate="within"))[0]
    rows.append(
        [
            f"{n:,} incidents to 3,052 cells (ours also marks borders)",
            seconds(ours),
            f"geopandas sjoin {seconds(theirs)}",
            f"{theirs / ours:.1f}",
        ]
    )
    few = points.iloc[:3000]
    gx, gy = np.meshgrid(*axes(division))
    ours = median_s(lambda: density(few, outline=division))[0]
    kernel = scipy.stats.gaussian_kde(np.column_stack([x[:3000], y[:3000]]).T, bw_method=0.05)
    theirs = median_s(lambda: kernel(np.stack([gx.ravel(), gy.ravel()])), 1)[0]
    rows.append(
        [
            "density of 3,000 incidents (ours corrected at the outline)",
            seconds(ours),
            f"scipy gaussian_kde {seconds(theirs)}",
            f"{theirs / ours:.1f}",
        ]
    )
    if (sklearn := optional("sklearn.neighbors")) is not None:
        tree = sklearn.KernelDensity(bandwidth=150.0, rtol=1e-4).fit(np.column_stack([x[:3000], y[:3000]]))
        theirs = median_s(lambda: tree.score_samples(np.column_stack([gx.ravel(), gy.ravel()])), 1)[0]
        rows.append(
            ["the same", seconds(ours), f"scikit-learn KernelDensity {seconds(theirs)}", f"{theirs / ours:.1f}"]
        )
    rows += hot_spot_rows(division)
    return table(["step", "wangge", "instead", "times as long"], rows)


def axes(division: Division) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the default raster."""
    surface = density(gpd.GeoDataFrame(geometry=[], crs=division.crs), outline=division)
    return surface.x, surface.y


def hot_spot_rows(division: Division) -> list[list[str]]:
    """Gi* of 3,052 cells: time, and whether the numbers agree."""
    values = np.random.default_rng(SEED).poisson(1.0, len(division.third))
    frame = pd.DataFrame({"code": division.third["code"], "incidents": values})
    pairs = contiguity(division.third)
    named = pd.DataFrame(division.third["code"].to_numpy()[pairs], columns=["a", "b"])
    ours, found = median_s(lambda: hotspots(frame, division.third, neighbours=named))
    esda, graph = optional("esda"), optional("libpysal.graph")
    if esda is None or graph is None:
        return []
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    focal = pd.MultiIndex.from_arrays([ends[:, 0], ends[:, 1]], names=["focal", "neighbor"])
    weights = graph.Graph(pd.Series(1.0, index=focal, name="weight").sort_index()).assign_self_weight(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.random.seed(SEED)  # noqa: NPY002  esda draws from the global state
        values = values.astype(float)
        work = lambda: esda.G_Local(values, weights, transform="B", star=True, permutations=999)  # noqa: E731
        first = median_s(work, 1)[0]  # esda compiles its kernels in each new process
        theirs, local = median_s(work)
        same = float(np.abs(local.Zs - found["z"].to_numpy()).max())
    least = f"least p {found['p'].min():.1g} against {local.p_sim.min():.1g}"
    return [
        [
            f"Gi* and its test, 3,052 cells (z agree to {same:.0e}; {least})",
            seconds(ours),
            f"esda, 999 permutations {seconds(theirs)} (first call {seconds(first)})",
            f"{theirs / ours:.1f}",
        ]
    ]


def planted(division: Division, runs: int) -> str:
    """Power and false discoveries over simulated months with five planted hot spots."""
    street = model_street()
    discs = [shapely.Point(s.x, s.y).buffer(s.radius_m + NOISE_M) for s in hot_spots(street)]
    area = shapely.union_all(discs)
    tested = {level: Ground(division, level, area, discs) for level in (Level.SECOND, Level.THIRD)}
    for seed in range(runs):
        incidents, truth = simulate_incidents(street, rng=np.random.default_rng(seed), start=dt.date(2026, 9, 1))
        marked, _ = mark_default_points(incidents)
        kept = ~marked["default_point"].to_numpy()
        assigned = assign(marked[kept], division, border_m=0.0)
        spot = truth["hotspot_id"].to_numpy()[kept] >= 0
        counted = counts(assigned, division)
        for ground in tested.values():
            ground.add(assigned, spot, counted)
        if (seed + 1) % 20 == 0:
            print(f"{seed + 1} of {runs} months", flush=True)
    rows = [row for ground in tested.values() for row in ground.rows(runs)]
    head = [
        "level",
        "method",
        "hot cells a month",
        "power: doubled cells",
        "power: planted spots",
        "false discovery rate",
        "the same, strict",
    ]
    return table(head, rows)


class Ground:
    """One level: its neighbourhoods, and the results of each month and method."""

    METHODS = ("wangge, hot", "wangge, core", "Gi*, dealt values", "Gi*, normal z > 1.96")

    def __init__(self, division: Division, level: Level, area: shapely.Geometry, discs: list[shapely.Geometry]) -> None:
        self.level, self.frame = level, division.layer(level)
        pairs = contiguity(self.frame)
        codes = self.frame["code"].to_numpy()
        self.pairs = pd.DataFrame(codes[pairs], columns=["a", "b"])
        self.weights = contiguity_weights(pairs, len(self.frame))
        shapes = self.frame.geometry.array
        self.touched = shapely.intersects(shapes, area)
        self.near = (self.weights @ self.touched.astype(float)) > 0
        self.of_disc = [shapely.intersects(shapes, disc) for disc in discs]
        self.hot: dict[str, list[np.ndarray]] = {method: [] for method in self.METHODS}
        self.inside, self.all = [], []

    def add(self, assigned: gpd.GeoDataFrame, spot: np.ndarray, counted: pd.DataFrame) -> None:
        mine = counted[counted["level"] == int(self.level)]
        values = mine["incidents"].to_numpy(dtype=float)
        codes = self.frame["code"]
        self.inside.append(assigned.loc[spot, self.level.layer].value_counts().reindex(codes, fill_value=0).to_numpy())
        self.all.append(values)
        found = hotspots(mine, self.frame, neighbours=self.pairs)
        self.hot["wangge, hot"].append(found["hot"].to_numpy())
        self.hot["wangge, core"].append(found["core"].to_numpy())
        dealt = hotspots(mine, self.frame, neighbours=self.pairs, null="dealt")
        self.hot["Gi*, dealt values"].append(dealt["hot"].to_numpy())
        self.hot["Gi*, normal z > 1.96"].append(gi_star(values, self.weights) > 1.96)

    def rows(self, runs: int) -> list[list[str]]:
        inside, every = np.mean(self.inside, axis=0), np.mean(self.all, axis=0)
        doubled = inside >= np.maximum(every - inside, 1e-9)
        result = []
        for method, months in self.hot.items():
            hot = np.array(months)
            # Wrong: neither the cell nor a neighbour intersects a planted disc; strictly wrong: the cell itself does not.
            wrong = [(hot & ~right).sum(axis=1) / np.maximum(hot.sum(axis=1), 1) for right in (self.near, self.touched)]
            rates = [f"{false.mean():.2%} ± {false.std(ddof=1) / np.sqrt(runs):.2%}" for false in wrong]
            found = np.mean([[month[cells].any() for cells in self.of_disc] for month in hot])
            what = f"{self.level.layer}, {len(self.frame):,} cells, {doubled.sum()} doubled"
            power = [f"{hot.sum(axis=1).mean():.1f}", f"{hot[:, doubled].mean():.1%}", f"{found:.1%}"]
            result.append([what, method, *power, *rates])
        return result


def chessboard(side: int) -> gpd.GeoDataFrame:
    """Equal square cells."""
    boxes = [shapely.box(c * 50, r * 50, c * 50 + 50, r * 50 + 50) for r in range(side) for c in range(side)]
    return gpd.GeoDataFrame({"code": [f"{i:05d}" for i in range(side * side)]}, geometry=boxes, crs=4549)


def even(division: Division, runs: int) -> str:
    """Months without planted hot spots: how often anything is called hot."""
    alike = [("even", 1.0, None, None), ("even", 10.0, None, None), ("uneven, rates ± 40 %", 10.0, 6.0, None)]
    # Cells of the model street: from 560 m² to 7 ha, with 0 to 315 residents.
    real = [("even over the ground", 10.0, None, AREA_M2), ("even over the residents", 10.0, None, POPULATION)]
    boards = [("alike", chessboard(16), alike), ("alike", chessboard(55), alike)]
    boards += [("model street", layer, real) for layer in (division.second, division.third)]
    rows = []
    for kind, cells, months in boards:
        pairs = contiguity(cells)
        named = pd.DataFrame(cells["code"].to_numpy()[pairs], columns=["a", "b"])
        weights = contiguity_weights(pairs, len(cells))
        for what, mean, size, by in months:
            rng = np.random.default_rng(SEED)
            due = np.ones(len(cells)) if by is None else cells[by].to_numpy(dtype=float) / cells[by].mean()
            shown = core = naive = 0
            for _ in range(runs):
                rate = mean * due if size is None else rng.gamma(size, mean / size, len(cells))
                values = rng.poisson(rate)
                found = hotspots(pd.DataFrame({"code": cells["code"], "incidents": values}), cells, neighbours=named)
                shown += bool(found["hot"].any())
                core += bool(found["core"].any())
                z = gi_star(values.astype(float), weights)
                naive += bool((benjamini_hochberg(scipy.stats.norm.sf(z)) <= 0.05).any())
            shares = [f"{number / runs:.1%}" for number in (shown, core, naive)]
            rows.append([f"{len(cells):,}, {kind}", what, f"{mean:g}", *shares])
            print(rows[-1], flush=True)
    return table(
        [
            "cells",
            "reports",
            "mean per cell",
            "wangge: months with a hot cell",
            "with a core cell",
            "Gi*, normal law, FDR 5 %",
        ],
        rows,
    )


def stream(division: Division, n: int, chunk: int = 1_000_000) -> str:
    """Points processed in chunks; memory is the peak of the process."""
    west, south, east, north = division.street.total_bounds

    def chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(SEED)
        for start in range(0, n, chunk):
            size = min(chunk, n - start)
            yield rng.uniform(west, east, size), rng.uniform(south, north, size)

    took, found = median_s(lambda: count_stream(chunks(), division), 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return (
        f"{n:,} points in chunks of {chunk:,}: {seconds(took)} ({n / took / 1e6:.1f} million a second, making them included), "
        f"{found.attrs['outside']:,} outside, at most {most:.1f} GB in the whole run."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long run")
    parser.add_argument("--date", default=dt.date.today().isoformat(), help="day to write beside the tables")
    parser.add_argument("--only", help="one part: pipeline, others, planted, even, stream")
    given = parser.parse_args()
    division = read_division(BOUNDARIES)
    said = f"{given.date}; {machine('numpy', 'pandas', 'geopandas', 'shapely', 'scipy', 'esda', 'scikit-learn')}"
    sizes = [10_000, 100_000, 1_000_000] if given.full else [10_000, 100_000]
    parts = {
        "pipeline": lambda: pipeline(division, sizes),
        "others": lambda: against_others(division, 100_000),
        "even": lambda: even(division, 200 if given.full else 30),
        "planted": lambda: f"{200 if given.full else 20} months.\n\n" + planted(division, 200 if given.full else 20),
        "stream": lambda: stream(division, 17_000_000 if given.full else 2_000_000),
    }
    for name, work in parts.items():
        if given.only in (None, name):
            write("incidents.md", name, f"{work()}\n\n{said}")
            print(f"written: {name}", flush=True)


if __name__ == "__main__":
    main()
