"""Stores an index in a file: a JSON header, followed by arrays that can be mapped into memory."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import FileError
from geo.layers.columns import CODE
from geo.layers.crs import require_metric
from geo.layers.files.atomic import aside
from geo.locate.raster import Raster

if TYPE_CHECKING:
    import geopandas as gpd

#: First bytes of a file, with the version of the layout.
MAGIC = b"wangge-index-1\n"

# Arrays start at multiples of a cache line, on which the speed of lookups depends.
_LINE = 64

_ARRAYS = ("pixels", "lists", "ends", "sides")
_NUMBERS = ("x0", "y0", "size", "inverse")


def digest(shapes: npt.NDArray[np.object_], codes: npt.NDArray[np.object_] | None, crs: Any) -> str:
    """SHA-256 of a layer: CRS, codes and geometries, in order of rows."""
    made = hashlib.sha256(crs.to_wkt().encode())
    made.update(b"-" if codes is None else "\x1f".join(str(code) for code in codes).encode())
    for part in shapely.to_wkb(shapes):
        made.update(part)
    return made.hexdigest()


def digest_of(cells: gpd.GeoDataFrame) -> str:
    """SHA-256 of a layer, equal to the digest of an index built from it."""
    codes = cells[CODE].to_numpy(dtype=object) if CODE in cells else None
    return digest(np.asarray(cells.geometry.array, dtype=object), codes, require_metric(cells, "an index"))


def write(
    path: str | os.PathLike[str],
    about: dict[str, Any],
    tiers: list[Raster],
    extra: dict[str, npt.NDArray[np.int32]],
) -> None:
    """Write rasters, further arrays and metadata; the file is replaced when complete."""
    arrays = {f"{t}/{name}": getattr(raster, name) for t, raster in enumerate(tiers) for name in _ARRAYS} | extra
    place, table = 0, {}
    for name, array in arrays.items():
        table[name] = [place, str(array.dtype), list(array.shape)]
        place += -(-array.nbytes // _LINE) * _LINE
    numbers = [[float(getattr(raster, name)).hex() for name in _NUMBERS] for raster in tiers]
    head = json.dumps(
        {"about": about, "numbers": numbers, "arrays": table, "bytes": place}, ensure_ascii=False
    ).encode()
    head += b" " * (-(len(MAGIC) + 16 + len(head)) % _LINE)
    with aside(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(MAGIC + b"%15d\n" % len(head) + head)
        for array in arrays.values():
            file.write(array.tobytes())
            file.write(b"\0" * (-array.nbytes % _LINE))


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[Raster], dict[str, npt.NDArray[np.int32]]]:
    """Map a file written by :func:`write`.

    Raises
    ------
    FileError
        If the file is missing, truncated or not an index file.
    """
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            known = file.read(len(MAGIC)) == MAGIC
            head = json.loads(file.read(int(file.read(16)))) if known else {}
            begin, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise FileError(f"{name}: the index is damaged; rebuild it from the layer") from error
    if not known:
        raise FileError(f"{name}: is not an index of this version; rebuild it from the layer")
    if size != begin + head["bytes"]:
        raise FileError(f"{name}: the index is truncated; rebuild it from the layer")
    # Copy on write: pages are shared, and the arrays have the type for which the kernels are compiled.
    whole = np.asarray(np.memmap(path, dtype=np.uint8, mode="c", offset=begin))
    arrays = {
        key: whole[place : place + int(np.prod(shape)) * np.dtype(kind).itemsize].view(kind).reshape(shape)
        for key, (place, kind, shape) in head["arrays"].items()
    }
    tiers = [
        Raster(*map(float.fromhex, numbers), *(arrays.pop(f"{t}/{key}") for key in _ARRAYS))  # type: ignore[arg-type]
        for t, numbers in enumerate(head["numbers"])
    ]
    return head["about"], tiers, arrays


def other_layer(path: str | os.PathLike[str]) -> FileError:
    """Error for an index built from other cells."""
    return FileError(f"{Path(path).name}: the index belongs to another layer; rebuild it from this one")
