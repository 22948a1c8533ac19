"""Limits of movement and of positioning errors that cleaning, trajectories and matching work with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MovementLimits:
    """What a device can have done, and how far its positions are trusted. Rule sets of patrols extend it.

    Attributes
    ----------
    max_gap_s
        Longest time between two fixes that a straight line may bridge. In five minutes a walker covers 400 m, across a
        second-level grid and back, so after a longer gap the whereabouts of the device are not known.
    max_speed_m_s
        Fastest movement that is possible here: 35 m/s (126 km/h), the expressway. Anything faster is a positioning error or
        a false track.
    max_accuracy_m
        Largest stated error radius of a fix that is used; second-level grids are 221 m wide.
    default_accuracy_m
        Error radius of a fix whose device states none: 15 m, usual for phones between buildings.
    zone
        Time zone of the local day.
    """

    max_gap_s: float = 300.0
    max_speed_m_s: float = 35.0
    max_accuracy_m: float = 50.0
    default_accuracy_m: float = 15.0
    zone: str = "Asia/Shanghai"


#: Limits of the street's rule.
DEFAULT_LIMITS = MovementLimits()
