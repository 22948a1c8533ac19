"""Checks a file of cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from api.files.inputs import finest, optional_layer, read_cells
from api.files.small_input import few_vertices
from geo.coverage import LayerOptions, Report, check, check_division
from geo.kernels import uncompiled
from geo.layers import Division, as_cells, read_layer


@dataclass(frozen=True)
class CheckOptions:
    """Options of a check in addition to the file.

    Attributes
    ----------
    layer
        For a division, a single layer to be checked.
    outline, parents
        Files with the area to be covered, and with the cells of the level above. If given, only the third level of a division
        is checked, as a layer.
    allowed
        File with ground that may stay uncovered.
    expected
        Expected number of communities, second-level and third-level grids; for divisions only.
    tolerance_m
        Faults narrower than this are not findings, metres.
    code, parent
        Columns of the cells' code, and of their parent's code; guessed by default.
    crs
        CRS of files that declare none.
    """

    layer: str | None = None
    outline: Path | None = None
    parents: Path | None = None
    allowed: Path | None = None
    expected: tuple[int, int, int] | None = None
    tolerance_m: float = 0.001
    code: str | None = None
    parent: str | None = None
    crs: str | None = None


def check_file(path: Path, options: CheckOptions = CheckOptions()) -> Report:
    """Check a division, or one layer as a coverage."""
    crs = options.crs
    cells = read_cells(path, layer=options.layer, code=options.code, crs=crs, faulty=True)
    allowed = optional_layer(options.allowed, crs=crs)
    if isinstance(cells, Division) and options.outline is None and options.parents is None:
        return check_division(cells, expected=options.expected, tolerance_m=options.tolerance_m, allowed=allowed)
    outline = optional_layer(options.outline, crs=crs)
    parents = None if options.parents is None else _parents(options.parents, crs)
    with uncompiled(when=few_vertices(cells, outline, parents, allowed)):
        return check(
            finest(cells),
            outline=outline,
            parents=parents,
            tolerance_m=options.tolerance_m,
            allowed=allowed,
            options=LayerOptions(name=options.layer or path.stem, parent_column=options.parent),
        )


def draw_check(
    report: Report,
    path: Path,
    target: Path,
    options: CheckOptions = CheckOptions(),
    *,
    backdrop: dict[str, gpd.GeoDataFrame | None] | None = None,
) -> None:
    """Draw the map of the findings of a check: one HTML page without external resources."""
    from maps import check_map, save  # folium: 0.4 s of CPU

    cells = read_cells(path, layer=options.layer, code=options.code, crs=options.crs, faulty=True)
    outline = optional_layer(options.outline, crs=options.crs)
    roads, water = ((backdrop or {}).get(name) for name in ("roads", "water"))
    save(check_map(report, cells, outline=outline, source=path.name, roads=roads, water=water), target)


def _parents(path: Path, crs: str | None) -> gpd.GeoDataFrame:
    return as_cells(read_layer(path, crs=crs), path.name)
