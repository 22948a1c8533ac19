"""Counts and rates of incidents per cell, including cells without incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import ColumnError, first_labels
from geo.incidents.columns import CELL, COMMUNITY, INCIDENTS, PER_1000, PER_KM2, PER_UNIT, SECOND, THIRD
from geo.incidents.statistics.rates import empirical_bayes, poisson_interval
from geo.layers import Division, Level, area_m2
from geo.layers.columns import AREA_M2, CODE, LEVEL, NAME, POPULATION, UNITS

Floats = npt.NDArray[np.float64]

_LEVELS = ((Level.COMMUNITY, COMMUNITY), (Level.SECOND, SECOND), (Level.THIRD, THIRD))


def counts(
    assigned: pd.DataFrame,
    cells: Division | gpd.GeoDataFrame,
    *,
    by: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count incidents per cell of each level.

    Parameters
    ----------
    assigned
        Result of :func:`geo.incidents.assign` against the same cells.
    cells
        The division (its three levels of grid are counted; the street is their total) or the polygons.
    by
        Column or columns of the incidents to count by, for instance a kind or a day. Every value that occurs gets a row in
        every cell; incidents without a value are counted under None.

    Returns
    -------
    DataFrame
        One row per cell of each level, in the order of the layers (and per value of `by`): `code`, `name` if the cells have
        one, `level`, the columns of `by`, `incidents` (int64), and the rates `per_km2` (on the ellipsoid), `per_1000` residents
        and `per_unit` (驻地单位), NaN if the quantity is zero or unknown. `_low` and `_high` are the limits of the exact 95 %
        interval of each (:func:`geo.incidents.statistics.rates.poisson_interval`), `_eb` the rate shrunk towards that of the
        level (:func:`geo.incidents.statistics.rates.empirical_bayes`), which should be used for rankings. At each level
        `incidents` sums to the number of incidents with a cell; ``attrs["outside"]`` is the number without.

    Raises
    ------
    ColumnError
        If the incidents lack the columns of :func:`geo.incidents.assign` or of `by`, or name a cell that does not exist.

    Notes
    -----
    Rates of small cells vary widely: one incident in a grid of ten residents is 100 per 1,000, with an interval from 2.5 to
    560.
    """
    keys = [by] if isinstance(by, str) else list(by or ())
    layers = counted_layers(cells)
    _require_columns(assigned, list(dict.fromkeys([CELL, *(column for _, column, _ in layers), *keys])))
    values = assigned[keys].drop_duplicates().sort_values(keys, ignore_index=True) if keys else None
    parts = [_count_layer(assigned, frame, level, column, values) for level, column, frame in layers]
    result = pd.concat(parts, ignore_index=True)
    result.attrs = {"outside": int(assigned[CELL].isna().sum())}
    return result


def counted_layers(cells: Division | gpd.GeoDataFrame) -> list[tuple[int | None, str, gpd.GeoDataFrame]]:
    """Level, column of assigned incidents, and cells of each layer to be counted."""
    if isinstance(cells, Division):
        return [(int(level), column, cells.layer(level)) for level, column in _LEVELS]
    _require_columns(cells, [CODE])
    levels = cells[LEVEL].unique() if LEVEL in cells else []
    return [(int(levels[0]) if len(levels) == 1 and pd.notna(levels[0]) else None, CELL, cells)]


def _count_layer(
    assigned: pd.DataFrame, frame: gpd.GeoDataFrame, level: int | None, column: str, values: pd.DataFrame | None
) -> pd.DataFrame:
    """Count the incidents of one layer: one row per cell and value."""
    codes = frame[CODE].to_numpy(dtype=object)
    position = pd.Index(codes).get_indexer(assigned[column])
    strange = assigned.loc[(position < 0) & assigned[column].notna().to_numpy(), column]
    if len(strange):
        raise ColumnError(
            f"column '{column}': names cells that do not exist ({first_labels(list(strange.unique()))}); assign again"
        )
    if values is None:
        values, value = pd.DataFrame(index=[0]), np.zeros(len(assigned), dtype=np.intp)
    else:
        value = _row_of(assigned, values)
    width = len(values)
    inside = position >= 0
    number = np.bincount(position[inside] * width + value[inside], minlength=len(codes) * width)
    area = frame[AREA_M2].to_numpy(dtype=float) if AREA_M2 in frame else area_m2(frame.geometry)
    residents = _positive(frame, POPULATION)
    columns: dict[str, Any] = {CODE: np.repeat(codes, width)}
    if NAME in frame:
        columns[NAME] = np.repeat(frame[NAME].to_numpy(dtype=object), width)
    columns[LEVEL] = pd.array([level] * (len(codes) * width), dtype="Int64")
    columns |= {str(key): np.tile(values[key].to_numpy(), len(codes)) for key in values}
    columns[INCIDENTS] = number.astype(np.int64)
    exposures = {PER_KM2: area / 1e6, PER_1000: residents / 1e3, PER_UNIT: _positive(frame, UNITS)}
    return pd.DataFrame(columns | _rates(columns[INCIDENTS], exposures, width))


def _rates(number: npt.NDArray[np.int64], exposures: dict[str, Floats], width: int) -> dict[str, Floats]:
    """Rates of each value in each cell, with intervals and shrunk values."""
    low, high = poisson_interval(number)
    result = {f"{INCIDENTS}_low": low, f"{INCIDENTS}_high": high}
    for name, exposure in exposures.items():
        each = np.repeat(exposure, width)
        result |= {name: number / each, f"{name}_low": low / each, f"{name}_high": high / each}
        drawn = np.full(len(number), np.nan)
        for value in range(width):  # rates are shrunk towards the rate of the same kind or day
            drawn[value::width] = empirical_bayes(number[value::width], exposure)
        result[f"{name}_eb"] = drawn
    return result


def _positive(frame: gpd.GeoDataFrame, column: str) -> Floats:
    """Positive numbers of a column; NaN elsewhere, and if the column does not exist."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    given = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return np.where(given > 0, given, np.nan)


def _row_of(assigned: pd.DataFrame, values: pd.DataFrame) -> Any:
    """Row of `values` for each incident; missing values are matched too."""
    keys = list(values.columns)
    both = pd.concat([values, assigned[keys]], ignore_index=True)
    group = both.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
    return group[len(values) :]  # groups are numbered in order of occurrence, and `values` is first


def _require_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in frame]:
        raise ColumnError(f"no column '{first_labels(missing)}'; the frame has {first_labels(list(frame.columns), 20)}")
