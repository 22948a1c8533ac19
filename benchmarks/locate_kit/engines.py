"""Alternative engines: coordinates in, cell out. Those that are not installed are skipped and named."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

Floats = np.ndarray
Join = Callable[[Floats, Floats], int]


def geopandas_sjoin(cells: gpd.GeoDataFrame) -> Join:
    layer = cells[["geometry"]]

    def join(x: Floats, y: Floats) -> int:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y, crs=cells.crs))
        return len(gpd.sjoin(points, layer, predicate="within"))

    return join


def shapely_tree(cells: gpd.GeoDataFrame) -> Join:
    tree = shapely.STRtree(cells.geometry.array)

    def join(x: Floats, y: Floats) -> int:
        return tree.query(shapely.points(x, y), predicate="within").shape[1]

    return join


def duckdb_spatial(cells: gpd.GeoDataFrame) -> Join:
    import duckdb

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    folder = Path(importlib.import_module("duckdb_extension_spatial").__path__[0]) / "extensions"
    connection.execute(f"LOAD '{next(folder.rglob('spatial.duckdb_extension'))}'")
    wkb = pa.table({"cell": np.arange(len(cells)), "wkb": shapely.to_wkb(cells.geometry.array)})
    connection.register("given", wkb)
    connection.execute("CREATE TABLE cells AS SELECT cell, ST_GeomFromWKB(wkb) AS shape FROM given")

    def join(x: Floats, y: Floats) -> int:
        connection.register("points", pa.table({"x": x, "y": y}))
        query = "SELECT count(cell) FROM points JOIN cells ON ST_Within(ST_Point(x, y), shape)"
        return int(connection.execute(query).fetchone()[0])  # type: ignore[index]

    return join


def sedona_db(cells: gpd.GeoDataFrame) -> Join:
    import sedonadb

    context = sedonadb.connect()
    wkb = pa.table({"cell": np.arange(len(cells)), "wkb": pa.array(shapely.to_wkb(cells.geometry.array), pa.binary())})
    context.create_data_frame(wkb).to_view("given", overwrite=True)
    context.sql("SELECT cell, ST_GeomFromWKB(wkb) AS shape FROM given").to_memtable().to_view("cells", overwrite=True)

    def join(x: Floats, y: Floats) -> int:
        context.create_data_frame(pa.table({"x": x, "y": y})).to_view("points", overwrite=True)
        made = context.sql(
            "SELECT count(*) AS n FROM (SELECT ST_Point(x, y) AS p FROM points) q JOIN cells ON ST_Within(p, shape)"
        )
        return int(made.to_pandas()["n"].iloc[0])

    return join


def pycanopy(cells: gpd.GeoDataFrame) -> Join:
    from pycanopy import Engine

    engine = Engine.from_polygons(list(cells.geometry))

    def join(x: Floats, y: Floats) -> int:
        return len(engine.batch_contains(x, y))

    return join


@contextmanager
def postgis_server() -> Iterator[str]:
    """Start a private PostGIS on a socket in a temporary folder; stop and delete it at the end."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise ImportError("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="wangge-postgis-"))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    try:
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*user, found[-1] / "initdb", "-D", data, "-A", "trust", "-N"], **quiet)  # type: ignore[call-overload]
        options = f"-k {folder} -c listen_addresses= -c shared_buffers=512MB -c max_parallel_workers_per_gather=2"
        subprocess.run([*user, found[-1] / "pg_ctl", "-D", data, "-o", options, "-w", "start"], **quiet)  # type: ignore[call-overload]
        try:
            yield f"host={folder} user=postgres dbname=postgres"
        finally:
            subprocess.run([*user, found[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgis(cells: gpd.GeoDataFrame, address: str) -> Join:
    import psycopg

    connection = psycopg.connect(address, autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    connection.execute("DROP TABLE IF EXISTS cells")
    connection.execute("CREATE TABLE cells (cell int, shape geometry)")
    with connection.cursor().copy("COPY cells FROM STDIN") as copy:
        for i, wkb in enumerate(shapely.to_wkb(cells.geometry.array, hex=True)):
            copy.write_row((i, wkb))
    connection.execute("CREATE INDEX ON cells USING gist (shape)")
    connection.execute("ANALYZE cells")
    connection.execute("DROP TABLE IF EXISTS points")
    connection.execute("CREATE TABLE points (x float8, y float8)")

    loaded: list[Floats] = []

    def join(x: Floats, y: Floats) -> int:
        if not loaded or loaded[0] is not x:
            loaded[:] = [x]
            load(x, y)
        query = "SELECT count(*) FROM points JOIN cells ON ST_Within(ST_MakePoint(x, y), shape)"
        return int(connection.execute(query).fetchone()[0])  # type: ignore[index]

    def load(x: Floats, y: Floats) -> None:
        """Loading is not measured: a service would have the points in the table."""
        connection.execute("TRUNCATE points")
        with connection.cursor().copy("COPY points FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["float8", "float8"])
            for pair in zip(x.tolist(), y.tolist(), strict=True):
                copy.write_row(pair)
        connection.execute("ANALYZE points")

    return join


#: Engines by name, with their maximum number of points: slow ones get fewer, and rates are compared.
ENGINES: dict[str, tuple[Callable[[gpd.GeoDataFrame], Join], int]] = {
    "geopandas sjoin": (geopandas_sjoin, 1_000_000),
    "shapely STRtree": (shapely_tree, 1_000_000),
    "DuckDB spatial": (duckdb_spatial, 1_000_000),
    "SedonaDB": (sedona_db, 10_000_000),
    "PyCanopy": (pycanopy, 10_000_000),
}
