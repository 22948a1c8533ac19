"""From a table of points to coordinates in the CRS of the cells; and what is wrong with them, before any work is done."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely

from geo.errors import ColumnError, CrsError, GeometryError, InputError
from geo.layers import Datum, convert, parse_crs
from geo.locate.batches.hours import first_bad_time
from geo.locate.batches.parts import Part, Source, read_part
from geo.locate.building import map_in_threads
from geo.locate.index import GridIndex

Floats = npt.NDArray[np.float64]

#: Points of each part that the look at the whole is taken from.
SAMPLE = 2_000

# Fewer points than this say nothing about their datum.
_FEWEST = 100

# No point is so far from the cells by mistake of a datum, metres.
_FAR_M = 200_000.0

_MISSING = pa.array(["", "nan", "null", "none", "na", "n/a", "\\n"])
_NO_NUMBER = "no numbers"


@dataclass(frozen=True)
class Reading:
    """How to read points.

    Attributes
    ----------
    x, y
        Columns of coordinates; unused where `geometry` is given.
    geometry
        Column of points.
    datum
        Datum of degrees, or None.
    crs
        CRS of the coordinates where no datum is given.
    target
        CRS of the cells, as WKT.
    time, zone
        Column of times and the zone that times without one are in; None if hours are not counted.
    """

    x: str
    y: str
    geometry: str | None
    datum: Datum | None
    crs: str
    target: str
    time: str | None = None
    zone: str = "Asia/Shanghai"

    @property
    def columns(self) -> list[str]:
        """Columns that are read."""
        places = [self.x, self.y] if self.geometry is None else [self.geometry]
        return [*places, *([self.time] if self.time else [])]

    @property
    def in_degrees(self) -> bool:
        """Whether the coordinates are meant to be degrees."""
        return self.datum is not None or parse_crs(self.crs).is_geographic


class Fault(NamedTuple):
    """What is wrong in one row of a part, and the kind of error that it is."""

    row: int
    what: str
    kind: type[InputError] = ColumnError


class Look(NamedTuple):
    """What the check of one part found: number of rows, the first fault, and a sample (row, x, y)."""

    rows: int
    fault: Fault | None
    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats


def raw_xy(table: pa.Table, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates as they stand in the table; NaN where there are none, and where they are no numbers."""
    if reading.geometry is not None:
        return _of_points(table.column(reading.geometry), reading.geometry)
    return _numbers(table.column(reading.x), reading.x)[0], _numbers(table.column(reading.y), reading.y)[0]


def metric_xy(table: pa.Table, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates in the CRS of the cells, metres; NaN where there are none."""
    return _moved(*raw_xy(table, reading), reading)


def look_at(source: Source, part: Part, reading: Reading) -> Look:
    """Check the coordinates and times of one part."""
    table = read_part(source, part, reading.columns)
    faults: list[Fault] = []
    if reading.geometry is None:
        x, y = np.empty(0), np.empty(0)
        for name in (reading.x, reading.y):
            numbers, bad = _numbers(table.column(name), name)
            x, y = (numbers, y) if name == reading.x else (x, numbers)
            if bad >= 0:
                value = table.column(name)[bad].as_py()
                faults.append(
                    Fault(bad, f"{_NO_NUMBER} in the columns of coordinates: {name}='{value}'; correct or empty it")
                )
    else:
        x, y = raw_xy(table, reading)
    if reading.in_degrees:
        faults += _no_degrees(x, y)
    if reading.time is not None:
        bad, value = first_bad_time(table.column(reading.time), reading.zone)
        if bad >= 0:
            faults.append(
                Fault(bad, f"'{value}' in column '{reading.time}' is no time; write it like 2026-03-01 08:00:00")
            )
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    some = finite[np.linspace(0, len(finite) - 1, min(SAMPLE, len(finite))).astype(np.int64)]
    first = min(faults, key=lambda fault: fault.row, default=None)
    return Look(table.num_rows, first, some, x[some], y[some])


def judge(looks: list[Look], source: Source, reading: Reading, index: GridIndex) -> None:
    """Raise what the looks at all parts say is wrong with the points as a whole.

    Raises
    ------
    ColumnError
        If a coordinate or time is not one, or there are none at all.
    CrsError
        If they are degrees where metres are declared or the other way round, the axes are swapped, the datum is another, or
        all points are far away from the cells.
    """
    names, first_rows = _rows_before(looks, source)
    for number, look in enumerate(looks):
        if look.fault is not None:
            raise look.fault.kind(f"{names[number]}: row {first_rows[number] + look.fault.row}: {look.fault.what}")
    row = np.concatenate([look.row + first for look, first in zip(looks, first_rows, strict=True)])
    name = [names[i] for i, look in enumerate(looks) for _ in range(len(look.row))]
    x, y = np.concatenate([look.x for look in looks]), np.concatenate([look.y for look in looks])
    if len(x) == 0:
        raise ColumnError(f"{names[0]}: {_NO_NUMBER} in the columns of coordinates ({', '.join(reading.columns[:2])})")
    where = f"{name[0]}: row {row[0]} ({x[0]:.9g}, {y[0]:.9g})"
    if not reading.in_degrees and (np.abs(x) <= 180).all() and (np.abs(y) <= 180).all():
        raise CrsError(
            f"{where}: these are degrees, but {reading.crs[:40]} is in metres; name their datum (--datum WGS-84)"
        )
    _compare(x, y, where, [f"{n}: row {r}" for n, r in zip(name, row, strict=True)], reading, index)


def _rows_before(looks: list[Look], source: Source) -> tuple[list[str], list[int]]:
    """Name of the file of each part, and the number of its first row; the heading of a text file is row 1."""
    names, first, now, path = [], [], 0, ""
    for look, part in zip(looks, source.parts, strict=True):
        if part.path != path:
            path, now = part.path, 2 if source.form == "text" else 1
        names.append(path.rsplit("/", 1)[-1])
        first.append(now)
        now += look.rows
    return names, first


def _compare(x: Floats, y: Floats, where: str, rows: list[str], reading: Reading, index: GridIndex) -> None:
    """Hold a sample against the cells: as declared, with axes swapped, and on the other datums."""
    px, py = _moved(x, y, reading)
    inside = index.locate(px, py) >= 0
    share = inside.mean()
    if share < 0.02 and (index.locate(*_moved(y, x, reading)) >= 0).mean() > 0.5:
        raise CrsError(f"{where}: the axes are swapped: exchanged, the points lie in the cells; swap --x and --y")
    if len(x) >= _FEWEST and reading.in_degrees:
        for datum in (Datum.WGS84, Datum.GCJ02, Datum.BD09):
            if datum == (reading.datum or Datum.WGS84) or (datum is Datum.WGS84 and reading.datum is Datum.CGCS2000):
                continue
            other = index.locate(*_moved(*convert(x, y, datum, Datum.WGS84), _plain(reading))) >= 0
            # Nearly all inside, and five times as many outside as declared: no chance, a shift.
            if other.mean() >= 0.95 and 1 - share >= 5 * (1 - other.mean()) + 0.005:
                row = rows[int(np.flatnonzero(other & ~inside)[0])]
                raise CrsError(
                    f"{row}: lies outside the cells as {reading.datum or 'WGS-84'} and inside as {datum}, like "
                    f"{1 - share:.0%} of the points; they are on another datum: declare --datum {datum}"
                )
    west, south, east, north = index.bounds
    away = np.maximum(np.maximum(west - px, px - east), np.maximum(south - py, py - north))
    if share == 0 and not (away < _FAR_M).any():
        raise CrsError(
            f"{where}: all points are over {_FAR_M / 1000:.0f} km from the cells; name the CRS they are in (--crs)"
        )


def _plain(reading: Reading) -> Reading:
    """The same reading of degrees on WGS-84."""
    return Reading(reading.x, reading.y, None, Datum.WGS84, "EPSG:4326", reading.target)


def _no_degrees(x: Floats, y: Floats) -> list[Fault]:
    wrong = np.flatnonzero((np.abs(x) > 180) | (np.abs(y) > 90))
    if len(wrong) == 0:
        return []
    i = int(wrong[0])
    swapped = abs(x[i]) <= 90 and abs(y[i]) <= 180
    advice = (
        "the axes are swapped: swap --x and --y" if swapped else "swap --x and --y, or name the CRS (--crs EPSG:4549)"
    )
    return [Fault(i, f"({x[i]:.9g}, {y[i]:.9g}) are no degrees east and north; {advice}", CrsError)]


def _numbers(column: pa.ChunkedArray, name: str) -> tuple[Floats, int]:
    """A column as numbers, NaN for none; and the first row that holds something else, or -1."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.ascontiguousarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64), -1
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ColumnError(f"column '{name}' holds {kind}, numbers are needed")
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=_MISSING), pa.scalar(None, pa.string()), text)
    try:
        return np.ascontiguousarray(text.cast(pa.float64()).to_numpy(), dtype=np.float64), -1
    except pa.ArrowInvalid:
        return _one_by_one(text)


def _one_by_one(text: pa.ChunkedArray) -> tuple[Floats, int]:
    out, bad = np.full(len(text), np.nan), -1
    for i, value in enumerate(text.to_pylist()):
        try:
            out[i] = np.nan if value is None else float(value)
        except ValueError:
            bad = i if bad < 0 else bad
    return out, bad


def _of_points(column: pa.ChunkedArray, name: str) -> tuple[Floats, Floats]:
    """Coordinates of a column of points, as WKB or as pairs (the two encodings of GeoParquet)."""
    if pa.types.is_struct(column.type):
        x, y = (pc.struct_field(column, axis).to_numpy().astype(np.float64) for axis in ("x", "y"))
        return x, y
    shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
    kinds = set(np.unique(shapely.get_type_id(shapes)).tolist()) - {-1, 0}
    if kinds:
        held = ", ".join(sorted(shapely.GeometryType(kind).name.title() for kind in kinds))
        raise GeometryError(f"column '{name}': points are expected, but it holds {held}")
    return shapely.get_x(shapes), shapely.get_y(shapes)


_local = threading.local()


def _moved(x: Floats, y: Floats, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates in the CRS of the cells; in threads, as this costs twenty times the lookup."""
    crs = reading.crs
    if reading.datum is not None:
        x, y = convert(x, y, reading.datum, Datum.WGS84)
        crs = "EPSG:4326"
    if parse_crs(crs) == parse_crs(reading.target):
        return x, y
    out = np.empty((2, len(x)))

    def work(part: slice) -> None:
        key = (crs, reading.target)
        if getattr(_local, "key", None) != key:
            # A transformer belongs to one thread.
            _local.key, _local.to = key, pyproj.Transformer.from_crs(parse_crs(crs), reading.target, always_xy=True)
        out[:, part] = _local.to.transform(x[part], y[part])

    for _ in map_in_threads(work, len(x), 1 << 15):
        pass
    out[:, ~np.isfinite(out).all(axis=0)] = np.nan
    return out[0], out[1]
