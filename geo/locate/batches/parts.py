"""Points in files, cut into parts that are read one at a time: byte ranges of a CSV file, row groups of a Parquet file.

The cut depends on the files and on `part_bytes` only, never on who reads the parts; parts are numbered in the order of files
and rows. So work on them can be shared out, repeated and resumed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from geo.errors import FileError, some
from geo.layers.files.reading import read_layer

#: Text tables, and the files that hold tables or geometries in row groups.
TEXT, PARQUET = (".csv", ".txt", ".tsv"), (".parquet", ".geoparquet")

#: Bytes of a CSV file that are one part: some 400,000 fixes, 100 MB while they are worked on.
PART_BYTES = 32 << 20


class Part(NamedTuple):
    """A piece of a source: bytes [begin, end) of a text file, or row group `begin` of a Parquet file."""

    number: int
    path: str
    begin: int
    end: int


@dataclass(frozen=True)
class Source:
    """Files of points of one form.

    Attributes
    ----------
    form
        ``text``, ``parquet`` or ``layer`` (any other vector file; read as a whole).
    columns
        Names of the columns.
    parts
        In the order of files and rows.
    encoding
        Of text.
    geometry
        Name of the column of points, for files with geometries.
    crs
        CRS that the file declares, as WKT; None for none.
    layer
        Name of the layer, for a vector file with several.
    """

    form: str
    columns: tuple[str, ...]
    parts: tuple[Part, ...]
    encoding: str = "utf-8"
    geometry: str | None = None
    crs: str | None = None
    layer: str | None = None


def open_source(
    path: Path,
    *,
    encoding: str = "utf-8",
    layer: str | None = None,
    crs: str | None = None,
    part_bytes: int = PART_BYTES,
) -> Source:
    """Look at a file, or at all files of a folder in order of name, and cut them into parts.

    Raises
    ------
    FileError
        If a file is missing, empty, without rows, not of the form of the others, or not text in `encoding`.
    """
    if path.is_dir() or path.suffix.lower() in (*TEXT, *PARQUET):
        files = _files(path)
        is_text = files[0].suffix.lower() in TEXT
        return _text_source(files, encoding, part_bytes) if is_text else _parquet_source(files)
    frame = read_layer(path, layer=layer, crs=crs)
    geometry = str(frame.geometry.name)
    return Source(
        "layer",
        tuple(map(str, frame.columns)),
        (Part(0, str(path), 0, len(frame)),),
        geometry=geometry,
        crs=frame.crs.to_wkt(),
        layer=layer,
    )


def read_part(source: Source, part: Part, columns: list[str] | None = None) -> pa.Table:
    """Read one part, by default with all columns; text stays text.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    if source.form == "text":
        return _read_text(source, part, columns)
    if source.form == "parquet":
        try:
            return pq.ParquetFile(part.path).read_row_group(part.begin, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"{Path(part.path).name}: row group {part.begin} cannot be read ({error})") from error
    frame = read_layer(part.path, layer=source.layer, crs=source.crs)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return pq.read_table(buffer, columns=columns)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise FileError(f"{path}: no such file")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in (*TEXT, *PARQUET))
        if not files:
            raise FileError(f"{path}: the folder holds no CSV or Parquet file")
    kinds = sorted({file.suffix.lower() for file in files})
    if len(kinds) > 1:
        raise FileError(f"{path}: holds files of several kinds ({', '.join(kinds)}); give one kind at a time")
    empty = [file.name for file in files if file.stat().st_size == 0]
    if empty:
        raise FileError(f"{some(empty)}: the file is empty (0 bytes)")
    return files


# ------------------------------------------------------------------------------------------------------------- text


def _text_source(files: list[Path], encoding: str, part_bytes: int) -> Source:
    encoding = "utf-8" if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig") else encoding
    try:
        "".encode(encoding)
    except LookupError as error:
        raise FileError(f"'{encoding}' is not a known encoding; use utf-8 or gb18030") from error
    if "\n".encode(encoding) != b"\n":
        raise FileError(f"'{encoding}' is not supported for tables; convert the file to utf-8 or gb18030")
    parts: list[Part] = []
    columns: tuple[str, ...] = ()
    for file in files:
        names, begin = _heading(file, encoding)
        if columns and names != columns:
            raise FileError(
                f"{file.name}: its heading is not that of {files[0].name}; give files of one kind at a time"
            )
        columns = names
        parts += [Part(len(parts) + i, str(file), *span) for i, span in enumerate(_spans(file, begin, part_bytes))]
    if not parts:
        raise FileError(f"{files[0].name}: the table has a heading but no rows")
    return Source("text", columns, tuple(parts), encoding=encoding)


def _heading(file: Path, encoding: str) -> tuple[tuple[str, ...], int]:
    """Names of the columns, and where the rows begin."""
    with file.open("rb") as handle:
        line = handle.readline()
        while line.count(b'"') % 2 and (more := handle.readline()):
            line += more
        begin = handle.tell()
    text = _decoded(line.removeprefix(b"\xef\xbb\xbf"), encoding, file, 0)
    names = next(csv.reader([text.rstrip("\r\n")], delimiter=_separator(file)), [])
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise FileError(f"{file.name}: has two columns of the name {some(double)}; rename one")
    return tuple(names), begin


def _spans(file: Path, begin: int, part_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut a file after whole rows: after a line's end that has an even number of quotation marks before it."""
    size = file.stat().st_size
    with file.open("rb") as handle:
        length = part_bytes
        while begin < size:
            handle.seek(begin)
            block = handle.read(length)
            cut = len(block)
            if begin + cut < size:
                cut = block.rfind(b"\n") + 1
                odd = block.count(b'"', 0, cut) % 2
                while cut and odd:
                    before = block.rfind(b"\n", 0, cut - 1) + 1
                    odd ^= block.count(b'"', before, cut) % 2
                    cut = before
                if cut == 0:
                    length *= 2
                    continue
            if block[:cut].strip():
                yield begin, begin + cut
            begin, length = begin + cut, part_bytes


def _read_text(source: Source, part: Part, columns: list[str] | None) -> pa.Table:
    file = Path(part.path)
    with file.open("rb") as handle:
        handle.seek(part.begin)
        block = handle.read(part.end - part.begin)
    text = _decoded(block, source.encoding, file, part.begin)
    if source.encoding != "utf-8":
        block = text.encode()
    names = list(source.columns)
    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=max(len(block), 1)),
            parse_options=pyarrow.csv.ParseOptions(delimiter=_separator(file), newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                include_columns=columns or names,
            ),
        )
    except pa.ArrowInvalid as error:
        raise FileError(f"{file.name}: cannot be read as a table after byte {part.begin} ({error})") from error


def _decoded(block: bytes, encoding: str, file: Path, begin: int) -> str:
    try:
        return block.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileError(
            f"{file.name}: is not {encoding} text (byte {begin + error.start}); name its encoding (--encoding gb18030)"
        ) from error


def _separator(file: Path) -> str:
    return "\t" if file.suffix.lower() == ".tsv" else ","


# ---------------------------------------------------------------------------------------------------------- parquet


def _parquet_source(files: list[Path]) -> Source:
    parts: list[Part] = []
    schema: pa.Schema | None = None
    for file in files:
        try:
            opened = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"{file.name}: cannot be read as Parquet ({error})") from error
        if schema is not None and opened.schema_arrow.names != schema.names:
            raise FileError(
                f"{file.name}: its columns are not those of {files[0].name}; give files of one kind at a time"
            )
        schema = schema or opened.schema_arrow
        groups = range(opened.metadata.num_row_groups)
        full = [group for group in groups if opened.metadata.row_group(group).num_rows]
        parts += [Part(len(parts) + i, str(file), group, group + 1) for i, group in enumerate(full)]
    if schema is None or not parts:
        raise FileError(f"{files[0].name}: the table has no rows")
    geometry, crs = _geometry_of(schema)
    return Source("parquet", tuple(schema.names), tuple(parts), geometry=geometry, crs=crs)


def _geometry_of(schema: pa.Schema) -> tuple[str | None, str | None]:
    """Column of geometries and its CRS, by the metadata of GeoParquet; a CRS that is left out means OGC:CRS84."""
    about = json.loads((schema.metadata or {}).get(b"geo", b"null"))
    if about is None:
        return None, None
    name = str(about["primary_column"])
    crs = about["columns"][name].get("crs", "OGC:CRS84")
    return name, json.dumps(crs) if isinstance(crs, dict) else crs
