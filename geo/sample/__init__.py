"""The model street: a synthetic town with the figures of 迈皋桥街道, and simulated data with known truth.

It allows trials, demonstrations and measurements without personal data. Only the name, the codes, the area
(12.46 km²), the 180,000 residents and the names of the communities are real; every border, road, house and incident is
drawn by a seed.

Terms
-----
plan
    Named points, lines and quarters drawn by hand (:mod:`geo.sample.town.plan`); a seed moves and fills them.
quarter
    A face of the plan between main roads, river and railway, with one mix of uses and one street direction.
block
    Ground between street centre lines.
plot
    A block without its pavements, with one use.
compound (小区、院落)
    Land under one management: a plot without the shops along its edge. Walled or not.
hot spot
    A disc in which a stated share of all incidents happens on top of the background.
truth
    Truth of the simulation that an incident does not contain: true place, hot spot, default point, duplicate.

Public: :func:`model_street`, :class:`ModelStreet`, :func:`simulate_incidents`, :func:`simulate_patrols`,
:func:`simulate_tracks`, :func:`simulate_cases`, :func:`simulate_records`, :func:`model_roster`, :func:`hot_spots`,
:class:`HotSpot`, :data:`MODEL_SEED`.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.sample.cases.persons import model_roster
    from geo.sample.cases.simulation import SimulatedCases, simulate_cases
    from geo.sample.cases.supervision import SimulatedRecords, simulate_records
    from geo.sample.days.incidents import HotSpot, hot_spots, simulate_incidents
    from geo.sample.days.patrols import simulate_patrols, simulate_tracks
    from geo.sample.division import MODEL_COUNTS, model_division
    from geo.sample.town.model import ModelStreet, model_street
    from geo.sample.town.plan import MODEL_SEED
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.sample.cases.persons": "model_roster",
            "geo.sample.cases.simulation": "SimulatedCases simulate_cases",
            "geo.sample.cases.supervision": "SimulatedRecords simulate_records",
            "geo.sample.days.incidents": "HotSpot hot_spots simulate_incidents",
            "geo.sample.days.patrols": "simulate_patrols simulate_tracks",
            "geo.sample.division": "MODEL_COUNTS model_division",
            "geo.sample.town.model": "ModelStreet model_street",
            "geo.sample.town.plan": "MODEL_SEED",
        },
    )

__all__ = [
    "MODEL_COUNTS",
    "MODEL_SEED",
    "HotSpot",
    "ModelStreet",
    "SimulatedCases",
    "SimulatedRecords",
    "hot_spots",
    "model_division",
    "model_roster",
    "model_street",
    "simulate_cases",
    "simulate_incidents",
    "simulate_patrols",
    "simulate_records",
    "simulate_tracks",
]
