"""A map served by the server: the page of :func:`maps.render` with the navigation."""

from __future__ import annotations

from collections.abc import Sequence

from maps.document import json_in_html
from maps.pages.navigation import Entry


def with_navigation(page: str, navigation: Sequence[Entry], *, events_after: int | None = None) -> str:
    """Insert the pages that the reader may open into a map; its header shows them.

    Parameters
    ----------
    events_after
        Let the map follow events (``/api/events``) with a greater number; only for readers with the right.

    >>> with_navigation("<body></body>", [Entry("/", "今日", "Today")])
    '<body><script type="application/json" id="navigation">[{"path":"/","zh":"今日","en":"Today"}]</script></body>'
    """
    entries = [{"path": entry.path, "zh": entry.zh, "en": entry.en} for entry in navigation]
    # Requests to this service are allowed, which a page in a file does not need.
    page = page.replace("default-src 'none'; ", "default-src 'none'; connect-src 'self'; ", 1)
    page = page.replace("img-src data:; ", "img-src data: 'self'; ", 1)
    attribute = "" if events_after is None else f' data-events-after="{events_after}"'
    # The data precede the scripts that read them.
    return page.replace(
        "<body>",
        f'<body><script type="application/json" id="navigation"{attribute}>{json_in_html(entries)}</script>',
        1,
    )
