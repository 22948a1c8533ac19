"""Reads the coordinates of a table of points in the CRS of the cells, and reports errors before any point is located."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.arrays import Floats
from geo.errors import ColumnError, CrsError, GeometryError, InputError
from geo.layers import Datum, convert, parse_crs
from geo.layers.crs import crs_name
from geo.layers.plane import ZONE_PREFIX, crs_with_prefix, has_zone_prefix, zone_prefix
from geo.layers.transformers import transformer
from geo.locate.batches.hours import bad_times, series_of
from geo.locate.batches.parts import UNCLOSED, Chunk, Source, read_chunk
from geo.locate.index import GridIndex
from geo.locate.index_building import map_in_threads
from geo.tables.coordinates import NO_COORDINATES, NO_DEGREES, NO_NUMBER, SWAPPED, Coordinates, Place, read_coordinates
from geo.tables.numbers import MISSING_WORDS, parse_numeric
from geo.tables.refused import are_good, mark
from geo.tables.table import UNCLOSED_ROWS
from geo.texts import Text, amount, listed
from geo.wording import counted

#: Number of points of each part in the sample used to check the datum.
SAMPLE = 2_000

# With fewer points the datum cannot be checked.
_FEWEST = 100

# Points farther from the cells than this cannot be explained by a wrong datum, metres.
_FAR_M = 200_000.0

# Maximum number of rows named in a message.
_NAMED = 10

_NO_TIME = Text("时间无法识别", "has an unrecognized time")
_SOME_ROWS = Text(
    "{number}行{what}，未归入网格：第{rows}行（{shown}）",
    "{number} no cell, a row {what}: rows {rows} ({shown})",
)
_ADVICE = {
    NO_DEGREES: " are not longitude and latitude in degrees; swap --x and --y, or name their CRS with --crs",
    SWAPPED: " are not longitude and latitude in degrees; the axes are swapped: swap --x and --y",
    NO_NUMBER: "; no numbers in the columns of coordinates; correct or empty them",
    _NO_TIME: "; write times like 2026-03-01 08:00:00",
}


@dataclass(frozen=True)
class Reading:
    """How points are read.

    Attributes
    ----------
    place
        Coordinate columns of a table; None if `geometry` is given.
    geometry
        Column of points.
    datum
        Datum of degrees, or None.
    crs
        CRS of the coordinates if no datum is given.
    target
        CRS of the cells, as WKT.
    time, zone
        Column of times, and the zone of times without one; None if hours are not counted.
    cell
        Name of the added column with the cell.
    """

    place: Place | None
    geometry: str | None
    datum: Datum | None
    crs: str
    target: str
    time: str | None = None
    zone: str = "Asia/Shanghai"
    cell: str = "cell"

    @property
    def columns(self) -> list[str]:
        """Columns to be read."""
        places = list(self.place.columns.values()) if self.place is not None else [str(self.geometry)]
        return [*places, *([self.time] if self.time else [])]

    @property
    def in_degrees(self) -> bool:
        """Whether the coordinates should be degrees."""
        return self.datum is not None or parse_crs(self.crs).is_geographic


class Fault(NamedTuple):
    """An error in some rows of a part: the content of the first, and the exception to raise if all rows have it.

    `rows` are the first ten, from 0; `number` counts all.
    """

    message: Text
    rows: tuple[int, ...]
    number: int
    shown: str
    kind: type[InputError] = ColumnError


class ChunkCheck(NamedTuple):
    """Result of checking one part: number of rows, errors, a sample (row, x, y), rows with an unclosed quotation mark."""

    rows: int
    faults: tuple[Fault, ...]
    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    unclosed: tuple[int, ...] = ()


def raw_xy(table: pa.Table, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates as given in the table; NaN if missing or unusable."""
    if reading.place is None:
        return _of_points(table.column(reading.geometry), str(reading.geometry))
    found = _coordinates(table, reading)
    good = are_good(found.reason)
    return np.where(good, found.x, np.nan), np.where(good, found.y, np.nan)


def _coordinates(table: pa.Table, reading: Reading) -> Coordinates:
    """Coordinates of a table, and why a row has none. Rows are independent of each other and of the division into parts."""
    assert reading.place is not None
    frame = pd.DataFrame({name: _column(table.column(name), name) for name in reading.place.columns.values()})
    found = read_coordinates(frame, reading.place, in_degrees=reading.in_degrees)
    if not reading.in_degrees and not has_zone_prefix(parse_crs(reading.crs)):
        prefix = zone_prefix(found.x)
        for zone in np.unique(prefix[prefix > 0]):
            mark(found.reason, prefix == zone, ZONE_PREFIX.fill(zone=int(zone)))
    with np.errstate(invalid="ignore"):
        beyond = reading.in_degrees & ((np.abs(found.x) > 180) | (np.abs(found.y) > 90))
    mark(found.reason, beyond, NO_DEGREES)
    return found


def _column(column: pa.ChunkedArray, name: str) -> pd.Series:
    """A column of numbers or text.

    Raises
    ------
    ColumnError
        If it holds something else.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pd.Series(np.ascontiguousarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ColumnError(f"column '{name}' holds {kind}, numbers are needed")
    return series_of(column)


def metric_xy(table: pa.Table, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates in the CRS of the cells, metres; NaN if missing."""
    return _moved(*raw_xy(table, reading), reading)


def check_chunk(source: Source, part: Chunk, reading: Reading) -> ChunkCheck:
    """Check the coordinates and times of one part."""
    table = read_chunk(source, part, reading.columns)
    faults: list[Fault] = []
    if reading.place is not None:
        found = _coordinates(table, reading)
        good = are_good(found.reason)
        x, y = np.where(good, found.x, np.nan), np.where(good, found.y, np.nan)
        faults += _faults(table, found, reading)
    else:
        x, y = raw_xy(table, reading)
        if reading.in_degrees:
            with np.errstate(invalid="ignore"):
                wrong = np.flatnonzero((np.abs(x) > 180) | (np.abs(y) > 90))
            if len(wrong):
                faults.append(_fault(NO_DEGREES, wrong, f"({x[wrong[0]]:.9g}, {y[wrong[0]]:.9g})", CrsError))
    if reading.time is not None:
        wrong = bad_times(table.column(reading.time), reading.zone)
        if len(wrong):
            value = table.column(reading.time)[int(wrong[0])].as_py()
            faults.append(_fault(_NO_TIME, wrong, f"'{value}' in column '{reading.time}'"))
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    some = finite[np.linspace(0, len(finite) - 1, min(SAMPLE, len(finite))).astype(np.int64)]
    unclosed = json.loads((table.schema.metadata or {}).get(UNCLOSED, b"[]"))
    return ChunkCheck(table.num_rows, tuple(faults), some, x[some], y[some], tuple(unclosed))


def _faults(table: pa.Table, found: Coordinates, reading: Reading) -> list[Fault]:
    """Rows with unusable coordinates, by reason."""
    faults = []
    bad = np.flatnonzero(~are_good(found.reason))
    reasons = {why: None for why in found.reason[bad] if why is not NO_COORDINATES}
    for why in reasons:
        rows = bad[[found.reason[at] == why for at in bad]]
        if why == NO_NUMBER:
            rows = rows[[any(_states(table, name, at) for name in reading.columns[:2]) for at in rows]]
        if len(rows):
            first = int(rows[0])
            held = ", ".join(
                f"{name}='{table.column(name)[first].as_py()}'" for name in reading.columns if name != reading.time
            )
            faults.append(_fault(why, rows, held, CrsError if why in (NO_DEGREES, SWAPPED) else ColumnError))
    return faults


def _states(table: pa.Table, name: str, row: int) -> bool:
    """Whether a field contains text that is neither a number nor a word for a missing value."""
    value = table.column(name)[int(row)].as_py()
    text = "" if value is None else str(value)
    return text.strip().lower() not in MISSING_WORDS and bool(
        np.isnan(parse_numeric(text, "metres")) and np.isnan(parse_numeric(text, "degrees"))
    )


def _fault(message: Text, rows: npt.NDArray[np.int64], shown: str, kind: type[InputError] = ColumnError) -> Fault:
    return Fault(message, tuple(int(row) for row in rows[:_NAMED]), len(rows), shown, kind)


def judge(checks: list[ChunkCheck], source: Source, reading: Reading, index: GridIndex) -> list[str]:
    """Raise errors that concern the points in general; return messages about errors in some rows.

    Rows with unreadable coordinates or times stay without a cell or an interval if they are at most half of all rows: one
    message per reason and file, with their number and the first ten.

    Raises
    ------
    ColumnError
        If most coordinates or times are unreadable, or there are none.
    CrsError
        If the coordinates are degrees but metres are declared, or the reverse, the axes are swapped, the datum is a different
        one, or all points are far from the cells.
    """
    names, first_rows = _rows_before(checks, source)
    notices = _row_errors(checks, names, first_rows)
    row = np.concatenate([check.row + first for check, first in zip(checks, first_rows, strict=True)])
    name = [names[i] for i, check in enumerate(checks) for _ in range(len(check.row))]
    x, y = np.concatenate([check.x for check in checks]), np.concatenate([check.y for check in checks])
    if len(x) == 0:
        raise ColumnError(f"{names[0]}: no numbers in the columns of coordinates ({', '.join(reading.columns[:2])})")
    where = f"{name[0]}: row {row[0]} ({x[0]:.9g}, {y[0]:.9g})"
    if not reading.in_degrees and (np.abs(x) <= 180).all() and (np.abs(y) <= 180).all():
        raise CrsError(
            f"{where}: these are degrees, but {crs_name(reading.crs)} is a projected CRS; name their datum (--datum WGS-84)"
        )
    _compare(x, y, where, [f"{n}: row {r}" for n, r in zip(name, row, strict=True)], reading, index)
    return notices


def _crs_advice(what: Text) -> str:
    """The CRS to declare if eastings have a zone prefix, otherwise nothing."""
    zone = next((zone for zone in range(1, 100) if what == ZONE_PREFIX.fill(zone=zone)), None)
    return "" if zone is None else f"; declare {crs_with_prefix(zone)} if they are on CGCS2000 (--crs)"


def _row_errors(checks: list[ChunkCheck], names: list[str], first_rows: list[int]) -> list[str]:
    """Messages about errors in some rows, one per reason and file; raised if most rows are affected."""
    total = sum(check.rows for check in checks)
    found: dict[Text, list[tuple[int, Fault]]] = {}
    for part, check in enumerate(checks):
        for fault in check.faults:
            found.setdefault(fault.message, []).append((part, fault))
    notices = []
    for what, faults in found.items():
        number = sum(fault.number for _, fault in faults)
        part, fault = faults[0]
        where = f"{names[part]}: row {first_rows[part] + fault.rows[0]}"
        if number > total / 2:
            advice = _ADVICE.get(what, "") or _crs_advice(what)
            raise fault.kind(f"{where}: {what.en}: {fault.shown}{advice}; so are {number:,} of {counted(total, 'row')}")
        files: dict[str, list[tuple[int, Fault]]] = {}
        for k, one in faults:
            files.setdefault(names[k], []).append((k, one))
        notices += [_some_rows(name, what, mine, first_rows) for name, mine in files.items()]
    for part, check in enumerate(checks):
        if check.unclosed:
            unclosed = [first_rows[part] + row for row in check.unclosed]
            told = UNCLOSED_ROWS.fill(rows=listed(unclosed, _NAMED, ""))
            notices.append(f"{names[part]}: {told}")
    return notices


def _some_rows(name: str, what: Text, faults: list[tuple[int, Fault]], first_rows: list[int]) -> str:
    """Message about rows of one file with one error; `faults` with the number of their part."""
    number = sum(fault.number for _, fault in faults)
    rows = [f"{first_rows[part] + row}" for part, fault in faults for row in fault.rows][:_NAMED]
    shown = listed([*rows, *[""] * (number - len(rows))], _NAMED, "")
    text = _SOME_ROWS.fill(
        number=amount(number, "row gets", "rows get"), what=what, rows=shown, shown=faults[0][1].shown
    )
    return f"{name}: {text}"


def _rows_before(checks: list[ChunkCheck], source: Source) -> tuple[list[str], list[int]]:
    """File name of each part, and the number of its first row; the header of a text file is row 1."""
    names, first, now, path = [], [], 0, ""
    for check, part in zip(checks, source.parts, strict=True):
        if part.path != path:
            path, now = part.path, source.first_row
        names.append(path.rsplit("/", 1)[-1])
        first.append(now)
        now += check.rows
    return names, first


def _compare(x: Floats, y: Floats, where: str, rows: list[str], reading: Reading, index: GridIndex) -> None:
    """Compare a sample with the cells: as declared, with swapped axes, and on the other datums."""
    px, py = _moved(x, y, reading)
    inside = index.locate(px, py) >= 0
    share = inside.mean()
    if share < 0.02 and (index.locate(*_moved(y, x, reading)) >= 0).mean() > 0.5:
        raise CrsError(f"{where}: the axes are swapped: exchanged, the points lie in the cells; swap --x and --y")
    if len(x) >= _FEWEST and reading.in_degrees:
        for datum in (Datum.WGS84, Datum.GCJ02, Datum.BD09):
            if datum == (reading.datum or Datum.WGS84) or (datum is Datum.WGS84 and reading.datum is Datum.CGCS2000):
                continue
            other = index.locate(*_moved(*convert(x, y, datum, Datum.WGS84), _on_wgs84(reading))) >= 0
            # Nearly all points inside, and five times as many outside as declared, cannot be chance.
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


def _on_wgs84(reading: Reading) -> Reading:
    """The same settings with degrees on WGS-84."""
    return replace(reading, datum=Datum.WGS84, crs="EPSG:4326")


def _of_points(column: pa.ChunkedArray, name: str) -> tuple[Floats, Floats]:
    """Coordinates of a point column, as WKB or as pairs (the two encodings of GeoParquet)."""
    if pa.types.is_struct(column.type):
        x, y = (pc.struct_field(column, axis).to_numpy().astype(np.float64) for axis in ("x", "y"))
        return x, y
    shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
    # Programs that store points as multipoints write one point per row.
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    other = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (-1, shapely.GeometryType.POINT)))
    if len(other):
        held = ", ".join(sorted({shape.geom_type for shape in shapes[other]}))
        raise GeometryError(f"column '{name}': points are expected, but it holds {held}; give one point a row")
    return shapely.get_x(shapes), shapely.get_y(shapes)


def _moved(x: Floats, y: Floats, reading: Reading) -> tuple[Floats, Floats]:
    """Coordinates in the CRS of the cells; in threads, because this costs twenty times the lookup."""
    crs = reading.crs
    if reading.datum is not None:
        x, y = convert(x, y, reading.datum, Datum.WGS84)
        crs = "EPSG:4326"
    if parse_crs(crs) == parse_crs(reading.target):
        return x, y
    out = np.empty((2, len(x)))
    there = transformer(parse_crs(crs), reading.target)

    def work(part: slice) -> None:
        out[:, part] = there.transform(x[part], y[part])

    for _ in map_in_threads(work, len(x), 1 << 15):
        pass
    out[:, ~np.isfinite(out).all(axis=0)] = np.nan
    return out[0], out[1]
