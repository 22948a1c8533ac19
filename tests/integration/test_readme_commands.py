"""Every command of both READMEs works in a clone: run in order in a folder with the data of the clone."""

from __future__ import annotations

import glob
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ".venv/bin/wangge "
pytestmark = pytest.mark.timeout(900)


def commands(name: str) -> list[str]:
    """Lines of the shell blocks that run the program or create its folder."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith((COMMAND, "mkdir "))]


def words(line: str, folder: Path) -> list[str]:
    """Words of a command as split by a shell, with the program of this checkout."""
    parts = shlex.split(line.removeprefix(COMMAND))
    found: list[str] = []
    for part in parts:
        names = sorted(glob.glob(part, root_dir=folder)) if "*" in part else [part]
        assert names, f"{part}: no such file"
        found += names
    return [sys.executable, "-m", "api.cli", *found]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with only the data of the clone."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    return tmp_path


def test_both_readmes_show_the_same_commands() -> None:
    english = commands("README.md")
    assert len(english) > 8
    assert commands("README.zh-CN.md") == english


def test_every_command_works(clone: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WANGGE_DATABASE": ""}
    environment.pop("WANGGE_DATABASE")
    for line in commands("README.md"):
        if line.startswith("mkdir "):
            (clone / shlex.split(line)[-1]).mkdir(exist_ok=True)
            continue
        if " serve " in line:
            _serves(words(line, clone), clone, environment)
            continue
        done = subprocess.run(words(line, clone), cwd=clone, env=environment, capture_output=True, text=True)
        # A comparison with differences exits with 1, like a check with findings.
        expected = 1 if " redraw compare " in line else 0
        assert done.returncode == expected, f"{line}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
    assert {"grids.gpkg", "found.csv", "patrols", "incidents", "fairness.html", "wangge.sqlite"} <= {
        path.name for path in (clone / "out").iterdir()
    }


def _serves(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Start the server on a free port, and request its health."""
    free = {**environment, "WANGGE_PORT": "0", "WANGGE_FOLLOW": "false"}
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=folder, env=free, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = next(
                (found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))), None
            )
            assert address is not None, "the server did not say where it listens"
            with urllib.request.urlopen(f"{address}health", timeout=60) as answer:
                assert answer.status == 200
        finally:
            server.terminate()
            server.wait(30)
