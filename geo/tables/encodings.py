"""From the bytes of a text table to text: byte order marks, UTF-8, UTF-16, GB 18030 (which contains GBK and GB 2312), Western."""

from __future__ import annotations

import re
from typing import NamedTuple

from geo.errors import FileError

# A few bytes that do not fit are damage; more of them mean that the encoding is another one. Share of the multi-byte characters.
_DAMAGE = 0.02
# In a short text the share says nothing; so many bad bytes are always taken for damage beside twice as many good characters.
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
        The text; a byte that could not be decoded is U+FFFD.
    encoding
        Name of the encoding.
    bad_lines
        Numbers of the lines with such bytes, from 1.
    """

    text: str
    encoding: str
    bad_lines: tuple[int, ...] = ()


def decode(raw: bytes, name: str) -> Decoded:
    """Decode the text of a table; a single bad byte costs one character, not the encoding.

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
    """Name of the encoding of a text: by its byte order mark, else the one with the fewest bytes that do not fit.

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
    if _is_western(raw):
        return "cp1252"
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
    """Tell the byte order by which bytes of the pairs are zero, as they are in every Latin letter, digit and comma."""
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
    """Tell UTF-8 with a few bad bytes: its characters of three bytes are no accident in any other encoding."""
    text = raw.decode("utf-8", errors="replace")
    bad = text.count(_REPLACEMENT)
    good = sum("\u2e80" <= character < "\ue000" or "\uff00" <= character < _REPLACEMENT for character in text)
    return _is_damage(bad, good)


def _is_damaged_gb(raw: bytes) -> bool:
    text = raw.decode("gb18030", errors="replace")
    bad = text.count(_REPLACEMENT)
    return _is_damage(bad, sum(character > "\x7f" for character in text) - bad)


def _is_damage(bad: int, good: int) -> bool:
    return bad <= _DAMAGE * good or (bad <= _FEW and good >= 2 * bad)


def _is_western(raw: bytes) -> bool:
    """Tell text in a Western encoding: its high bytes stand alone between Latin letters, and are letters themselves."""
    runs = re.findall(rb"[\x80-\xff]+", raw[:_LOOK])
    alone = re.findall(
        rb"(?<=[A-Za-z])[\xc0-\xff](?=[A-Za-z \t,;|\"\r\n])|(?<![\x80-\xff])[\xa0-\xbf](?![\x80-\xff])", raw[:_LOOK]
    )
    return bool(runs) and len(alone) >= 0.9 * len(runs)


def _no_text(name: str) -> FileError:
    return FileError(
        f"{name}: is not a text table (neither UTF-8, UTF-16 nor GBK); save it as CSV in UTF-8 or as .xlsx"
    )
