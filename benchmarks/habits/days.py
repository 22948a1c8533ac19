"""A day of the street for one habit and one seed: leaders of the cells, paths of all persons, and the truth."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.habits.ground import Ground
from benchmarks.habits.plans import Person, shift
from benchmarks.habits.rule import DAY_S, STAY_COLUMNS, Rule, judge, read_rules, stays_of
from benchmarks.habits.scenarios import HABITS, Habit
from benchmarks.habits.ways import Way

#: Local time of the street is UTC + 8 all year.
UTC_OFFSET_S = 8 * 3600


@dataclass(frozen=True)
class Day:
    """A simulated day and its truth by the rule.

    Attributes
    ----------
    habit, seed, officers, rule, first
        Inputs of the simulation; `first` is the local date from whose midnight all seconds are counted.
    days
        The local dates that are judged.
    cells
        `code`, `parent`, `leader`, `deputies` (names separated by commas) and geometry in metres.
    roster
        Responsible persons: `code`, `person`, `role` (``leader`` or ``deputy``).
    ways
        For each person by name the ways, one per shift.
    stays
        True stays: `person`, `code`, `day`, `start`, `end` (timezone-aware UTC), `foot_s`, `duty_s`, `patrol` (long enough by the
        rule, and by an allowed person), `counted`.
    verdicts
        For each judged day and cell `code`, `day`, `visits` and `verdict` (``met``, ``short`` or ``not_visited``).
    """

    habit: str
    seed: int
    officers: int
    rule: Rule
    first: dt.date
    days: tuple[dt.date, ...]
    cells: gpd.GeoDataFrame
    roster: pd.DataFrame
    ways: dict[str, tuple[Way, ...]]
    stays: pd.DataFrame
    verdicts: pd.DataFrame

    def rng(self, *more: int) -> np.random.Generator:
        """Random numbers that depend only on this day."""
        return _rng(self.habit, self.seed, self.officers, *more)


def simulate(
    habit: str,
    ground: Ground,
    *,
    officers: int,
    seed: int,
    first: dt.date,
    only: Sequence[int] | None = None,
) -> Day:
    """Simulate a day; for a night shift two, each judged separately.

    `officers` lead all cells between them, adjacent ones if there are several each. `only` restricts the ways to the persons at
    these positions, for tests; the grids of the others are then not visited.
    """
    kind, rule = HABITS[habit], read_rules()[HABITS[habit].rule]
    rng = _rng(habit, seed, officers)
    people, leader, roster = _people(kind, ground, officers, rng)
    days = 2 if kind.night else 1
    ways, stays = {}, []
    for k, person in enumerate(people):
        if only is not None and k not in only:
            continue
        own_rng = _rng(habit, seed, officers, 1, k)
        ways[person.name] = tuple(shift(person, kind, ground, day * DAY_S, own_rng) for day in range(days))
        for way in ways[person.name]:
            seconds, xy, ride = way.each_second()
            stays += stays_of(seconds, ground.cell_of(xy), ride, rule, person.name)
    found, number = judge(pd.DataFrame(stays, columns=STAY_COLUMNS), roster, len(ground.codes), days, rule)
    dates = tuple(first + dt.timedelta(days=k) for k in range(days))
    return Day(
        habit,
        seed,
        officers,
        rule,
        first,
        dates,
        ground.cells.assign(leader=leader, deputies=_deputies(roster, len(ground.codes))),
        roster.assign(code=ground.codes[roster["cell"]]).drop(columns="cell"),
        ways,
        _named(found, ground, first),
        _verdicts(number, ground, dates, rule),
    )


def _rng(habit: str, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(habit.encode()), *numbers])


def _people(kind: Habit, ground: Ground, officers: int, rng):
    """Persons with their cells; the leader of each cell; leaders and declared deputies."""
    beats = _beats(ground, officers)
    names = [f"P{k:03d}" for k in range(len(beats))]
    works = list(range(len(beats)))
    rows = [(cell, names[k], "leader") for k, beat in enumerate(beats) for cell in beat]
    pairs = rng.permutation(len(beats))[: int(kind.swap * len(beats)) // 2 * 2].reshape(-1, 2)
    for number, (a, b) in enumerate(pairs):
        works[a], works[b] = int(b), int(a)
        if number % 2 == 0:
            rows += [(cell, names[x], "deputy") for x in (a, b) for cell in beats[works[x]]]
    leader = np.full(len(ground.codes), "", dtype=object)
    for cell, name, role in rows:
        if role == "leader":
            leader[cell] = name
    offices = _offices(ground, rng)
    people = []
    for k, name in enumerate(names):
        own = tuple(beats[works[k]])
        office = offices[ground.cells["parent"].iloc[own[0]]]
        people.append(Person(name, own, office, _home(kind, ground, own, rng)))
    return people, leader, pd.DataFrame(rows, columns=["cell", "person", "role"])


def _deputies(roster: pd.DataFrame, cells: int) -> list[str]:
    """Declared deputies of each cell, separated by commas; empty for none."""
    names = roster[roster["role"] == "deputy"].groupby("cell")["person"].agg(",".join)
    return [names.get(cell, "") for cell in range(cells)]


def _beats(ground: Ground, officers: int) -> list[list[int]]:
    """Divide all cells among the officers, community by community and along a curve that keeps neighbours together."""
    along = ground.cells.hilbert_distance()
    order = np.lexsort((along, ground.cells["parent"]))
    return [[int(cell) for cell in part] for part in np.array_split(order, officers)]


def _offices(ground: Ground, rng) -> dict[str, np.ndarray]:
    """One office for each community, a few metres from the road nearest to its centre."""
    places = {}
    for parent, rows in ground.cells.groupby("parent").indices.items():
        node = ground.roads.xy[ground.roads.nearest(ground.middle[rows].mean(axis=0))]
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(8, 25)
        places[parent] = node + far * np.array([np.cos(angle), np.sin(angle)])
    return places


def _home(kind: Habit, ground: Ground, own: tuple[int, ...], rng) -> np.ndarray:
    """Outside the street; with lunch at home in a cell, for three in ten in their own."""
    if kind.lunch_home:
        near = np.argsort(np.hypot(*(ground.middle - ground.middle[own[0]]).T))[1:25]
        return ground.point_in(int(rng.choice(own) if rng.random() < 0.3 else rng.choice(near)), rng)
    low, high = ground.bounds[:, :2].min(axis=0) - 400, ground.bounds[:, 2:].max(axis=0) + 400
    while True:
        home = rng.uniform(low, high)
        if shapely.distance(ground.shapes, shapely.points(home)).min() > 100:
            return home


def _named(stays: pd.DataFrame, ground: Ground, first: dt.date) -> pd.DataFrame:
    """Stays with codes, dates and timezone-aware times."""
    table = stays.assign(
        code=ground.codes[stays["cell"]],
        day=[first + dt.timedelta(days=int(k)) for k in stays["day"]],
        start=at(first, stays["start"]),
        end=at(first, stays["end"]),
    )
    return table[["person", "code", "day", "start", "end", "foot_s", "duty_s", "patrol", "counted"]]


def _verdicts(number, ground: Ground, dates, rule: Rule) -> pd.DataFrame:
    tables = []
    for date, visits in zip(dates, number, strict=True):
        verdict = np.where(visits >= rule.visits_per_day, "met", np.where(visits > 0, "short", "not_visited"))
        tables.append(pd.DataFrame({"code": ground.codes, "day": date, "visits": visits, "verdict": verdict}))
    return pd.concat(tables, ignore_index=True)


def at(first: dt.date, seconds) -> pd.DatetimeIndex:
    """Timezone-aware UTC times from seconds after a local midnight, to the microsecond."""
    micros = np.rint((np.asarray(seconds, dtype=float) - UTC_OFFSET_S) * 1e6).astype(np.int64)
    return pd.DatetimeIndex(pd.Timestamp(first, tz="UTC").as_unit("us") + pd.to_timedelta(micros, unit="us"))
