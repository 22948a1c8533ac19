"""Handles what GDAL does not for Shapefiles: their parts, text encoding, and field names of ten bytes.

The text of a Shapefile is in a DBF whose encoding may be declared by a ``.cpg`` file or by a byte of its header, correctly,
wrongly or not at all. Field names are cut after ten bytes (five Chinese characters in GBK), possibly within a character.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.errors import FileError, first_labels
from geo.layers.columns import AREA_M2, CODE, NAME, VALID_FROM, VALID_TO
from geo.layers.files.dbf import columns_of, tell_odd_numbers, texts_of
from geo.layers.files.sources import Source
from geo.notices import notice
from geo.tables.encodings import is_big5, is_western
from geo.wording import counted, form

#: Bytes of a field name and of a text value in a DBF.
NAME_BYTES, VALUE_BYTES = 10, 254

#: Encoding of written Shapefiles, which most Chinese software expects.
DEFAULT_ENCODING = "GBK"

#: Field names of the standard for our columns: 所在单元网格标识码 and 初始日期 as listed in GB/T 47678.5-2026; 单元网格名称,
#: 面积 and 终止日期 are abbreviated by the same rule, the initials of the words. Other columns keep their names.
STANDARD_NAMES = {CODE: "SZDYWGBSM", NAME: "DYWGMC", AREA_M2: "MJ", VALID_FROM: "CSRQ", VALID_TO: "ZZRQ"}

# Encoding given to GDAL: one character per byte without loss, so that the text can be decoded here.
BYTEWISE = "ISO-8859-1"

# Language byte of the DBF header (offset 29) and its encoding; GDAL writes 0x57 for an unknown encoding.
_LANGUAGES = {0x4D: "gbk", 0x7A: "gbk", 0x4F: "big5", 0x78: "big5", 0x13: "cp932", 0x03: "cp1252", 0x02: "cp850"}

# Text with a few damaged bytes is Chinese if this share of its non-ASCII characters is frequent; Western text decoded as
# GBK has almost none.
_MOSTLY_CHINESE = 0.7

# Maximum amount of text used to detect the encoding.
_SAMPLE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Fields:
    """Names of the fields of a DBF, and the encoding of its text."""

    names: tuple[str, ...]
    encoding: str


def require_parts(source: Source) -> None:
    """Refuse a Shapefile with missing or truncated parts; GDAL would read a truncated one as rows without geometry.

    Raises
    ------
    FileError
    """
    if source.sidecar(".shx") is None:
        raise FileError(
            f"{source.name}: its index {source.path.stem}.shx is missing; keep .shp, .shx, .dbf and .prj together"
        )
    for part in (source.path, source.sidecar(".shx")):
        with part.open("rb") as file:  # type: ignore[union-attr]
            header = file.read(100)
        size = part.stat().st_size  # type: ignore[union-attr]
        if len(header) < 100 or header[:4] != b"\x00\x00\x27\x0a":
            raise FileError(f"{part.name}: is not part of a Shapefile")  # type: ignore[union-attr]
        stated = 2 * struct.unpack(">i", header[24:28])[0]
        if size < stated:
            raise FileError(f"{part.name}: is cut off, {size:,} of {stated:,} bytes are there; copy it again")  # type: ignore[union-attr]


def fields_of(source: Source, encoding: str | None) -> Fields | None:
    """Read the field names of a Shapefile and detect its encoding; None if it has no attributes.

    Parameters
    ----------
    source
        The Shapefile.
    encoding
        Encoding given by the caller. By default that of the ``.cpg``, then of the header of the DBF, if the text can be
        decoded with it; otherwise UTF-8 and GBK are tried, with a notice of the result.

    Raises
    ------
    FileError
        If the DBF is cut off or broken, or `encoding` is not known.
    """
    part = source.sidecar(".dbf")
    if part is None:
        notice(f"{source.name}: has no {source.path.stem}.dbf beside it, so its rows have no attributes and no codes")
        return None
    with part.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            raise FileError(f"{part.name}: is cut off; copy it again")
        rows, header_bytes, row_bytes = struct.unpack("<IHH", head[4:12])
        if part.stat().st_size < header_bytes + rows * row_bytes:
            raise FileError(
                f"{part.name}: is cut off, shorter than the {counted(rows, 'row')} that it announces; copy it again"
            )
        described = file.read(max(0, header_bytes - 32))
        body = file.read(rows * row_bytes)
    columns = columns_of(described)
    texts = texts_of(columns, body[:_SAMPLE_BYTES], row_bytes)
    chosen = _encoding(source, head[29], [*(column.name for column in columns), *texts], encoding)
    names = tuple(_decode(column.name, chosen) for column in columns)
    tell_odd_numbers(part.name, list(zip(names, columns, strict=True)), body, row_bytes)
    return Fields(names, chosen)


def _encoding(source: Source, language: int, texts: list[bytes], given: str | None) -> str:
    if given is not None:
        return codec(given)
    foreign = [text for text in texts if not text.isascii()]
    cpg = source.sidecar(".cpg")
    stated = None if cpg is None else _from_cpg(cpg.read_bytes()[:100])
    declared = stated or _LANGUAGES.get(language)
    if not foreign:
        return declared or "utf-8"
    if declared is not None and _readable(foreign, declared):
        return declared
    guessed = guess_encoding(foreign)
    broken = [text for text in foreign if not _decodes(text, guessed)]
    if broken:
        shown = first_labels([repr(_decode(text, guessed)) for text in broken], 3)
        notice(
            f"{source.name}: {len(broken)} of {counted(len(foreign), 'text')} {form(len(broken), 'is', 'are')} not "
            f"{guessed.upper()} throughout and read with � in the place of the bad bytes ({shown}); correct them in the source"
        )
    why = "nothing declares its encoding" if declared is None else f"it is declared as {declared} but is not"
    notice(f"{source.name}: text is read as {guessed.upper()} ({why}); if it looks wrong, name it with --encoding")
    return guessed


def codec(name: str) -> str:
    """Python's name of an encoding.

    Raises
    ------
    FileError
        If it is not known.
    """
    found = _from_cpg(name.encode("utf-8", "replace"))
    if found is None:
        raise FileError(f"'{name}' is not a known text encoding; use GBK or UTF-8")
    return found


def _from_cpg(text: bytes) -> str | None:
    """Encoding named by a ``.cpg`` file: ``UTF-8``, ``GBK``, ``936``, ``ANSI 1252``, ``ISO 88591``."""
    name = text.decode("ascii", "ignore").strip().lower()
    number = re.search(r"(\d+)$", name)
    tries = [name, name.replace(" ", "")]
    if number is not None:
        digits = number[1]
        tries += [f"iso8859-{digits[4:]}"] if digits.startswith("8859") else [f"cp{digits}"]
    for attempt in tries:
        try:
            found = codecs.lookup(attempt).name if attempt else None
        except LookupError:
            continue
        if found is not None:
            return {"gb2312": "gbk"}.get(found, found)  # programs write GB 2312 for its superset
    return None


def _readable(texts: list[bytes], encoding: str) -> bool:
    """Whether all texts can be decoded, except for a character cut by the end of a field."""
    return all(_decodes(text, encoding) for text in texts)


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(text) - 3 and ("end of data" in error.reason or "incomplete" in error.reason)
    return True


def guess_encoding(texts: list[bytes]) -> str:
    """Decide between UTF-8, Western, Big5 and GBK by whether the text decodes, and by the characters that result.

    Short GBK words can be valid UTF-8 by accident: the result then consists of letters of the Latin, Greek or Cyrillic
    blocks without ASCII letters next to them and without Chinese characters.
    """
    if _readable(texts, "utf-8"):
        decoded = "".join(_decode(text, "utf-8") for text in texts)
        far = sum(ch >= "\u2e80" for ch in decoded)
        plain = sum(ch.isascii() and ch.isalpha() for ch in decoded)
        near = sum("\x7f" < ch < "\u0800" for ch in decoded)
        if far or plain >= near or not _readable(texts, "gbk"):
            return "utf-8"
    joined = b" ".join(texts) + b" "
    if is_western(joined):
        return "cp1252"
    if is_big5(joined) and _readable(texts, "cp950"):
        return "cp950"
    for encoding in ("gbk", "gb18030"):
        if _readable(texts, encoding):
            return encoding
    shares = {encoding: _chinese_share(texts, encoding) for encoding in ("utf-8", "gbk")}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= _MOSTLY_CHINESE else "cp1252"


def _chinese_share(texts: list[bytes], encoding: str) -> float:
    """Share of frequent Chinese characters among the non-ASCII ones, with undecodable bytes ignored."""
    decoded = [ch for text in texts for ch in text.decode(encoding, "replace") if not ch.isascii()]
    return sum(_usual(ch) for ch in decoded) / len(decoded) if decoded else 0.0


def _usual(character: str) -> bool:
    """Whether a character is one of the 3,755 frequent ones of GB 2312 level 1."""
    try:
        raw = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(raw) == 2 and 0xB0 <= raw[0] <= 0xD7


def _decode(raw: bytes, encoding: str) -> str:
    """Decode a value, without a character cut by the end of the field."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        cut = error.start >= len(raw) - 3 and ("end of data" in error.reason or "incomplete" in error.reason)
        return raw[: error.start].decode(encoding) if cut else raw.decode(encoding, "replace")


def decoded(frame: gpd.GeoDataFrame, fields: Fields) -> gpd.GeoDataFrame:
    """Decode names and text of a frame that GDAL read byte by byte, and rename fields of the standard to our columns."""
    columns = [column for column in frame.columns if column != frame.geometry.name]
    frame = frame.copy()
    for position, column in enumerate(frame.columns):
        if column in columns and (frame[column].dtype == object or isinstance(frame[column].dtype, pd.StringDtype)):
            codes, values = pd.factorize(frame[column])
            text = [_decode(v.encode("latin-1"), fields.encoding) if isinstance(v, str) else v for v in values]
            frame.isetitem(
                position, pd.Series([None if c < 0 else text[c] for c in codes], index=frame.index, dtype=object)
            )
    if len(fields.names) == len(columns):
        frame = frame.set_axis([*distinct_names(fields.names, frame.geometry.name), frame.geometry.name], axis=1)
    ours = {standard: column for column, standard in STANDARD_NAMES.items()}
    if {STANDARD_NAMES[CODE], STANDARD_NAMES[NAME]} <= set(frame.columns):
        frame = frame.rename(columns={s: c for s, c in ours.items() if c not in frame.columns})
    return frame


def distinct_names(names: Sequence[str], taken: str) -> list[str]:
    """Number names that occur more than once; the name of the geometry column is reserved."""
    seen, result = {taken}, []
    for name in names:
        new, number = name, 1
        while new in seen:
            number += 1
            new = f"{name}_{number}"
        seen.add(new)
        result.append(new)
    changed = [new for old, new in zip(names, result, strict=True) if old != new]
    if changed:
        notice(f"field names occur more than once; the later ones are renamed to {first_labels(changed)}")
    return result


def prepared(frame: gpd.GeoDataFrame, name: str, encoding: str) -> gpd.GeoDataFrame:
    """Prepare a frame for a Shapefile: standard field names, at most ten bytes and unique, and text that fits.

    A notice names the field names and values that were truncated.

    Raises
    ------
    FileError
        If a text has characters that the encoding does not have.
    """
    kinds = {kind.removeprefix("Multi") for kind in frame.geom_type.dropna().unique()}
    if len(kinds) > 1:
        raise FileError(
            f"{name}: a Shapefile holds one type of geometry, these are {', '.join(sorted(kinds))}; use .gpkg"
        )
    attributes = [column for column in frame.columns if column != frame.geometry.name]
    names = short_names([str(column) for column in attributes], encoding, name)
    frame = frame.rename(columns=dict(zip(attributes, names, strict=True)))
    for column in names:
        if frame[column].dtype == object or isinstance(frame[column].dtype, pd.StringDtype):
            frame[column] = _fitting(frame[column].astype(object), column, encoding, name)
    return frame


def short_names(columns: list[str], encoding: str, name: str) -> list[str]:
    """Field names for a DBF: that of the standard if there is one, otherwise cut to ten bytes, all unique."""
    taken: set[str] = set()
    result, cut = [], []
    for column in columns:
        standard = STANDARD_NAMES.get(column)
        wanted = standard if standard is not None and standard not in columns else column
        short, number = _cut(wanted, NAME_BYTES, encoding, name), 0
        while short.lower() in taken:
            number += 1
            short = f"{_cut(wanted, NAME_BYTES - len(str(number)) - 1, encoding, name)}_{number}"
        taken.add(short.lower())
        result.append(short)
        if short != wanted:
            cut.append(f"{column} → {short}")
    if cut:
        notice(f"{name}: field names were cut to {NAME_BYTES} bytes: {first_labels(cut, 8)}")
    return result


def _cut(text: str, size: int, encoding: str, name: str) -> str:
    try:
        raw = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise FileError(_cannot(name, text, text[error.start], encoding)) from error
    return raw[:size].decode(encoding, "ignore")


def _fitting(values: pd.Series, column: str, encoding: str, name: str) -> pd.Series:
    """Values truncated to the size of a field, at the end of a character."""
    text = values[values.map(lambda v: isinstance(v, str))]
    short = text.map(lambda v: v if v.isascii() and len(v) <= VALUE_BYTES else _cut(v, VALUE_BYTES, encoding, name))
    changed = text.index[(text != short).to_numpy()]
    if len(changed):
        notice(
            f"{name}: {counted(len(changed), 'value')} of {column} {form(len(changed), 'was', 'were')} cut to {VALUE_BYTES} "
            f"bytes (first: row {changed[0]})"
        )
    result = values.copy()
    result[text.index] = short
    return result


def _cannot(name: str, text: str, character: str, encoding: str) -> str:
    return f"{name}: '{text[:20]}' has the character {character}, which {encoding} lacks; write it as UTF-8 (--to-encoding UTF-8)"


def finish(path: Path, encoding: str) -> None:
    """Write the ``.cpg`` with the encoding; GDAL does not write it for all encodings."""
    path.with_suffix(".cpg").write_text(encoding.upper(), encoding="ascii")
