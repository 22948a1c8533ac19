"""Reading what the commands are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from geo.errors import ColumnError, CrsError, DatumError, FileError, some
from geo.layers import (
    Datum,
    Division,
    Level,
    as_cells,
    convert,
    is_division,
    layers_of,
    parse_crs,
    read_division,
    read_layer,
)
from geo.layers.columns import CODE, LEVEL

#: Rows of a table that are in memory at one time.
CHUNK_ROWS = 200_000


def read_cells(
    path: Path, *, layer: str | None = None, code: str | None = None, crs: str | None = None
) -> Division | gpd.GeoDataFrame:
    """Read a division, or one layer of polygons as cells, in the CRS that it comes in.

    Parameters
    ----------
    layer
        With a division, the one layer that is wanted instead of all four.
    code
        Column to take the cells' code from; guessed by default.
    crs
        CRS of a file that declares none.
    """
    if layer is None and holds_division(path, crs=crs):
        return read_division(path)
    if layer in {level.layer for level in Level} and holds_division(path, crs=crs):
        return as_cells(read_division(path).layer(Level[layer.upper()]), path.name, code=code)
    return as_cells(read_layer(path, layer=layer, crs=crs), path.name, code=code)


def holds_division(path: Path, *, crs: str | None = None) -> bool:
    """Tell whether a file holds a division, as four layers or as one layer with a column ``level``."""
    if is_division(path):
        return True
    if len(layers_of(path)) != 1:
        return False
    frame = read_layer(path, crs=crs)
    if not {CODE, LEVEL} <= set(frame.columns):
        return False
    return set(frame[LEVEL].dropna().unique()) == {int(level) for level in Level}


def finest(cells: Division | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The cells that points are put into: the third level of a division, or the layer itself."""
    return cells.third if isinstance(cells, Division) else cells


def optional_layer(path: Path | None, *, crs: str | None = None) -> gpd.GeoDataFrame | None:
    """Layer of a file that may not have been given."""
    return None if path is None else read_layer(path, crs=crs)


def read_table(path: Path, *, encoding: str = "utf-8-sig") -> Iterator[pd.DataFrame]:
    """Read a text table in chunks; every column stays text, so nothing is changed on its way through.

    Raises
    ------
    FileError
        If the file is missing, empty, has no rows, or is not text in `encoding`.
    """
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a file is expected")
    if path.stat().st_size == 0:
        raise FileError(f"{path.name}: the file is empty (0 bytes)")
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    rows = 0
    try:
        reader = pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, chunksize=CHUNK_ROWS, encoding=encoding
        )
        with reader:
            for chunk in reader:
                if len(chunk):
                    yield chunk
                rows += len(chunk)
    except LookupError as error:
        raise FileError(f"'{encoding}' is not a known encoding; use utf-8 or gb18030") from error
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path.name}: is not {error.encoding} text (byte {error.start}); name its encoding (--encoding gb18030)"
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise FileError(f"{path.name}: cannot be read as a table ({str(error).strip()})") from error
    if rows == 0:
        raise FileError(f"{path.name}: the table has a heading but no rows")


def coordinates(
    table: pd.DataFrame, name: str, *, x: str, y: str, datum: str | None, crs: str | None, target: object
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of a table's rows in the CRS of the cells; NaN where a row has none.

    Raises
    ------
    ColumnError
        If a column is missing, or no row has numbers in it.
    DatumError
        If neither `datum` nor `crs` says what the coordinates are.
    """
    missing = [column for column in (x, y) if column not in table.columns]
    if missing:
        raise ColumnError(f"{name}: has no column '{missing[0]}'; it has {some(list(table.columns), 20)}")
    east = pd.to_numeric(table[x], errors="coerce").to_numpy(dtype=float)
    north = pd.to_numeric(table[y], errors="coerce").to_numpy(dtype=float)
    if not (np.isfinite(east) & np.isfinite(north)).any():
        raise ColumnError(f"{name}: columns '{x}' and '{y}' hold no numbers")
    if crs is None:
        if datum is None:
            raise DatumError(
                f"{name}: say what the coordinates are: --datum WGS-84, CGCS2000, GCJ-02 or BD-09 for degrees, "
                "--crs EPSG:4549 for metres"
            )
        _require_degrees(east, north, name, x, y)
        east, north = convert(east, north, Datum.parse(datum), Datum.WGS84)
        crs = "EPSG:4326"
    return _transform(east, north, crs, target)


def guess_xy(columns: list[str], name: str) -> tuple[str, str]:
    """Columns of longitude and latitude, or of easting and northing, by their usual names.

    Raises
    ------
    ColumnError
        If there is no such pair.
    """
    lower = {column.strip().lower(): column for column in reversed(columns)}
    for east, north in _PAIRS:
        if east in lower and north in lower:
            return lower[east], lower[north]
    raise ColumnError(
        f"{name}: which columns are the coordinates? name them (--x COL --y COL); it has {some(columns, 20)}"
    )


_PAIRS = (
    ("lon", "lat"),
    ("lng", "lat"),
    ("longitude", "latitude"),
    ("经度", "纬度"),
    ("x", "y"),
    ("东坐标", "北坐标"),
    ("easting", "northing"),
    ("long", "lat"),
)


def _require_degrees(east: np.ndarray, north: np.ndarray, name: str, x: str, y: str) -> None:
    wrong = np.flatnonzero((np.abs(east) > 180) | (np.abs(north) > 90))
    if len(wrong):
        row = int(wrong[0])
        raise CrsError(
            f"{name}: row {row + 2} has {x}={east[row]:.7g}, {y}={north[row]:.7g}, which are no degrees; "
            "swap --x and --y, or name the CRS (--crs)"
        )


def _transform(east: np.ndarray, north: np.ndarray, source: str, target: object) -> tuple[np.ndarray, np.ndarray]:
    transformer = pyproj.Transformer.from_crs(parse_crs(source), target, always_xy=True)
    x, y = transformer.transform(east, north)
    finite = np.isfinite(x) & np.isfinite(y)
    return np.where(finite, x, np.nan), np.where(finite, y, np.nan)
