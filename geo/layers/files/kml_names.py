"""Preserves names of KML data, which GDAL's driver reduces to ASCII letters.

The driver turns both ``编码`` and ``名称`` into ``______`` and loses one of the two. Names are therefore replaced by numbered
placeholders before GDAL reads the file, and restored afterwards.
"""

from __future__ import annotations

import contextlib
import html
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from geo.layers.files.sources import Source

# Name of a data element, or of a field of a schema, in an opening tag.
_NAMED = re.compile(rb"(<(?:\w+:)?(?:Data|SimpleData|SimpleField)\b[^>]*?\bname\s*=\s*)([\"'])(.*?)\2", re.DOTALL)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Columns that the driver adds for every placemark; data with such a name would be merged with them.
_TAKEN = {
    "id",
    "name",
    "description",
    "timestamp",
    "begin",
    "end",
    "altitudemode",
    "tessellate",
    "extrude",
    "visibility",
    "draworder",
    "icon",
}


@contextlib.contextmanager
def ascii_names(source: Source) -> Iterator[tuple[Source, dict[str, str]]]:
    """Yield a copy of a KML file with ASCII placeholders as names, and the original name of each."""
    raw = source.path.read_bytes()
    declared = re.search(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)", raw[:200])
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    names: dict[str, str] = {}
    spelled: dict[str, str] = {}  # the driver merges names that differ in case only

    def plain(match: re.Match[bytes]) -> bytes:
        name = html.unescape(match[3].decode(encoding, "replace")).strip()
        alone = spelled.setdefault(name.lower(), name) == name
        if _PLAIN.fullmatch(name) and name.lower() not in _TAKEN and alone:
            return match[0]
        token = names.setdefault(name, f"wangge_{len(names)}")
        return match[1] + match[2] + token.encode("ascii") + match[2]

    try:
        changed = _NAMED.sub(plain, raw)
    except LookupError:  # an unknown encoding, which GDAL reports
        changed, names = raw, {}
    if not names:
        yield source, {}
        return
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        copy = Path(folder) / source.path.name
        copy.write_bytes(changed)
        yield Source(source.name, copy, source.layer), {token: name for name, token in names.items()}
