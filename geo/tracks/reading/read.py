"""Reads tracks from files; every record is used, or refused with its number and the reason."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import shapely

from geo.errors import FileError, InputError, first_labels
from geo.layers.crs import WGS84
from geo.layers.datum import Datum
from geo.tables.coordinates import Place
from geo.tables.local_time import require_zone
from geo.tables.refused import Records, RefusedRow, refuse
from geo.tables.spreadsheets import is_spreadsheet
from geo.tables.table import SHEET_SUFFIXES, TEXT_SUFFIXES, split_sheet
from geo.texts import Text, amount
from geo.tracks.columns import LAT, LON, ROW, SOURCE, TIME
from geo.tracks.reading.headers import match_columns
from geo.tracks.reading.registry import endings, format_of
from geo.tracks.reading.tables import Columns, read_fix_table
from geo.tracks.reading.values import typed_fixes
from geo.wording import counted

#: Supported file name endings; each may be followed by ``.gz``.
ENDINGS = (*endings(), *TEXT_SUFFIXES, *SHEET_SUFFIXES)

# Permitted difference of clocks between phones and this machine before a fix counts as later than now.
_CLOCKS = pd.Timedelta(days=1)
_LATER = Text(
    "{number}个定位的时间晚于现在（如{source}第{row}行，最晚{day}），请核对设备时钟",
    "{number} later than now (such as {source} row {row}, the last of {day}): check the clocks of the devices",
)

# Larger unpacked files are not tracks of one street.
_MOST_BYTES = 4 << 30

PathLike = str | os.PathLike[str]


def read_tracks(
    path_or_paths: PathLike | Sequence[PathLike],
    *,
    datum: Datum | str | None = None,
    zone: str | None = None,
    columns: Columns | None = None,
    now: datetime | None = None,
) -> gpd.GeoDataFrame:
    """Read fixes from one or more files.

    Parameters
    ----------
    path_or_paths
        Any format of :mod:`geo.tracks.reading.registry`, text tables and spreadsheets (``book.xlsx/SHEET`` selects a sheet),
        optionally gzipped; recognised by content. If there are several files, an unusable one is refused individually.
    datum
        Datum of the coordinates. Formats whose standard defines one (all but tables and plain Parquet) are on WGS-84 unless
        declared otherwise here; a table needs it here, in its headers (``经度(GCJ02)``) or in a column ``datum``. Rows that
        name a datum are read on it.
    zone
        Zone of times without one, such as ``Asia/Shanghai``. GPX should be UTC by its standard, but recorders write local times
        without a zone, so the zone is required for such times in GPX, KML and TCX too.
    columns
        Our column names and those of a CSV or of GeoJSON properties, or positions (from 0) for a CSV without a header. By
        default guessed from Chinese and English headers.
    now
        The current time, aware; fixes more than a day later are reported in ``attrs["notices"]``. None: not checked.

    Returns
    -------
    GeoDataFrame
        WGS-84 points in the order of the files, with a fresh index: `device` (text; if the file names none, its `source`
        without the ending), `officer` (text or None), `time` (aware UTC), `lon`, `lat`, `accuracy_m`, `speed` (m/s as
        reported; both NaN if missing), `mock` (boolean; NA if missing), `source` (file name, with folders if two files share
        it), `row` (number of the record) and `declared_datum` (of the file's coordinates). ``frame.attrs["refused"]`` lists
        unusable records, see :class:`geo.tables.refused.RefusedRow` (`row` is None for a complete file); ``attrs["notices"]``
        contains notices for the user; ``attrs["sources"]`` the SHA-256 of each file by its `source`.

    Raises
    ------
    FileError
        If a file is missing, or of an unknown format, or a single file (or every one of several) has no usable fix.
    DatumError
        If the datum of a file is not declared, or not known.
    ColumnError
        If a CSV has no header and no positions are given, or a column is missing.
    InputError
        If times have no zone and none is given.
    """
    table = read_fixes(path_or_paths, datum=datum, zone=zone, columns=columns, now=now)
    frame = gpd.GeoDataFrame(table, geometry=shapely.points(table[LON], table[LAT]), crs=WGS84)
    frame.attrs = table.attrs
    return frame


def read_fixes(
    path_or_paths: PathLike | Sequence[PathLike],
    *,
    datum: Datum | str | None = None,
    zone: str | None = None,
    columns: Columns | None = None,
    now: datetime | None = None,
) -> pd.DataFrame:
    """Read fixes as :func:`read_tracks` does, into a table without points.

    Returns
    -------
    DataFrame
        Columns and ``attrs`` as of :func:`read_tracks`. `lon` and `lat` are sufficient for every function on tracks except
        :func:`geo.tracks.smoothed`; a million points cost a second and 0.2 GB.
    """
    declared = None if datum is None else Datum.parse(str(datum))
    if zone is not None:
        require_zone(zone)
    paths = [path_or_paths] if isinstance(path_or_paths, str | os.PathLike) else list(path_or_paths)
    frames: list[pd.DataFrame] = []
    refused: list[RefusedRow] = []
    notices: list[Text] = []
    faults: list[InputError] = []
    named = _named([split_sheet(Path(path))[0] for path in paths])
    for path, (_, name) in zip(paths, named, strict=True):
        try:
            table, bad, more = _read_one(Path(path), name, declared, zone, columns or {})
        except InputError as error:  # one of several files: refused individually
            faults.append(error)
            why = str(error).removeprefix(f"{name}: ")
            refused.append(refuse(name, None, Text(f"文件无法使用：{why}", why)))
            continue
        frames.append(table)
        refused += bad
        notices += more
    if not frames:
        raise _no_file(faults, len(paths))
    table = pd.concat(frames, ignore_index=True)
    frames.clear()
    # Arrow keeps the memory of the texts, 0.4 GB for 3 million fixes.
    pa.default_memory_pool().release_unused()
    if now is not None:
        notices += _later(table, now)
    table.attrs["refused"] = Records(refused)
    table.attrs["notices"] = Records(notices)
    table.attrs["sources"] = {name: _sha256(path) for path, name in named if path.is_file()}
    return table


def _no_file(faults: list[InputError], count: int) -> InputError:
    """The error if no file can be used: what has to be declared, otherwise what is wrong with them."""
    if not faults:
        return FileError("no file given")
    asked = next((fault for fault in faults if not isinstance(fault, FileError)), None)
    if len(faults) == 1 or asked is not None:
        return asked or faults[0]
    return FileError(f"none of {count} files has a usable fix: {first_labels([str(fault) for fault in faults], 3)}")


def _later(frame: pd.DataFrame, now: datetime) -> list[Text]:
    """Report fixes later than now by more than the permitted difference of clocks."""
    late = (frame[TIME] > pd.Timestamp(now) + _CLOCKS).to_numpy(dtype=bool)
    if not late.any():
        return []
    first = frame[late].iloc[0]
    year = str(frame.loc[late, TIME].max())[:10]
    return [
        _LATER.fill(
            number=amount(int(late.sum()), "fix is", "fixes are"), source=first[SOURCE], row=first[ROW], day=year
        )
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(paths: list[Path]) -> list[tuple[Path, str]]:
    """Name each file by its file name, with as many folders as needed to distinguish it from the others."""
    names = [path.name for path in paths]
    for parts in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        often = {name for name, number in Counter(names).items() if number > 1}
        names = [
            "/".join(path.parts[-parts:]) if name in often else name for path, name in zip(paths, names, strict=True)
        ]
    return list(zip(paths, names, strict=True))


def _read_one(
    path: Path, name: str, datum: Datum | None, zone: str | None, columns: Columns
) -> tuple[pd.DataFrame, list[RefusedRow], list[Text]]:
    """Read one file; raise InputError if it has no usable fix."""
    path, sheet = split_sheet(path)
    ending, raw = _content(path, name)
    known = format_of(raw, ending)
    if known is not None:
        fixes = known.read(raw, name)
    elif is_spreadsheet(raw) or _is_text(raw):
        try:
            fixes = read_fix_table(raw, name, columns, sheet)
        except FileError as error:
            raise error if ending in ENDINGS else _unknown(name, ending) from error
    else:
        raise _unknown(name, ending)
    del raw
    if fixes.rows.empty:
        why = f"; the first record {fixes.refused[0]['reason']}" if fixes.refused else ""
        raise FileError(f"{name}: has no fix{why}")
    if fixes.named:
        used, place = {column: column for column in fixes.rows.columns}, Place({LON: LON, LAT: LAT})
    else:
        own = None if datum is None else datum.value
        used, place = match_columns(list(fixes.rows.columns), columns, fixes.fixed, name, own)
        fixes.rows.columns = pd.Index([str(header) for header in fixes.rows.columns], dtype=object)
    standard = None if fixes.datum is None else Datum.parse(fixes.datum)
    table, bad = typed_fixes(fixes, used, place, name=name, datum=datum or standard, zone=zone or fixes.zone)
    if table.empty:
        raise FileError(
            f"{name}: none of {counted(len(bad), 'fix', 'fixes')} can be used; the first (record {bad[0]['row']}) "
            f"{bad[0]['reason']}"
        )
    notices = [Text(f"{name}：{text.zh}", f"{name}: {text.en}") for text in fixes.notices]
    return table, sorted([*fixes.refused, *bad], key=lambda record: record["row"] or 0), notices


def _unknown(name: str, ending: str) -> FileError:
    return FileError(f"{name}: unknown format '{ending}' of a track; use {', '.join(ENDINGS)}")


def _is_text(raw: bytes) -> bool:
    """Whether text can be a table: no markup or JSON, except HTML, which web systems export as tables."""
    start = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return not start.startswith((b"<", b"{", b"[")) or b"<table" in raw[:65_536].lower()


def _content(path: Path, name: str) -> tuple[str, bytes]:
    """File name ending and unpacked content of a file."""
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
        raise FileError(f"{name}: the file is empty ({counted(len(raw), 'byte')})")
    return ending, raw
