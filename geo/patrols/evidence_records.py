"""Evidence: the data behind a verdict as one record with a hash. Fixes are referenced by row range and digest, not copied."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import Ints
from geo.days import micro_at
from geo.errors import InputError
from geo.layers.datum import Datum
from geo.options import with_defaults
from geo.patrols.columns import CODE, DAY, KIND
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.tracks.columns import CELL, DECLARED_DATUM, DEVICE, END, MARK, ROW, SOURCE, START, TIME
from geo.tracks.fix_values import places, utc
from geo.tracks.sorting import by_time, numbered_texts
from geo.wording import counted

#: Time before and after a presence whose fixes belong to its evidence, because they cross the border.
AROUND_S = 300.0
#: Decimals of degrees in the digest of fixes.
_DECIMALS = 6


class Provenance(TypedDict, total=False):
    """Origin of a verdict.

    Attributes
    ----------
    rules
        The rules of the visits; :data:`geo.patrols.rules.DEFAULT_RULES` by default.
    division
        Version of the division, for instance from :func:`geo.layers.digest_of`; empty by default.
    datum
        Datum declared for the tracks before conversion to WGS-84; by default from their column ``declared_datum``, or WGS-84
        without such a column.
    """

    rules: Rules
    division: str
    datum: str | None


_DEFAULTS: Provenance = {"rules": DEFAULT_RULES, "division": "", "datum": None}


def evidence(
    code: str,
    *,
    day: dt.date,
    tracks: pd.DataFrame,
    presences: pd.DataFrame,
    visits: pd.DataFrame,
    verdicts: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    **provenance: Unpack[Provenance],
) -> dict[str, Any]:
    """Record the data behind the verdict of one cell and day.

    Parameters
    ----------
    code
        Code of the cell.
    tracks
        Cleaned fixes, with `mark`.
    presences, visits, verdicts
        The data derived from the tracks.
    cells
        The cells of the verdicts.
    **provenance
        See :class:`Provenance`.

    Returns
    -------
    dict
        JSON types: the cell with a hash of its border, the verdict, all visits with the reason if not counted, `presences` as
        columns, the rules in full, and ``sha256`` over everything. `fixes` references the fixes in and near the cell: for each
        device and time span their number, the range of rows in their source, and a SHA-256 over time, longitude, latitude (to
        1e-6 degrees) and mark. The same input gives the same record, regardless of the order of the rows.

    Raises
    ------
    InputError
        If there is no verdict of this cell on this day.
    """
    row = verdicts[(verdicts[CODE] == code) & (verdicts[DAY] == day)]
    if len(row) != 1:
        raise InputError(f"verdicts: {counted(len(row), 'row')} for cell {code} on {day}; one is expected")
    near = presences[(presences[CELL] == code) & (presences[DAY] == day)]
    made = visits[(visits[CODE] == code) & (visits[DAY] == day)]
    some = tracks[tracks[DEVICE].astype(str).isin(near[DEVICE].astype(str))]
    given = with_defaults("evidence", _DEFAULTS, provenance)
    given["datum"] = given["datum"] or _declared(tracks)
    return next(evidence_of_all(some, near, made, row, cells, **given))


def evidence_of_all(
    tracks: pd.DataFrame,
    presences: pd.DataFrame,
    visits: pd.DataFrame,
    verdicts: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    rules: Rules = DEFAULT_RULES,
    division: str = "",
    datum: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Record the data behind every verdict, in the order of `verdicts`; see :func:`evidence`. Rules are those of each day.

    Notes
    -----
    Cost: O(n log n) once, then the rows of each record; about 2 s for a street's day of 1.5 million fixes.
    """
    given: Provenance = {"rules": rules, "division": division, "datum": datum}
    for record in _records_of(tracks, presences, visits, verdicts, cells, **given):
        yield record | {"sha256": digest(record)}


def evidence_lines(
    tracks: pd.DataFrame,
    presences: pd.DataFrame,
    visits: pd.DataFrame,
    verdicts: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    **provenance: Unpack[Provenance],
) -> Iterator[bytes]:
    """The records of :func:`evidence_of_all` as lines of JSON, keys in order, in UTF-8."""
    for record in _records_of(tracks, presences, visits, verdicts, cells, **provenance):
        yield _line(record)


def _records_of(
    tracks: pd.DataFrame,
    presences: pd.DataFrame,
    visits: pd.DataFrame,
    verdicts: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    **provenance: Unpack[Provenance],
) -> Iterator[dict[str, Any]]:
    """The records without their hashes."""
    given = with_defaults("evidence", _DEFAULTS, provenance)
    rules, division, datum = given["rules"], given["division"], given["datum"]
    fixes = _Fixes.of(tracks)
    said = datum or _declared(tracks)
    found = _Grouped.of(presences, CELL, (START, END, DEVICE, KIND))
    made = _Grouped.of(visits, CODE, (START, END, DEVICE))
    shapes = dict(zip(cells[CODE], cells.geometry, strict=True))
    borders: dict[str, str] = {}
    written = {day: rules.on(day).to_dict() for day in verdicts[DAY].unique()}
    midnights = {day: _midnights(day, rules.zone) for day in written}
    for verdict in _records(verdicts):
        code, day = str(verdict[CODE]), dt.date.fromisoformat(str(verdict[DAY]))
        if code not in borders:
            shape = shapely.normalize(shapes[code])
            borders[code] = hashlib.sha256(shapely.to_wkb(shape, byte_order=1)).hexdigest()
        near = found.columns(code, day)
        names = list(made.values)
        yield {
            "cell": code,
            "day": day.isoformat(),
            "division": division,
            "datum": said,
            "border_sha256": borders[code],
            "verdict": verdict,
            "rules": written[day],
            "visits": [
                dict(zip(names, row, strict=True)) for row in zip(*made.columns(code, day).values(), strict=True)
            ],
            "presences": near,
            "fixes": fixes.references(near[DEVICE], found.times(code, day), midnights[day]) if near else [],
        }


def _midnights(day: dt.date, zone: str) -> tuple[int, int]:
    """Start and end of a local day, microseconds."""
    opens, closes = micro_at(np.array([day, day + dt.timedelta(days=1)], dtype="datetime64[D]"), dt.time(0), zone)
    return int(opens), int(closes)


def _declared(tracks: pd.DataFrame) -> str:
    """Declared datums of the tracks."""
    said = (
        sorted({str(datum) for datum in tracks[DECLARED_DATUM].dropna().unique()}) if DECLARED_DATUM in tracks else []
    )
    return ", ".join(said) or str(Datum.WGS84)


def digest(record: dict[str, Any]) -> str:
    """SHA-256 of a record without its own hash, as canonical JSON."""
    bare = {key: value for key, value in record.items() if key != "sha256"}
    return hashlib.sha256(_canonical(bare).encode("utf-8")).hexdigest()


def _canonical(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _line(record: dict[str, Any]) -> bytes:
    """A record with its hash as canonical JSON in one line; each value is written once, for the hash and for the line."""
    before, after = (
        _canonical({key: value for key, value in record.items() if (key < "sha256") is first})
        for first in (True, False)
    )
    bare = f"{before[:-1]},{after[1:]}".encode()
    return f'{before[:-1]},"sha256":"{hashlib.sha256(bare).hexdigest()}",{after[1:]}\n'.encode()


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON types."""
    values = {str(name): _plain(table[name]) for name in table}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _plain(column: pd.Series) -> list[Any]:
    """Values as JSON types: times in ISO 8601, numbers with six decimals, None for missing values."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _iso(utc(column).view(np.int64))
    if column.dtype == bool or pd.api.types.is_integer_dtype(column.dtype):
        return list(column.tolist())
    if pd.api.types.is_float_dtype(column.dtype):
        numbers = np.round(column.to_numpy(dtype=float), 6)
        return [value if np.isfinite(value) else None for value in numbers.tolist()]
    return [
        None if value is None or value is pd.NA else value.isoformat() if isinstance(value, dt.date) else str(value)
        for value in column.to_numpy(dtype=object).tolist()
    ]


def _iso(micro: npt.NDArray[np.int64]) -> list[str]:
    """Times in ISO 8601, with decimals only if needed."""
    whole = micro % 1_000_000 == 0
    text = np.empty(len(micro), dtype=object)
    for some, unit in ((whole, "s"), (~whole, "us")):
        text[some] = np.datetime_as_string(micro[some].astype("datetime64[us]").astype(f"datetime64[{unit}]"))
    return [f"{time}+00:00" for time in text.tolist()]


class _Grouped(NamedTuple):
    """Rows of a table as JSON types, grouped by cell and day."""

    values: dict[str, list[Any]]
    start: Ints
    end: Ints
    place: dict[tuple[str, str], tuple[int, int]]

    @classmethod
    def of(cls, table: pd.DataFrame, by: str, order: tuple[str, ...]) -> _Grouped:
        ordered = table.sort_values([by, DAY, *order], kind="stable")
        values = {str(name): _plain(ordered[name]) for name in ordered}
        keys = list(zip(values[by], values[DAY], strict=True))
        first = [k for k in range(len(keys)) if k == 0 or keys[k] != keys[k - 1]]
        ends = [*first[1:], len(keys)][: len(first)]
        start, end = (utc(ordered[name]).view(np.int64) for name in (START, END))
        return cls(values, start, end, {keys[a]: (a, b) for a, b in zip(first, ends, strict=True)})

    def columns(self, code: str, day: dt.date) -> dict[str, list[Any]]:
        """Columns of one cell and day; empty if it has no rows."""
        a, b = self.place.get((code, day.isoformat()), (0, 0))
        return {name: column[a:b] for name, column in self.values.items()} if b > a else {}

    def times(self, code: str, day: dt.date) -> tuple[Ints, Ints]:
        """Start and end of the rows of one cell and day, microseconds."""
        a, b = self.place.get((code, day.isoformat()), (0, 0))
        return self.start[a:b], self.end[a:b]


class _Fixes(NamedTuple):
    """Fixes by device and time, packed for digests."""

    devices: dict[str, tuple[int, int]]
    time: Ints
    packed: npt.NDArray[np.void]
    source: Ints | None
    row: Ints | None
    sources: list[str]

    @classmethod
    def of(cls, tracks: pd.DataFrame) -> _Fixes:
        device, names = numbered_texts(tracks[DEVICE])
        time = utc(tracks[TIME]).view(np.int64)
        lon, lat = (
            np.rint(np.nan_to_num(degrees, nan=999.0, posinf=999.0, neginf=999.0) * 10**_DECIMALS).astype(np.int64)
            for degrees in places(tracks)
        )
        mark, words = numbered_texts(tracks[MARK])
        order = by_time(device, time, lon, lat, mark)
        packed = np.empty(len(order), dtype=[("time", "<i8"), ("lon", "<i8"), ("lat", "<i8"), ("mark", "S16")])
        packed["time"], packed["lon"], packed["lat"] = time[order], lon[order], lat[order]
        packed["mark"] = np.array([str(word).encode() for word in words] or [b""], dtype="S16")[mark[order]]
        first = np.searchsorted(device[order], np.arange(len(names) + 1))
        source = row = None
        sources: list[str] = []
        if SOURCE in tracks and ROW in tracks:
            number, texts = numbered_texts(tracks[SOURCE])
            source, sources = number[order], [str(text) for text in texts]
            row = pd.to_numeric(tracks[ROW]).to_numpy(dtype=np.int64)[order]
        slices = {str(name): (int(first[k]), int(first[k + 1])) for k, name in enumerate(names)}
        return cls(slices, time[order], packed, source, row, sources)

    def references(self, device: list[str], times: tuple[Ints, Ints], day: tuple[int, int]) -> list[dict[str, Any]]:
        """For the devices of presences, the references to fixes in and around the presences on the day."""
        opens, closes = day
        around = int(AROUND_S * 1e6)
        start, end = np.maximum(times[0] - around, opens), np.minimum(times[1] + around, closes - 1)
        found: list[tuple[str, int, int]] = []
        rows_of: dict[str, list[int]] = {}
        for k, name in enumerate(device):
            rows_of.setdefault(str(name), []).append(k)
        for name in sorted(rows_of):
            if name not in self.devices:
                continue
            a, b = self.devices[name]
            rows = np.array(rows_of[name])
            first = a + np.searchsorted(self.time[a:b], start[rows], side="left")
            last = a + np.searchsorted(self.time[a:b], end[rows], side="right")
            found += [(name, p, q) for p, q in _merged(first, last)]
        ends = np.array([(p, q - 1) for _, p, q in found], dtype=np.int64).ravel()
        clock = _iso(self.time[ends])
        return [self._reference(*one, *clock[2 * k : 2 * k + 2]) for k, one in enumerate(found)]

    def _reference(self, device: str, a: int, b: int, from_: str, to: str) -> dict[str, Any]:
        """Reference to one range of fixes."""
        said: dict[str, Any] = {
            "device": device,
            "fixes": b - a,
            "from": from_,
            "to": to,
            "sha256": hashlib.sha256(self.packed[a:b].tobytes()).hexdigest(),
        }
        if self.source is not None and self.row is not None:
            source, row = self.source[a:b], self.row[a:b]
            first, last = int(source.min()), int(source.max())
            rows_of = {first: row} if first == last else {k: row[source == k] for k in np.unique(source).tolist()}
            said["rows"] = {self.sources[k]: [int(rows.min()), int(rows.max())] for k, rows in rows_of.items()}
        return said


def _merged(first: Ints, last: Ints) -> list[tuple[int, int]]:
    """Ranges of positions, merged where they overlap or touch, without empty ones."""
    found: list[tuple[int, int]] = []
    for a, b in sorted(zip(first.tolist(), last.tolist(), strict=True)):
        if b <= a:
            continue
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return found
