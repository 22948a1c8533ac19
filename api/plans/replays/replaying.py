"""Incidents whose cell changes and verdicts that would differ, computed on a draft before and after an edit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
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
from geo.layers.columns import CODE
from geo.patrols import Rules, clean, presences, verify, visits
from geo.redraw import Draft

#: Number of days before today whose verdicts are recomputed.
DAYS = 7
#: Incidents and tracks are compared with the database after this time.
KEPT_FOR = timedelta(minutes=10)
#: Margin around a grid in which fixes can affect its verdict, degrees: about 500 m, more than any accuracy used.
_MARGIN_DEG = 0.005
Plain = dict[str, Any]


@dataclass(frozen=True)
class _Ground:
    """The touched third-level cells and all second-level grids at one revision."""

    thirds: gpd.GeoDataFrame
    parents: dict[str, str]
    seconds: gpd.GeoDataFrame


@dataclass(frozen=True)
class _Week:
    """Incidents and tracks of a street's last days."""

    rules: Rules
    today: date
    since: date
    incidents: list[Plain]
    tracks: dict[date, pd.DataFrame]


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
        tracks = {day: self._tracks[day].found for day in days if day in self._tracks and len(self._tracks[day].found)}
        return _Week(rules, today, since, known.found, tracks)

    def _day(self, day: date, rules: Rules) -> _Read:
        """The tracks of a day; those that were read before if they are the same in the database."""
        mark = mark_of(self._engine, self._street, span_of(day, rules.zone))
        known = self._tracks.get(day)
        if known is not None and known.mark == mark:
            return _Read(self._clock(), mark, known.found)
        fixes = read_tracks_of(self._engine, self._street, day, rules.zone)
        return _Read(self._clock(), mark, clean(fixes, rules=rules) if len(fixes) else fixes)

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
    return _Ground(thirds, {code: rows.parent(code) for code in there}, draft.division().second)


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
        bounds = _bounds([frame[frame.index.isin(codes)] for frame in (one, other)])
        for day, tracks in sorted(week.tracks.items()):
            near = _near(tracks, bounds)
            states = [_states(near, ground.seconds, codes, day, week.rules) for ground in (before, after)]
            for code in codes:
                was, now = states[0].get(code), states[1].get(code)
                if was != now:
                    changed.append({"code": code, "day": day, "before": was, "after": now})
    return {
        "since": week.today - timedelta(days=DAYS),
        "until": week.today - timedelta(days=1),
        "changed": changed,
        "grids": codes,
        "days": len(week.tracks),
    }


def _bounds(shapes: list[gpd.GeoSeries]) -> tuple[float, float, float, float]:
    """Bounds of cells with a margin, degrees."""
    west, south, east, north = lon_lat(pd.concat(shapes)).total_bounds
    return west - _MARGIN_DEG, south - _MARGIN_DEG, east + _MARGIN_DEG, north + _MARGIN_DEG


def _near(tracks: pd.DataFrame, bounds: tuple[float, float, float, float]) -> pd.DataFrame:
    """All fixes of the devices that were in a box at any time."""
    west, south, east, north = bounds
    inside = tracks["lon"].between(west, east) & tracks["lat"].between(south, north)
    return tracks[tracks["device"].isin(tracks.loc[inside, "device"].unique())]


def _states(tracks: pd.DataFrame, cells: gpd.GeoDataFrame, codes: list[str], day: date, rules: Rules) -> dict[str, str]:
    """Verdict of the given grids on a day."""
    part = cells[cells[CODE].isin(codes)].reset_index(drop=True)
    if not len(part):
        return {}
    found = presences(tracks, cells, rules=rules)
    found = found[found["cell"].isin(codes)].reset_index(drop=True)
    made = visits(found, rules=rules, cells=part)
    table = verify(made, part, presences=found, rules=rules, day=day)
    return {str(code): str(state) for code, state in zip(table["code"], table["verdict"], strict=True)}
