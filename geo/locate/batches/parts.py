"""Divides files of points into parts that are read one at a time: byte ranges of text files, row groups of Parquet files.

Spreadsheets, text in UTF-16 and vector files are one part each.

The division depends on the files and on `part_bytes` only, not on the reader; parts are numbered in order of files and rows.
Parts can therefore be distributed, repeated and resumed.
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
import pyarrow.parquet as pq

from geo.errors import FileError, first_labels
from geo.layers.files.reading import read_layer
from geo.tables import delimited
from geo.tables.encodings import encoding_of
from geo.tables.table import SHEET_SUFFIXES, TEXT_SUFFIXES, content_of, read_table, split_sheet
from geo.wording import counted

#: Text tables, and the files that hold tables or geometries in row groups.
TEXT, PARQUET, SHEETS = TEXT_SUFFIXES, (".parquet", ".geoparquet"), SHEET_SUFFIXES

#: Metadata key of a part that lists its rows with an unclosed quotation mark, from 0.
UNCLOSED = b"unclosed"

#: Bytes of a part of a CSV file: about 400,000 fixes, and 100 MB while it is processed.
PART_BYTES = 32 << 20


class Chunk(NamedTuple):
    """Part of a source: bytes [begin, end) of a text file, or row group `begin` of a Parquet file."""

    number: int
    path: str
    begin: int
    end: int


@dataclass(frozen=True)
class Source:
    """Files of points in one format.

    Attributes
    ----------
    form
        ``text``, ``parquet``, ``sheet`` (a spreadsheet) or ``layer`` (any other vector file).
    columns
        Names of the columns.
    parts
        In the order of files and rows.
    encoding
        Encoding of text files.
    delimiter
        Delimiter of text files.
    damaged
        Whether undecodable bytes are replaced by U+FFFD: only where the encoding was detected, not declared.
    first_row
        Number of the first row in each file.
    geometry
        Name of the point column, for files with geometries.
    crs
        CRS declared by the file, as WKT, or None.
    layer
        Name of the layer, for a vector file with several.
    """

    form: str
    columns: tuple[str, ...]
    parts: tuple[Chunk, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    damaged: bool = False
    first_row: int = 1
    geometry: str | None = None
    crs: str | None = None
    layer: str | None = None


def open_source(
    path: Path,
    *,
    encoding: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    part_bytes: int = PART_BYTES,
) -> Source:
    """Inspect a file, or all files of a folder in order of name, and divide them into parts.

    Raises
    ------
    FileError
        If a file is missing, empty, without rows, in another format than the others, or not text in `encoding` (by default
        the one that fits: UTF-8, UTF-16, GB 18030).
    """
    path, sheet = split_sheet(path)
    if path.suffix.lower() in SHEETS:
        return _sheet_source(path, sheet or layer)
    if path.is_dir() or path.suffix.lower() in (*TEXT, *PARQUET):
        files = _files(path)
        is_text = files[0].suffix.lower() in TEXT
        return _text_source(files, encoding, part_bytes) if is_text else _parquet_source(files)
    frame = read_layer(path, layer=layer, crs=crs)
    geometry = str(frame.geometry.name)
    return Source(
        "layer",
        tuple(map(str, frame.columns)),
        (Chunk(0, str(path), 0, len(frame)),),
        geometry=geometry,
        crs=frame.crs.to_wkt(),
        layer=layer,
    )


def read_chunk(source: Source, part: Chunk, columns: list[str] | None = None) -> pa.Table:
    """Read one part, by default all columns; text is not converted.

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
    if source.form == "sheet":
        table = _sheet(Path(part.path), source.layer)
        return table.select(columns) if columns else table
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
            raise FileError(f"{path}: the folder contains no CSV or Parquet file")
    kinds = sorted({file.suffix.lower() for file in files})
    if len(kinds) > 1:
        raise FileError(f"{path}: contains files of several kinds ({', '.join(kinds)}); give one kind at a time")
    empty = [file.name for file in files if file.stat().st_size == 0]
    if empty:
        raise FileError(f"{first_labels(empty)}: the file is empty (0 bytes)")
    return files


def _sheet_source(path: Path, sheet: str | None) -> Source:
    table = _sheet(path, sheet)
    part = Chunk(0, str(path), 0, table.num_rows)
    return Source("sheet", tuple(table.column_names), (part,), first_row=2, layer=sheet)


def _sheet(path: Path, sheet: str | None) -> pa.Table:
    """A sheet as text; the header is the first row with two texts or a pair of coordinates."""
    rows = read_table(content_of(path), path.name, known=_KNOWN, sheet=sheet).rows
    texts = rows.astype(object).where(rows.notna(), None).map(lambda v: None if v is None else str(v))
    return pa.table({str(name): pa.array(texts[name], type=pa.string()) for name in texts})


# Column names of coordinates, case-folded; they identify the header of a sheet.
_KNOWN = frozenset(
    [
        "lon",
        "lng",
        "longitude",
        "long",
        "lat",
        "latitude",
        "x",
        "y",
        "经度",
        "纬度",
        "经纬度",
        "x坐标",
        "y坐标",
        "东坐标",
        "北坐标",
        "easting",
        "northing",
    ]
)
# Number of bytes from which encoding and delimiter are detected.
_LOOK = 1 << 20


def _text_source(files: list[Path], encoding: str | None, part_bytes: int) -> Source:
    with files[0].open("rb") as handle:
        begin = handle.read(_LOOK)
    found = (
        _known_encoding(encoding) if encoding else encoding_of(begin[: begin.rfind(b"\n") + 1] or begin, files[0].name)
    )
    found = "utf-8" if found == "utf-8-sig" else found
    lines = begin.decode(found, errors="replace").splitlines(keepends=True)[:20]
    delimiter = "\t" if files[0].suffix.lower() == ".tsv" else delimited.find_delimiter(lines)
    parts: list[Chunk] = []
    columns: tuple[str, ...] = ()
    for file in files:
        names, first = _header(file, found, delimiter)
        if columns and names != columns:
            raise FileError(
                f"{file.name}: its header differs from that of {files[0].name}; give files of one kind at a time"
            )
        columns = names
        whole = "\n".encode(found) != b"\n"
        spans = (
            [(first, file.stat().st_size)] if whole else _spans(file, first, part_bytes, found, delimiter, len(names))
        )
        parts += [Chunk(len(parts) + i, str(file), *span) for i, span in enumerate(spans) if span[1] > span[0]]
    if not parts:
        raise FileError(f"{files[0].name}: the table has a header but no rows")
    # After plain ASCII nothing is known about later bytes, which may be text in another encoding rather than damage.
    damaged = encoding is None and not begin.isascii()
    return Source("text", columns, tuple(parts), encoding=found, delimiter=delimiter, damaged=damaged, first_row=2)


def _known_encoding(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise FileError(f"'{encoding}' is not a known encoding; use utf-8 or gb18030") from error
    return "utf-8" if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig") else encoding


def _header(file: Path, encoding: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    """Names of the columns, and the byte at which the rows begin."""
    if "\n".encode(encoding) != b"\n":
        line = _decoded(file.read_bytes(), encoding, file, 0).split("\n", 1)[0] + "\n"
        begin = min(len(line.encode(encoding)), file.stat().st_size)
        text = line.removeprefix("\ufeff")
    else:
        with file.open("rb") as handle:
            raw = handle.readline()
            while raw.count(b'"') % 2 and (more := handle.readline()):
                raw += more
            begin = handle.tell()
        text = _decoded(raw.removeprefix(b"\xef\xbb\xbf"), encoding, file, 0)
    names = next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter), [])
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise FileError(f"{file.name}: has duplicate column names {first_labels(double)}; rename them")
    return tuple(names), begin


def _spans(
    file: Path, begin: int, part_bytes: int, encoding: str, delimiter: str, width: int
) -> Iterator[tuple[int, int]]:
    """Divide a file at row ends, that is, at line ends preceded by an even number of quotation marks.

    After a quotation mark that is never closed there is no such place; then records are counted.
    """
    size = file.stat().st_size
    with file.open("rb") as handle:
        length = part_bytes
        while begin < size:
            handle.seek(begin)
            block = handle.read(length)
            cut = len(block)
            if begin + cut < size:
                cut = _even_cut(block)
                if cut == 0 and length > part_bytes:
                    cut = _counted_cut(block, encoding, delimiter, width)
                if cut == 0:
                    length *= 2
                    continue
            if block[:cut].strip():
                yield begin, begin + cut
            begin, length = begin + cut, part_bytes


def _even_cut(block: bytes) -> int:
    """End of the last line preceded by an even number of quotation marks; 0 for none."""
    cut = block.rfind(b"\n") + 1
    odd = block.count(b'"', 0, cut) % 2
    while cut and odd:
        before = block.rfind(b"\n", 0, cut - 1) + 1
        odd ^= block.count(b'"', before, cut) % 2
        cut = before
    return cut


def _counted_cut(block: bytes, encoding: str, delimiter: str, width: int) -> int:
    """End of the last but one record of a block, found by parsing records; 0 for none."""
    lines = block.decode(encoding, errors="surrogateescape").splitlines(keepends=True)
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += len(line.encode(encoding, errors="surrogateescape"))
            yield line

    ends = [0, *(taken for _ in delimited.split_lines(counted(), delimiter, width, []))]
    # The last record may be incomplete, and only the next one shows where its fields end.
    return max((end for end in ends[:-1] if end < taken), default=0)


def _read_text(source: Source, part: Chunk, columns: list[str] | None) -> pa.Table:
    file = Path(part.path)
    with file.open("rb") as handle:
        handle.seek(part.begin)
        block = handle.read(part.end - part.begin)
    text = _decoded(block, source.encoding, file, part.begin, damaged=source.damaged)
    names = list(source.columns)
    utf8 = block if source.encoding == "utf-8" and "\ufffd" not in text else text.encode()
    table = delimited.arrow_table(utf8, names, source.delimiter, kind=pa.string(), nulls=False)
    if table is None or ('"' in text and delimited.has_swallowed(table, source.delimiter)):
        table = _record_by_record(text, source, file, part.begin)
    return table.select(columns or names)


def _record_by_record(text: str, source: Source, file: Path, begin: int) -> pa.Table:
    """Read record by record if a line is blank, has another number of fields, or an unclosed quotation mark."""
    width = len(source.columns)
    rows: list[list[str | None]] = []
    unclosed: list[int] = []
    for fields in delimited.records(text, source.delimiter, width, unclosed):
        if not fields or fields == [""]:
            continue
        if len(fields) != width:
            raise FileError(
                f"{file.name}: cannot be read as a table after byte {begin}: a row has {counted(len(fields), 'field')} where "
                f"the header has {width} ({source.delimiter.join(fields)[:60]})"
            )
        rows.append(list(fields))
    columns = list(zip(*rows, strict=True)) or [()] * width
    arrays = {name: pa.array(values, type=pa.string()) for name, values in zip(source.columns, columns, strict=True)}
    return pa.table(arrays).replace_schema_metadata({UNCLOSED: json.dumps(unclosed)})


def _decoded(block: bytes, encoding: str, file: Path, begin: int, *, damaged: bool = False) -> str:
    try:
        return block.decode(encoding, errors="replace" if damaged else "strict")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{file.name}: is not {encoding} text (byte {begin + error.start}); name its encoding (--encoding gb18030)"
        ) from error


def _parquet_source(files: list[Path]) -> Source:
    parts: list[Chunk] = []
    schema: pa.Schema | None = None
    for file in files:
        try:
            opened = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"{file.name}: cannot be read as Parquet ({error})") from error
        if schema is not None and opened.schema_arrow.names != schema.names:
            raise FileError(
                f"{file.name}: its columns differ from those of {files[0].name}; give files of one kind at a time"
            )
        schema = schema or opened.schema_arrow
        groups = range(opened.metadata.num_row_groups)
        full = [group for group in groups if opened.metadata.row_group(group).num_rows]
        parts += [Chunk(len(parts) + i, str(file), group, group + 1) for i, group in enumerate(full)]
    if schema is None or not parts:
        raise FileError(f"{files[0].name}: the table has no rows")
    geometry, crs = _geometry_of(schema)
    return Source("parquet", tuple(schema.names), tuple(parts), geometry=geometry, crs=crs)


def _geometry_of(schema: pa.Schema) -> tuple[str | None, str | None]:
    """Column of geometries and its CRS, from the metadata of GeoParquet; a missing CRS means OGC:CRS84."""
    about = json.loads((schema.metadata or {}).get(b"geo", b"null"))
    if about is None:
        return None, None
    name = str(about["primary_column"])
    crs = about["columns"][name].get("crs", "OGC:CRS84")
    return name, json.dumps(crs) if isinstance(crs, dict) else crs
