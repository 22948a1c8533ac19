"""The planner's editor, served at ``/plan``: a frame for the modules in ``maps/static/plan``, which draw and edit a draft."""

from __future__ import annotations

from collections.abc import Sequence

from maps.pages.frame import render_page
from maps.pages.navigation import Entry


def render_plan(*, navigation: Sequence[Entry] = (), base_map: bool = False) -> str:
    """HTML of the page; its address contains the draft (``?draft=7``).

    Parameters
    ----------
    navigation
        Pages that the reader may open.
    base_map
        Whether the service offers a base map.

    Raises
    ------
    FileError
        If a script or style of the page is missing.
    """
    title = ("网格划分调整", "Redraw the grids")
    return render_page("plan.html", title=title, navigation=navigation, here="/plan", base_map=base_map)
