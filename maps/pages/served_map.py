"""A map that the server sends: the page of :func:`maps.render` with the navigation in it."""

from __future__ import annotations

from collections.abc import Sequence

from maps.document import json_in_html
from maps.pages.navigation import Entry


def with_navigation(page: str, navigation: Sequence[Entry]) -> str:
    """Put the pages that the reader may open into a map; its header shows them.

    >>> with_navigation("<body></body>", [Entry("/", "今日", "Today")])
    '<body><script type="application/json" id="navigation">[{"path":"/","zh":"今日","en":"Today"}]</script></body>'
    """
    entries = [{"path": entry.path, "zh": entry.zh, "en": entry.en} for entry in navigation]
    # The data stand before the scripts that read them.
    return page.replace(
        "<body>", f'<body><script type="application/json" id="navigation">{json_in_html(entries)}</script>', 1
    )
