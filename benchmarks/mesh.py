"""Check, repair and mesh, compared with alternatives, on generated layers of increasing size.

``python benchmarks/mesh.py [--full] [--exact] [--only TEXT]`` writes the tables in docs/coverage.md: ``--only`` those parts whose
names contain the text (check, ring, repair, "repair 300,000"), the others are unchanged. maup and the command ``mapshaper`` are
included if installed. ``--full`` adds 300,000 cells, ``--exact`` maup's repair inside the outline, which takes minutes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

# Replaces this folder, whose scripts have names of libraries.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.report import machine, median_s, seconds, table, write  # noqa: E402
from geo.coverage import Mesh, check, plan_repair  # noqa: E402

Layer = gpd.GeoDataFrame
#: Time of another tool, or the reason why there is none; and its resulting cells.
Run = tuple[str, np.ndarray | None]
SEED = 1


def made(n: int) -> tuple[Layer, Layer]:
    """A valid layer of about n Voronoi cells in an irregular outline of 12.46 km² (larger for n above 30,000), and the
    outline.
    """
    rng = np.random.default_rng(SEED)
    turn = np.linspace(0, 2 * np.pi, 181)[:-1]
    radius = (1 + 0.15 * np.sin(3 * turn + 1) + 0.08 * np.cos(5 * turn)) * (n / 3052) ** 0.5 * 1950
    blob = shapely.Polygon(np.column_stack([388000 + radius * np.cos(turn), 3554000 + radius * np.sin(turn)]))
    west, south, east, north = blob.bounds
    points = np.empty((0, 2))
    while len(points) < n:
        more = rng.uniform([west, south], [east, north], (2 * n, 2))
        points = np.concatenate([points, more[shapely.contains_xy(blob, *more.T)]])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points[:n]), extend_to=blob))
    rim = ~shapely.contains_properly(blob, cells)
    cells[rim] = shapely.intersection(cells[rim], blob)
    cells = shapely.get_parts(shapely.transform(cells, lambda xy: np.round(xy, 3)))
    cells = cells[shapely.is_valid(cells) & (shapely.area(cells) > 0)]
    layer = gpd.GeoDataFrame({"code": [f"c{i:06d}" for i in range(len(cells))]}, geometry=cells, crs=4549)
    outline = gpd.GeoDataFrame(geometry=[shapely.coverage_union_all(cells)], crs=4549)
    return layer, outline


def jittered(layer: Layer, share: float = 0.05, by: float = 0.02) -> Layer:
    """Move all vertices of some cells by a share of the cell's side, independently for each cell."""
    rng = np.random.default_rng(SEED)
    shapes = np.array(layer.geometry.array, dtype=object)
    for i in rng.choice(len(shapes), int(share * len(shapes)), replace=False):
        corners = shapely.get_coordinates(shapes[i])[:-1]
        moved = shapely.Polygon(corners + rng.normal(0, by * shapes[i].area ** 0.5, corners.shape))
        shapes[i] = moved if moved.is_valid else shapes[i]
    return layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=layer.crs))


def quality(shapes: np.ndarray, outline: Layer) -> list[str]:
    """Uncovered, outside and doubly covered area, m², and cells in several parts."""
    border = outline.geometry.iloc[0]
    ground = shapely.union_all(shapes)
    bare, beyond = shapely.difference(border, ground).area, shapely.difference(ground, border).area
    double = float(shapely.area(shapes).sum()) - ground.area
    parts = int((shapely.get_num_geometries(shapes) > 1).sum())
    return [*(f"{abs(v):,.2f}" if abs(v) > 5e-5 else "0" for v in (bare, beyond, double)), str(parts)]


def checks(sizes: list[int]) -> str:
    rows = []
    for n in sizes:
        say(f"check and mesh of {n:,} cells")
        layer, outline = made(n)
        shapes = layer.geometry.array
        check(layer, outline=outline)  # Compiles the kernels, and warms the caches.
        edges, _ = median_s(lambda shapes=shapes: shapely.coverage_is_valid(shapes))
        every, report = median_s(lambda a=layer, b=outline: check(a, outline=b))
        there, mesh = median_s(lambda a=layer: Mesh.from_layer(a))
        back, drawn = median_s(lambda m=mesh: m.polygons())
        same = (shapely.normalize(drawn.array) == shapely.normalize(shapely.remove_repeated_points(shapes))).all()
        vertices = int(shapely.get_num_coordinates(np.asarray(shapes)).sum())
        rows.append(
            [
                f"{len(layer):,}",
                f"{vertices:,}",
                seconds(edges),
                seconds(every),
                f"{every / edges:.1f}",
                len(report.findings),
                seconds(there + back),
                "yes" if same else "NO",
            ]
        )
    head = [
        "cells",
        "vertices",
        "`coverage_is_valid` (edges only)",
        "`check` (all kinds)",
        "ratio",
        "findings",
        "mesh there and back",
        "bit-equal",
    ]
    return table(head, rows)


def rings(n: int) -> str:
    """Cells with very many vertices in a similar outline."""
    say(f"check of rings of {n:,} vertices")
    turn = np.linspace(0, 2 * np.pi, n + 1)[:-1]
    radius = 3000 + 50 * np.sin(40 * turn) + np.random.default_rng(SEED).uniform(0, 0.01, n)
    disc = shapely.Polygon(np.column_stack([388000 + radius * np.cos(turn), 3554000 + radius * np.sin(turn)]))
    west, east = (shapely.box(x, 3540000, x + 12000, 3570000) for x in (376000, 388000))
    halves = shapely.intersection(disc, np.array([west, east], dtype=object))
    holed = np.array(
        [shapely.difference(halves[0], shapely.Point(387900, 3554000).buffer(30)), halves[1]], dtype=object
    )
    outline = gpd.GeoDataFrame(geometry=[disc], crs=4549)
    rows = []
    for name, shapes in (("one cell", [disc]), ("its two halves", halves), ("halves with a hole in one", holed)):
        layer = gpd.GeoDataFrame({"code": [str(i) for i in range(len(shapes))]}, geometry=shapes, crs=4549)
        took, report = median_s(lambda a=layer: check(a, outline=outline))
        slow, _ = median_s(lambda a=layer: shapely.symmetric_difference(disc, shapely.union_all(a.geometry.array)), 1)
        rows.append([name, seconds(took), seconds(slow), str(report.counts() or "none").strip("{}").replace("'", "`")])
    return table(["", "`check` (all kinds)", "GEOS: difference with the outline alone", "findings"], rows)


def repairs(n: int, exact: bool) -> str:
    say(f"repair of {n:,} cells")
    layer, outline = made(n)
    dirty = jittered(layer)
    rows = [["as it came", "", *quality(np.asarray(dirty.geometry.array), outline), ""]]
    plan_repair(dirty, outline=outline)
    took, plan = median_s(lambda: plan_repair(dirty, outline=outline), 3)
    again = plan_repair(plan.cells, outline=outline).cells.geometry.array
    changed = int((shapely.to_wkb(again) != shapely.to_wkb(plan.cells.geometry.array)).sum())
    say(f"  wangge: {seconds(took)}")
    made_of_it = quality(np.asarray(plan.cells.geometry.array), outline)
    rows.append(["**wangge repair**", seconds(took), *made_of_it, str(changed)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        took, cleaned = median_s(lambda: shapely.coverage_clean(dirty.geometry.array, gap_width=10.0), 1)
    say(f"  coverage_clean: {seconds(took)}")
    rows.append(["GEOS `coverage_clean`", seconds(took), *quality(np.asarray(cleaned), outline), ""])
    for name, run in (
        ("mapshaper `-clean`", mapshaper),
        ("maup `quick_repair`", maup_quick),
        ("maup `smart_repair` in the outline", maup_smart),
    ):
        if run is not mapshaper and (n > 5000 or (run is maup_smart and not exact)):
            continue
        told, shapes = run(dirty, outline)
        say(f"  {name}: {told}")
        rows.append([name, told, *([""] * 4 if shapes is None else quality(shapes, outline)), ""])
    head = [
        "",
        "time",
        "uncovered m²",
        "outside m²",
        "double m²",
        "cells in parts",
        "cells that a second repair changes",
    ]
    return table(head, rows)


def mapshaper(dirty: Layer, _outline: Layer) -> Run:
    """The complete command with GeoJSON input and output, as used in practice."""
    if shutil.which("mapshaper") is None:
        return "not installed", None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.json", Path(folder) / "out.json"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It requires plane coordinates without a CRS.
            dirty.set_crs(None, allow_override=True).to_file(source, driver="GeoJSON", engine="pyogrio")
        start = time.perf_counter()
        subprocess.run(
            ["mapshaper-xl", "8gb", str(source), "-clean", "-o", str(target)], check=True, capture_output=True
        )
        took = seconds(time.perf_counter() - start)
        return took, np.asarray(gpd.read_file(target).geometry.array)


def maup_quick(dirty: Layer, _outline: Layer) -> Run:
    return _maup("quick_repair", dirty)


def maup_smart(dirty: Layer, outline: Layer) -> Run:
    return _maup("smart_repair", dirty, nest_within_regions=outline)


def _maup(name: str, dirty: Layer, **options: object) -> Run:
    try:
        import maup
    except ImportError:
        return "not installed", None
    maup.progress.enabled = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        try:
            done = getattr(maup, name)(dirty, **options)
        except TypeError as error:  # holes_of_union fails on a GeometryCollection that it created.
            return f"fails after {seconds(time.perf_counter() - start)}: {str(error)[:60]}", None
    return seconds(time.perf_counter() - start), np.asarray(done.geometry.array)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="300,000 cells, too")
    parser.add_argument("--exact", action="store_true", help="maup's repair inside the outline, too")
    parser.add_argument("--only", default="", help="only the parts whose names hold this text")
    asked = parser.parse_args()
    sizes = [3052, 30_000] + ([300_000] if asked.full else [])
    parts = {
        "check": lambda: checks(sizes),
        "ring 1,000,000": lambda: "A cell of a million vertices, in an outline of a million:\n\n" + rings(1_000_000),
        **{
            f"repair {n:,}": lambda n=n: (
                f"Repair of {n:,} cells, 5 % of them jittered by 2 % of their side:\n\n{repairs(n, asked.exact)}"
            )
            for n in (3052, 300_000)
            if n < 300_000 or asked.full
        },
    }
    for name, part in parts.items():
        if asked.only in name:
            where = machine("shapely", "geopandas", "numba", "maup")
            text = f"{part()}\n\nMedians of three runs, of tools that are slow one run, on {where}."
            write("coverage.md", f"benchmark {name}", text)
            print(text)


if __name__ == "__main__":
    main()
