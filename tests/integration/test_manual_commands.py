"""Every command of the Chinese manuals works in a clone."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_readme_commands import ROOT, _serves, clone, commands, words  # noqa: F401 - clone is a fixture

MANUALS = sorted(path.name for path in (ROOT / "docs" / "zh").glob("*.md") if commands(f"docs/zh/{path.name}"))
pytestmark = pytest.mark.timeout(900)


def test_manuals_with_commands_are_found() -> None:
    assert {"installation.md", "patrols.md", "incidents.md"} <= set(MANUALS)


@pytest.mark.parametrize("name", MANUALS)
def test_every_command_of_a_manual_works(clone: Path, name: str) -> None:  # noqa: F811
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("WANGGE_DATABASE", None)
    for line in commands(f"docs/zh/{name}"):
        if line.startswith("mkdir "):
            (clone / shlex.split(line)[-1]).mkdir(exist_ok=True)
        elif " serve " in line:
            _serves(words(line, clone), clone, environment)
        else:
            done = subprocess.run(words(line, clone), cwd=clone, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{line}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
