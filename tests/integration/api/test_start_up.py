"""Libraries imported by each command on small input: slow ones are imported only where needed.

The input files are those of ``benchmarks/startup.py``, which measures the time; this test only checks imports.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.startup import run, small_files, verbs

#: Libraries with an import time above 0.2 s allowed for each command.
ALLOWED = {
    "--help": set(),
    "convert": {"geopandas"},
    "check": {"geopandas"},
    "repair": {"geopandas"},
    "locate": {"geopandas"},
    "incidents": {"geopandas", "scipy.special", "openpyxl"},
    "patrols": {"geopandas", "scipy.special", "openpyxl", "folium"},
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return verbs(small_files(folder), folder)


def test_every_verb_of_the_benchmark_is_guarded(commands):
    assert set(commands) == set(ALLOWED)


@pytest.mark.parametrize("verb", ALLOWED)
def test_a_verb_imports_no_more_than_it_needs(commands, verb, tmp_path):
    _, imported = run(commands[verb], tmp_path / "modules.txt")
    assert set(imported) <= ALLOWED[verb]


def test_only_the_module_of_the_verb_is_loaded():
    code = (
        "import sys; from api.cli import run; run(['check', '--help']); "
        "print(sorted(name for name in sys.modules if name in ('api.cli.check', 'api.cli.patrols', 'api.cli.duty')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['api.cli.check']"
