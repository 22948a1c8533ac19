"""Hot spots over time: new, growing, lasting, fading."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.coverage import Mesh
from geo.errors import ColumnError, InputError, first_labels
from geo.incidents.statistics.association import gi_star
from geo.incidents.statistics.distributions import normal_two_sided
from geo.incidents.statistics.hot_spots import measures_of, p_values
from geo.incidents.statistics.multiple_testing import FALSE_DISCOVERY_RATE, benjamini_hochberg
from geo.incidents.statistics.neighbours import contiguity_weights, neighbour_pairs
from geo.layers import require_polygons
from geo.layers.columns import CODE
from geo.layers.row_values import values_of_rows
from geo.wording import counted

Floats = npt.NDArray[np.float64]

#: Classification of a cell over the periods, in Chinese and English.
TRENDS: dict[str, tuple[str, str]] = {
    "new": ("新增热点", "hot in the last period for the first time, and its share of all incidents has grown"),
    "growing": ("增强热点", "hot in the last period and before, and its share of all incidents grows"),
    "lasting": ("持续热点", "hot in the last and in most periods, its share of all incidents as before"),
    "fading": ("消退热点", "was hot before, and its share of all incidents falls"),
    "intermittent": ("间歇热点", "hot in some periods, without a significant trend"),
    "none": ("非热点", "never hot"),
}

# A cell that was hot in at least this share of the periods is lasting.
_MOST = 2 / 3


def periods(reported_at: pd.Series[Any], *, days: int = 7, zone: str = "Asia/Shanghai") -> pd.Series[Any]:
    """Number the period of each incident; the last one is complete and ends on the day of the last incident.

    Returns
    -------
    Series of Int64
        0 for the first; missing if the time is, and for days at the start that do not fill a period.

    Raises
    ------
    InputError
        If `days` is below 1.
    """
    if days < 1:
        raise InputError(f"a period of {counted(days, 'day')}: at least 1 is expected")
    local = reported_at.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).dt.normalize()
    ago = (local.max() - local).dt.days // days
    full = (local.max() - local.min()).days + 1 if local.notna().any() else 0
    number = full // days - 1 - ago
    return pd.Series(number.where(number >= 0).astype("Int64"))


def trends(
    assigned: pd.DataFrame,
    cells: gpd.GeoDataFrame | Mesh,
    *,
    column: str,
    period: pd.Series[Any],
    exposure: str | None = None,
    neighbours: pd.DataFrame | None = None,
    fdr: float = FALSE_DISCOVERY_RATE,
) -> gpd.GeoDataFrame:
    """Track hot spots from period to period.

    Parameters
    ----------
    assigned
        Result of :func:`geo.incidents.assign`.
    cells
        The cells of one level, or a mesh.
    column
        Column of the incidents with the code of the cell, for instance `second`.
    period
        Number of the period of each incident, 0 for the first (:func:`periods`), same index.
    exposure, neighbours, fdr
        See :func:`geo.incidents.hotspots`. The false discovery rate applies to all cells and periods together.

    Returns
    -------
    GeoDataFrame
        One row per cell: `code`, `trend` (a key of :data:`TRENDS`), `hot_periods` (how many), `growth_z` (the share of all
        incidents that its neighbourhood holds, last periods against first; positive if it grows), `growth_p`, `q_last`,
        `geometry`. ``attrs``: `periods`, `starts`, and the notes `note_zh`, `note_en`.

    Raises
    ------
    InputError
        If there are fewer than three periods.
    ColumnError
        If a column is missing.

    Notes
    -----
    Each period is tested like in :func:`geo.incidents.hotspots`. Growth is the score test of a trend in the share of the
    neighbourhood, given its total: if everything grows, no hot spot is growing. It is significant at 5 % with the rate
    controlled over the cells that were ever hot.
    """
    if column not in assigned:
        raise ColumnError(f"no column '{column}'; the frame has {first_labels(list(assigned.columns), 20)}")
    frame = cells.frame() if isinstance(cells, Mesh) else require_polygons(cells, "cells")
    period = values_of_rows(period, assigned.index, "period", what="incidents")
    table = _by_period(assigned[column], period, frame)
    number = table.shape[1]
    weights = contiguity_weights(neighbour_pairs(frame, cells, neighbours), len(frame))
    due = measures_of(frame, exposure)
    tested = [_tested(table[:, k], weights, due) for k in range(number)]
    q = benjamini_hochberg(np.concatenate(tested)).reshape(number, -1).T
    hot = q <= fdr
    sums = np.column_stack([weights @ table[:, k] for k in range(number)])
    z, p = _growth(sums, table.sum(axis=0))
    ever = hot.any(axis=1)
    growth_q = np.full(len(frame), np.nan)
    growth_q[ever] = benjamini_hochberg(p[ever])
    named = _named(hot, z, growth_q, fdr)
    columns = {
        CODE: frame[CODE].to_numpy(dtype=object),
        "trend": named,
        "hot_periods": hot.sum(axis=1),
        "growth_z": z,
        "growth_p": p,
        "q_last": q[:, -1],
    }
    result = gpd.GeoDataFrame(columns, index=frame.index, geometry=frame.geometry.array, crs=frame.crs)
    found = {name: int((named == name).sum()) for name in TRENDS if name != "none" and (named == name).any()}
    zh = "、".join(f"{TRENDS[name][0]}{n}个" for name, n in found.items()) or "没有热点"
    en = ", ".join(f"{n} {name}" for name, n in found.items()) or "no hot spots"
    result.attrs = {
        "periods": number,
        "note_zh": f"{number}个时段：{zh}。",
        "note_en": f"Over {counted(number, 'period')}: {en}.",
    }
    return result


def starts(reported_at: pd.Series[Any], *, days: int = 7, zone: str = "Asia/Shanghai") -> list[dt.date]:
    """First local day of each period of :func:`periods`."""
    number = periods(reported_at, days=days, zone=zone)
    if number.isna().all():
        return []
    last = reported_at.max().tz_convert(ZoneInfo(zone)).date()
    return [last - dt.timedelta(days=days * k - 1) for k in range(int(number.max()) + 1, 0, -1)]


def _by_period(codes: pd.Series[Any], period: pd.Series[Any], frame: gpd.GeoDataFrame) -> Floats:
    """Incidents per cell (row) and period (column)."""
    numbers = period.to_numpy(dtype=float, na_value=np.nan)
    most = -1 if np.isnan(numbers).all() else int(np.nanmax(numbers))
    if most < 2:
        raise InputError(
            f"{counted(most + 1, 'full period is', 'full periods are')} there; at least three are needed for a trend; use "
            "shorter ones"
        )
    row = pd.Index(frame[CODE]).get_indexer(codes)
    use = (row >= 0) & np.isfinite(numbers)
    place = row[use] * (most + 1) + numbers[use].astype(int)
    return np.bincount(place, minlength=len(frame) * (most + 1)).reshape(len(frame), -1).astype(float)


def _tested(values: Floats, weights: Any, due: Floats) -> Floats:
    z = gi_star(values, weights)
    p = p_values(values, weights, due, z, "greater", "background").p
    # Values below the mean are never hot, regardless of their p-value.
    return np.asarray(np.where(z > 0, p, np.where(np.isnan(p), np.nan, np.maximum(p, 0.5))))


def _growth(sums: Floats, totals: Floats) -> tuple[Floats, Floats]:
    """Score test of a trend in shares, two-sided; NaN for neighbourhoods without incidents."""
    share = totals / totals.sum() if totals.sum() > 0 else np.zeros(len(totals))
    time = np.arange(len(totals), dtype=float)
    mean = float(share @ time)
    variance = float(share @ time**2) - mean**2
    held = sums.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(held * variance > 0, (sums @ time - held * mean) / np.sqrt(held * variance), np.nan)
    return z, normal_two_sided(z)


def _named(hot: npt.NDArray[np.bool_], z: Floats, growth_q: Floats, fdr: float) -> npt.NDArray[np.object_]:
    ever, last, before = hot.any(axis=1), hot[:, -1], hot[:, :-1].any(axis=1)
    with np.errstate(invalid="ignore"):
        moves = growth_q <= fdr
        up, down = moves & (z > 0), moves & (z < 0)
    most = hot.mean(axis=1) >= _MOST
    choices = [~ever, before & down, last & ~before & up, last & up, last & most]
    return np.select(choices, ["none", "fading", "new", "growing", "lasting"], "intermittent").astype(object)
