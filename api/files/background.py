"""Reads the background of maps from one file with a layer of each kind."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from api.files.inputs import optional_layer
from geo.errors import FileError, first_labels
from maps.encoding.cells import KINDS


def read_background(path: Path) -> dict[str, gpd.GeoDataFrame]:
    """Existing layers of a GeoPackage with the names :data:`maps.encoding.cells.KINDS`.

    Raises
    ------
    FileError
        If the file is missing, unreadable, or has none of these layers.
    """
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        there = set(gpd.list_layers(path)["name"])
        layers = {kind: gpd.read_file(path, layer=kind) for kind in KINDS if kind in there}
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"{path.name} cannot be read ({error}); create it again as a GeoPackage") from error
    if not layers:
        raise FileError(
            f"{path.name}: has none of the layers {', '.join(KINDS)}, but {first_labels(sorted(there)) or 'none at all'}"
        )
    return layers


def backdrop_of(
    background: Path | None, *, roads: Path | None, water: Path | None
) -> dict[str, gpd.GeoDataFrame | None]:
    """Layers of a background file; roads and water are taken from their own files, if given."""
    layers: dict[str, gpd.GeoDataFrame | None] = {"roads": None, "water": None}
    if background is not None:
        layers |= read_background(background)
    single = {"roads": optional_layer(roads), "water": optional_layer(water)}
    return layers | {kind: layer for kind, layer in single.items() if layer is not None}
