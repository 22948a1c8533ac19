"""The page that a browser gets in place of a page that cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence

from maps.pages.frame import render_page
from maps.pages.navigation import Entry


def render_error(
    status: int,
    title: tuple[str, str],
    lines: Sequence[tuple[str, str]],
    *,
    navigation: Sequence[Entry],
    path: str,
    plain: str,
) -> str:
    """HTML of an error.

    Parameters
    ----------
    status
        Status code of the answer.
    title, lines
        Title and reasons, in Chinese and English.
    navigation
        Entries that the reader may open.
    path
        Path of the page, marked in the navigation.
    plain
        Address of the page without parameters, if that may help; otherwise empty.
    """
    return render_page(
        "error.html", title=title, navigation=navigation, here=path, status=status, lines=list(lines), plain=plain
    )
