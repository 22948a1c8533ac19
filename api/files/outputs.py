"""Writes results: tables, and folders of files that are replaced together.

A file is written to a temporary path and moved into place (:func:`geo.layers.aside`). :func:`staged_folder` does the same for a
set of files, so that a failed command or a full disk leaves neither an incomplete set nor an empty folder.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.layers import aside

#: Excel reads a CSV as UTF-8 only with this byte order mark, and most users open these tables in Excel.
CSV_ENCODING = "utf-8-sig"

#: Suffixes of text tables.
CSV_ENDINGS = (".csv", ".tsv")

_Result = TypeVar("_Result")


class TableWriter:
    """Writes a CSV or TSV file in chunks; the file appears when all are written.

    Raises
    ------
    FileError
        If the name does not end in one of :data:`CSV_ENDINGS`.
    """

    def __init__(self, path: Path) -> None:
        require_csv(path)
        self._path = path
        self._stack = ExitStack()
        self._first = True

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(aside(self._path))
        self._file = self._stack.enter_context(temporary.open("w", encoding=CSV_ENCODING, newline=""))
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows; the header is written with the first chunk."""
        separator = "\t" if self._path.suffix.lower() == ".tsv" else ","
        frame.to_csv(self._file, sep=separator, index=False, header=self._first, lineterminator="\n")
        self._first = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def require_csv(path: Path) -> None:
    """Raise if a name does not have the suffix of a text table.

    Raises
    ------
    FileError
        If the name does not end in one of :data:`CSV_ENDINGS`.
    """
    if path.suffix.lower() not in CSV_ENDINGS:
        raise FileError(f"{path}: this table is written as {' or '.join(CSV_ENDINGS)}; change the ending of the name")


def write_csv(frame: pd.DataFrame, path: Path, *, zone: str | None = None) -> None:
    """Write one table without its geometry.

    Parameters
    ----------
    zone
        Time zone for timezone-aware times, which are written with their UTC offset. Unchanged by default.

    Raises
    ------
    FileError
        If the name does not end in one of :data:`CSV_ENDINGS`, or the file cannot be written.
    """
    if isinstance(frame, gpd.GeoDataFrame):
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    if zone is not None:
        aware = [name for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
        frame = frame.assign(**{str(name): _local_texts(frame[name].dt.tz_convert(zone)) for name in aware})
    with TableWriter(path) as writer:
        writer.write(frame)


def _local_texts(times: pd.Series) -> pd.Series:
    """Local times with their UTC offset as texts, as pandas writes them, in a twentieth of its time; None for missing times."""
    if times.dt.unit == "ns":  # may have digits that microseconds cannot hold
        return times
    naive = times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    known = np.flatnonzero(~np.isnat(naive))
    # All times of a column have the same number of decimals: none, three or six.
    rounded = (naive[known].astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us"))
    words = np.datetime_as_string(next(times for times in rounded if (times == naive[known]).all())).tolist()
    shifts, which = np.unique((naive - utc)[known], return_inverse=True)
    offsets = [str(pd.Timestamp(0, tz=dt.timezone(shift)))[19:] for shift in shifts.tolist()]
    texts = np.full(len(times), None, dtype=object)
    texts[known] = [f"{word[:10]} {word[11:]}{offsets[k]}" for word, k in zip(words, which.tolist(), strict=True)]
    return pd.Series(texts, index=times.index, dtype=object)


def write_text(text: str, path: Path) -> None:
    """Write a text file in UTF-8; line ends are unchanged."""
    with aside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; its files are moved to `folder` if the block succeeds.

    Other files in `folder` are kept. `folder` and its parents are created if necessary. If the block raises, nothing is changed
    or left behind; a killed program leaves a hidden folder ``.wangge-*``, which can be deleted.

    Raises
    ------
    FileError
        If `folder` is a file or cannot be written to, or a file to be replaced is a link, a pipe or a device.
    """
    with made_folder(folder):
        try:
            staging = tempfile.TemporaryDirectory(dir=folder, prefix=".wangge-")
        except OSError as error:
            raise FileError(f"{folder}: the folder cannot be written to ({error.strerror})") from error
        with staging as inside:
            yield Path(inside)
            made = sorted(Path(inside).iterdir())
            for path in made:
                _require_replaceable(folder / path.name)
            for path in made:
                try:
                    os.replace(path, folder / path.name)
                except OSError as error:
                    raise FileError(f"{folder / path.name}: cannot be replaced ({error.strerror})") from error


def require_folder(folder: Path) -> None:
    """Refuse a folder for outputs that is a file, before a long run whose result could not be written.

    Raises
    ------
    FileError
        If it, or one of its parents, is a file.
    """
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    if not standing.is_dir():
        raise FileError(f"{standing}: is a file, a folder is expected")


@contextmanager
def made_folder(folder: Path) -> Iterator[Path]:
    """Create a folder and its parents if necessary; if the block raises, created folders that are empty are removed.

    Raises
    ------
    FileError
        If a file has that name or the parent is not writable.
    """
    require_folder(folder)
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: the folder cannot be made ({error.strerror})") from error
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # a folder with content is kept
            for place in missing:
                place.rmdir()
        raise


def _require_replaceable(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FileError(f"{path}: is not a plain file and is not replaced; remove it, or write to another folder")


def write_set(folder: Path, write: Callable[[Path], tuple[_Result, Sequence[Path]]]) -> tuple[_Result, list[Path]]:
    """Call `write` with a staging folder; return its result and the final paths of its files in `folder`.

    Parameters
    ----------
    write
        Takes the folder to write to; returns a result and the files written, all directly in that folder.
    """
    with staged_folder(folder) as inside:
        result, written = write(inside)
    return result, [folder / path.name for path in written]
