"""Paths of persons: position at each second, walking, riding or at rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: Speeds on foot and on an e-bike, m/s; the latter is 16 to 24 km/h.
WALK_M_S, RIDE_M_S = (0.8, 1.5), (16 / 3.6, 24 / 3.6)

#: Maximum length of a leg walked at one speed.
LEG_M = 30.0


@dataclass(frozen=True)
class Way:
    """Places at times, interpolated linearly; `ride` marks ridden legs. Seconds from local midnight."""

    t: np.ndarray
    xy: np.ndarray
    ride: np.ndarray

    def each_second(self):
        """Integer seconds, the place at each, and whether the person rides."""
        seconds = np.arange(int(np.ceil(self.t[0])), int(np.floor(self.t[-1])) + 1)
        leg = np.clip(np.searchsorted(self.t, seconds, side="right") - 1, 0, len(self.ride) - 1)
        return seconds, self.at(seconds), self.ride[leg]

    def at(self, t) -> np.ndarray:
        """The place at a time."""
        return np.column_stack([np.interp(t, self.t, self.xy[:, k]) for k in (0, 1)])


class Itinerary:
    """A way under construction."""

    def __init__(self, t: float, xy, rng):
        self.t, self.xy, self.rng = float(t), tuple(map(float, xy)), rng
        self._points, self._ride = [(self.t, *self.xy)], []

    def walk(self, points, until: float = np.inf) -> None:
        """Walk along points, no longer than until a time."""
        self._move(points, WALK_M_S, False, until)

    def ride(self, points, until: float = np.inf) -> None:
        """Ride along points, with waits of a second or two at some corners."""
        self._move(points, RIDE_M_S, True, until)

    def rest(self, seconds: float, *, ride: bool = False) -> None:
        """Stay at the current place."""
        if seconds > 0:
            self._add(self.t + seconds, self.xy, ride)

    def rest_until(self, t: float) -> None:
        """Stay at the current place until a time; no-op if it has passed."""
        self.rest(t - self.t)

    def way(self) -> Way:
        """The finished way."""
        table = np.array(self._points)
        return Way(table[:, 0], table[:, 1:], np.array(self._ride, dtype=bool))

    def _move(self, points, speeds, ride: bool, until: float) -> None:
        low, high = speeds
        usual = self.rng.uniform(low, high)
        for x, y in np.atleast_2d(points).tolist():
            x0, y0 = float(self.xy[0]), float(self.xy[1])
            far = math.hypot(x - x0, y - y0)
            legs = math.ceil(far / LEG_M)
            for k, factor in enumerate(self.rng.uniform(0.85, 1.15, legs).tolist(), start=1):
                if self.t >= until:
                    return
                speed, share = min(max(usual * factor, low), high), k / legs
                self._add(self.t + far / legs / speed, (x0 + (x - x0) * share, y0 + (y - y0) * share), ride)
            if ride and legs and self.rng.random() < 0.1:
                self.rest(self.rng.uniform(1, 6), ride=True)

    def _add(self, t: float, xy, ride: bool) -> None:
        self.t, self.xy = t, xy
        self._points.append((t, *xy))
        self._ride.append(ride)
