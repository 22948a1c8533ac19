"""A map as one self-contained page that makes no requests.

folium writes a page that loads libraries from five hosts. Here Leaflet is taken from the local copy, unnecessary libraries are
removed, and other external resources are refused. A content security policy then forbids all requests and all scripts except
those of the page, so text from data is never executed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import folium

from geo.errors import FileError, ImpossibleError
from geo.layers import aside
from maps import assets

# Libraries linked by folium by default that our pages do not use, with a pattern of code that would need them.
_DROPPED = {
    "jquery": "$(",
    "bootstrap.bundle": "bootstrap.",
    "bootstrap.min.css": "bootstrap.",
    "bootstrap-glyphicons": "glyphicon",
    "awesome-markers": "AwesomeMarkers",
    "fontawesome": "AwesomeMarkers",
    "leaflet.awesome.rotate": "AwesomeMarkers",
}

#: Kinds of output file, by ending.
ENDINGS = (".html", ".htm")

_SCRIPT_LINK = re.compile(r"<script\b[^>]*\bsrc=\"([^\"]*)\"[^>]*></script>")
_STYLE_LINK = re.compile(r"<link\b[^>]*\brel=\"stylesheet\"[^>]*\bhref=\"([^\"]*)\"[^>]*/?>")
_VIEWPORT = re.compile(r"<meta name=\"viewport\".*?/>", re.DOTALL)
# Parts of the page that neither load nor execute anything.
_DATA = re.compile(r"<script type=\"application/json\".*?</script>|<title>.*?</title>", re.DOTALL)
_JSON_BLOCK = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.DOTALL)
_PACKED_FROM_BYTES = 4_000
# Level of compression: 9 takes 2.5 times as long and saves one per cent.
_LEVEL = 7
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

# Constructs that load external resources: attributes, styles, tile layers and other addresses in folium's calls.
_LOADED = re.compile(
    r"""(?:\b(?:src|href)\s*=\s*["']?|url\(\s*["']?|@import\s+["']?|tileLayer(?:\.\w+)?\(\s*["'])((?:https?:)?//[^"'\s)>]+)""",
    re.IGNORECASE,
)

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath fill='%231f5f8b' "
    "d='M0 0h3.6v3.6H0zM4.4 0H8v3.6H4.4zM0 4.4h3.6V8H0z'/%3E%3Cpath fill='%23b8402a' d='M4.4 4.4H8V8H4.4z'/%3E%3C/svg%3E"
)


def json_in_html(value: Any) -> str:
    """Write JSON that is safe inside a ``<script>``: it cannot end the block or start markup.

    NaN and infinities are refused: they are not JSON.

    >>> json_in_html({"note": "</script><b>"})
    '{"note":"\\\\u003c/script\\\\u003e\\\\u003cb\\\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029\r":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def render(drawing: folium.Map) -> str:
    """Text of a self-contained page.

    Parameters
    ----------
    drawing
        A map of this package, or a folium map that needs Leaflet alone and has no tiles.

    Raises
    ------
    ImpossibleError
        If the map needs a resource that is not available locally.
    FileError
        If the browser libraries are not installed.
    """
    page = str(drawing.get_root().render()).replace("\r", "")
    code = _STYLE_LINK.sub("", _SCRIPT_LINK.sub("", _DATA.sub("", page)))
    page = _SCRIPT_LINK.sub(lambda match: _inline_script(match[1], code), page)
    page = _STYLE_LINK.sub(lambda match: _inline_style(match[1], code), page)
    page = _VIEWPORT.sub("", page)
    _require_closed(code)
    head = (
        '<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(page)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="{_ICON}">\n'
    )
    return page.replace("<html>", '<html lang="zh-CN">', 1).replace("<head>", head, 1)


def with_packed_data(page: str) -> str:
    """Compress the data of a page to less than half the size, including base64; ``kit.js`` decompresses it.

    Small data are unchanged. Pages of a server are compressed in transfer and not packed.
    """

    def packed(match: re.Match[str]) -> str:
        content = match[2].encode("utf-8")
        if len(content) < _PACKED_FROM_BYTES:
            return match[0]
        maker = zlib.compressobj(_LEVEL, wbits=-15)
        text = base64.b64encode(maker.compress(content) + maker.flush()).decode("ascii")
        return f'<script type="application/x-deflate" id="{match[1]}">{len(content)} {text}</script>'

    return _JSON_BLOCK.sub(packed, page)


def require_page(path: str | os.PathLike[str]) -> None:
    """Refuse a name without the ending of an HTML page.

    Raises
    ------
    FileError
        If the name has another ending.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise FileError(f"{path}: this page is written as .html; change the ending of the name")


def save(drawing: folium.Map, path: str | os.PathLike[str]) -> None:
    """Write a map as one self-contained HTML file; an existing file is replaced when the new one is complete.

    Raises
    ------
    ImpossibleError
        If the map needs a resource that is not available locally.
    FileError
        If the name does not end in ``.html``, the folder does not exist, or the browser libraries are not installed.
    """
    require_page(path)
    page = with_packed_data(render(drawing))
    with aside(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _inline_script(url: str, page: str) -> str:
    if re.search(r"/leaflet(\.min)?\.js$", url):
        return f"<script>{assets.script('vendor/leaflet/leaflet.js')}</script>"
    return _dropped(url, page)


def _inline_style(url: str, page: str) -> str:
    if re.search(r"/leaflet(\.min)?\.css$", url):
        return f"<style>{assets.style('vendor/leaflet/leaflet.css')}</style>"
    return _dropped(url, page)


def _dropped(url: str, page: str) -> str:
    trace = next((needs for name, needs in _DROPPED.items() if name in url), None)
    if trace is None or trace in page:
        raise ImpossibleError(
            f"the map needs {url}, which is not installed: a page without network can use Leaflet alone"
        )
    return ""


def _require_closed(page: str) -> None:
    found = _LOADED.search(page)
    if found:
        raise ImpossibleError(
            f"the map loads {found[1]}: a page without network cannot; draw it without tiles and links"
        )


def _policy(page: str) -> str:
    """Content security policy that allows exactly the scripts of `page`, by their hashes."""
    scripts = [hashlib.sha256(body.encode("utf-8")).digest() for body in _SCRIPT.findall(page)]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in scripts)
    # Leaflet places its panes through style attributes, hence 'unsafe-inline' for styles, which cannot load anything.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
