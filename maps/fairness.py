"""The fairness map: deviation of every grid from the mean of its siblings, with tolerance and bound, old and new division."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import folium
import pandas as pd

from geo.layers import Division, Level
from geo.layers.columns import CODE
from maps.coverage import titled
from maps.encoding.cells import (
    Background,
    Extras,
    encode_background,
    encode_levels,
    json_value,
    optional_text,
    two_languages,
)
from maps.view import CELL_SCRIPTS, GridPage, grid_map

TITLE = ("网格均衡图", "Fairness of the grids")

#: Colours from far below to far above the mean, the middle one within tolerance: blue and brown differ in any colour vision.
COLOURS = ("#2b5c8a", "#7aaed3", "#e9efe6", "#e3a35c", "#8f4a12")
#: Deviation, in tolerances, from which a grid has one of the outer colours.
FAR = 3.0

#: Compared values by level and measure: frames with `code` and `off`, as returned by :func:`geo.divide.fairness.fairness`.
Compared = Mapping[Level, Mapping[str, pd.DataFrame]]


def fairness_map(
    division: Division,
    compared: Compared,
    *,
    tolerances: Mapping[Level, float],
    bounds: pd.DataFrame | None = None,
    old: tuple[Division, Compared] | None = None,
    **extras: Unpack[Extras],
) -> folium.Map:
    """Draw the balance of a division.

    Parameters
    ----------
    division
        The new division.
    compared
        For each level the compared values of each measure.
    tolerances
        Target deviation from the mean at each level.
    bounds
        Lower bounds of the deviation by community: `code`, `bound`, `reason`, `cell`, as
        :func:`geo.divide.bounds_of_communities` gives them; of the workload of second-level grids.
    old
        The old division with its compared values, drawn next to the new one.
    extras
        Background and texts, see :class:`maps.encoding.cells.Extras`.

    Returns
    -------
    folium.Map
        For :func:`maps.save`. The same input gives the same bytes.

    Raises
    ------
    CrsError
        If a background layer declares no CRS.
    FileError
        If the browser libraries are not installed.
    """
    payload: dict[str, Any] = {
        "title": two_languages(extras.get("title") or titled(division, TITLE)),
        "when": two_languages(("新旧方案对比", "Old and new division") if old else ("现行方案", "Present division")),
        "note": optional_text(extras.get("note")),
        "grids": encode_levels(division),
        "background": encode_background(Background.of(extras), division),
        "measures": _encoded(division, compared),
        "tolerances": {str(int(level)): share for level, share in tolerances.items()},
        "far": FAR,
        "bounds": None if bounds is None else _bounds(bounds),
        "colours": list(COLOURS),
        "old": None if old is None else {"grids": encode_levels(old[0]), "measures": _encoded(*old)},
    }
    scripts = [
        *CELL_SCRIPTS,
        "fairness.js",
    ]
    return grid_map(division, GridPage("startFairness", scripts, payload, payload["title"]["zh"]))


def _encoded(division: Division, compared: Compared) -> dict[str, dict[str, list[Any]]]:
    """Deviation and value of each cell by measure and level, in the order of the layers."""
    encoded: dict[str, dict[str, list[Any]]] = {}
    for level, measures in compared.items():
        for measure, table in measures.items():
            rows = table.set_index(CODE).reindex(division.layer(level)[CODE].astype(str))
            shares = [json_value(value) for value in rows["off"]]
            encoded.setdefault(measure, {})[str(int(level))] = shares
    return encoded


def _bounds(bounds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(row["code"]): {"bound": json_value(row["bound"]), "reason": row["reason"], "cell": row["cell"]}
        for row in bounds.to_dict("records")
    }
