"""From fixes to trajectories: reading, cleaning, smoothing, stops, map matching, touched cells and planned routes.

Terms
-----
fix (定位点)
    One position report of a device. A fix that is wrong is marked with the reason, never deleted.
track (轨迹)
    The fixes of one device as received; its trajectory is the cleaned path from usable fix to usable fix.
segment, gap
    The straight line between two used fixes; where the device was silent for longer than the rules allow.
stop (停留)
    A stay of a device at a place, wherever borders run; see :func:`stops`.
match
    Putting a track on the roads of a network; a route is what the device really went along.

Public: :func:`read_tracks`, :func:`clean`, :data:`MARKS`; :func:`stops`, :func:`stop_of`, :func:`smoothed`; :func:`match`,
:class:`Matched`, :func:`touched`, :func:`route_match`, :class:`RouteMatch`.
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
