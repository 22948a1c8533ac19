"""Which libraries the verbs import on small input: those that take long to load come only where they are needed.

The files are those of ``benchmarks/startup.py``, which measures the time; here only what was imported counts.
"""

from __future__ import annotations

import pytest

from benchmarks.startup import run, small_files, verbs

#: What each verb may import of the libraries that cost more than 0.2 s.
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
