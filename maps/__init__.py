"""Maps as files without external resources, A3 sheets, and the pages of the server.

Terms
-----
payload
    Content of a map as one JSON object inside the page: cells of four levels, background, values, texts.
page
    An HTML document. A map is one self-contained page: it contains its scripts, styles and images, and its content
    security policy forbids every request.
sheet
    The same page in A3 format, as PDF or picture.
text
    Text for people in Chinese and English: a pair ``(zh, en)``, or one string for both.
ramp
    A sequence of colours for increasing values with uniform lightness steps, readable with colour blindness and in grey.

Where things are
----------------
One module for each map (:mod:`coverage`, :mod:`checker`, :mod:`route`, :mod:`heat`, :mod:`check`, :mod:`fairness`) creates its
payload. :mod:`encoding` writes frames as compact JSON; :mod:`colours` and :mod:`finding_signs` define the appearance of values.
:mod:`view` combines payload, scripts and styles in a folium map, :mod:`document` writes it as one file, :mod:`sheet` prints it,
:mod:`assets` locates the scripts below ``static``. :mod:`pages` renders the pages of the server with a common navigation;
:mod:`prints` the documents of the duty room; :mod:`figures` draws the pictures of the docs.

Public: :func:`coverage_map`, :func:`heat_map`, :func:`fairness_map`, :func:`check_map`, :func:`route_map`, :func:`save`,
:func:`print_sheet`, :func:`is_sheet`, :func:`render`, :func:`render_first_page`. A map function takes frames and returns a
``folium.Map``; nothing here reads a database or decides a verdict. The names are imported when first used, so that ``python -m
maps.assets`` runs before the libraries are installed.

Known limits: the cells on the screen are a canvas, which is not accessible by keyboard; lists and the breadcrumb above it are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from maps.check import check_map
    from maps.coverage import coverage_map
    from maps.document import render, save
    from maps.fairness import fairness_map
    from maps.heat import heat_map
    from maps.pages.first_page import render_first_page
    from maps.route import route_map
    from maps.sheet import is_sheet, print_sheet
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "maps.check": "check_map",
            "maps.coverage": "coverage_map",
            "maps.document": "render save",
            "maps.fairness": "fairness_map",
            "maps.heat": "heat_map",
            "maps.pages.first_page": "render_first_page",
            "maps.route": "route_map",
            "maps.sheet": "is_sheet print_sheet",
        },
    )

__all__ = [
    "check_map",
    "coverage_map",
    "fairness_map",
    "heat_map",
    "is_sheet",
    "print_sheet",
    "render",
    "render_first_page",
    "route_map",
    "save",
]
