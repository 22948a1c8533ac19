"""Was it really patrolled, and how do you know: fixes -> clean path -> presence -> visits -> verdicts.

Terms
-----
fix (定位点)
    One position report of a device. A fix that is wrong is marked with the reason, never deleted.
mark
    What is wrong with a fix, one word; see :data:`geo.tracks.cleaning.MARKS`.
path
    The straight lines from each usable fix of a device to the next. Where the device was silent for longer than the rules
    allow, or moved faster than anything moves, there is no path but a silence.
presence
    A time interval ``[start, end)`` in which a path was inside a cell; or, of kind ``unknown``, a silence of a device that had
    been in the cell or near it.
stay, visit (巡查)
    Presences of a device in a cell, joined across short absences; a visit is a stay, and counts if the rule set says so.
rule set
    What counts as a visit and how many a cell needs, as a file with an id and a version: :class:`Rules`.
verdict (核验结论)
    ``met``, ``short``, ``not_visited`` or ``unknown``, for one cell and one local day, with the reason in words.

evidence (依据)
    All that a verdict rests on as one record, with a hash over it; :func:`restate` puts a new verdict beside an old one.
stop
    A stay of a device at a place, wherever borders run; see :func:`stops`.
match
    Putting a track on the roads of a network; a route is what the device really went along.
sign
    What a false track shows: a finding with a rule or a p-value, and its innocent explanations.

Public: :func:`read_tracks`, :class:`Rules`, :data:`DEFAULT_RULES`, :func:`clean`, :func:`presences`, :func:`visits`,
:func:`verify`, :func:`open_verdicts`; :func:`who_counts`, :func:`persons_of`, :func:`assign_holders`; :func:`evidence`,
:func:`evidence_of_all`, :func:`restate`; :func:`integrity`; :func:`seen`, :func:`blind_spots`, :func:`by_group`;
:func:`due`, :func:`feasible`; :func:`route_match`; :func:`stops`, :func:`stop_of`; :func:`smoothed`, :func:`match`,
:func:`touched`; and the words of :data:`MARKS`, :data:`KINDS`, :data:`REASONS`,
:data:`VERDICTS`, :data:`SIGNS`.

Known limits
------------
Half of the roads of the model street run within 10 m of a border, and there the error of positioning decides; docs/patrols.md
says how often which verdict is right, wrong and in doubt. A stay of many hours is one visit, however often its officer walked
the cell in it. Nothing is said about who carried the phone. Silence before a device's first fix and after its last is not in
doubt: a phone that was off all day leaves the cell ``not_visited``.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.patrols.completeness import blind_spots, by_group, seen
    from geo.patrols.due_list import Feasibility, due, feasible
    from geo.patrols.evidence_records import digest, evidence, evidence_of_all
    from geo.patrols.persons import assign_holders, persons_of, who_counts
    from geo.patrols.presence import KINDS, presences
    from geo.patrols.restatement import restate
    from geo.patrols.rules import DEFAULT_RULES, Rules
    from geo.patrols.signs import SIGNS, integrity
    from geo.patrols.stays.counted_visits import visits
    from geo.patrols.stays.reasons import REASONS
    from geo.patrols.verdicts import VERDICTS, open_verdicts, verify
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
            "geo.patrols.completeness": "blind_spots by_group seen",
            "geo.patrols.stays.counted_visits": "visits",
            "geo.patrols.stays.reasons": "REASONS",
            "geo.patrols.due_list": "Feasibility due feasible",
            "geo.patrols.evidence_records": "digest evidence evidence_of_all",
            "geo.patrols.persons": "assign_holders persons_of who_counts",
            "geo.patrols.presence": "KINDS presences",
            "geo.patrols.restatement": "restate",
            "geo.patrols.rules": "DEFAULT_RULES Rules",
            "geo.patrols.signs": "SIGNS integrity",
            "geo.patrols.verdicts": "VERDICTS open_verdicts verify",
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
    "DEFAULT_RULES",
    "KINDS",
    "MARKS",
    "REASONS",
    "SIGNS",
    "VERDICTS",
    "Feasibility",
    "Matched",
    "RouteMatch",
    "Rules",
    "assign_holders",
    "blind_spots",
    "by_group",
    "clean",
    "digest",
    "due",
    "evidence",
    "evidence_of_all",
    "feasible",
    "integrity",
    "match",
    "open_verdicts",
    "persons_of",
    "presences",
    "read_tracks",
    "restate",
    "route_match",
    "seen",
    "smoothed",
    "stop_of",
    "stops",
    "touched",
    "verify",
    "visits",
    "who_counts",
]
