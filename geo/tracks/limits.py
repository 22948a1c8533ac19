"""Limits of movement and of positioning errors used by cleaning, trajectories and matching."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MovementLimits:
    """Limits of what a device can do, and of which positions are used. Rule sets of patrols extend them.

    Attributes
    ----------
    max_gap_s
        Longest time between two fixes that a straight line may bridge. In five minutes a walker covers 400 m, across a
        second-level grid and back, so after a longer gap the position of the device is unknown.
    max_speed_m_s
        Fastest possible movement: 35 m/s (126 km/h) on the expressway. Anything faster is a positioning error or a
        falsified track.
    max_accuracy_m
        Largest stated error radius of a fix that is used; second-level grids are 221 m wide on average.
    default_accuracy_m
        Error radius assumed if the device states none: 15 m, usual for phones between buildings.
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
