"""Tracks from files: what comes in is used, or refused with its number and the reason."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import DatumError, FileError, InputError, some
from geo.layers.crs import WGS84
from geo.layers.datum import Datum, convert
from geo.tracks.columns import (
    ACCURACY_M,
    DECLARED_DATUM,
    DEVICE,
    LAT,
    LON,
    MOCK,
    OFFICER,
    ROW,
    SOURCE,
    SPEED,
    TIME,
    TRACK_COLUMNS,
)
from geo.tracks.reading.registry import endings, format_of
from geo.tracks.reading.tables import Columns, Refused, named_columns, read_csv, read_sheet
from geo.tracks.reading.times import parse_times

#: File name endings that can be read; each may be followed by ``.gz``.
ENDINGS = (*endings(), ".csv", ".txt", ".tsv", ".xlsx")

_TRUE = ("1", "true", "yes", "y", "t", "是", "真")
_FALSE = ("0", "false", "no", "n", "f", "否", "假")

# A file that unpacks to more than this is not a track of one street.
_MOST_BYTES = 4 << 30

PathLike = str | os.PathLike[str]


def read_tracks(
    path_or_paths: PathLike | Sequence[PathLike],
    *,
    datum: Datum | str | None = None,
    zone: str | None = None,
    columns: Columns | None = None,
) -> gpd.GeoDataFrame:
    """Read fixes from one or more files.

    Parameters
    ----------
    path_or_paths
        GPX, CSV, Excel (.xlsx, first sheet), GeoJSON (points), positions of Traccar or OwnTracks (.json) or NMEA sentences
        (.nmea), also gzipped.
    datum
        Datum of the coordinates. GPX is WGS-84 by its standard, as are GeoJSON, NMEA, Traccar and OwnTracks unless it is
        declared otherwise here; a CSV or Excel sheet needs it, here or in a column ``datum``.
    zone
        Zone of times that name none, such as ``Asia/Shanghai``. GPX is UTC by its standard.
    columns
        Our column names to those of a CSV or of the properties in GeoJSON; to positions (from 0) for a CSV without a header.
        Guessed otherwise, from Chinese and English headers.

    Returns
    -------
    GeoDataFrame
        WGS-84 points in the order of the files, with a fresh index: `device` (text; where the file names none, its `source`
        without the ending), `officer` (text or None), `time` (aware UTC), `lon`, `lat`, `accuracy_m`, `speed` (m/s as the
        device says; both NaN where not stated), `mock` (boolean; NA where not stated), `source` (file name, with folders
        before it where two files share it), `row` (number of the record) and `declared_datum` (of the file's coordinates).
        ``frame.attrs["refused"]`` lists what could not be used: `source`, `row` (None for a whole file), `reason`;
        ``frame.attrs["sources"]`` has the SHA-256 of each file by its `source`.

    Raises
    ------
    FileError
        If a file is missing, or of an unknown format, or a single file (or every one of several) has no usable fix.
    DatumError
        If the datum of a file is not declared, or not known.
    ColumnError
        If a CSV has no header and no positions are given, or a column is missing.
    InputError
        If the times of a CSV or GeoJSON have no zone and none is given.
    """
    paths = [path_or_paths] if isinstance(path_or_paths, str | os.PathLike) else list(path_or_paths)
    frames, refused, faults = [], [], []
    named = _named([Path(path) for path in paths])
    for path, name in named:
        try:
            table, bad = _read_one(path, name, datum, zone, columns)
        except FileError as error:
            faults.append(error)
            refused.append({SOURCE: name, ROW: None, "reason": str(error).removeprefix(f"{name}: ")})
            continue
        frames.append(table)
        refused += bad
    if not frames:
        raise (
            faults[0]
            if len(faults) == 1
            else FileError(
                f"none of {len(paths)} files has a usable fix: {some([str(f) for f in faults], 3)}"
                if faults
                else "no file given"
            )
        )
    table = pd.concat(frames, ignore_index=True)
    frame = gpd.GeoDataFrame(table, geometry=shapely.points(table[LON], table[LAT]), crs=WGS84)
    frame.attrs["refused"] = _Kept(refused)
    frame.attrs["sources"] = {name: _sha256(path) for path, name in named if path.is_file()}
    return frame


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Kept(list[dict[str, Any]]):
    """A list that frames hand on: pandas copies what it finds in `attrs`, row by row, with every frame that it makes."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Kept:
        return self


def _named(paths: list[Path]) -> list[tuple[Path, str]]:
    """Name each file: as it is called, with as many folders before that as tell it from the others."""
    names = [path.name for path in paths]
    for parts in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        often = {name for name, number in Counter(names).items() if number > 1}
        names = [
            "/".join(path.parts[-parts:]) if name in often else name for path, name in zip(paths, names, strict=True)
        ]
    return list(zip(paths, names, strict=True))


def _read_one(
    path: Path, name: str, datum: Datum | str | None, zone: str | None, columns: Columns | None
) -> tuple[pd.DataFrame, Refused]:
    """Read one file; raise FileError if nothing of it can be used."""
    ending, raw = _content(path, name)
    refused: Refused = []
    known = format_of(raw, ending)
    if known is not None:
        fixes = known.read(raw, name)
        table = fixes.rows.assign(**{ROW: fixes.numbers})
        if not fixes.named and not table.empty:
            table = named_columns(table, None if columns is None else {**columns, **fixes.fixed}, name, fixes.fixed)
        refused = [dict(row) for row in fixes.refused]
        datum, zone = datum or fixes.datum, zone or fixes.zone
    elif ending == ".xlsx":
        table, refused = read_sheet(raw, name, columns)
    elif ending in ENDINGS:
        table, refused = read_csv(raw, name, columns)
    else:
        raise FileError(f"{name}: unknown format '{ending}' of a track; use {', '.join(ENDINGS)}")
    if table.empty:
        raise FileError(f"{name}: has no fix" + (f"; the first record {refused[0]['reason']}" if refused else ""))
    typed, reason = _typed(table.reset_index(drop=True), name, zone)
    typed = _on_wgs84(typed, table.reset_index(drop=True), datum, name, reason)
    good = reason == ""
    refused += [
        {SOURCE: name, ROW: int(row), "reason": str(why)}
        for row, why in zip(typed.loc[~good, ROW], reason[~good], strict=True)
    ]
    if not good.any():
        raise FileError(
            f"{name}: none of {len(typed)} fixes can be used; the first (record {refused[0][ROW]}) "
            f"{refused[0]['reason']}"
        )
    return typed.loc[good, list(TRACK_COLUMNS)], sorted(refused, key=lambda r: r[ROW])


def _content(path: Path, name: str) -> tuple[str, bytes]:
    """Ending and content of a file, unpacked."""
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a file is expected")
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as packed:
                raw = packed.read(_MOST_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(f"{name}: cannot be unpacked ({error})") from error
    if not raw.strip():
        raise FileError(f"{name}: the file is empty ({len(raw)} bytes)")
    return ending, raw


def _typed(table: pd.DataFrame, name: str, zone: str | None) -> tuple[pd.DataFrame, npt.NDArray[np.object_]]:
    """Give the columns their types, and each row that cannot be used its reason."""
    stem = name.removesuffix(".gz").rsplit(".", 1)[0]
    times, reason = parse_times(table[TIME] if TIME in table else _empty(table), zone)
    if (reason == "no zone").any():
        first = table.loc[reason == "no zone", TIME].iloc[0]
        raise InputError(f"{name}: times such as '{first}' have no zone; say which", give={"zone": "Asia/Shanghai"})
    lon, lat = (_numbers(table[column]) for column in (LON, LAT))
    for wrong, why in (
        (~(np.isfinite(lon) & np.isfinite(lat)), "has no position"),
        ((lon == 0) & (lat == 0), "is at (0, 0): the receiver had no position"),
        ((np.abs(lat) > 90) & (np.abs(lon) <= 90), "has a latitude above 90; longitude and latitude may be swapped"),
        ((np.abs(lon) > 180) | (np.abs(lat) > 90), "has coordinates that are not degrees"),
    ):
        reason[wrong & (reason == "")] = why
    device = _words(table, DEVICE, stem)
    reason[(device.isna() & (reason == "")).to_numpy()] = "has no device"
    typed = pd.DataFrame(
        {
            DEVICE: device,
            OFFICER: _words(table, OFFICER, None),
            TIME: times,
            LON: lon,
            LAT: lat,
            ACCURACY_M: _numbers(table.get(ACCURACY_M, _empty(table))),
            SPEED: _numbers(table.get(SPEED, _empty(table))),
            MOCK: _flags(table.get(MOCK, _empty(table))),
            SOURCE: pd.Series(name, index=table.index, dtype=object),
            ROW: table[ROW].astype(np.int64),
        }
    )
    return typed, reason


def _on_wgs84(
    typed: pd.DataFrame, table: pd.DataFrame, datum: Datum | str | None, name: str, reason: npt.NDArray[np.object_]
) -> pd.DataFrame:
    """Convert the coordinates to WGS-84, by the datum given or that of each row."""
    if datum is not None:
        stated = pd.Series(str(Datum.parse(str(datum))), index=typed.index, dtype=object)
    elif "datum" in table:
        stated = table["datum"].astype(object)
    else:
        raise DatumError(
            f"{name}: the datum of its coordinates is not declared; say which, WGS-84, CGCS2000, GCJ-02 or BD-09",
            give={"datum": "WGS-84"},
        )
    lon, lat = typed[LON].to_numpy(copy=True), typed[LAT].to_numpy(copy=True)
    reason[(stated.isna() & (reason == "")).to_numpy()] = "has no datum"
    declared = stated.to_numpy(copy=True)
    for text in sorted(set(stated.dropna())):
        known = Datum.parse(str(text))
        rows = ((stated == text) & (reason == "")).to_numpy()
        lon[rows], lat[rows] = convert(lon[rows], lat[rows], known, Datum.WGS84)
        declared[rows] = str(known)
    placed = typed.assign(**{LON: lon, LAT: lat})
    placed[DECLARED_DATUM] = pd.Series(declared, index=typed.index, dtype=object)
    return placed


def _empty(table: pd.DataFrame) -> pd.Series:
    return pd.Series(None, index=table.index, dtype=object)


def _numbers(text: pd.Series) -> npt.NDArray[np.float64]:
    """Numbers, NaN where there is none; a decimal comma is read as a point."""
    plain = text.astype("string").str.strip().str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _words(table: pd.DataFrame, column: str, default: str | None) -> pd.Series:
    """Text without blanks at its ends, None where empty; `default` where the file has no such column."""
    if column not in table:
        return pd.Series(np.full(len(table), default, dtype=object), index=table.index, dtype=object)
    text = table[column].astype("string").str.strip()
    there = (text.notna() & (text != "")).to_numpy(dtype=bool)
    words = np.full(len(table), None, dtype=object)
    words[there] = text[there].to_numpy(dtype=object)
    return pd.Series(words, index=table.index, dtype=object)


def _flags(text: pd.Series) -> pd.Series:
    """Yes and no in the usual spellings; NA where nothing or something else is said."""
    plain = text.astype("string").str.strip().str.lower()
    flags = pd.Series(pd.NA, index=text.index, dtype="boolean")
    flags[plain.isin(_TRUE).to_numpy(dtype=bool)] = True
    flags[plain.isin(_FALSE).to_numpy(dtype=bool)] = False
    return flags
