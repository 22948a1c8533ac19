"""Files used by a starting server: the stored index of the division, and the compiled kernels of an installation."""

from __future__ import annotations

import json
import os

import pytest

from api.access import passwords
from api.current import Current
from api.database import add_version, publish, session
from api.deployment.compiled import VARIABLE, use_installed_kernels
from api.ogc.publication.kept_index import (
    FILE_NAME,
    MOST_IN_CACHE,
    SUM_NAME,
    keep_index,
    load_index,
    places_of,
)
from geo.layers import Level, lon_lat
from geo.locate import GridIndex
from tests.integration.api.conftest import DAY, NOW


@pytest.fixture
def builds(monkeypatch):
    """Number of index builds."""
    built, build = [], GridIndex.__init__

    def count(index, cells):
        built.append(len(cells))
        build(index, cells)

    monkeypatch.setattr(GridIndex, "__init__", count)
    return built


def answers(engine, folder, division):
    """Codes returned by a newly started server for a point in each cell and on each corner."""
    places = lon_lat(division.third.geometry.representative_point())
    corners = lon_lat(division.third.geometry.boundary.explode().apply(lambda line: line.interpolate(0)))
    snapshot = Current(engine, folder=folder).get()
    found = [snapshot.locate(point.x, point.y, "WGS-84") for point in [*places, *corners]]
    assert snapshot.locate(*snapshot.probe, "WGS-84").inside
    return [[cell["code"] for cell in place.cells.values()] for place in found], snapshot


def test_the_index_is_kept_for_the_next_start(published, division, tmp_path, builds):
    first, _ = answers(published, tmp_path, division)
    again, snapshot = answers(published, tmp_path, division)
    assert builds == [36]
    assert again == first
    assert [row[0] for row in first[:36]] == list(division.third["code"])
    assert list(snapshot.division.second["code"]) == list(division.second["code"])


@pytest.mark.parametrize("name", [FILE_NAME, SUM_NAME])
def test_a_damaged_index_is_built_again(published, division, tmp_path, builds, name):
    first, _ = answers(published, tmp_path, division)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    assert answers(published, tmp_path, division)[0] == first
    assert answers(published, tmp_path, division)[0] == first
    assert builds == [36, 36]


def test_the_index_of_another_division_is_not_used(published, division, tmp_path, builds):
    answers(published, tmp_path, division)
    moved = division.third.assign(code=division.third["code"].to_numpy()[::-1])
    other = division.with_layer(Level.THIRD, moved)
    with session(published, write=True) as opened:
        version = add_version(opened, other, valid_from=DAY, created_at=NOW)
        publish(opened, version.id, published_at=NOW)
    found, _ = answers(published, tmp_path, division)
    assert [row[0] for row in found[:36]] == list(moved["code"])
    assert len(builds) == 2
    assert json.loads((tmp_path / SUM_NAME).read_text())["division"] == version.digest


def test_without_its_folder_the_index_is_kept_in_the_cache_of_the_user(published, division, tmp_path, builds):
    cache = tmp_path / "cache"
    for _ in range(2):
        found = Current(published, folder=tmp_path / "none", cache=cache).get()
        assert found.locate(*found.probe, "WGS-84").inside
    assert builds == [36]
    assert [path.name for path in cache.glob("*/*/*.index")] == [FILE_NAME]
    assert not (tmp_path / "none").exists()


def test_the_cache_of_the_user_keeps_the_newest_divisions(published, tmp_path, builds):
    index = Current(published).get().index
    for number in range(MOST_IN_CACHE + 3):
        digest = f"{number:064d}"[::-1]
        keep_index(places_of(None, tmp_path, digest), digest, index)
        (place,) = places_of(None, tmp_path, digest)
        os.utime(place, (number, number))
    assert len(list(tmp_path.glob("*/*"))) == MOST_IN_CACHE
    assert load_index(places_of(None, tmp_path, digest), digest) is not None


def test_a_folder_that_cannot_be_written_to_keeps_nothing(published, division, tmp_path):
    found, _ = answers(published, tmp_path / "none", division)
    assert found == answers(published, None, division)[0]


@pytest.fixture
def installation(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "opt" / "kernels"
    folder.mkdir(parents=True)
    (folder / "one.nbi").write_bytes(b"1")
    yield folder.parent
    os.environ.pop(VARIABLE, None)


def test_a_user_who_may_not_write_gets_a_copy_of_the_kernels(installation, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    use_installed_kernels(installation, tmp_path / "home")
    own = os.environ.pop(VARIABLE)
    assert own.startswith(str(tmp_path / "home"))
    assert os.listdir(own) == ["one.nbi"]
    # Files added by numba are kept.
    (tmp_path / "home" / os.path.basename(own) / "two.nbi").write_bytes(b"2")
    use_installed_kernels(installation, tmp_path / "home")
    assert sorted(os.listdir(os.environ[VARIABLE])) == ["one.nbi", "two.nbi"]
    assert len(os.listdir(tmp_path / "home")) == 1


def test_kernels_of_a_folder_that_can_be_written_to_are_used_in_place(installation, tmp_path):
    use_installed_kernels(installation, tmp_path / "home")
    assert os.environ[VARIABLE] == str(installation / "kernels")
    assert not (tmp_path / "home").exists()


def test_nothing_is_set_without_installed_kernels(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    use_installed_kernels(tmp_path, tmp_path / "home")
    assert VARIABLE not in os.environ


def test_the_hash_for_unknown_names_costs_what_others_cost():
    assert not passwords.outdated(passwords._NOBODY)
    assert not passwords.matches(None, "no such account")
