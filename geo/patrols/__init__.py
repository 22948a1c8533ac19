"""Verifies patrols: fixes -> clean path -> presence -> visits -> verdicts with evidence.

Terms
-----
fix (定位点)
    One position report of a device. A faulty fix is marked with the reason, never deleted.
mark
    The fault of a fix, as one word; see :data:`geo.tracks.cleaning.MARKS`.
path
    The straight lines through the usable fixes of a device. It is interrupted by silences: where the device sent no fix for
    longer than the rules permit, or moved faster than anything moves.
presence
    A time interval ``[start, end)`` in which a path was inside a cell; or, of kind ``unknown``, a silence of a device that was
    in or near the cell before or after it.
stay, visit (巡查)
    Presences of a device in a cell, joined across short absences; a visit is a stay that may count under the rule set.
rule set
    The conditions for a visit and the number that a cell needs, as a file with an id and a version: :class:`Rules`.
verdict (核验结论)
    ``met``, ``short``, ``not_visited`` or ``unknown``, for one cell and one local day, with the reason in words.

evidence (依据)
    All data behind a verdict as one record with a hash; :func:`restate` compares a new verdict with an old one.
stop
    A stay of a device at one place, independent of borders; see :func:`stops`.
match
    The assignment of a track to roads of a network; a route is the path that a device actually took.
sign
    An indication of a false track: a finding with a rule or a p-value, and its innocent explanations.

Public names: :func:`read_tracks`, :class:`Rules`, :data:`DEFAULT_RULES`, :func:`clean`, :func:`presences`,
:func:`presences_of_each`, :func:`visits`, :func:`verify`, :func:`open_verdicts`; :func:`who_counts`,
:func:`persons_of`, :func:`assign_holders`; :func:`evidence`, :func:`evidence_of_all`, :func:`restate`;
:func:`integrity`; :func:`seen`, :func:`blind_spots`, :func:`by_group`; :func:`due`, :func:`feasible`;
:func:`route_match`; :func:`stops`, :func:`stop_of`; :func:`smoothed`, :func:`match`, :func:`touched`; and the words
of :data:`MARKS`, :data:`KINDS`, :data:`REASONS`, :data:`VERDICTS`, :data:`SIGNS`.

Known limits
------------
Half of the roads of the model street run within 10 m of a border, where the positioning error decides; docs/patrols.md
states how often each verdict is right, wrong or open. A stay of many hours is one visit, however often the officer walked
through the cell during it. Who carried the phone is not verified. Silence before a device's first fix and after its last is
not treated as doubtful: a phone that was off all day leaves the cell ``not_visited``.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.patrols.completeness import blind_spots, by_group, seen
    from geo.patrols.due_list import Feasibility, due, feasible
    from geo.patrols.evidence_records import digest, evidence, evidence_of_all
    from geo.patrols.integrity_signs import SIGNS, integrity
    from geo.patrols.persons import assign_holders, persons_of, who_counts
    from geo.patrols.presence import KINDS, presences, presences_of_each
    from geo.patrols.restatement import restate
    from geo.patrols.rules import DEFAULT_RULES, Rules
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
            "geo.patrols.presence": "KINDS presences presences_of_each",
            "geo.patrols.restatement": "restate",
            "geo.patrols.rules": "DEFAULT_RULES Rules",
            "geo.patrols.integrity_signs": "SIGNS integrity",
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
    "presences_of_each",
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
