"""Checking a file of cells."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from api.inputs import finest, optional_layer, read_cells
from geo.coverage import Report, check, check_division
from geo.layers import Division, as_cells, read_layer
from maps import check_map, save


def check_file(
    path: Path,
    *,
    layer: str | None = None,
    outline: Path | None = None,
    parents: Path | None = None,
    allowed: Path | None = None,
    expected: tuple[int, int, int] | None = None,
    tolerance_m: float = 0.001,
    code: str | None = None,
    crs: str | None = None,
) -> Report:
    """Check a division, or one layer as a coverage.

    Parameters
    ----------
    layer
        With a division, the one layer that is to be checked by itself.
    outline, parents
        Files with the area to be covered, and with the cells of the level above. With them a division is checked as
        the layer of its third level.
    allowed
        File with ground that may stay bare.
    expected
        Number of communities, second-level and third-level grids that there should be; for a division only.
    tolerance_m
        Faults narrower than this are no findings, metres.
    """
    cells = read_cells(path, layer=layer, code=code, crs=crs)
    if isinstance(cells, Division) and outline is None and parents is None:
        return check_division(
            cells, expected=expected, tolerance_m=tolerance_m, allowed=optional_layer(allowed, crs=crs)
        )
    return check(
        finest(cells),
        outline=optional_layer(outline, crs=crs),
        parents=None if parents is None else _parents(parents, crs),
        tolerance_m=tolerance_m,
        allowed=optional_layer(allowed, crs=crs),
        name=layer or path.stem,
    )


def draw_check(
    report: Report,
    path: Path,
    target: Path,
    *,
    layer: str | None = None,
    outline: Path | None = None,
    code: str | None = None,
    crs: str | None = None,
) -> None:
    """Write the map of what a check of a file found: one HTML page that asks no host."""
    cells = finest(read_cells(path, layer=layer, code=code, crs=crs))
    save(check_map(report, cells, outline=optional_layer(outline, crs=crs), source=path.name), target)


def _parents(path: Path, crs: str | None) -> gpd.GeoDataFrame:
    return as_cells(read_layer(path, crs=crs), path.name)
