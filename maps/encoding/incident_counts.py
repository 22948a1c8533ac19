"""Incidents for a page: counts by kind, time step and place, without data of single incidents.

A page on which kind and day can be selected has to contain the incidents in some form. It contains counts by place, kind and
time, where a place is a third-level grid and a square of a lattice for the density (a quarter of the kernel's width, 37 m by
default). Counts are sorted and stored as differences, seven bits per byte, so that 100,000 incidents take about half a megabyte.
If there are too many counts, the time step is a week or a fortnight instead of a day.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.duty.intake.services import SERVICES, Service
from geo.errors import ColumnError, first_labels
from geo.incidents.assignment import coordinates
from geo.layers import Division
from geo.layers.columns import CODE
from geo.layers.crs import EQUATOR_M
from geo.layers.transformers import to_crs, transformer
from geo.prepared import prepared_copy
from geo.wording import counted, form
from maps.encoding.cells import column, two_languages
from maps.encoding.packing import pack
from maps.english_names import english_matter

Ints = npt.NDArray[np.int64]

#: Squares of the lattice per bandwidth. Rounding incidents to their centres widens the kernel by 1/384.
SQUARES_PER_BANDWIDTH = 4

#: Days per time step, finest first, and the maximum number of counts for a finer step (about 4 MB).
STEPS_D = (1, 7, 14)
MOST_COUNTS = 1_200_000

#: Maximum number of kinds shown by name; the rarest others are combined.
MOST_KINDS = 60

_NO_KIND = ("未注明类别", "No kind given")
_OTHER_KINDS = ("其他类别", "Other kinds")
_WEB = "EPSG:3857"


@dataclass(frozen=True)
class Lattice:
    """Squares of a Web Mercator raster over the street, for densities computed in the page.

    Attributes
    ----------
    west, north
        Outer corner in Web Mercator units.
    side
        Side of a square in Web Mercator units.
    side_m
        Side of a square on the ground, metres; accurate to 0.4 %, because Web Mercator uses a sphere.
    columns, rows
        Size.
    """

    west: float
    north: float
    side: float
    side_m: float
    columns: int
    rows: int

    @classmethod
    def over(cls, outline: gpd.GeoSeries, bandwidth_m: float) -> Lattice:
        """Lattice for an outline and a kernel of standard deviation `bandwidth_m`, metres."""
        west, south, east, north = to_crs(outline, _WEB).total_bounds
        side_m = bandwidth_m / SQUARES_PER_BANDWIDTH
        side = side_m * math.cosh((south + north) / 2 / EQUATOR_M)
        return cls(west, north, side, side_m, math.ceil((east - west) / side), math.ceil((north - south) / side))

    def squares(self, points: gpd.GeoSeries) -> Ints:
        """Number of the square of each point, row by row from the north-west; -1 outside and without a position."""
        x, y = coordinates(gpd.GeoDataFrame(geometry=points), _WEB)
        column = np.floor((x - self.west) / self.side)
        row = np.floor((self.north - y) / self.side)
        known = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)  # False for NaN
        return np.where(known, np.nan_to_num(row) * self.columns + np.nan_to_num(column), -1).astype(np.int64)

    def inside(self, outline: gpd.GeoSeries) -> npt.NDArray[np.bool_]:
        """Whether the centre of each square is inside, shape (rows * columns,)."""
        x = self.west + (np.arange(self.columns) + 0.5) * self.side
        y = self.north - (np.arange(self.rows) + 0.5) * self.side
        area = prepared_copy(shapely.union_all(np.asarray(to_crs(outline, _WEB).array)))
        return np.asarray(shapely.contains_xy(area, *(grid.ravel() for grid in np.meshgrid(x, y))))

    def bounds(self) -> list[list[float]]:
        """``[[south, west], [north, east]]`` of the outer edges, degrees."""
        to_degrees = transformer(_WEB, "EPSG:4326")
        west, south = to_degrees.transform(self.west, self.north - self.rows * self.side)
        east, north = to_degrees.transform(self.west + self.columns * self.side, self.north)
        return [[round(south, 7), round(west, 7)], [round(north, 7), round(east, 7)]]


def encode_incidents(
    division: Division, incidents: pd.DataFrame, zone: ZoneInfo, *, bandwidth_m: float | None = None
) -> dict[str, Any]:
    """Counts by place, kind and time as one JSON value.

    Parameters
    ----------
    division
        The grids.
    incidents
        One row per incident: ``third`` or ``cell`` with the code of the third-level grid, None outside; ``kind_name``,
        ``reported_at`` (aware), ``service`` (:class:`geo.duty.Service`) and ``default_point`` where they are there. With a
        geometry, incidents that are not at a default point get a square of the lattice.
    zone
        Time zone of the days.
    bandwidth_m
        Standard deviation of the kernel; without it there is no lattice.

    Returns
    -------
    dict
        ``kinds`` (names, most frequent first), ``services`` (those of the kinds, with key and names) and ``service_of`` (position
        of the service of each kind, -1 for none), ``first`` (day, or None), ``days`` (number of days), ``step_d`` (days in a
        step), ``lattice`` (or None), and packed numbers: ``place_cell`` (differences) and ``place_square`` (plus one) of
        each place, ``keys`` (differences of (place, kind, step + 1) as one number) and ``counts`` (less one).

    Raises
    ------
    ColumnError
        If no column holds the cells, or one is not of this division.
    """
    cell = _cells(division, incidents)
    kinds, service, kind = _kinds(column(incidents, "kind_name"), column(incidents, "service"))
    first, day = _days(incidents, zone)
    days = int(day.max(initial=-1)) + 1
    lattice, square = _squares(division, incidents, bandwidth_m)
    places, place = np.unique((cell + 1) * _wide(lattice) + square + 1, return_inverse=True)
    for step_d in STEPS_D:
        # Weekly steps begin on Mondays.
        lead = first.weekday() if first is not None and step_d > 1 else 0
        step = np.where(day >= 0, (day + lead) // step_d, -1)
        steps = (days + lead - 1) // step_d + 1 if days else 0
        keys, counts = np.unique((place.ravel() * len(kinds) + kind) * (steps + 1) + step + 1, return_counts=True)
        if len(keys) <= MOST_COUNTS:
            break
    return {
        "kinds": kinds,
        "services": [{"key": key, **two_languages(SERVICES[Service(key)])} for key in _services(service)],
        "service_of": [_services(service).index(key) if key else -1 for key in service],
        "first": None if first is None else first.isoformat(),
        "days": days,
        "step_d": step_d,
        "steps": steps,
        "lattice": None if lattice is None else _lattice(lattice, division),
        "place_cell": pack(np.diff(places // _wide(lattice), prepend=0)),
        "place_square": pack(places % _wide(lattice)),
        "keys": pack(np.diff(keys, prepend=0)),
        "counts": pack(counts - 1),
    }


def period(incidents: dict[str, Any], n: int) -> dict[str, str]:
    """Period and number of the incidents, as text."""
    if incidents["first"] is None:
        return {"zh": f"共 {n:,} 件", "en": counted(n, "incident")}
    first = dt.date.fromisoformat(incidents["first"])
    last = first + dt.timedelta(days=incidents["days"] - 1)
    zh = f"{first.year}年{first.month}月{first.day}日至{last.year}年{last.month}月{last.day}日，共 {n:,} 件"
    return {"zh": zh, "en": f"{first:%-d %B %Y} to {last:%-d %B %Y}, {counted(n, 'incident')}"}


def remarks(incidents: pd.DataFrame, outside: int) -> list[dict[str, str]]:
    """Notes on incidents that the grids do not show, or show at the wrong place."""
    told = []
    if outside:
        told.append(
            (
                f"{outside:,} 件不在任何网格内或没有坐标，未计入各网格。",
                f"{counted(outside, 'incident')} without a grid or a position {form(outside, 'is', 'are')} not counted in "
                "any grid.",
            )
        )
    default = int(column(incidents, "default_point").eq(True).sum())
    if default:
        told.append(
            (
                f"{default:,} 件的坐标疑为地址解析的默认点，真实位置不明；计入所在网格，不计入热力。",
                f"{counted(default, 'incident is', 'incidents are')} at a point that looks like the default of a geocoder; "
                "the real place is unknown. Such incidents count in the grid of that point, and not in the density.",
            )
        )
    return [two_languages(text) for text in told]


def outside_of(division: Division, incidents: pd.DataFrame) -> int:
    """Number of incidents that lie in no third-level grid."""
    return int((_cells(division, incidents) < 0).sum())


def _cells(division: Division, incidents: pd.DataFrame) -> Ints:
    name = next((name for name in ("third", "cell") if name in incidents.columns), None)
    if name is None:
        raise ColumnError(
            "incidents: column cell is missing; assign them to the grids first (geo.incidents.assignment)"
        )
    codes = incidents[name]
    position = pd.Index(division.third[CODE]).get_indexer(pd.Index(codes.astype(object)))
    strange = codes[(position < 0) & codes.notna().to_numpy()].tolist()
    if strange:
        raise ColumnError(
            f"incidents: {first_labels(strange)} is no third-level grid of this division; assign them to it",
            ids=strange,
        )
    return np.asarray(position, dtype=np.int64)


def _kinds(
    names: pd.Series[Any], services: pd.Series[Any]
) -> tuple[list[dict[str, str]], list[str], npt.NDArray[np.int64]]:
    """Names and services of the kinds, most frequent first, and the position of each incident's.

    A name that occurs in two services is two kinds, and the rarest kinds are combined by service, so that the counts of a
    service are exact.
    """
    texts = names.astype(object).where(names.notna(), "").astype(str)
    keys = services.astype(object).where(services.notna(), "").astype(str)
    number, values = pd.factorize(pd.MultiIndex.from_arrays([texts, keys]))
    often = np.bincount(number, minlength=len(values))
    by_service, by_name = (np.asarray([pair[side] for pair in values], dtype=str) for side in (1, 0))
    order = np.lexsort((by_service, by_name, -often))
    place = np.empty(len(values), dtype=np.int64)
    named: list[dict[str, str]] = []
    service: list[str] = []
    rest: dict[str, int] = {}
    for i in order:
        name, key = values[i]
        if len(named) < MOST_KINDS:
            place[i] = len(named)
            plain = str(name).strip()
            named.append(two_languages((plain, english_matter(plain)) if plain else _NO_KIND))
            service.append(key)
        else:
            place[i] = rest.setdefault(key, MOST_KINDS + len(rest))
    named += [two_languages(_OTHER_KINDS)] * len(rest)
    return named, service + list(rest), place[number]


def _services(keys: list[str]) -> list[str]:
    """Services that occur, in the order of :data:`geo.duty.SERVICES`."""
    return [service.value for service in SERVICES if service.value in keys]


def _days(incidents: pd.DataFrame, zone: ZoneInfo) -> tuple[dt.date | None, Ints]:
    """First local day, and the day of each incident counted from it; -1 without a time."""
    if "reported_at" not in incidents.columns or incidents["reported_at"].isna().all():
        return None, np.full(len(incidents), -1)
    local = incidents["reported_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    first = local.min()
    return first.date(), (local - first).dt.days.fillna(-1).to_numpy(dtype=np.int64)


def _squares(division: Division, incidents: pd.DataFrame, bandwidth_m: float | None) -> tuple[Lattice | None, Ints]:
    nowhere = np.full(len(incidents), -1)
    if bandwidth_m is None or not isinstance(incidents, gpd.GeoDataFrame):
        return None, nowhere
    lattice = Lattice.over(division.street.geometry, bandwidth_m)
    square = lattice.squares(incidents.geometry)
    return lattice, np.where(column(incidents, "default_point").eq(True).to_numpy(), nowhere, square)


def _wide(lattice: Lattice | None) -> int:
    return 1 if lattice is None else lattice.columns * lattice.rows + 1


def _lattice(lattice: Lattice, division: Division) -> dict[str, Any]:
    inside = lattice.inside(division.street.geometry)
    return {
        "columns": lattice.columns,
        "rows": lattice.rows,
        "side_m": round(lattice.side_m, 3),
        "bounds": lattice.bounds(),
        "inside": pack(_runs(inside)),
    }


def _runs(inside: npt.NDArray[np.bool_]) -> Ints:
    """Lengths of the runs of equal values, starting with a run of False."""
    change = np.flatnonzero(np.diff(np.concatenate(([False], inside)).astype(np.int8)))
    return np.diff(np.concatenate(([0], change, [len(inside)])))
