"""Activities of one person in a shift: from home to the office, rounds through the grids, lunch, and home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.ops import substring

from benchmarks.habits.ground import Ground, beside
from benchmarks.habits.scenarios import Habit
from benchmarks.habits.ways import Itinerary, Way

HOUR_S = 3600.0

#: Distance beyond which most people ride, metres, and their share.
RIDE_FROM_M, RIDES = 700.0, 0.7

#: Probability that a round is skipped, that a grid of a round is only touched (under a minute), and that the second round
#: follows at once.
SKIPPED, TOUCHED, AT_ONCE = 0.09, 0.06, 0.04

#: Start of rounds in hours of the day, earliest and latest; one in ten makes the last round of each list.
DAY_ROUNDS_H = ((8.6, 10.3), (13.8, 15.8), (16.0, 16.5))
NIGHT_ROUNDS_H = ((18.5, 20.0), (20.7, 22.4), (23.2, 24.6))


@dataclass(frozen=True)
class Person:
    """The person of a plan: `own` are the person's cells, `office` and `home` places."""

    name: str
    own: tuple[int, ...]
    office: np.ndarray
    home: np.ndarray


def shift(person: Person, habit: Habit, ground: Ground, begins_s: float, rng) -> Way:
    """The way of one shift; `begins_s` is the preceding local midnight, seconds."""
    way = _Walk(
        habit, ground, rng, begins_s + (17.6 if habit.night else 7.6) * HOUR_S + rng.uniform(0, 1500), person.home
    )
    way.go(person.office)
    last = -np.inf
    for number, (first_h, latest_h) in enumerate(NIGHT_ROUNDS_H if habit.night else DAY_ROUNDS_H):
        if number == 1 and not habit.night:
            _lunch(way, person, begins_s)
        if rng.random() < (0.9 if number == 2 else SKIPPED):
            continue
        start = begins_s + rng.uniform(first_h, latest_h) * HOUR_S
        if number == 1 and rng.random() < AT_ONCE:
            start = last + rng.uniform(300, 1500)
        way.do.rest_until(start)
        for cell in person.own if rng.random() < 0.5 else person.own[::-1]:
            _round(way, cell, len(person.own))
        last = way.do.t
        way.go(person.office)
    way.do.rest_until(begins_s + (25.5 if habit.night else 17.0) * HOUR_S + rng.uniform(0, 1800))
    way.go(person.home)
    way.do.rest(rng.uniform(30, 300))
    return way.do.way()


def _lunch(way: _Walk, person: Person, begins_s: float) -> None:
    """Lunch, at home if the habit says so; most eat in the office."""
    if not way.habit.lunch_home:
        return
    way.do.rest_until(begins_s + way.rng.uniform(11.5, 12.1) * HOUR_S)
    way.go(person.home)
    way.do.rest_until(begins_s + way.rng.uniform(13.0, 13.6) * HOUR_S)
    way.go(person.office)


def _round(way: _Walk, cell: int, cells: int) -> None:
    """One visit to one cell, or its substitute."""
    rng, ground, habit = way.rng, way.ground, way.habit
    if cells > 1 and rng.random() < SKIPPED:
        return
    lasts = rng.uniform(300, 2100) / min(cells, 3) + 120
    if rng.random() < habit.ebike:
        way.go(ground.point_in(cell, rng), ride=True)
        way.along_roads(cell, way.do.t + rng.uniform(120, 480), ride=True)
        return
    if rng.random() < TOUCHED:
        way.go(ground.beside_border(cell, 4.0, rng))
        way.do.walk(ground.point_in(cell, rng), way.do.t + rng.uniform(10, 50))
        return
    if rng.random() < habit.cafe:
        way.go(ground.beside_border(cell, rng.uniform(2, 15), rng))
        way.do.rest(rng.uniform(1200, 4200))
        if rng.random() < 0.5:
            return
    if habit.along_borders:
        way.along_border(cell, lasts)
    else:
        way.go(ground.point_in(cell, rng))
        way.inside(cell, way.do.t + lasts)


class _Walk:
    """An itinerary with its ground."""

    def __init__(self, habit: Habit, ground: Ground, rng, t: float, xy):
        self.habit, self.ground, self.rng = habit, ground, rng
        self.do = Itinerary(t, xy, rng)

    def _aside(self) -> float:
        return float(self.rng.choice([-1.0, 1.0]) * self.rng.uniform(1.5, 4.0))

    def go(self, place, *, ride: bool | None = None) -> None:
        """Go to a place along roads."""
        if ride is None:
            ride = bool(np.hypot(*(place - self.do.xy)) > RIDE_FROM_M and self.rng.random() < RIDES)
        (self.do.ride if ride else self.do.walk)(self.ground.roads.way(self.do.xy, place, self._aside()))

    def along_roads(self, cell: int, until: float, *, ride: bool = False) -> None:
        """Back and forth on the roads of a cell."""
        nodes = self.ground.nodes_near(cell)
        while self.do.t < until:
            end = self.ground.roads.xy[self.rng.choice(nodes)] if len(nodes) else self.ground.point_in(cell, self.rng)
            before = self.do.t
            points = self.ground.roads.way(self.do.xy, end, self._aside())
            (self.do.ride if ride else self.do.walk)(points, until)
            if self.do.t == before:
                self.do.rest(2.0, ride=ride)

    def inside(self, cell: int, until: float) -> None:
        """Around in a cell: through its yards and along its roads, with conversations in between."""
        shape = self.ground.shapes[cell]
        while self.do.t < until:
            ends = [self.ground.point_in(cell, self.rng) for _ in range(6)]
            seen = [end for end in ends if shapely.covers(shape, shapely.linestrings([self.do.xy, end]))]
            if seen and self.rng.random() < 0.6:
                self.do.walk(seen[0], until)
            else:
                self.along_roads(cell, min(until, self.do.t + self.rng.uniform(40, 240)))
            if self.rng.random() < 0.35:
                self.do.rest(self.rng.uniform(10, 180))

    def along_border(self, cell: int, lasts: float) -> None:
        """Along the border of a cell, alternating between both sides."""
        ring = shapely.simplify(shapely.get_exterior_ring(shapely.get_parts(self.ground.shapes[cell])[0]), 1.0)
        at, until = self.rng.uniform(0, ring.length), None
        while until is None or self.do.t < until:
            far = self.rng.uniform(60, 260)
            part = shapely.get_coordinates(substring(ring, at, min(at + far, ring.length)))
            aside = self.rng.choice([-1.0, 1.0]) * self.rng.uniform(2, 5)
            points = beside(part, aside)
            if until is None:
                self.go(points[0])
                until = self.do.t + lasts
            self.do.walk(points, until)
            at = at + far if at + far < ring.length else 0.0
            if self.rng.random() < 0.3:
                self.do.rest(self.rng.uniform(10, 180))
