"""Libraries imported by each command on small input: slow ones are imported only where needed.

The input files are those of ``benchmarks/startup.py``, which measures the time; this test only checks imports.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.startup import run, small_files, verbs

#: Slow libraries allowed for each command before its first result, and after it.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "--help": (set(), set()),
    "convert": ({"geopandas"}, set()),
    "check": ({"geopandas"}, set()),
    "repair": ({"geopandas", "scipy.sparse"}, set()),
    "locate": ({"geopandas"}, set()),
    "incidents": ({"geopandas", "scipy.special", "scipy.sparse"}, {"jinja2", "openpyxl"}),
    "patrols": ({"geopandas", "scipy.special"}, {"jinja2", "openpyxl", "folium"}),
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return verbs(small_files(folder), folder)


def test_every_verb_of_the_benchmark_is_guarded(commands):
    assert set(commands) == set(ALLOWED)


@pytest.mark.parametrize("verb", ALLOWED)
def test_a_verb_imports_no_more_than_it_needs(commands, verb, tmp_path):
    _, _, soon, all_of_them = run(commands[verb], tmp_path / "modules.txt")
    first, later = ALLOWED[verb]
    assert set(soon) <= first
    assert set(all_of_them) <= first | later


@pytest.mark.parametrize("verb", ["incidents", "patrols"])
def test_the_result_is_told_before_the_files_are_written(commands, verb, tmp_path):
    """The files take longer than the result: a workbook and pages."""
    words = [*commands[verb][:-1], str(tmp_path / "out")]
    code = (
        "import sys, os; from pathlib import Path\n"
        "class Told:\n"
        "    def write(self, text): print(len(list(Path(OUT).rglob('*.*'))), text.strip()[:20], file=sys.stderr)\n"
        "    def __getattr__(self, name): return getattr(sys.__stdout__, name)\n"
        f"OUT = {str(tmp_path / 'out')!r}; sys.stdout = Told(); from api.cli import run; run({words!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = [line.split(" ", 1) for line in done.stderr.splitlines() if line[0].isdigit()]
    assert int(told[0][0]) == 0
    assert [line[1].startswith("已写出 written") for line in told if int(line[0]) > 0 and line[1]] == [True]


def test_only_the_module_of_the_verb_is_loaded():
    code = (
        "import sys; from api.cli import run; run(['check', '--help']); "
        "print(sorted(name for name in sys.modules if name in ('api.cli.check', 'api.cli.patrols', 'api.cli.duty')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['api.cli.check']"
