"""Workload of cells for their leaders, as a sum of named parts in household equivalents.

::

    workload = household * households + unit * units + floor * floor of other buildings / 1000 m2
             + incident * incidents + ground * open ground / hectare

The weights are settings (:class:`Weights`): one household is 1, a shop or office to be inspected 2, 1,000 m² of floor of a
school, hospital or works without named units 2, and a hectare of open ground to be patrolled 4. They are a starting point
to be agreed with the street, not a standard; no national formula has been published.

Missing data of buildings are estimated from their floor area (footprint times storeys): one household per 110 m² of
residential floor and 2.6 persons per household; one unit per 80 to 400 m² by use. Estimates are marked.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import ColumnError, FileError, first_labels
from geo.layers.row_values import values_of_rows

#: Named parts of a workload, in the order of the sum.
PARTS = ("from_households", "from_units", "from_floor", "from_incidents", "from_ground")

# Default number of storeys by use, from Chinese towns, deliberately low.
_LEVELS = {
    "apartments": 6,
    "residential": 6,
    "dormitory": 5,
    "house": 2,
    "detached": 2,
    "hut": 1,
    "shed": 1,
    "garage": 1,
    "office": 5,
    "commercial": 4,
    "retail": 2,
    "hotel": 6,
    "hospital": 5,
    "school": 4,
    "university": 5,
    "industrial": 1,
    "warehouse": 1,
}
_LEVELS_UNKNOWN = 4
# Residential share of the floor by use; buildings of unknown use are mostly dwellings.
_LIVED_IN = {
    "apartments": 1.0,
    "residential": 1.0,
    "dormitory": 1.0,
    "house": 1.0,
    "detached": 1.0,
    "terrace": 1.0,
    "yes": 0.7,
}
# Floor per shop, office or workshop, m2, by use.
_UNIT_M2 = {
    "retail": 80.0,
    "commercial": 200.0,
    "office": 250.0,
    "hotel": 4000.0,
    "industrial": 400.0,
    "warehouse": 2000.0,
}
# Uses that count as one unit each.
_ONE_UNIT = ("school", "kindergarten", "university", "college", "hospital", "civic", "public", "government")
_HOUSEHOLD_M2 = 110.0
_PERSONS = 2.6


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of a workload, in household equivalents.

    Attributes
    ----------
    household, unit
        Per household; per shop, office or other body.
    floor
        Per 1,000 m² of floor of buildings without households and units.
    ground
        Per hectare of ground without buildings.
    incident
        Per past incident; 0 by default, because the number of incidents depends on the length of the period.
    """

    household: float = 1.0
    unit: float = 2.0
    floor: float = 2.0
    ground: float = 4.0
    incident: float = 0.0

    def __post_init__(self) -> None:
        bad = [field.name for field in fields(self) if not getattr(self, field.name) >= 0]
        if bad:
            raise ColumnError(f"weights: {', '.join(bad)} must be 0 or more")

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Weights:
        """Weights from a mapping of names to numbers; weights that are not named have their default.

        Raises
        ------
        ColumnError
            If a name is unknown or a value is not a number.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in table if name not in known]
        if unknown:
            raise ColumnError(f"weights: {first_labels(unknown)} is not known; there are {', '.join(known)}")
        bad = [name for name, value in table.items() if isinstance(value, bool) or not isinstance(value, int | float)]
        if bad:
            raise ColumnError(f"weights: {first_labels(bad)} must be a number")
        return cls(**{name: float(value) for name, value in table.items()})  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Weights:
        """Weights from a TOML file with a table ``[workload]``.

        Raises
        ------
        FileError
            If the file cannot be read or has no such table.
        ColumnError
            If a name is unknown or a value is not a number of 0 or more.
        """
        file = Path(path)
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("workload")
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, OSError) as error:
            raise FileError(f"{file.name}: the weights cannot be read ({error}); give a TOML file") from error
        if not isinstance(table, dict):
            raise FileError(
                f"{file.name}: there is no table [workload]; write one with household, unit, floor, ground, incident"
            )
        return cls.from_table(table)


def describe_buildings(buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Complete the data of buildings on people and units, with estimates for missing values.

    Parameters
    ----------
    buildings
        Polygons in metres; columns ``building``, ``levels`` or ``building_levels``, ``households``, ``population``, ``units``
        are used if present.

    Returns
    -------
    DataFrame
        Index of `buildings`; ``households``, ``population``, ``units`` (int64), ``floor_m2`` (float64), ``estimated`` (bool: at
        least one of the three was estimated).

    Raises
    ------
    ColumnError
        If a number is negative.
    """
    use = _column(buildings, "building", "yes").fillna("yes").astype(str)
    levels = _number(buildings, "levels", "building_levels", "building:levels")
    default = use.map(_LEVELS).fillna(_LEVELS_UNKNOWN).astype(float)
    floor = (
        shapely.area(np.asarray(buildings.geometry.array, dtype=object))
        * levels.fillna(default).clip(lower=1).to_numpy()
    )
    said = {name: _number(buildings, name) for name in ("households", "population", "units")}
    lived_in = use.map(_LIVED_IN).fillna(0.0).to_numpy() * floor
    people_known = said["households"].notna() | said["population"].notna()
    households = said["households"].fillna(said["population"] / _PERSONS)
    households = households.fillna(pd.Series(lived_in / _HOUSEHOLD_M2, buildings.index))
    population = said["population"].fillna(households.round() * _PERSONS)
    guess = np.floor(floor / use.map(_UNIT_M2).to_numpy(dtype=float))
    guess = np.where(np.isnan(guess), use.isin(_ONE_UNIT).to_numpy(dtype=float), np.maximum(guess, 1.0))
    units = said["units"].fillna(pd.Series(guess, buildings.index))
    return pd.DataFrame(
        {
            "households": households.round().astype(np.int64),
            "population": population.round().astype(np.int64),
            "units": units.round().astype(np.int64),
            "floor_m2": floor,
            "estimated": ~(people_known & said["units"].notna()),
        },
        index=buildings.index,
    )


def weigh(
    polygons: npt.NDArray[np.object_],
    atom_of_building: npt.NDArray[np.int64],
    buildings: gpd.GeoDataFrame,
    *,
    workload: Weights | pd.Series | None = None,
    incidents: npt.NDArray[np.object_] | None = None,
) -> pd.DataFrame:
    """Workload of atoms.

    Parameters
    ----------
    polygons, atom_of_building
        Atoms, and the atom of each building (-1: none).
    buildings
        Footprints with attributes.
    workload
        Weights, or the workload of each building (on the index of `buildings`; open ground then counts nothing); by default
        the default weights.
    incidents
        Points of past incidents, in the CRS of the atoms; those outside are ignored.

    Returns
    -------
    DataFrame
        One row per atom: ``population households units buildings`` (int64), ``workload`` (float64), its ``PARTS``, and
        ``estimated``: the part of the workload that rests on estimates. With a Series, all of it is in ``from_floor``.
    """
    facts = describe_buildings(buildings)
    weights = workload if isinstance(workload, Weights) else Weights()
    idle = (facts["households"] == 0) & (facts["units"] == 0)
    parts = pd.DataFrame(
        {
            "from_households": facts["households"] * weights.household,
            "from_units": facts["units"] * weights.unit,
            "from_floor": facts["floor_m2"].where(idle, 0.0) / 1000 * weights.floor,
        }
    )
    if isinstance(workload, pd.Series):
        given = values_of_rows(workload, buildings.index, "workload", what="buildings")
        if given.isna().any() or (given < 0).any():
            bad = list(buildings.index[given.isna() | (given < 0)])
            raise ColumnError(f"workload: missing or negative for buildings {first_labels(bad)}", ids=bad)
        parts = parts * 0.0
        parts["from_floor"] = given.astype(float)
    held = atom_of_building >= 0
    count = len(polygons)
    atom = atom_of_building[held]

    def total(values: pd.Series) -> npt.NDArray[np.float64]:
        return np.bincount(atom, values.to_numpy(dtype=float)[held], minlength=count).astype(np.float64)

    out = pd.DataFrame({name: total(facts[name]).astype(np.int64) for name in ("population", "households", "units")})
    out["buildings"] = np.bincount(atom, minlength=count)
    for name in PARTS[:3]:
        out[name] = total(parts[name])
    roofed = total(pd.Series(shapely.area(np.asarray(buildings.geometry.array, dtype=object))))
    ground = np.maximum(shapely.area(polygons) - roofed, 0.0) / 10_000 * weights.ground
    out[PARTS[-1]] = 0.0 if isinstance(workload, pd.Series) else ground
    happened = np.zeros(count)
    if incidents is not None and len(incidents):
        atom_at = shapely.STRtree(polygons).query(incidents, predicate="intersects")
        _, first = np.unique(atom_at[0], return_index=True)
        happened = np.bincount(atom_at[1][first], minlength=count).astype(np.float64)
    out["incidents"] = happened.astype(np.int64)
    out["from_incidents"] = 0.0 if isinstance(workload, pd.Series) else happened * weights.incident
    out["workload"] = out[list(PARTS)].sum(axis=1)
    guessed = parts.sum(axis=1).where(facts["estimated"] & ~isinstance(workload, pd.Series), 0.0)
    out["estimated"] = total(guessed)
    return out


def _column(frame: gpd.GeoDataFrame, name: str, default: object) -> pd.Series:
    return pd.Series(frame[name]) if name in frame.columns else pd.Series(default, index=frame.index, dtype=object)


def _number(frame: gpd.GeoDataFrame, *names: str) -> pd.Series:
    """The first of the columns that exists, as numbers; NaN for missing values and text."""
    name = next((n for n in names if n in frame.columns), None)
    if name is None:
        return pd.Series(np.nan, index=frame.index)
    values = pd.Series(pd.to_numeric(frame[name], errors="coerce")).astype(float)
    if (values < 0).any():
        bad = list(frame.index[values < 0])
        raise ColumnError(f"buildings: column '{name}' is negative in rows {first_labels(bad)}", ids=bad)
    return values
