"""Turns fixes into trajectories: reading, cleaning, smoothing, stops, map matching, touched cells and planned routes.

Terms
-----
fix (定位点)
    One position report of a device. A faulty fix is marked with the reason, never deleted.
track (轨迹)
    The fixes of one device as received; its trajectory is the cleaned path through its usable fixes.
segment, gap
    The straight line between consecutive used fixes; a gap is a silence longer than the rules permit.
stop (停留)
    A stay of a device at one place, independent of borders; see :func:`stops`.
match
    The assignment of a track to roads of a network; a route is the path that a device actually took.

Public names
------------
:func:`read_tracks`, :func:`clean`, :data:`MARKS`; :func:`stops`, :func:`stop_of`, :func:`smoothed`; :func:`match`,
:class:`Matched`, :func:`touched`, :func:`route_match`, :class:`RouteMatch`.

Known limits
------------
Driving directions are ignored in matching. Errors that persist for minutes cannot be removed by smoothing. Stops shorter
than half a minute are not detected. See docs/tracks.md.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.tracks.cleaning import MARKS, clean
    from geo.tracks.matching.planned_route import RouteMatch, route_match
    from geo.tracks.matching.route_cells import touched
    from geo.tracks.matching.viterbi import Matched, match
    from geo.tracks.reading.read import read_tracks
    from geo.tracks.smoothing import smoothed
    from geo.tracks.stop_detection import stop_of, stops
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.tracks.cleaning": "MARKS clean",
            "geo.tracks.matching.planned_route": "RouteMatch route_match",
            "geo.tracks.matching.route_cells": "touched",
            "geo.tracks.matching.viterbi": "Matched match",
            "geo.tracks.reading.read": "read_tracks",
            "geo.tracks.smoothing": "smoothed",
            "geo.tracks.stop_detection": "stop_of stops",
        },
    )

__all__ = [
    "MARKS",
    "Matched",
    "RouteMatch",
    "clean",
    "match",
    "read_tracks",
    "route_match",
    "smoothed",
    "stop_of",
    "stops",
    "touched",
]
