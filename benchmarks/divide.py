"""Division of given cells, of real blocks and of the model street, and rebalancing, compared with METIS, GerryChain and spopt.

``python -m benchmarks.divide [--full] [--limit-s S]`` writes the table in docs/divide.md. GerryChain and spopt are included if
installed, Providence if ``WANGGE_SHARED_DATA`` (or ../shared/data) contains it. ``--full`` adds 300,000 cells; each of the
other programs is stopped after ``--limit-s``, 30 s by default.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pymetis
import shapely

from benchmarks.mesh import made
from benchmarks.report import ROOT, machine, seconds, table, write
from geo.coverage import Mesh
from geo.divide import balance, divide, limits, partition, rebalance
from geo.divide.partitioning.adjacency import build_graph, pieces
from geo.divide.partitioning.indivisible import units
from geo.divide.partitioning.merging import dissolve
from geo.layers import Level, on_lattice, to_metric
from geo.sample import model_street

SEED = 1
Labels = np.ndarray[Any, np.dtype[np.int64]]


def weighted(n: int) -> gpd.GeoDataFrame:
    cells, _ = made(n)
    rng = np.random.default_rng(SEED)
    load = rng.lognormal(0, 0.7, len(cells))
    return cells.assign(workload=load, population=rng.poisson(6 * load))


def providence() -> gpd.GeoDataFrame | None:
    folder = Path(os.environ.get("WANGGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "providence"
    if not folder.exists():
        print("Providence: the data are not here")
        return None
    blocks = to_metric(gpd.read_file(f"zip://{folder / 'blocks.zip'}"))
    return blocks.set_geometry(on_lattice(blocks.geometry)).assign(workload=blocks["TOTPOP"].astype(float))


def judged(cells: gpd.GeoDataFrame, label: Labels, parent: Labels | None = None) -> dict[str, Any]:
    """Parts, stray pieces, rings, deviation from the parent's mean, and mean Polsby-Popper."""
    shapes = np.asarray(cells.geometry.array)
    count = int(label.max()) + 1
    graph = build_graph(units(shapes)[0]) if (shapely.get_num_geometries(shapes) > 1).any() else build_graph(shapes)
    unit = units(shapes)[1]
    of_unit = label[np.unique(unit, return_index=True)[1]]
    stray = sum(int(pieces(graph, np.flatnonzero(of_unit == k)).max(initial=0)) for k in range(count))
    merged = dissolve(shapes, np.unique(label, return_inverse=True)[1])
    load = np.bincount(label, cells["workload"], minlength=count)
    mean = np.full(count, load.mean())
    if parent is not None:
        above = np.zeros(count, dtype=np.int64)
        above[label] = parent
        mean = (np.bincount(above, load) / np.bincount(above))[above]
    rings = int((shapely.get_num_interior_rings(shapely.get_geometry(merged, 0)) > 0).sum())
    off = np.abs(load / mean - 1)
    return {
        "parts": len(np.unique(label)),
        "stray": stray,
        "rings": rings,
        "off": float(off.max()),
        "p95": float(np.quantile(off, 0.95)),
        "pp": float((4 * np.pi * shapely.area(merged) / shapely.length(merged) ** 2).mean()),
    }


def row(task: str, who: str, took: float | None, found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return [task, who, seconds(took), "–", "–", "–", "–", "–"]
    return [
        task,
        who,
        seconds(took),
        str(found["parts"]),
        f"{found['stray']} / {found['rings']}",
        f"{found['p95']:.1%}",
        f"{found['off']:.1%}",
        f"{found['pp']:.3f}",
    ]


def neighbours(cells: gpd.GeoDataFrame) -> tuple[Any, Any]:
    """Adjacency and integer weights, as METIS takes them."""
    graph = build_graph(units(np.asarray(cells.geometry.array))[0])
    kept = (graph.neighbour >= 0) & (graph.length_m > 0)
    pairs = np.unique(np.column_stack([graph.row_of()[kept], graph.neighbour[kept]]), axis=0)
    return pairs, len(graph)


def metis(cells: gpd.GeoDataFrame, parts: int, *, recursive: bool) -> Labels:
    pairs, n = neighbours(cells)
    unit = units(np.asarray(cells.geometry.array))[1]
    load = np.bincount(unit, cells["workload"])
    start = np.searchsorted(pairs[:, 0], np.arange(n + 1))
    options = pymetis.Options(seed=SEED) if recursive else pymetis.Options(seed=SEED, contig=1)
    _, side = pymetis.part_graph(
        parts,
        adjacency=pymetis.CSRAdjacency(adj_starts=start, adjacent=pairs[:, 1]),
        vweights=np.maximum(load / load.mean() * 1000, 1).astype(int),
        recursive=recursive,
        options=options,
    )
    return np.asarray(side, dtype=np.int64)[unit]


def gerrychain(cells: gpd.GeoDataFrame, parts: int) -> Labels:
    import random

    import networkx
    from gerrychain.partition import recursive_tree_part

    random.seed(SEED)
    pairs, n = neighbours(cells)
    unit = units(np.asarray(cells.geometry.array))[1]
    graph = networkx.Graph()
    load = np.bincount(unit, cells["workload"])
    graph.add_nodes_from((k, {"load": float(load[k])}) for k in range(n))
    graph.add_edges_from(pairs.tolist())
    from gerrychain import Graph

    found = recursive_tree_part(Graph.from_networkx(graph), range(parts), float(load.sum()) / parts, "load", 0.05)
    return np.array([found[k] for k in range(n)], dtype=np.int64)[unit]


def spopt(cells: gpd.GeoDataFrame, parts: int) -> Labels:
    from libpysal.weights import Rook
    from spopt.region import WardSpatial

    model = WardSpatial(cells, Rook.from_dataframe(cells, use_index=False), ["workload"], n_clusters=parts)
    model.solve()
    return np.unique(np.asarray(model.labels_), return_inverse=True)[1].astype(np.int64)


def _call(queue: Any, work: Callable[..., Labels], cells: gpd.GeoDataFrame, parts: int) -> None:
    start = time.perf_counter()
    queue.put((work(cells, parts), time.perf_counter() - start))


def limited(
    work: Callable[..., Labels], cells: gpd.GeoDataFrame, parts: int, limit_s: float
) -> tuple[float | None, Labels | None]:
    """Run a competitor in a separate process with a time limit."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_call, args=(queue, work, cells, parts), daemon=True)
    process.start()
    try:
        label, took = queue.get(timeout=limit_s)
    except Exception:  # noqa: BLE001 - Empty, whatever the queue calls it
        label, took = None, None
    process.kill()
    process.join()
    return took, label


def competitors(task: str, cells: gpd.GeoDataFrame, parts: int, limit_s: float) -> list[list[str]]:
    rows = []
    for name, recursive in (("METIS k-way", False), ("METIS recursive", True)):
        start = time.perf_counter()
        label = metis(cells, parts, recursive=recursive)
        rows.append(row(task, name, time.perf_counter() - start, judged(cells, label)))
    for name, package, work in (("GerryChain, 5 %", "gerrychain", gerrychain), ("spopt Ward", "spopt", spopt)):
        if find_spec(package) is None:
            print(f"{name}: not installed")
            continue
        took, found = limited(work, cells, parts, limit_s)
        rows.append(
            row(
                task,
                name if found is not None else f"{name} (no result in {limit_s:.0f} s)",
                took,
                None if found is None else judged(cells, found),
            )
        )
    return rows


def divided(task: str, cells: gpd.GeoDataFrame, counts: tuple[int, ...]) -> tuple[list[list[str]], pd.DataFrame]:
    start = time.perf_counter()
    groups = partition(cells, counts, rng=SEED)
    took = time.perf_counter() - start
    known, above, rows = limits(cells, groups), None, []
    for level in groups.columns:
        mine = known[known["level"] == level]
        missed = int((mine["reached"] > np.maximum(mine["bound"], 0.15 if level == "third" else 0.05) + 1e-9).sum())
        name = f"wangge, {level} ({missed} of {len(mine)} parents miss 5 or 15 % and their bound)"
        rows.append(row(task, name, took, judged(cells, groups[level].to_numpy(), above)))
        above = groups[level].to_numpy()
    return rows, groups


def rebalanced(cells: gpd.GeoDataFrame, groups: pd.DataFrame) -> list[list[str]]:
    """Workloads with a hot spot of three times the work, as wide as about eight grids, and noise."""
    rng = np.random.default_rng(SEED)
    x, y = shapely.get_coordinates(shapely.centroid(cells.geometry.array)).T
    hot = np.hypot(x - x.mean() - 500, y - y.mean() - 300) < 1100
    load = cells["workload"] * rng.lognormal(0, 0.3, len(cells)) * np.where(hot, 3.0, 1.0)
    rows = []
    for name, parents in (("free", None), ("in their communities", groups["community"])):
        start = time.perf_counter()
        found = rebalance(
            cells,
            groups["second"],
            workload=load,
            residents=cells["population"],
            parents=parents,
            tolerances=(0.5, 0.3, 0.2, 0.1, 0.05),
        )
        took = time.perf_counter() - start
        rows += [
            [
                f"30,000 cells, 255 grids, {name}",
                seconds(took),
                f"{p.imbalance:.1%}",
                f"{p.moved:.1%}",
                f"{p.proven:.1%}",
                f"{p.transport:.1%}",
            ]
            for p in found.points
        ]
    return rows


def model() -> list[list[str]]:
    street = model_street()
    barriers = gpd.GeoDataFrame(pd.concat([street.railways, street.water], ignore_index=True), crs=street.outline.crs)
    start = time.perf_counter()
    division = divide(
        street.outline,
        roads=street.roads,
        buildings=street.buildings,
        barriers=barriers,
        communities=street.communities,
    )
    took = time.perf_counter() - start
    cut, shares = len(division.third.attrs["buildings_cut"]), division.third.attrs["on_barriers"]
    rows = []
    for level in (Level.SECOND, Level.THIRD):
        off = (balance(division, level) - 1).abs()
        rows.append(
            [
                "model street",
                level.layer,
                seconds(took),
                len(division.layer(level)),
                f"{off.quantile(0.95):.1%}",
                f"{off.max():.1%}",
                f"{shares[level.layer]:.1%}",
                cut,
            ]
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"))
    parser.add_argument("--limit-s", type=float, default=30.0, help="for each of the others")
    asked = parser.parse_args()
    limit_s = asked.limit_s
    # Compile the kernels; with few cells, rebalancing is included.
    for n, counts in ((600, (2, 5, 40)), (150, (3, 30))):
        partition(weighted(n), counts)
    head = ["cells", "who", "time", "parts", "stray / rings", "off p95", "off max", "Polsby-Popper"]
    cells = weighted(30_000)
    rows, groups = divided("30,000 to 13 / 255 / 3,052", cells, (13, 255, 3052))
    mesh = Mesh.from_layer(cells)
    valid = all(shapely.coverage_is_valid(mesh.dissolve(groups[c].to_numpy()).polygons().array) for c in groups.columns)
    rows += competitors("30,000 to 3,052", cells, 3052, limit_s)
    # Smaller instances, for programs that do not finish large ones.
    small = weighted(3_052)
    rows += divided("3,052 to 13 / 255", small, (13, 255))[0]
    rows += competitors("3,052 to 255", small, 255, limit_s)
    blocks = providence()
    if blocks is not None:
        rows += competitors("Providence to 13", blocks, 13, limit_s)
        rows += divided("Providence 3,014 to 13 / 255", blocks, (13, 255))[0]
        rows += competitors("Providence to 255", blocks, 255, limit_s)
    if asked.full:
        rows += divided("300,000 to 13 / 255 / 3,052", weighted(300_000), (13, 255, 3052))[0]
    moved = table(
        ["case", "time, all points", "imbalance", "residents moved", "proven least", "transport estimate"],
        rebalanced(cells, groups),
    )
    street = table(
        ["case", "level", "time", "grids", "off p95", "off max", "border on barriers", "buildings cut"], model()
    )
    versions = machine("numpy", "scipy", "numba", "shapely", "pymetis", "gerrychain", "spopt")
    note = f"{asked.date}; {versions}. All levels valid: {valid}."
    write("divide.md", "benchmark", "\n\n".join([table(head, rows), moved, street, note]))


if __name__ == "__main__":
    main()
