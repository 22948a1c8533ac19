"""Writing tables and making folders: a table appears when it is complete."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import geopandas as gpd
import pandas as pd

from geo.errors import FileError
from geo.layers import aside

#: Excel takes a CSV for UTF-8 only if it begins with this mark, and most readers of these tables use Excel.
CSV_ENCODING = "utf-8-sig"


class TableWriter:
    """Writes the chunks of one CSV file; the file appears when all of them are written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        self._first = True

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(aside(self._path))
        self._file = self._stack.enter_context(temporary.open("w", encoding=CSV_ENCODING, newline=""))
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows; the first chunk brings the heading."""
        separator = "\t" if self._path.suffix.lower() == ".tsv" else ","
        frame.to_csv(self._file, sep=separator, index=False, header=self._first, lineterminator="\n")
        self._first = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def write_csv(frame: pd.DataFrame, path: Path, *, zone: str | None = None) -> None:
    """Write one table without its geometry, and with its times in a zone, if one is given; their offset from UTC is told."""
    if isinstance(frame, gpd.GeoDataFrame):
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    if zone is not None:
        aware = [name for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
        frame = frame.assign(**{str(name): frame[name].dt.tz_convert(zone) for name in aware})
    with TableWriter(path) as writer:
        writer.write(frame)


# Folders that this process made, the outer ones first.
_made: list[Path] = []


def make_folder(path: Path) -> Path:
    """Make a folder and its parents, if it is not there.

    Raises
    ------
    FileError
        If a file stands in the way or the place is not writable.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileError(f"{path}: is a file, a folder is expected") from error
    except OSError as error:
        raise FileError(f"{path}: the folder cannot be made ({error.strerror})") from error
    finally:
        _made.extend(reversed(missing))
    return path


def remove_empty_folders() -> None:
    """Remove the folders that :func:`make_folder` made and in which nothing was written: a command that failed leaves none."""
    while _made:
        with contextlib.suppress(OSError):  # not empty, or gone
            _made.pop().rmdir()
