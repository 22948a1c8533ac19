"""Resolves a path to a file that GDAL can open, or raises an error of one line.

Files are inspected before GDAL opens them: GDAL accepts a GeoPackage named ``.geojson``, reads a truncated Shapefile as rows
without geometry, and returns text of another encoding as mojibake. Archives are unpacked to a temporary folder.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from geo.errors import FileError, first_labels

#: File name endings and the GDAL driver that writes them; GeoParquet is written by pyarrow.
DRIVERS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
    ".kml": "LIBKML",
    ".parquet": "Parquet",
    ".geoparquet": "Parquet",
}

#: Endings that can be read but not written.
READ_ONLY = (".topojson", ".gpx", ".kmz", ".zip")

#: Archives, and the maximum unpacked size, so that a small file cannot fill the disk.
ARCHIVES = (".zip", ".kmz")
MOST_UNPACKED_BYTES = 4 * 1024**3

PARQUET = (".parquet", ".geoparquet")
_JSON = (".geojson", ".json", ".topojson")
_XML = (".kml", ".gpx")

# First bytes of files, with the endings that such content may have.
_SIGNATURES = (
    (b"SQLite format 3\x00", "a GeoPackage or another SQLite database", (".gpkg",)),
    (b"PAR1", "GeoParquet", PARQUET),
    (b"fgb\x03fgb", "FlatGeobuf", (".fgb",)),
    (b"PK\x03\x04", "a zip archive", ARCHIVES),
    (b"\x00\x00\x27\x0a", "a Shapefile", (".shp",)),
)
_HEAD_BYTES = 4096

# JSON up to this size is parsed here, to report the line of an error and missing members that GDAL accepts; parsing takes ten
# times the size in memory, so larger files are left to GDAL, which refuses a truncated file too.
_PARSED_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Source:
    """A vector file on disk, ready to be opened.

    Attributes
    ----------
    name
        Name given by the user, for messages.
    path
        Current location; inside a temporary folder if it was in an archive.
    layer
        The selected layer, if the path named one.
    """

    name: str
    path: Path
    layer: str | None = None

    @property
    def suffix(self) -> str:
        """Ending in lower case."""
        return self.path.suffix.lower()

    def sidecar(self, suffix: str) -> Path | None:
        """File of the same stem with another ending, ignoring case."""
        wanted = f"{self.path.stem}{suffix}".lower()
        return next((p for p in self.path.parent.iterdir() if p.name.lower() == wanted), None)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Yield the file at a path, unpacked if it is in an archive, after inspection of its content.

    A path may continue after a file of several layers with the name of one layer.

    Raises
    ------
    FileError
        If it is missing, a folder, empty, of an unknown format, not of the format of its name, or visibly broken.
    """
    archive = next((p for p in [path, *path.parents] if p.suffix.lower() in ARCHIVES and not p.is_dir()), None)
    if archive is None:
        file = path.parent
        source = Source(f"{file.name}/{path.name}", file, path.name) if file.is_file() else Source(path.name, path)
        _require_file(source.path)
        _inspect(source)
        yield source
        return
    _require_file(archive)
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        source = Source(path.name, _unpack(archive, path, Path(folder)))
        _inspect(source)
        yield source


def _require_file(path: Path) -> None:
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a file is expected")
    if path.stat().st_size == 0:
        raise FileError(f"{path.name}: the file is empty (0 bytes)")


def _inspect(source: Source) -> None:
    """Compare the content of a file with its name, and check what GDAL does not check."""
    if source.suffix not in DRIVERS and source.suffix not in READ_ONLY:
        known = ", ".join((*DRIVERS, *READ_ONLY))
        raise FileError(f"{source.name}: unknown format '{source.path.suffix}'; use {known}")
    if source.path.stat().st_size == 0:
        raise FileError(f"{source.name}: the file is empty (0 bytes)")
    with source.path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    _require_content(head, source)
    if source.suffix in _JSON:
        _require_json(source)
    elif source.suffix in _XML:
        _require_plain_xml(source)


def _require_content(head: bytes, source: Source) -> None:
    found: tuple[str, tuple[str, ...]] | None = next(
        ((what, fits) for begin, what, fits in _SIGNATURES if head.startswith(begin)), None
    )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if found is None and text.startswith((b"{", b"[")):
        found = "JSON", _JSON
    elif found is None and text.startswith(b"<"):
        found = "XML", _XML
    if found is not None and source.suffix not in found[1]:
        raise FileError(f"{source.name}: the content is {found[0]}, not what the name says; rename it to {found[1][0]}")


def _require_json(source: Source) -> None:
    """Refuse JSON that is not UTF-8 or is incomplete, with the position of the error."""
    raw = source.path.read_bytes()
    try:
        if len(raw) > _PARSED_BYTES:
            codecs.getincrementaldecoder("utf-8-sig")().decode(raw, final=True)
            return
        document = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileError(
            f"{source.name}: is not UTF-8 text (byte {error.start}); save it as UTF-8, which GeoJSON requires"
        ) from error
    except json.JSONDecodeError as error:
        raise FileError(f"{source.name}: is not JSON ({error.msg}, line {error.lineno}); is it complete?") from error
    except RecursionError as error:
        raise FileError(f"{source.name}: is JSON nested too deep to be a layer") from error
    if not isinstance(document, dict) or "type" not in document:
        raise FileError(f"{source.name}: is JSON but cannot be read as GeoJSON or TopoJSON: it has no member 'type'")
    if document["type"] == "Topology":
        _require_arcs(document, source.name)


def _require_arcs(document: dict[str, Any], name: str) -> None:
    """Refuse a topology whose objects refer to missing arcs: GDAL silently gives them no geometry."""
    arcs, objects = document.get("arcs"), document.get("objects")
    if not isinstance(arcs, list) or not isinstance(objects, dict):
        raise FileError(f"{name}: is a TopoJSON without 'arcs' or 'objects'; is it complete?")
    for number, arc in enumerate(arcs):
        if not isinstance(arc, list) or len(arc) < 2 or not all(isinstance(p, list) and len(p) >= 2 for p in arc):
            raise FileError(f"{name}: arc {number} is not a line of at least two positions")
    for key, item in objects.items():
        for used in _arcs_of(item):
            if not isinstance(used, int) or not -len(arcs) <= used < len(arcs):
                known = f"those from 0 to {len(arcs) - 1}" if arcs else "none"
                raise FileError(
                    f"{name}: object '{key}' uses arc {used!r}; the topology has {known}. Is the file complete?"
                )


def _arcs_of(item: object) -> Iterator[object]:
    """All arcs that an object of a topology, or a nested one, uses: numbers in nested lists."""
    if isinstance(item, dict):
        for part in item.get("geometries") or ():
            yield from _arcs_of(part)
        yield from _arcs_of(item.get("arcs") or [])
    elif isinstance(item, list):
        for part in item:
            yield from _arcs_of(part)
    else:
        yield item


def _require_plain_xml(source: Source) -> None:
    """Refuse XML with a document type declaration: custom entities can expand a small file to gigabytes."""
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", source.path.read_bytes().replace(b"\x00", b""), re.IGNORECASE):
        raise FileError(
            f"{source.name}: has a document type declaration (<!DOCTYPE>), which is not safe to read; remove it"
        )


def members(archive: Path) -> list[str]:
    """Paths of the vector files in an archive."""
    with _archive(archive) as opened_archive:
        return _vector_members(opened_archive)


@contextlib.contextmanager
def _archive(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened_archive:
            yield opened_archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileError(f"{archive.name}: is not a zip archive, or is damaged ({error})") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or an unsupported compression method
        raise FileError(f"{archive.name}: cannot be unpacked ({error})") from error


def _vector_members(archive: zipfile.ZipFile) -> list[str]:
    endings = (*DRIVERS, ".topojson", ".gpx")
    names = {_shown(i): i.file_size for i in archive.infolist() if not i.is_dir() and "__MACOSX" not in i.filename}
    return [name for name in names if PurePosixPath(name).suffix.lower() in endings]


def _shown(info: zipfile.ZipInfo) -> str:
    """Name of a member; archives made by Chinese Windows contain undeclared GBK names."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    with contextlib.suppress(UnicodeError):
        return info.filename.encode("cp437").decode("gb18030")
    return info.filename


def _unpack(archive: Path, path: Path, folder: Path) -> Path:
    """Unpack the selected member and the files of the same stem, and return its location."""
    with _archive(archive) as opened_archive:
        known = _vector_members(opened_archive)
        if path != archive:
            member = path.relative_to(archive).as_posix()
            if member not in known:
                raise FileError(f"{archive.name}: holds no {member}; it holds {first_labels(known, 12)}")
        elif len(known) == 1:
            member = known[0]
        else:
            what = (
                f"{len(known)} vector files ({first_labels(known, 12)}); name one by its path"
                if known
                else "no vector file"
            )
            raise FileError(f"{archive.name}: holds {what}")
        if PurePosixPath(member).is_absolute() or ".." in re.split(r"[/\\]", member) or re.match(r"[A-Za-z]:", member):
            raise FileError(
                f"{archive.name}: the path of its member {member} leads out of the archive, which is not safe to unpack; "
                "recreate the archive with paths inside it"
            )
        stem = PurePosixPath(member).with_suffix("").as_posix()
        wanted = [i for i in opened_archive.infolist() if PurePosixPath(_shown(i)).with_suffix("").as_posix() == stem]
        if sum(i.file_size for i in wanted) > MOST_UNPACKED_BYTES:
            most = f"{MOST_UNPACKED_BYTES >> 30} GiB"
            raise FileError(f"{archive.name}: {member} unpacks to more than {most}; unpack it yourself")
        for info in wanted:
            with opened_archive.open(info) as packed, (folder / PurePosixPath(_shown(info)).name).open("wb") as file:
                shutil.copyfileobj(packed, file)
    return folder / PurePosixPath(member).name
