"""tipg and pygeoapi on a table of cells in PostGIS, for :mod:`benchmarks.ogc`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import geopandas as gpd

    from tools.postgres import Cluster

#: Properties of a cell served by all servers.
COLUMNS = {"name": "text", "parent": "text", "area_m2": "float8", "population": "float8", "households": "float8"}
COLUMNS |= {"units": "float8", "workload": "float8", "leader": "text"}
_BOX = "bbox=118.80,32.10,118.81,32.11"


@dataclass(frozen=True)
class Server:
    """A running server: address, process id, and requested paths."""

    name: str
    base: str
    pid: int
    paths: Mapping[str, str]


def others_on(
    database: Cluster, environment: Path, folder: Path, cells: gpd.GeoDataFrame, place: str
) -> Iterator[AbstractContextManager[Server]]:
    """The other servers, to be started one after the other.

    Parameters
    ----------
    environment
        Virtual environment in which they are installed.
    folder
        For their settings.
    place
        Zoom, row and column of the tile, with slashes between them.
    """
    url = database.create("others")
    _fill(url, cells)
    yield _tipg(url, environment, place)
    yield _pygeoapi(database, environment, folder)


def _fill(url: str, cells: gpd.GeoDataFrame) -> None:
    """Create a table ``third`` with the cells in the CRS of the division, with the indexes used by both servers."""
    import psycopg
    import shapely

    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    srid = cells.crs.to_epsg()
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        opened.execute(f"CREATE TABLE third (code text PRIMARY KEY, {columns}, geom geometry(Geometry, {srid}))")
        with opened.cursor().copy(f"COPY third (code, {', '.join(COLUMNS)}, geom) FROM STDIN") as copy:
            for row, shape in zip(cells.to_dict("records"), cells.geometry, strict=True):
                values = [None if row.get(name) != row.get(name) else row.get(name) for name in COLUMNS]
                copy.write_row(
                    [row["code"], *values, shapely.to_wkb(shapely.set_srid(shape, srid), hex=True, include_srid=True)]
                )
        opened.execute("CREATE INDEX ON third USING gist (geom)")
        opened.execute("VACUUM ANALYZE third")


@contextmanager
def _tipg(url: str, environment: Path, place: str) -> Iterator[Server]:
    here = "/collections/public.third"
    paths = {
        "3,052 cells": f"{here}/items?limit=5000",
        "window of 0.01°": f"{here}/items?limit=5000&{_BOX}",
        "z14 tile": f"{here}/tiles/WebMercatorQuad/{_column_first(place)}",
    }
    port = _free_port()
    words = [
        environment / "bin" / "python",
        "-m",
        "uvicorn",
        "tipg.main:app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    with _running(words, {"DATABASE_URL": url}, port, f"{here}/items?limit=1") as (base, pid):
        yield Server("tipg", base, pid, paths)


def _column_first(place: str) -> str:
    """Zoom, column and row, in the order of tipg."""
    zoom, row, column = place.split("/")
    return f"{zoom}/{column}/{row}"


@contextmanager
def _pygeoapi(database: Cluster, environment: Path, folder: Path) -> Iterator[Server]:
    here, port = "/collections/third/items?f=json&limit=5000", _free_port()
    settings, document = folder / "pygeoapi.yml", folder / "pygeoapi-openapi.yml"
    # JSON is YAML.
    settings.write_text(json.dumps(_settings(database, port)), encoding="utf-8")
    variables = {"PYGEOAPI_CONFIG": str(settings), "PYGEOAPI_OPENAPI": str(document)}
    program = environment / "bin" / "pygeoapi"
    words = [program, "openapi", "generate", settings, "--output-file", document]
    subprocess.run(list(map(str, words)), env={**os.environ, **variables}, check=True, capture_output=True, timeout=300)
    with _running([program, "serve"], variables, port, "/collections/third/items?f=json&limit=1") as (base, pid):
        yield Server("pygeoapi", base, pid, {"3,052 cells": here, "window of 0.01°": f"{here}&{_BOX}"})


def _settings(database: Cluster, port: int) -> dict[str, Any]:
    """Settings of pygeoapi with one collection."""
    text = {"en": "cells"}
    about = {"title": text, "description": text, "keywords": {"en": ["cells"]}}
    who = {"name": "wangge", "url": "http://127.0.0.1"}
    data = {
        "host": "127.0.0.1",
        "port": database.port,
        "dbname": "others",
        "user": "wangge",
        "password": "",
        "search_path": ["public"],
    }
    provider = {
        "type": "feature",
        "name": "PostgreSQL",
        "data": data,
        "id_field": "code",
        "table": "third",
        "geom_field": "geom",
    }
    crs = "http://www.opengis.net/def/crs/EPSG/0/4549"
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "http://127.0.0.1/{z}/{x}/{y}.png", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {**about, "keywords_type": "theme", "terms_of_service": "", "url": "http://127.0.0.1"},
            "license": who,
            "provider": who,
            "contact": {**who, "email": ""},
        },
        "resources": {
            "third": {
                "type": "collection",
                **about,
                "links": [],
                "extents": {
                    "spatial": {"bbox": [118, 31, 120, 33], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
                },
                "providers": [{**provider, "storage_crs": crs}],
            }
        },
    }


@contextmanager
def _running(words: list[Any], variables: dict[str, str], port: int, first: str) -> Iterator[tuple[str, int]]:
    """Run a server for the duration of the block, which starts when `first` is answered."""
    server = subprocess.Popen(
        list(map(str, words)), env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 300
    try:
        while True:
            assert server.poll() is None, f"{words[0]} has ended"
            assert time.monotonic() < deadline, f"{words[0]} does not answer"
            try:
                if httpx.get(base + first, timeout=60, trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.5)
        yield base, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
