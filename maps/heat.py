"""The map of incidents: density in metres, counts and rates per grid, and tested hot spots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol, Unpack
from zoneinfo import ZoneInfo

import folium
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import ColumnError, first_labels
from geo.layers import Division, Level
from geo.layers.columns import CODE
from maps import colours
from maps.coverage import titled
from maps.encoding import density_image
from maps.encoding.cells import (
    Background,
    Extras,
    encode_background,
    encode_levels,
    json_value,
    optional_text,
    two_languages,
)
from maps.encoding.incident_counts import encode_incidents, outside_of, period, remarks
from maps.view import CELL_SCRIPTS, GridPage, grid_map

Text = str | tuple[str, str]

SCRIPTS = (
    *CELL_SCRIPTS,
    "incidents.js",
    "surface.js",
    "charts.js",
    "before.js",
    "heat.js",
)

TITLE = ("案件分布热力图", "Where incidents gather")

#: Columns of the counts that can colour the grids.
MEASURES = ("incidents", "per_km2", "per_1000")

#: Minimum number of residents for a rate per resident: below it a single incident would change the colour completely.
FEWEST_RESIDENTS = 50

# Classes do not use the ends of the ramp: the palest means "none", the darkest would hide labels.
_CLASS_RANGE = (0.10, 0.80)
_RAMP_STOPS = 24


class Density(Protocol):
    """The interface of :func:`geo.incidents.density`: incidents per km² at the centres of a grid in the CRS of the division."""

    @property
    def x(self) -> npt.NDArray[np.float64]:
        """Centres of the columns, metres."""

    @property
    def y(self) -> npt.NDArray[np.float64]:
        """Centres of the rows, metres."""

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Incidents per km², shape (rows, columns)."""


def heat_map(
    division: Division,
    incidents: pd.DataFrame,
    density: Density,
    counts: pd.DataFrame,
    *,
    hotspots: pd.DataFrame | None = None,
    hot_periods: Sequence[tuple[dt.date, dt.date, pd.DataFrame]] = (),
    zone: str = "Asia/Shanghai",
    **extras: Unpack[Extras],
) -> folium.Map:
    """Draw incidents: a density with a kernel of fixed metres, and counts and rates for the grids of three levels.

    Parameters
    ----------
    division
        The grids.
    incidents
        One row per incident, assigned: ``cell`` or ``third`` with the code of the third-level grid, None outside.
        ``kind_name``, ``reported_at`` (aware) and ``default_point`` are used where they are there. No position or text of a
        single incident is written to the page.
    density
        Incidents per km² on a regular grid; ``bandwidth_m`` is shown if present.
    counts
        One row per grid of the three levels, and for the street or not: `code`, `incidents`, and where they are there
        `per_km2`, `per_1000`.
    hotspots
        ``code``, ``hot``, and optionally ``p`` and ``core``; hot grids have their own border, cores a heavier one. ``notes`` in
        its ``attrs``, by level the texts of :func:`geo.incidents.hotspots` in Chinese and English, are shown in the legend.
    hot_periods
        The same for weeks and months: first and last day, and a frame like `hotspots`. The page marks the hot spots of the
        period that is shown, and says so where it was not tested.
    zone
        Time zone of the days.
    extras
        Background and texts, see :class:`maps.encoding.cells.Extras`.

    Returns
    -------
    folium.Map
        For :func:`maps.save`. The same input gives the same bytes.

    Raises
    ------
    ColumnError
        If a column is missing or holds codes that the division does not have.
    GeometryError
        If the density is not a grid.
    FileError
        If the browser libraries are not installed.
    """
    picture = density_image.density_picture(density.x, density.y, density.values, outline=division.street.geometry)
    bandwidth_m = json_value(getattr(density, "bandwidth_m", None))
    incident_counts = encode_incidents(division, incidents, ZoneInfo(zone), bandwidth_m=bandwidth_m)
    payload: dict[str, Any] = {
        "title": two_languages(extras.get("title") or titled(division, TITLE)),
        "when": period(incident_counts, len(incidents)),
        "note": optional_text(extras.get("note")),
        "remarks": remarks(incidents, outside_of(division, incidents)),
        "grids": encode_levels(division),
        "background": encode_background(Background.of(extras), division),
        "picture": {"uri": picture.uri, "bounds": picture.bounds, "top": picture.top},
        "bandwidth_m": bandwidth_m,
        "fade": [density_image.CLEAR, density_image.FULL, density_image.OPACITY],
        "ramp": colours.more_ramp(_RAMP_STOPS),
        "class_shares": list(colours.CLASS_SHARES),
        "class_colours": _class_colours(),
        "none_colour": colours.NONE_COLOUR,
        "fewest_residents": FEWEST_RESIDENTS,
        "measures": _measures(division, counts),
        "hot": _tested(division, hotspots),
        "hot_periods": {f"{first} {last}": _tested(division, tested) for first, last, tested in hot_periods},
        "incident_counts": incident_counts,
    }
    page = GridPage("startHeat", SCRIPTS, payload, payload["title"]["zh"])
    return grid_map(division, page)


def _class_colours() -> list[list[str]]:
    """Colours for one class, for two, and so on."""
    most = len(colours.CLASS_SHARES)
    shares = [np.linspace(*_CLASS_RANGE, n) if n > 1 else np.array([sum(_CLASS_RANGE) / 2]) for n in range(1, most + 1)]
    return [[colours.hex_colour(rgb) for rgb in colours.more_rgb(share)] for share in shares]


def _measures(division: Division, counts: pd.DataFrame) -> dict[str, list[list[float | int | None]]]:
    """Values of each measure by level in the order of the layers."""
    missing = [name for name in (CODE, "incidents") if name not in counts.columns]
    if missing:
        raise ColumnError(
            f"counts: column {first_labels(missing)} is missing; pass the frame that geo.incidents.grid_counts gives"
        )
    by_code = counts.drop_duplicates(CODE).set_index(CODE)
    below = [code for level in Level if level is not Level.STREET for code in division.layer(level)[CODE]]
    known = set(by_code.index)
    absent = [code for code in below if code not in known]
    if absent:
        raise ColumnError(
            f"counts: no row for grid {first_labels(absent)}; count with the division that is drawn", ids=absent
        )
    result = {}
    for name in (name for name in MEASURES if name in counts.columns):
        levels = []
        for level in Level:
            values = by_code[name].reindex(division.layer(level)[CODE]).to_numpy(dtype=float, na_value=np.nan)
            if level is Level.STREET and name == "incidents" and np.isnan(values).any():
                # Counts may lack a row for the street: its count is the sum of its communities.
                values = np.array([by_code[name].reindex(division.community[CODE]).sum()])
            levels.append([json_value(value) for value in values])
        result[name] = levels
    return result


def _tested(division: Division, hotspots: pd.DataFrame | None) -> dict[str, Any] | None:
    """Codes of hot grids and cores with whether each is a core, and the note on each level that was tested."""
    if hotspots is None:
        return None
    known = {code: int(level) for level in Level for code in division.layer(level)[CODE]}
    strange = [code for code in hotspots[CODE] if code not in known]
    if strange:
        raise ColumnError(f"hotspots: {first_labels(strange)} is no grid of this division", ids=strange)
    notes = hotspots.attrs.get("notes", {})
    levels = sorted({known[code] for code in hotspots[CODE]})
    return {
        "cells": _hot(hotspots),
        "notes": {level: two_languages(notes[level]) if level in notes else None for level in levels},
    }


def _hot(hotspots: pd.DataFrame) -> dict[str, bool]:
    core = hotspots["core"].astype(bool) if "core" in hotspots else hotspots["hot"].astype(bool)
    shown = hotspots["hot"].astype(bool) | core
    return {code: bool(own) for code, own in zip(hotspots.loc[shown, CODE], core[shown], strict=True)}
