"""A street of 2 communities, 4 second-level and 36 third-level grids, small enough to be built for every test run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import Engine

from api.cli import run
from api.database import add_version, open_store, publish, session, upgrade
from geo.layers import Division, Level, area_m2, lon_lat, write_division
from geo.layers.columns import LAYER_COLUMNS
from tools.postgres import Cluster, NotInstalledError, cluster

CRS = "EPSG:4549"
STREET = "320113003"
WEST, SOUTH, SIDE = 388_000.0, 3_554_000.0, 100.0
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def _third() -> gpd.GeoDataFrame:
    """Six by six cells whose corners are moved off the lattice of 100 m, so that no coordinate is round."""
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
    """Run the command line and return its exit code, standard output and standard error."""

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
    """An empty database with the current schema, to be copied: the migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    opened = open_store(path, must_exist=False)
    upgrade(opened)
    opened.dispose()
    return path


def _publish(engine: Engine, division: Division) -> None:
    with session(engine) as opened:
        version = add_version(opened, division, valid_from=DAY, created_at=NOW, note="测试")
        publish(opened, version.id, published_at=NOW)


@pytest.fixture(scope="session")
def published_store(empty_store: Path, division: Division, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the published division, to be copied."""
    path = shutil.copy(empty_store, tmp_path_factory.mktemp("published") / "store.sqlite")
    opened = open_store(path)
    _publish(opened, division)
    opened.dispose()
    return Path(path)


@pytest.fixture(scope="session")
def postgres(division: Division) -> Iterator[Cluster]:
    """A PostgreSQL cluster with PostGIS: ``template`` has the current schema, ``published`` the division too."""
    try:
        with cluster() as started:
            opened = open_store(started.create("template"))
            upgrade(opened)
            opened.dispose()
            opened = open_store(started.create("published", template="template"))
            _publish(opened, division)
            opened.dispose()
            yield started
    except NotInstalledError as error:
        pytest.skip(str(error))


@contextmanager
def _copied(request: pytest.FixtureRequest, folder: Path, *, with_division: bool) -> Iterator[str]:
    """Address of a copy of the prepared store: a SQLite file in a folder, or a database of the cluster that is dropped."""
    if request.param == "sqlite":
        prepared = request.getfixturevalue("published_store" if with_division else "empty_store")
        yield str(shutil.copy(prepared, folder / "store.sqlite"))
        return
    started = request.getfixturevalue("postgres")
    name = f"t{uuid4().hex[:12]}"
    yield started.create(name, template="published" if with_division else "template")
    started.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database with the current schema, for SQLite and PostgreSQL; empty unless a test takes `published`."""
    with _copied(request, tmp_path, with_division="published" in request.fixturenames) as address:
        yield address


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a database with the published division that the tests of a module share."""
    with _copied(request, tmp_path_factory.mktemp("shared"), with_division=True) as address:
        yield address


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    """The store of `store_url`, opened."""
    opened = open_store(store_url)
    yield opened
    opened.dispose()


@pytest.fixture
def published(engine: Engine) -> Engine:
    """A store with the published division; `store_url` makes it."""
    return engine


def walked(division: Division, code: str, device: str, start: str, minutes: int) -> pd.DataFrame:
    """Fixes of a walk back and forth in the middle of a second-level grid, every ten seconds."""
    place = division.second.set_index("code").geometry[code].representative_point()
    times = pd.date_range(f"{DAY} {start}", periods=minutes * 6 + 1, freq="10s", tz="Asia/Shanghai")
    steps = np.abs((np.arange(len(times)) + 3) % 6 - 3) * 10.0
    points = lon_lat(gpd.GeoSeries(shapely.points(place.x + steps, place.y), crs=division.crs))
    return pd.DataFrame(
        {
            "device": device,
            "officer": f"{device}号",
            "time": times.map(pd.Timestamp.isoformat),
            "lon": points.x,
            "lat": points.y,
        }
    )


@pytest.fixture
def stay(division):
    """Fixes of a device in a second-level grid: ``stay(code, device, start, minutes)``."""
    return partial(walked, division)


@pytest.fixture
def tracks_csv(division, tmp_path):
    """The first grid is patrolled by two people, the second by one, the third for half a minute, the fourth never."""
    first, second, third, _ = division.second["code"]
    walks = [
        walked(division, first, "A", "08:00", 10),
        walked(division, first, "D", "14:00", 10),
        walked(division, second, "B", "09:00", 10),
        walked(division, third, "C", "10:00", 0).iloc[:1],
    ]
    path = tmp_path / "tracks.csv"
    pd.concat(walks).to_csv(path, index=False)
    return path


@pytest.fixture
def incidents_csv(division, tmp_path):
    """Two in every third-level grid, five more in the last, one outside, one without a position."""
    places = lon_lat(division.third.geometry.representative_point())
    rows = [*range(36), *range(36), *[35] * 5]
    table = pd.DataFrame(
        {
            "案件编号": [f"N{i:03d}" for i in range(len(rows))],
            "经度": places.x.iloc[rows].to_numpy(),
            "纬度": places.y.iloc[rows].to_numpy(),
        }
    )
    table["上报时间"] = "2026-02-10 09:30:00"
    table["备注"] = "=1+1,“引号”"
    more = pd.DataFrame(
        {
            "案件编号": ["FAR", "NONE"],
            "经度": [118.0, None],
            "纬度": [32.1, None],
            "上报时间": "2026-02-10 10:00:00",
            "备注": "",
        }
    )
    path = tmp_path / "incidents.csv"
    pd.concat([table, more]).to_csv(path, index=False)
    return path
