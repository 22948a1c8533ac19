"""Elements of XML files, safely: entities are refused, names come without their namespace, and what was read is let go.

GPX, KML and TCX are read by this. Written for files as phones and tools make them: namespaces wrong or missing, any encoding that
the file declares, a byte order mark, blank lines before the declaration.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from geo.errors import FileError
from geo.tracks.reading.format import HEAD


def has_root(raw: bytes, root: str) -> bool:
    """Tell whether an element of this name opens in the first 64 kB, also in UTF-16."""
    return re.search(rf"<(\w+:)?{root}[\s>/]", head_text(raw)) is not None


def head_text(raw: bytes) -> str:
    """The beginning of a file as text, good enough to look for ASCII words in it; never raises."""
    head = raw[:HEAD]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", errors="replace")
    return head.decode("latin-1")


def elements(
    raw: bytes, name: str, root: str, *, opening: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, ET.Element]]:
    """Go through the elements of a file in the order in which they end.

    Parameters
    ----------
    raw
        Content of the file.
    name
        What to call it in messages.
    root
        Name that the root element must have.
    opening
        Names whose beginning is wanted too.

    Yields
    ------
    (str, str, Element)
        ``"end"`` (or ``"start"``), the local name in lower case, the element. The caller clears what it has read.

    Raises
    ------
    FileError
        If it is not XML, declares entities, or has another root.
    """
    if re.search(rb"<\x00?!\x00?E\x00?N\x00?T\x00?I\x00?T\x00?Y", raw):
        raise FileError(f"{name}: declares XML entities, which no track needs; export it again")
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
        raise FileError(f"{name}: is not XML that can be read ({error}); export it again") from error


def local(element: ET.Element) -> str:
    """Name of an element without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def text_of(element: ET.Element | None) -> str | None:
    """Text of an element without blanks at its ends; None where there is none."""
    text = "" if element is None else (element.text or "").strip()
    return text or None


def _tidy(raw: bytes) -> bytes:
    """Drop what stands before the first ``<`` (blank lines, a UTF-8 mark): some tools write it and XML forbids it."""
    return raw[raw.index(b"<") :] if re.match(rb"(\xef\xbb\xbf)?\s*<", raw) else raw
