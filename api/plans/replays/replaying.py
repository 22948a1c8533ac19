"""Incidents whose cell changes and verdicts that would differ, computed on a draft before and after an edit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Engine

from api.database import session
from api.database.drafts.log import entries_after
from api.database.drafts.presence import DONE, FAILED, Replay, drafts_in_use, finish_replay, waiting_replays
from api.plans.editing import read_edits
from api.plans.keeper import MOST_DRAFTS, Keeper
from api.plans.open_draft import OpenDraft
from api.plans.replays.months import cells_of_incidents, incidents_between
from api.plans.wire import encoded
from api.verdicts.day import rules_of
from api.verdicts.reading import mark_of, read_tracks_of, span_of
from geo.errors import WanggeError
from geo.layers import Level, lon_lat
from geo.layers.columns import CODE, LEADER
from geo.patrols import Rules, clean, presences_of_each, verify, visits
from geo.patrols.columns import DAY, PRESENCE_COLUMNS
from geo.patrols.persons import DEPUTIES, who_counts
from geo.redraw import Draft
from geo.redraw.export import as_layer
from geo.tracks.columns import CELL, DEVICE, OFFICER

#: Number of days before today whose verdicts are recomputed.
DAYS = 7
#: Incidents and tracks are compared with the database after this time.
KEPT_FOR = timedelta(minutes=10)
#: Fixes can affect the verdict of a grid within the reach of a silence, this margin in metres, and so many times their accuracy.
_MARGIN_M, _ERRORS = 50.0, 5.0
#: Accuracy of fixes without one, and least length of a degree of latitude or longitude (that of longitude at 54° north), metres.
_UNKNOWN_M, _DEGREE_M = 50.0, 65_000.0
#: Separates the name of a device from the day; sorts before any other character.
_DAY_MARK = "\0"
Plain = dict[str, Any]


@dataclass(frozen=True)
class _Ground:
    """The touched third-level cells and all second-level grids at one revision."""

    thirds: gpd.GeoDataFrame
    parents: dict[str, str]
    seconds: gpd.GeoDataFrame


@dataclass(frozen=True)
class _Day:
    """Cleaned tracks of a day, the number of the device of each fix, and all officers."""

    tracks: pd.DataFrame
    device: npt.NDArray[np.intp]
    officers: list[Any]


@dataclass(frozen=True)
class _Week:
    """Incidents and tracks of a street's last days."""

    rules: Rules
    today: date
    since: date
    incidents: list[Plain]
    days: dict[date, _Day]

    @property
    def tracks(self) -> dict[date, pd.DataFrame]:
        """The tracks of each day that has any."""
        return {day: found.tracks for day, found in self.days.items()}


@dataclass(frozen=True)
class _Read:
    """Something read from the database, when that was, and a mark that differs if it is not the same there any longer."""

    at: datetime
    mark: Any
    found: Any


class Replayer:
    """Computes the answers to edits and previews; used by one thread.

    Parameters
    ----------
    clock
        Returns the current time, timezone-aware.
    """

    def __init__(self, engine: Engine, street: int, keeper: Keeper, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._street = street
        self._keeper = keeper
        self._clock = clock
        self._drafts: dict[int, OpenDraft] = {}
        self._rules: Rules | None = None
        self._incidents: _Read | None = None
        self._tracks: dict[date, _Read] = {}

    def step(self) -> int:
        """Answer the waiting requests; returns their number."""
        with session(self._engine) as opened:
            waiting = waiting_replays(opened, self._street)
        for replay in waiting:
            try:
                result, state = encoded(self._answer(replay)), DONE
            except WanggeError as error:
                # For example a preview whose edits are refused by now.
                result, state = encoded({"error": str(error)}), FAILED
            with session(self._engine, write=True) as opened:
                finish_replay(opened, replay.id, state, result)
        return len(waiting)

    def warm(self) -> None:
        """Load what the next answers need: open drafts, and the oldest part of the last days; little at a time, so that requests
        that arrive meanwhile do not wait for all of it.
        """
        with session(self._engine) as opened:
            numbers = drafts_in_use(opened, self._street, at=self._clock())
        for number in numbers:
            self._open(number)
        if numbers:
            self.week(most=1)

    def week(self, most: int = 0) -> _Week:
        """Data of the last days of the street.

        Parameters
        ----------
        most
            Number of days whose tracks may be compared with the database. Those never read are read in any case, unless this is
            positive: then they count, too.
        """
        now = self._clock()
        rules = rules_of(self._engine, self._street)
        if rules != self._rules:
            self._rules, self._incidents = rules, None
            self._tracks.clear()
        today = now.astimezone(ZoneInfo(rules.zone)).date()
        last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        since = min(last_month, today - timedelta(days=31))
        known = self._incidents
        if known is None or known.mark != today or now - known.at > KEPT_FOR:
            found = incidents_between(self._engine, self._street, since, today + timedelta(days=1), rules.zone)
            self._incidents = known = _Read(now, today, found)
        days = [today - timedelta(days=k) for k in range(DAYS, 0, -1)]
        self._tracks = {day: self._tracks[day] for day in days if day in self._tracks}
        missing = [day for day in days if day not in self._tracks]
        old = [day for day in self._tracks if now - self._tracks[day].at > KEPT_FOR]
        for day in [*missing, *sorted(old, key=lambda day: self._tracks[day].at)][:most] if most else missing:
            self._tracks[day] = self._day(day, rules)
        read = {day: self._tracks[day].found for day in days if day in self._tracks}
        return _Week(rules, today, since, known.found, {day: one for day, one in read.items() if len(one.tracks)})

    def _day(self, day: date, rules: Rules) -> _Read:
        """The tracks of a day; those that were read before if they are the same in the database."""
        mark = mark_of(self._engine, self._street, span_of(day, rules.zone))
        known = self._tracks.get(day)
        if known is not None and known.mark == mark:
            return _Read(self._clock(), mark, known.found)
        fixes = read_tracks_of(self._engine, self._street, day, rules.zone)
        tracks = clean(fixes, rules=rules) if len(fixes) else fixes
        found = _Day(tracks, pd.factorize(tracks[DEVICE])[0], tracks[OFFICER].unique().tolist())
        return _Read(self._clock(), mark, found)

    def _open(self, number: int, until: int | None = None) -> OpenDraft:
        """A draft at revision `until`, or at the newest one."""
        found = self._drafts.get(number)
        if found is None or (until is not None and found.revision > until):
            found = self._drafts[number] = self._keeper.fresh(self._street, number)
            while len(self._drafts) > MOST_DRAFTS:
                self._drafts.pop(next(iter(self._drafts)))
        if until is not None:
            found.catch_up(self._engine, until=until)
        return found

    def _answer(self, replay: Replay) -> Plain:
        if replay.edits is None:
            opened = self._open(replay.draft, replay.revision - 1)
            with session(self._engine) as store:
                entries = entries_after(store, replay.draft, replay.revision - 1, until=replay.revision)
            codes = [str(code) for code in json.loads(entries[0].cells)]
            before = _ground(opened.draft, codes)
            opened.catch_up(self._engine, until=replay.revision)
            after = _ground(opened.draft, codes)
        else:
            opened = self._open(replay.draft, replay.revision)
            with opened.draft.trial(read_edits(replay.edits)) as change:
                codes = list(change.cells)
                after = _ground(opened.draft, codes)
            before = _ground(opened.draft, codes)
        week = self.week()
        return {
            "id": replay.key,
            "revision": replay.revision if replay.edits is None else None,
            "incidents": _incidents(week, before, after),
            "verdicts": _verdicts(week, before, after),
        }


def _ground(draft: Draft, codes: Iterable[str]) -> _Ground:
    """The existing cells with these codes, and all second-level grids."""
    rows = draft.rows
    there = [code for code in codes if code in rows and rows.level(code) is Level.THIRD]
    shapes = draft.workspace.shapes(there)
    thirds = gpd.GeoDataFrame({CODE: there}, geometry=shapes.to_numpy(), crs=draft.crs)
    seconds = as_layer(draft.base, draft.workspace, rows, Level.SECOND)
    return _Ground(thirds, {code: rows.parent(code) for code in there}, seconds)


def _incidents(week: _Week, before: _Ground, after: _Ground) -> Plain:
    """Incidents since the first day of last month that fall in another cell."""
    pairs = zip(
        week.incidents,
        cells_of_incidents(before.thirds, week.incidents),
        cells_of_incidents(after.thirds, week.incidents),
        strict=True,
    )
    changed = []
    for incident, old, new in pairs:
        grids = before.parents.get(old or ""), after.parents.get(new or "")
        if old != new or grids[0] != grids[1]:
            row = {key: incident[key] for key in ("id", "number", "kind", "lon", "lat")}
            row |= {"from_third": old, "to_third": new, "from_second": grids[0], "to_second": grids[1]}
            changed.append(row)
    return {
        "since": week.since,
        "until": week.today,
        "count": len(week.incidents),
        "changed": changed,
        "changed_second": sum(one["from_second"] != one["to_second"] for one in changed),
    }


def _verdicts(week: _Week, before: _Ground, after: _Ground) -> Plain:
    """Verdicts of the last days that would differ."""
    changed: list[Plain] = []
    one, other = before.seconds.set_index(CODE).geometry, after.seconds.set_index(CODE).geometry
    codes = sorted(
        code
        for code in {*before.parents.values(), *after.parents.values()}
        if code not in one.index
        or code not in other.index
        or not one[code].equals_exact(other[code], 0, normalize=True)
    )
    if codes:
        bounds = _bounds([frame[frame.index.isin(codes)] for frame in (one, other)], week.rules.reach_m)
        tracks = _of_all_days(week.days, {day: _near(one, bounds) for day, one in week.days.items()})
        found = _presences(tracks, (before, after), codes, week.rules)
        for day, one_day in sorted(week.days.items()):
            parts = [table[table[DAY] == day].reset_index(drop=True) for table in found]
            if parts[0].equals(parts[1]) and _judged_alike(before, after, codes, week.rules):
                continue
            was, now = (
                _states(
                    part,
                    ground.seconds,
                    codes,
                    day,
                    who_counts(week.rules.on(day), ground.seconds, one_day.officers).rules,
                )
                for part, ground in zip(parts, (before, after), strict=True)
            )
            changed += [
                {"code": code, "day": day, "before": was.get(code), "after": now.get(code)}
                for code in codes
                if was.get(code) != now.get(code)
            ]
    return {
        "since": week.today - timedelta(days=DAYS),
        "until": week.today - timedelta(days=1),
        "changed": changed,
        "grids": codes,
        "days": len(week.days),
    }


def _bounds(shapes: list[gpd.GeoSeries], reach_m: float) -> tuple[float, float, float, float]:
    """Bounds of cells with the margin, degrees."""
    west, south, east, north = lon_lat(pd.concat(shapes)).total_bounds
    margin = (reach_m + _MARGIN_M) / _DEGREE_M
    return west - margin, south - margin, east + margin, north + margin


def _near(day: _Day, bounds: tuple[float, float, float, float]) -> npt.NDArray[np.intp]:
    """Rows of all fixes of the devices that may have been in a box, given their errors, or passed it between two fixes."""
    west, south, east, north = bounds
    tracks, device = day.tracks, day.device
    off = np.nan_to_num(tracks["accuracy_m"].to_numpy(float), nan=_UNKNOWN_M) * _ERRORS / _DEGREE_M
    last = np.r_[device[1:] != device[:-1], True]
    inside = np.ones(len(tracks), dtype=np.bool_)
    for name, low, high in (("lon", west, east), ("lat", south, north)):
        at = tracks[name].to_numpy(float)
        # The box of each step, from a fix to the next one of its device.
        least, most = at - off, at + off
        following = np.r_[np.where(last[:-1], least[:-1], least[1:]), least[-1:]]
        beyond = np.r_[np.where(last[:-1], most[:-1], most[1:]), most[-1:]]
        inside &= (np.minimum(least, following) <= high) & (np.maximum(most, beyond) >= low)
    there = np.zeros(device.max(initial=-1) + 1, dtype=np.bool_)
    there[device[inside]] = True
    return np.flatnonzero(there[device])


def _of_all_days(days: dict[date, _Day], rows: dict[date, npt.NDArray[np.intp]]) -> pd.DataFrame | None:
    """The given rows of all days as one frame, with the day in the names of the devices: a night is no silence. None if empty."""
    parts = []
    for day in sorted(day for day in days if len(rows[day])):
        tracks, device = days[day].tracks, days[day].device
        names = np.empty(device.max() + 1, dtype=object)
        names[device] = tracks[DEVICE].to_numpy(dtype=object)
        parts.append(tracks.take(rows[day]).assign(**{DEVICE: (names + f"{_DAY_MARK}{day}")[device[rows[day]]]}))
    return pd.concat(parts, ignore_index=True) if parts else None


def _presences(
    tracks: pd.DataFrame | None, grounds: Sequence[_Ground], codes: list[str], rules: Rules
) -> list[pd.DataFrame]:
    """Presences in the given grids in each state, on all days."""
    if tracks is None:
        return [pd.DataFrame(columns=list(PRESENCE_COLUMNS)) for _ in grounds]
    tables = []
    for found in presences_of_each(tracks, [ground.seconds for ground in grounds], rules=rules):
        table = found[found[CELL].isin(codes)].reset_index(drop=True)
        table[DEVICE] = table[DEVICE].str.split(_DAY_MARK).str[0]
        tables.append(table)
    return tables


def _judged_alike(before: _Ground, after: _Ground, codes: list[str], rules: Rules) -> bool:
    """Whether the same presences give the same verdicts in both states of the given grids."""
    if rules.classes or any(version.classes for version in rules.earlier):
        return False
    tables = []
    for ground in (before, after):
        part = ground.seconds[ground.seconds[CODE].isin(codes)].sort_values(CODE, ignore_index=True)
        tables.append(part[[column for column in (CODE, LEADER, DEPUTIES) if column in part]])
    return bool(tables[0].equals(tables[1]))


def _states(found: pd.DataFrame, cells: gpd.GeoDataFrame, codes: list[str], day: date, rules: Rules) -> dict[str, str]:
    """Verdict of the given grids on a day from the presences in them; `rules` as decided for the complete day."""
    part = cells[cells[CODE].isin(codes)].reset_index(drop=True)
    if not len(part):
        return {}
    made = visits(found, rules=rules, cells=part)
    table = verify(made, part, presences=found, rules=rules, day=day)
    return {str(code): str(state) for code, state in zip(table["code"], table["verdict"], strict=True)}
