"""Fixtures shared by all tests."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run and no limit of time, so that results depend only on the code and not on a busy machine;
# HYPOTHESIS_PROFILE=search looks for new examples.
_ANY_TIME: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **_ANY_TIME)
settings.register_profile("search", derandomize=False, **_ANY_TIME)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).resolve().parent.parent

# Temporary files (stores, database clusters, outputs) are kept in memory where Linux has room for them: a database of PostGIS is
# a thousand small files, made for some hundred tests, and a commit of SQLite waits for the disk. TMPDIR names another place.
_IN_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM_BYTES:
    os.environ["TMPDIR"] = str(_IN_MEMORY)
    tempfile.tempdir = None

# Some hundred processes are started by the tests. Without bytecode each of them, and each worker of pytest, would compile all
# modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Garbage collection over the modules and items that stay until the end takes a quarter of the time of collecting tests, and a
# tenth of that of short tests.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was loaded so far out of all further garbage collections."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real data that is not part of the project; tests that need it are skipped if it is absent."""
    folder = Path(os.environ.get("WANGGE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data: set WANGGE_SHARED_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """``made_once(name, make)``: what `make` gives, made by the first process of this run that asks; the others read a copy."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[], Any]) -> Any:
        path = folder / f"{name}.pickle"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.write_bytes(pickle.dumps(make()))
        return pickle.loads(path.read_bytes())

    return made


@pytest.fixture(scope="session")
def street(made_once):  # type: ignore[no-untyped-def]
    """The model street of the default seed."""
    from geo.sample import model_street

    return made_once("street", model_street)


@pytest.fixture(scope="session")
def model_division(made_once, street):  # type: ignore[no-untyped-def]
    """The division of the model street, made anew by this run; `data/boundaries` holds the one that is published."""
    from geo.sample import model_division
    from tools.boundaries import VALID_FROM

    return made_once("model_division", lambda: model_division(street, valid_from=VALID_FROM))


@pytest.fixture(scope="session")
def small_street():  # type: ignore[no-untyped-def]
    """Factories of a small nested division of rectangles and of verdicts on it; each call creates new frames."""
    return SimpleNamespace(division=_nested_division, verdicts=_verdicts)


def _nested_division():  # type: ignore[no-untyped-def]
    """4 communities, 24 second-level and 96 third-level grids on the 1 mm lattice, 2,400 by 1,800 m."""
    import geopandas as gpd

    from geo.layers import Division, Level, area_m2

    rows: dict[int, list[dict[str, object]]] = {level: [] for level in Level}
    _cut(rows, Level.STREET, "320113003", "示例街道", None, (388_000.0, 3_552_000.0, 390_400.0, 3_553_800.0))
    layers = {level: gpd.GeoDataFrame(cells, crs="EPSG:4549") for level, cells in rows.items()}
    for level, frame in layers.items():
        layers[level] = frame.assign(area_m2=area_m2(frame.geometry), population=10 * 4 ** (5 - level))
    second = layers[Level.SECOND]
    layers[Level.SECOND] = second.assign(leader=[f"G{i:03d}" for i in range(len(second))], staff_kind="official")
    return Division(*(layers[level] for level in Level))


# Columns and rows into which a cell of each level is divided, and names of the communities.
_CUTS = {1: (2, 2), 2: (3, 2), 3: (2, 2)}
_NAMES = ("长营社区", "晓庄社区", "万寿村社区", "创业园")


def _cut(rows, level, code, name, parent, box):  # type: ignore[no-untyped-def]
    """Add a cell and, recursively, its children."""
    import numpy as np
    import shapely

    from geo.layers import Level

    rows[level].append(
        {"code": code, "name": name, "level": int(level), "parent": parent, "geometry": shapely.box(*box)}
    )
    if level is Level.THIRD:
        return
    below = Level(level + 1)
    columns, lines = _CUTS[below]
    xs, ys = np.linspace(box[0], box[2], columns + 1).round(3), np.linspace(box[1], box[3], lines + 1).round(3)
    for k in range(columns * lines):
        i, j = k % columns, lines - 1 - k // columns
        child = {1: _NAMES[k % 4], 2: f"{name}第{k + 1}网格", 3: f"{name}-{k + 1:02d}"}[int(below)]
        _cut(rows, below, f"{code}{k + 1:03d}", child, code, (xs[i], ys[j], xs[i + 1], ys[j + 1]))


def _verdicts(division):  # type: ignore[no-untyped-def]
    """One of each state in turn for the second-level grids, on 2 March 2026."""
    import numpy as np
    import pandas as pd

    n = len(division.second)
    states = np.array(["met", "short", "not_visited", "unknown"])[np.arange(n) % 4]
    return pd.DataFrame(
        {
            "code": division.second["code"],
            "day": pd.Timestamp("2026-03-02").date(),
            "verdict": states,
            "visits": np.array([2, 1, 0, 0])[np.arange(n) % 4],
            "required": 2,
            "uncounted": np.arange(n) % 3,
            "present_s": np.arange(n) * 60.0,
            "unknown_s": np.where(states == "unknown", 5400.0, 0.0),
            "rules": "street-1",
            "reason_zh": [f"理由{i}" for i in range(n)],
            "reason_en": [f"reason {i}" for i in range(n)],
        }
    )


# In CI every package and program must be installed; only the real data may be absent.
_MAY_BE_ABSENT = "real data:"


def _missing_part(report) -> bool:  # type: ignore[no-untyped-def]
    """Whether a report contains a skip that is not allowed in CI."""
    if os.environ.get("CI", "").lower() not in ("true", "1") or not report.skipped or hasattr(report, "wasxfail"):
        return False
    return _MAY_BE_ABSENT not in str(report.longrepr)


def _failed(report, name: str) -> None:  # type: ignore[no-untyped-def]
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{name}: skipped although CI is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # type: ignore[no-untyped-def]
    """In CI, a test that is skipped for a missing part fails."""
    report = yield
    if _missing_part(report):
        _failed(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):  # type: ignore[no-untyped-def]
    """In CI, a module that is skipped at its import for a missing part fails."""
    report = yield
    if _missing_part(report):
        _failed(report, collector.nodeid)
    return report
