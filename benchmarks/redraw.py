"""Speed of edits of a division, in the engine and on the server, and validity of the result.

    python benchmarks/redraw.py [--place street|providence] [--cells N] [--edits N] [--seed N] [--write]
    python benchmarks/redraw.py --server [--database URL] [--edits N] [--seed N]

The engine's part applies a sequence of random edits of all kinds (:mod:`geo.sample.random_edits`) and prints, for each kind, the
numbers accepted and refused with the processor time of an edit including postconditions. It counts the findings of the check at
three levels, compares people and area with the base, undoes all edits, and replays the saved draft; both results must be bitwise
equal. ``--cells`` above 3,052 uses adjacent copies of the model street, one community each. Providence is divided into 13
communities and 255 grids; it needs the shared data (``WANGGE_SHARED_DATA``). Census blocks in several parts or around others are
made simple first, because the base must be clean in the same check.

The server's part starts ``wangge serve`` on an empty database (SQLite by default, or that of ``--database``), and measures edits
with their consequences and snapshots over HTTP, each acknowledged after its commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import shapely

ROOT = Path(__file__).resolve().parent.parent
# Replaces this folder, whose scripts have names of libraries.
sys.path[0] = str(ROOT)

from benchmarks.report import machine, table, write  # noqa: E402
from geo.coverage import check_division  # noqa: E402
from geo.layers import Division, Level, read_division  # noqa: E402
from geo.redraw import Draft, RefusedEdit  # noqa: E402
from geo.sample.random_edits import RandomEdits  # noqa: E402

PEOPLE = ("population", "households", "units")
STREET = ROOT / "data" / "boundaries" / "division.gpkg"
GROUND = ROOT / "data" / "boundaries" / "street.gpkg"


def copies(division: Division, count: int) -> Division:
    """Adjacent copies of a street as one street, each copy a community."""
    west, south, east, north = division.street.total_bounds
    frames: dict[Level, list[gpd.GeoDataFrame]] = defaultdict(list)
    columns = int(np.ceil(np.sqrt(count)))
    street = str(division.street["code"].iloc[0])
    seconds = {code: f"{k + 1:03d}" for k, code in enumerate(division.second["code"])}
    for copy in range(count):
        dx, dy = (copy % columns) * (east - west + 100.0), (copy // columns) * (north - south + 100.0)
        community = f"{street}{copy + 1:03d}"
        second = division.second.assign(
            parent=community, code=[community + seconds[c] for c in division.second["code"]]
        )
        third = division.third.assign(
            parent=[community + seconds[p] for p in division.third["parent"]],
            code=[
                community + seconds[p] + c[-3:]
                for c, p in zip(division.third["code"], division.third["parent"], strict=True)
            ],
        )
        above = division.street.assign(parent=street, code=community, level=int(Level.COMMUNITY))
        for level, frame in ((Level.COMMUNITY, above), (Level.SECOND, second), (Level.THIRD, third)):
            shapes = frame.geometry.translate(dx, dy)
            frames[level].append(frame.set_geometry(shapes.set_precision(0.001)))
    layers = {level: pd.concat(parts, ignore_index=True) for level, parts in frames.items()}
    outline = layers[Level.COMMUNITY].geometry.union_all()
    sums = {name: layers[Level.COMMUNITY][name].sum() for name in (*PEOPLE, "workload", "area_m2")}
    whole = division.street.assign(**sums).set_geometry(gpd.GeoSeries([outline], crs=division.crs))
    return Division(whole, layers[Level.COMMUNITY], layers[Level.SECOND], layers[Level.THIRD])


def providence() -> Division:
    """Census blocks of Providence as third-level cells, in 13 communities and 255 grids."""
    from geo.divide import partition
    from geo.layers import on_lattice, to_metric

    folder = Path(os.environ.get("WANGGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "providence"
    blocks = to_metric(gpd.read_file(f"zip://{folder / 'blocks.zip'}"))
    blocks = simply_connected(blocks.set_geometry(on_lattice(blocks.geometry)))
    blocks = blocks.assign(workload=blocks["TOTPOP"].astype(float))
    groups = partition(blocks, (13, 255), rng=1)
    return as_division(blocks, groups)


def simply_connected(blocks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Blocks as the check requires cells: smaller parts go to the neighbour with the longest common border, and blocks
    enclosed by another one are merged into it.
    """
    shapes, people = blocks.geometry.to_numpy().copy(), blocks["TOTPOP"].to_numpy(int).copy()
    for k in np.flatnonzero(shapely.get_num_geometries(shapes) > 1):
        shapes[k], *minor = sorted(shapely.get_parts(shapes[k]), key=shapely.area, reverse=True)
        for part in minor:
            common = shapely.length(shapely.intersection(shapes, part))
            common[k] = 0.0
            to = int(np.argmax(common))
            shapes[to] = shapely.union(shapes[to], part, grid_size=0.001)
    kept = np.full(len(shapes), True)
    for k in np.flatnonzero([shapely.get_num_interior_rings(shape) > 0 for shape in shapes]):
        whole = shapely.Polygon(shapely.get_exterior_ring(shapes[k]))
        inside = shapely.covered_by(shapes, whole) & kept
        people[k] = people[inside].sum()
        kept &= ~inside
        shapes[k], kept[k] = whole, True
    return blocks.set_geometry(gpd.GeoSeries(shapes, index=blocks.index, crs=blocks.crs)).assign(TOTPOP=people)[kept]


def as_division(blocks: gpd.GeoDataFrame, groups: pd.DataFrame) -> Division:
    """Cells with their groups as a division, numbered in their order."""
    street = "440070001"
    community = [f"{street}{k + 1:03d}" for k in pd.factorize(groups["community"])[0]]
    second = [
        c + f"{k + 1:03d}"
        for c, k in zip(community, _numbers_within(community, groups["second"].to_numpy()), strict=True)
    ]
    third = [s + f"{k + 1:03d}" for s, k in zip(second, _numbers_within(second, np.arange(len(second))), strict=True)]
    people = blocks["TOTPOP"].to_numpy(int)
    cells = gpd.GeoDataFrame(
        {
            "code": third,
            "parent": second,
            "name": third,
            "level": 3,
            "population": people,
            "households": people // 3,
            "units": people // 20,
            "workload": blocks["workload"].to_numpy(),
            "leader": None,
            "area_m2": blocks.area.to_numpy(),
        },
        geometry=blocks.geometry.to_numpy(),
        crs=blocks.crs,
    )
    layers = [cells]
    for level, length in ((2, 15), (1, 12), (0, 9)):
        below = layers[-1]
        sums = [*PEOPLE, "workload", "area_m2"]
        frame = below.assign(key=below["code"].str[:length]).dissolve("key", aggfunc=dict.fromkeys(sums, "sum"))
        codes = frame.index.to_series()
        frame = frame.assign(code=codes, name=codes, level=level, leader=None)
        frame["parent"] = codes.str[:-3] if level else None
        layers.append(frame.reset_index(drop=True)[cells.columns])
    return Division(*reversed(layers))


def _numbers_within(groups: list[str], labels: np.ndarray) -> np.ndarray:
    """Number of each label among those of its group, from 0."""
    frame = pd.DataFrame({"group": groups, "label": labels})
    return frame.groupby("group")["label"].transform(lambda part: pd.factorize(part)[0]).to_numpy()


def kinds_in_turn(makers: RandomEdits, edits: int) -> Iterator[str]:
    """Sequence of kinds of edits: all except redivisions in turn, and 30 redivisions distributed among them."""
    for k, kind in enumerate(islice(cycle([*makers.kinds, "recode", "lock", "comment"]), edits)):
        yield kind
        if k % max(1, edits // 30) == 0:
            yield "redivide"


def engine(division: Division, edits: int, seed: int, **ground: gpd.GeoDataFrame) -> str:
    """A sequence of random edits of all kinds; returns a table by kind, and the final tests."""
    base = check_division(division)
    draft = Draft.of(division, **ground)
    makers = RandomEdits(draft, np.random.default_rng(seed))
    times: dict[str, list[float]] = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    for kind in kinds_in_turn(makers, edits):
        edit = makers.make(kind)
        start = time.thread_time()
        try:
            change = draft.apply(edit, accept={"cut_building": "benchmark"})
        except RefusedEdit:
            refused[kind] += 1
            continue
        times[kind].append((time.thread_time() - start) * 1000)
        makers.note([to for _, _, to in change.lineage])
    rows = [
        [kind, len(ms), refused[kind], *(f"{np.percentile(ms, p):.2f}" for p in (50, 95, 99))]
        for kind, ms in times.items()
    ]
    lines = [table(["kind", "accepted", "refused", "p50 ms", "p95 ms", "p99 ms"], rows), ""]
    edited = draft.division()
    report = check_division(edited)
    lines.append(f"check of the base: {'clean' if base.ok else base.summary()}")
    lines.append(f"check: {'clean' if report.ok else report.summary()}")
    for column in PEOPLE:
        same = int(edited.third[column].sum()) == int(division.third[column].sum())
        lines.append(f"{column}: {'kept' if same else 'NOT KEPT'}")
    parents = edited.third.groupby("parent")[list(PEOPLE)].sum()
    same = parents.equals(edited.second.set_index("code")[list(PEOPLE)].reindex(parents.index).astype(parents.dtypes))
    lines.append(f"people of the grids: {'the sums of their cells' if same else 'NOT THE SUMS of their cells'}")
    drift = abs(edited.third.area.sum() - division.third.area.sum())
    lines.append(f"area: differs by {drift:.6f} m²")
    replayed = Draft.from_json(division, draft.to_json()).division()
    lines.append(f"replay: {'equal' if _equal(replayed, edited) else 'NOT EQUAL'}")
    while draft.undo() is not None:
        pass
    lines.append(f"undone: {'equal to the last bit' if _equal(draft.division(), division) else 'NOT EQUAL'}")
    return "\n".join(lines)


def _equal(one: Division, other: Division) -> bool:
    return all(
        one.layer(level).drop(columns="geometry").equals(other.layer(level).drop(columns="geometry"))
        and (one.layer(level).geometry.to_wkb() == other.layer(level).geometry.to_wkb()).all()
        for level in Level
    )


def server(database: str | None, edits: int, seed: int) -> str:
    """Edits and snapshots of the model street over HTTP, one planner, each edit durable before it is answered."""
    division = read_division(STREET)
    with TemporaryDirectory() as folder:
        address = database or str(Path(folder) / "store.sqlite")
        token = _prepare(address, division)
        environment = {
            **os.environ,
            "WANGGE_DATABASE": address,
            "WANGGE_PORT": "0",
            "WANGGE_LAYERS": str(GROUND),
            "WANGGE_FOLLOW": "false",
            "PYTHONUNBUFFERED": "1",
        }
        words = [sys.executable, "-m", "api.cli", "serve"]
        process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            assert process.stdout is not None
            url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as client:
                return _ask(client, division, edits, seed)
        finally:
            process.terminate()
            process.wait(30)


def _prepare(address: str, division: Division) -> str:
    from api.access import Grant, Role
    from api.database import add_version, open_store, publish, session, upgrade
    from api.database.accounts import add_account, add_token

    store = open_store(address, must_exist=False)
    upgrade(store)
    now = datetime.now(UTC)
    with session(store, write=True) as opened:
        version = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=now)
        publish(opened, version.id, published_at=now)
        account = add_account(opened, 1, "planner", [Grant(Role.PLANNER)], at=now, by="benchmark")
        token = add_token(opened, "program", account=account, at=now).text
    store.dispose()
    return token


def _ask(client: httpx.Client, division: Division, edits: int, seed: int) -> str:
    number = client.post("/api/drafts", json={"name": "benchmark"}).json()["id"]
    base = f"/api/drafts/{number}"
    start = time.perf_counter()
    first = client.get(f"{base}/snapshot")
    first.raise_for_status()
    opened_s = time.perf_counter() - start
    # The same edits are applied locally, so that the next one is based on the current draft.
    mirror = Draft.of(
        division, buildings=gpd.read_file(GROUND, layer="buildings"), roads=gpd.read_file(GROUND, layer="roads")
    )
    makers = RandomEdits(mirror, np.random.default_rng(seed))
    kinds = [kind for kind in makers.kinds if kind not in ("rename", "set_leader")]
    times: dict[str, list[float]] = defaultdict(list)
    refused = 0
    for k, kind in enumerate(islice(cycle(kinds), edits)):
        edit = makers.make(kind)
        body = {"id": f"e{k}", "edits": [edit.to_dict()], "accept": {"cut_building": "benchmark"}}
        start = time.perf_counter()
        answer = client.post(f"{base}/edits", json=body)
        took = (time.perf_counter() - start) * 1000
        if answer.status_code != 200:
            refused += 1
            continue
        times[kind].append(took)
        change = mirror.apply(edit, accept={"cut_building": "benchmark"})
        makers.note([to for _, _, to in change.lineage])
        if k % 5 == 0:
            start = time.perf_counter()
            client.get(f"{base}/snapshot").raise_for_status()
            times["snapshot after an edit"].append((time.perf_counter() - start) * 1000)
    every = [ms for kind, part in times.items() if kind in kinds for ms in part]
    rows = [
        [kind, len(ms), *(f"{np.percentile(ms, p):.1f}" for p in (50, 95, 99))]
        for kind, ms in [*times.items(), ("all edits", every)]
    ]
    size = int(first.headers["content-length"])
    head = f"first snapshot, draft opened: {opened_s:.1f} s, {size / 1000:.0f} kB compressed; {refused} edits refused"
    return "\n".join([table(["request", "answers", "p50 ms", "p95 ms", "p99 ms"], rows), "", head])


def main() -> None:
    """Run and print the selected parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", choices=("street", "providence"), default="street")
    parser.add_argument("--cells", type=int, default=3_052)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--database")
    parser.add_argument("--write", action="store_true", help="put the result into docs/redraw.md")
    given = parser.parse_args()
    begun = machine("numpy", "shapely", "geopandas", "numba")
    print(begun)
    if given.server:
        result = server(given.database, given.edits, given.seed)
        print(result)
        if given.write:
            write("redraw.md", "redraw-server", f"{given.edits} edits, seed {given.seed}; {begun}.\n\n{result}")
        return
    division = providence() if given.place == "providence" else read_division(STREET)
    if given.cells > len(division.third):
        division = copies(division, round(given.cells / len(division.third)))
    print(json.dumps({"place": given.place, "cells": len(division.third), "edits": given.edits, "seed": given.seed}))
    own = given.place == "street" and given.cells <= 3_052
    ground = {name: gpd.read_file(GROUND, layer=name) for name in ("buildings", "roads")} if own else {}
    result = engine(division, given.edits, given.seed, **ground)
    print(result)
    if given.write:
        head = f"{given.place}, {len(division.third):,} cells, {given.edits:,} edits, seed {given.seed}; {begun}."
        write("redraw.md", "redraw-engine", f"{head}\n\n{result}")


if __name__ == "__main__":
    main()
