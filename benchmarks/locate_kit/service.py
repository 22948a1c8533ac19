"""The HTTP service with one client that requests points one by one on one connection."""

from __future__ import annotations

import http.client
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from geo.layers import lon_lat, read_division

ROOT = Path(__file__).resolve().parents[2]

#: The model street.
STREET = ROOT / "data" / "boundaries" / "division.gpkg"


def latencies(requests: int) -> np.ndarray:
    """Response times in seconds for the model street."""
    for needed in ("typer", "uvicorn", "fastapi"):
        importlib.import_module(needed)
    division = read_division(STREET)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.sqlite"
        run = [sys.executable, "-m", "api.cli"]
        upgrade = [*run, "db", "upgrade", "--database", str(store)]
        subprocess.run(upgrade, check=True, stdout=subprocess.DEVNULL, env=_environment())
        subprocess.run(
            [*run, "db", "import", str(STREET), "--database", str(store), "--publish"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=_environment(),
        )
        server = subprocess.Popen(
            [*run, "serve", "--database", str(store), "--port", "8765"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            places = lon_lat(division.third.geometry.representative_point())
            return _ask(list(zip(places.x, places.y, strict=True)), requests)
        finally:
            server.terminate()
            server.wait()


def _ask(places: list[tuple[float, float]], requests: int) -> np.ndarray:
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", 8765)
            connection.connect()
            break
        except OSError:
            time.sleep(0.2)
    times = []
    for i in range(requests + 50):
        lon, lat = places[i * 37 % len(places)]
        begin = time.perf_counter()
        connection.request("GET", f"/locate?lon={lon}&lat={lat}")
        answer = connection.getresponse()
        body = answer.read()
        times.append(time.perf_counter() - begin)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:200]!r}")
    return np.array(times[50:])


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
