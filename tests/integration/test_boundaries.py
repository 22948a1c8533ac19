"""The committed layers of the model street equal those computed by the program."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import shapely

from geo.coverage import Mesh, check_division
from geo.layers import Division, Level, layers_of, read_division, read_layer
from geo.sample import MODEL_SEED, ModelStreet
from tools import boundaries

# The street and its division take a minute of one core, and more on a busy machine.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory, street: ModelStreet, model_division: Division) -> Path:
    """The files that the command writes; the street and its division, made by the same calls, are shared with other tests."""
    folder = tmp_path_factory.mktemp("boundaries")

    def divided(given: ModelStreet, *, valid_from: date) -> Division:
        assert given is street
        assert valid_from == boundaries.VALID_FROM
        return model_division

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundaries, "model_street", {MODEL_SEED: street}.__getitem__)
        patch.setattr(boundaries, "model_division", divided)
        boundaries.write(folder)
    return folder


@pytest.mark.parametrize("name", ["street.gpkg", "division.gpkg"])
def test_files_written_anew_have_the_same_content(anew: Path, name: str) -> None:
    kept = boundaries.FOLDER / name
    assert layers_of(anew / name) == layers_of(kept)
    for layer in layers_of(kept):
        one, two = read_layer(kept, layer=layer), read_layer(anew / name, layer=layer)
        assert one.crs == two.crs
        assert shapely.to_wkb(one.geometry.array).tolist() == shapely.to_wkb(two.geometry.array).tolist(), layer
        assert one.drop(columns="geometry").equals(two.drop(columns="geometry")), layer


def test_the_numbers_of_the_street() -> None:
    division = read_division(boundaries.FOLDER / "division.gpkg")
    assert division.counts == (13, 255, 3052)
    assert check_division(division, expected=(13, 255, 3052)).ok
    assert abs(division.street["area_m2"].iloc[0] - 12_460_000) < 1
    assert division.third["population"].sum() == 180_000
    kinds = division.second["staff_kind"].value_counts()
    assert kinds.to_dict() == {"official": 111, "community_worker": 144}
    assert division.second["leader"].is_unique


def test_upper_levels_are_made_of_the_same_vertices() -> None:
    division = read_division(boundaries.FOLDER / "division.gpkg")
    mesh = Mesh.from_layer(division.third)
    for level in (Level.SECOND, Level.COMMUNITY, Level.STREET):
        made, kept = mesh.layer(level).set_index("code").geometry, division.layer(level).set_index("code").geometry
        assert (shapely.normalize(made.array) == shapely.normalize(kept.reindex(made.index).array)).all()


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in boundaries.FOLDER.iterdir()) < 15e6
