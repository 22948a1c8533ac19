"""Analyses incidents: from the rows of a file to counts, rates, density and hot spots per grid.

Terms
-----
incident (案件、诉求)
    One reported problem at a point: one row of the file. Suspicious rows are marked, never dropped.
refused row
    A row of a file without a usable position. It is listed with its number and the reason, and not part of the frame.
repeat
    The second or a later row with the same incident number.
default point
    A coordinate that a geocoder returns when it cannot find the address.
matter (事项)
    A kind of incident in a catalogue: code, name, major class, and the standard that defines it.
assigned
    Provided with the code of the cell that contains the point, at each level.
density
    Incidents per km², smoothed by a kernel in metres and corrected at the outline.
hot spot (热点)
    A cell that, together with its neighbours, has more incidents than the background explains, at a controlled false
    discovery rate.

Public names
------
reading
    :func:`read_incidents`; :func:`mark_repeats` and :func:`mark_default_points`, for incidents that were not read from a file
    (reading calls both); :func:`datum_doubts`.
kinds
    :func:`matters`, :func:`find_matter`, :class:`Matter`, :class:`Catalogue`; :func:`match_kinds`; :class:`Limit`,
    :class:`Calendar`, :func:`time_limits`, :func:`due_times`.
places
    :func:`assign`, :func:`assign_by_day`; :func:`counts`, :func:`weekly`, :func:`count_stream`.
density and tests
    :func:`density` with :class:`Density`, :func:`geotiff`, :func:`contours`;
    :func:`hotspots`, :func:`trends`, :func:`periods`.
patrols
    :func:`against_patrols`.

Known limits: the names of most anomalies of components are missing in the catalogue; the included time limits are those of one
city; the calendar of holidays has to be extended each year; a wrong datum cannot be detected for an incident inside the street
with a unique address, from a source that is otherwise correct.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.incidents.assignment import assign, assign_by_day
    from geo.incidents.catalogue import Catalogue, Matter, find_matter, matters
    from geo.incidents.effort import against_patrols
    from geo.incidents.grid_counts import counted_layers, counts
    from geo.incidents.kinds import match_kinds
    from geo.incidents.limits import Calendar, Limit, due_times, time_limits
    from geo.incidents.quality_flags import mark_default_points, mark_repeats
    from geo.incidents.reading.datum_checks import datum_doubts
    from geo.incidents.reading.read import INCIDENT_COLUMNS, read_incidents
    from geo.incidents.reading.streams import count_stream
    from geo.incidents.statistics.hot_spots import hotspots
    from geo.incidents.statistics.rates import weekly
    from geo.incidents.statistics.trend import TRENDS, periods, trends
    from geo.incidents.surface.export import contours, geotiff
    from geo.incidents.surface.kernel_density import BANDWIDTH_M, BANDWIDTHS_M, Density, density
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.incidents.assignment": "assign assign_by_day",
            "geo.incidents.catalogue": "Catalogue Matter find_matter matters",
            "geo.incidents.effort": "against_patrols",
            "geo.incidents.grid_counts": "counted_layers counts",
            "geo.incidents.kinds": "match_kinds",
            "geo.incidents.limits": "Calendar Limit due_times time_limits",
            "geo.incidents.quality_flags": "mark_default_points mark_repeats",
            "geo.incidents.reading.datum_checks": "datum_doubts",
            "geo.incidents.reading.read": "INCIDENT_COLUMNS read_incidents",
            "geo.incidents.reading.streams": "count_stream",
            "geo.incidents.statistics.hot_spots": "hotspots",
            "geo.incidents.statistics.rates": "weekly",
            "geo.incidents.statistics.trend": "TRENDS periods trends",
            "geo.incidents.surface.export": "contours geotiff",
            "geo.incidents.surface.kernel_density": "BANDWIDTH_M BANDWIDTHS_M Density density",
        },
    )

__all__ = [
    "BANDWIDTHS_M",
    "BANDWIDTH_M",
    "INCIDENT_COLUMNS",
    "TRENDS",
    "Calendar",
    "Catalogue",
    "Density",
    "Limit",
    "Matter",
    "against_patrols",
    "assign",
    "assign_by_day",
    "contours",
    "count_stream",
    "counted_layers",
    "counts",
    "datum_doubts",
    "density",
    "due_times",
    "find_matter",
    "geotiff",
    "hotspots",
    "mark_default_points",
    "mark_repeats",
    "match_kinds",
    "matters",
    "periods",
    "read_incidents",
    "time_limits",
    "trends",
    "weekly",
]
