"""A street of 2 communities, 4 second-level and 36 third-level grids, small enough to be built for every test run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine

from api.cli import run
from api.database import add_version, open_store, publish, session, upgrade
from geo.layers import Division, Level, area_m2, write_division
from geo.layers.columns import LAYER_COLUMNS

CRS = "EPSG:4549"
STREET = "320113003"
WEST, SOUTH, SIDE = 388_000.0, 3_554_000.0, 100.0
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def _third() -> gpd.GeoDataFrame:
    """Six by six cells whose corners are pulled off the lattice of 100 m, so that no coordinate is round."""
    rng = np.random.default_rng(1)
    shift = np.round(rng.uniform(-20, 20, (7, 7, 2)), 3)
    grid_x, grid_y = np.meshgrid(np.arange(7), np.arange(7), indexing="ij")
    corners = np.round(np.stack([WEST + grid_x * SIDE, SOUTH + grid_y * SIDE], axis=-1) + shift, 3)
    rows = []
    for i in range(6):
        for j in range(6):
            parent = f"{STREET}{i // 3 + 1:03d}{j // 3 + 1:03d}"
            ring = [corners[i, j], corners[i + 1, j], corners[i + 1, j + 1], corners[i, j + 1]]
            rows.append((f"{parent}{(i % 3) * 3 + j % 3 + 1:03d}", parent, shapely.Polygon(ring)))
    return gpd.GeoDataFrame(rows, columns=["code", "parent", "geometry"], crs=CRS)


def _finish(frame: gpd.GeoDataFrame, level: Level) -> gpd.GeoDataFrame:
    count = len(frame)
    frame = frame.assign(
        level=int(level),
        name=[f"{level.zh}{number}“甲”" for number in range(1, count + 1)],
        area_m2=area_m2(frame.geometry),
        population=3600.0 / count,
        households=1440 // count,
        units=36 // count,
        workload=7200.1 / count,
        leader=[f"G{number:03d}" for number in range(1, count + 1)] if level is Level.SECOND else None,
        valid_from="2026-01-01",
        valid_to=None,
        buildings=np.arange(count),
    )
    return frame[[*LAYER_COLUMNS, "buildings"]]


@pytest.fixture
def wangge(capsys):
    """Run the command line and give its exit code, standard output and standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="session")
def division() -> Division:
    third = _third().sort_values("code", ignore_index=True)
    frames = {Level.THIRD: third}
    for level, length in ((Level.SECOND, 15), (Level.COMMUNITY, 12), (Level.STREET, 9)):
        groups = third.groupby(third["code"].str[:length])["geometry"].agg(
            lambda g: shapely.coverage_union_all(list(g))
        )
        frames[level] = gpd.GeoDataFrame(
            {"code": groups.index, "parent": [c[:-3] if length > 9 else None for c in groups.index]},
            geometry=gpd.GeoSeries(groups.to_numpy(), crs=CRS),
        )
    return Division(**{level.layer: _finish(frames[level], level) for level in Level})


@pytest.fixture(scope="session")
def division_file(division: Division, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("division") / "division.gpkg"
    write_division(division, path)
    return path


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store with the current schema, to be copied: the migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    opened = open_store(path, must_exist=False)
    upgrade(opened)
    opened.dispose()
    return path


@pytest.fixture
def engine(empty_store: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty store with the current schema."""
    opened = open_store(shutil.copy(empty_store, tmp_path / "store.sqlite"))
    yield opened
    opened.dispose()


@pytest.fixture
def published(engine: Engine, division: Division) -> Engine:
    with session(engine) as opened:
        version = add_version(opened, division, valid_from=DAY, created_at=NOW, note="测试")
        publish(opened, version.id, published_at=NOW)
    return engine
