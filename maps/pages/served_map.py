"""A map that the server sends: the page of :func:`maps.render` with the navigation in it."""

from __future__ import annotations

from collections.abc import Sequence

from maps.document import json_in_html
from maps.pages.navigation import Entry


def with_navigation(page: str, navigation: Sequence[Entry], *, live: bool = False) -> str:
    """Put the pages that the reader may open into a map; its header shows them.

    Parameters
    ----------
    live
        Let the map listen to what changes (``/api/events``); only for readers who may.

    >>> with_navigation("<body></body>", [Entry("/", "今日", "Today")])
    '<body><script type="application/json" id="navigation">[{"path":"/","zh":"今日","en":"Today"}]</script></body>'
    """
    entries = [{"path": entry.path, "zh": entry.zh, "en": entry.en} for entry in navigation]
    # The page may ask this service, which a page that is a file has no need to.
    page = page.replace("default-src 'none'; ", "default-src 'none'; connect-src 'self'; ", 1)
    page = page.replace("img-src data:; ", "img-src data: 'self'; ", 1)
    attribute = ' data-live="1"' if live else ""
    # The data stand before the scripts that read them.
    return page.replace(
        "<body>",
        f'<body><script type="application/json" id="navigation"{attribute}>{json_in_html(entries)}</script>',
        1,
    )
