"""Iterates over elements of XML files safely: entities are refused, namespaces removed, and processed elements freed.

Used for GPX, KML and TCX. Accepts files as written by phones and tools: wrong or missing namespaces, any declared encoding,
a byte order mark, blank lines before the declaration.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from geo.errors import FileError
from geo.tracks.reading.format import HEAD


def has_root(raw: bytes, root: str) -> bool:
    """Whether an element with this name starts in the first 64 kB, also in UTF-16."""
    return re.search(rf"<(\w+:)?{root}[\s>/]", head_text(raw)) is not None


def head_text(raw: bytes) -> str:
    """The start of a file as text, sufficient to search for ASCII words; never raises."""
    head = raw[:HEAD]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", errors="replace")
    return head.decode("latin-1")


def elements(
    raw: bytes, name: str, root: str, *, opening: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, ET.Element]]:
    """Iterate over the elements of a file in the order of their end tags.

    Parameters
    ----------
    raw
        Content of the file.
    name
        Name of the file in messages.
    root
        Required name of the root element.
    opening
        Names of elements whose start is yielded too.

    Yields
    ------
    (str, str, Element)
        ``"end"`` (or ``"start"``), the local name in lower case, the element. The caller clears processed elements.

    Raises
    ------
    FileError
        If it is not XML, declares entities, or has another root.
    """
    if re.search(rb"<\x00?!\x00?E\x00?N\x00?T\x00?I\x00?T\x00?Y", raw):
        raise FileError(f"{name}: declares XML entities, which tracks do not need; export it again")
    first = True
    try:
        for event, element in ET.iterparse(io.BytesIO(_tidy(raw)), events=("start", "end")):
            tag = local(element)
            if first:
                first = False
                if tag != root:
                    raise FileError(f"{name}: is XML, but its root is <{tag}> and not <{root}>")
            if event == "end" or tag in opening:
                yield event, tag, element
    except FileError:
        raise
    except (ET.ParseError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError or a ValueError
        raise FileError(f"{name}: is not readable XML ({error}); export it again") from error


def local(element: ET.Element) -> str:
    """Name of an element without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def text_of(element: ET.Element | None) -> str | None:
    """Text of an element without surrounding blanks; None if there is none."""
    text = "" if element is None else (element.text or "").strip()
    return text or None


def _tidy(raw: bytes) -> bytes:
    """Remove content before the first ``<`` (blank lines, a UTF-8 mark), which some tools write but XML forbids."""
    return raw[raw.index(b"<") :] if re.match(rb"(\xef\xbb\xbf)?\s*<", raw) else raw
