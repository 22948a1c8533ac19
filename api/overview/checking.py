"""The checker's page computed from the database: verdicts of a day from its fixes, with the tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from api.database import session
from api.database.verdicts import last_verdict_day
from api.ingest.fix import microseconds
from api.overview.days import judged_days
from api.overview.service_maps import background_of
from api.settings import Settings
from api.verdicts.day import basis_of, judge, rules_of
from api.verdicts.reading import read_rows, span_of
from geo.layers.transformers import to_crs
from geo.locate import GridIndex
from geo.patrols import REASONS
from maps import render
from maps.checker import checker_map

#: The page of the current day is redrawn after this time.
EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Checker:
    """Reader of the page: the street, and the visible grids; None for all of them."""

    street: int
    may_see: Callable[[str], bool] | None = None


def checking_of(
    engine: Engine, settings: Settings, checker: Checker, day: date | None, now: datetime
) -> tuple[tuple[object, ...], Callable[[], str]] | None:
    """Cache key of the page and a function that draws it; None if no fix of the day is stored.

    Parameters
    ----------
    day
        By default the latest one with verdicts.
    now
        Timezone-aware; the page of the current day is redrawn every five minutes.
    """
    zone = ZoneInfo(settings.zone)
    with session(engine) as opened:
        wanted = day or last_verdict_day(opened, checker.street, until=now.astimezone(zone).date())
        if wanted is None:
            return None
        judged = judged_days(opened, checker.street, wanted, days=1).get(wanted)
    fixes = len(read_rows(engine, checker.street, span_of(wanted, settings.zone)))
    if not fixes:
        return None
    codes = judged.grids if judged is not None else {}
    seen = None if checker.may_see is None else tuple(sorted(code for code in codes if checker.may_see(code)))
    newest = max((verdict.id for verdict in judged.verdicts.values()), default=0) if judged is not None else 0
    running = now < datetime.combine(wanted + timedelta(days=1), time(), zone)
    moment = microseconds(now) // (EVERY // timedelta(microseconds=1)) if running else fixes
    key = ("checker", checker.street, wanted, newest, moment, seen)
    return key, lambda: _drawn(engine, settings, checker, wanted)


def _drawn(engine: Engine, settings: Settings, checker: Checker, day: date) -> str:
    rules = rules_of(engine, checker.street)
    basis = basis_of(engine, checker.street, day, street_code=settings.street or None, rules=rules)
    judged = judge(engine, basis, day)
    tracks = gpd.GeoDataFrame(
        judged.tracks, geometry=gpd.points_from_xy(judged.tracks["lon"], judged.tracks["lat"], crs="EPSG:4326")
    )
    verdicts, visits = judged.verdicts, judged.visits
    if checker.may_see is not None:
        cells = basis.cells[basis.cells["code"].astype(str).map(checker.may_see)]
        verdicts, visits = (frame[frame["code"].isin(cells["code"])] for frame in (verdicts, visits))
        tracks = _inside(tracks, cells)
    drawn = checker_map(
        basis.division,
        pd.DataFrame(verdicts),
        tracks,
        day=day,
        visits=visits,
        visit_reasons=REASONS,
        zone=rules.zone,
        max_gap_s=rules.max_gap_s,
        **background_of(settings),
    )
    return render(drawn)


def _inside(tracks: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fixes inside the given grids only: readers limited to these grids see no other tracks."""
    if cells.empty:
        return tracks.iloc[:0]
    points = to_crs(tracks.geometry, cells.crs)
    return tracks[GridIndex(cells).locate(np.asarray(points.x), np.asarray(points.y)) >= 0]
