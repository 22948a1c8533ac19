"""Detects the encoding of a text table and decodes it: UTF-8, UTF-16, GB 18030 (includes GBK and GB 2312), Western."""

from __future__ import annotations

import re
from typing import NamedTuple

from geo.errors import FileError

# Up to this share of multi-byte characters may be invalid: they count as damage. With more, the encoding is another one.
_DAMAGE = 0.02
# In short texts the share is meaningless: so many invalid bytes count as damage if there are twice as many valid characters.
_FEW = 3
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_REPLACEMENT = "\ufffd"
_LOOK = 1 << 20


class Decoded(NamedTuple):
    """Text of a table.

    Attributes
    ----------
    text
        The text; U+FFFD replaces bytes that could not be decoded.
    encoding
        Name of the encoding.
    bad_lines
        Numbers of the lines with such bytes, from 1.
    """

    text: str
    encoding: str
    bad_lines: tuple[int, ...] = ()


def decode(raw: bytes, name: str) -> Decoded:
    """Decode the text of a table; a few invalid bytes are replaced and do not change the detected encoding.

    UTF-8 is tried first: Chinese text in GBK is valid UTF-8 only by rare accident.

    Raises
    ------
    FileError
        If the content is not text in any of the encodings.
    """
    encoding = encoding_of(raw, name)
    try:
        text = raw.decode(encoding)
        bad: tuple[int, ...] = ()
    except UnicodeDecodeError:
        text = raw.decode(encoding, errors="replace")
        bad = tuple(n for n, line in enumerate(text.splitlines(), start=1) if _REPLACEMENT in line)
    if "\x00" in text:
        raise _no_text(name)
    return Decoded(text, encoding, bad)


def encoding_of(raw: bytes, name: str) -> str:
    """Detect the encoding of a text: by its byte order mark, otherwise the encoding with the fewest invalid bytes.

    Raises
    ------
    FileError
        If it is not text in any of the encodings.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding
    if b"\x00" in raw[:_LOOK]:
        return _utf16_without_mark(raw[:_LOOK], name)
    if _fits(raw, "utf-8") or _is_damaged_utf8(raw):
        return "utf-8"
    if is_western(raw):
        return "cp1252"
    if is_big5(raw):
        return "cp950"
    if _fits(raw, "gb18030") or _is_damaged_gb(raw):
        return "gb18030"
    raise _no_text(name)


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_mark(raw: bytes, name: str) -> str:
    """Detect UTF-16 and its byte order by the zero bytes of Latin letters, digits and commas."""
    even, odd = raw[0::2].count(0), raw[1::2].count(0)
    pairs = len(raw) // 2
    if max(even, odd) < 0.2 * pairs or min(even, odd) > 0.02 * pairs:
        raise _no_text(name)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = raw[: pairs * 2].decode(encoding)
    except UnicodeDecodeError as error:
        raise _no_text(name) from error
    if not any(mark in text for mark in "\n,;\t"):
        raise _no_text(name)
    return encoding


def _is_damaged_utf8(raw: bytes) -> bool:
    """Detect UTF-8 with a few invalid bytes: valid three-byte sequences hardly occur in other encodings."""
    text = raw.decode("utf-8", errors="replace")
    bad = text.count(_REPLACEMENT)
    good = sum("\u2e80" <= character < "\ue000" or "\uff00" <= character < _REPLACEMENT for character in text)
    return _is_damage(bad, good)


def is_big5(raw: bytes) -> bool:
    """Detect Big5, the encoding of older tables from Taiwan and Hong Kong, which is mostly valid GBK as well.

    The second byte of two fifths of its common characters is below 0x80; in GBK that is so in rare characters only.
    """
    pairs = re.findall(rb"[\x81-\xfe][\x40-\xfe]", raw[:_LOOK])
    low = sum(pair[1] < 0x80 for pair in pairs)
    common = sum(0xA1 <= pair[0] <= 0xC6 for pair in pairs)
    return len(pairs) >= _FEW and low >= 0.15 * len(pairs) and common >= 0.8 * len(pairs) and _fits(raw, "cp950")


def _is_damaged_gb(raw: bytes) -> bool:
    text = raw.decode("gb18030", errors="replace")
    bad = text.count(_REPLACEMENT)
    return _is_damage(bad, sum(character > "\x7f" for character in text) - bad)


def _is_damage(bad: int, good: int) -> bool:
    return bad <= _DAMAGE * good or (bad <= _FEW and good >= 2 * bad)


def is_western(raw: bytes) -> bool:
    """Detect a Western encoding: single high bytes beside Latin letters, which decode to letters or signs."""
    runs = re.findall(rb"[\x80-\xff]+", raw[:_LOOK])
    alone = re.findall(
        rb"(?<=[A-Za-z])[\xc0-\xff](?=[A-Za-z \t,;|\"\r\n])|(?<![\x80-\xff])[\xa0-\xbf](?![\x80-\xff])"
        rb"|(?<=[a-z])[\xc0-\xff]{2}(?=[a-z])"
        rb"|(?<![A-Za-z\x80-\xff])[\xc0-\xff](?=[A-Za-z]{2})",  # the first letter of a word
        raw[:_LOOK],
    )
    return bool(runs) and len(alone) >= 0.9 * len(runs)


def _no_text(name: str) -> FileError:
    return FileError(
        f"{name}: is not a text table (neither UTF-8, UTF-16 nor GBK); save it as CSV in UTF-8 or as .xlsx"
    )
