"""A simulated day for the live demonstration: the day, the tracks of its phones, and a token for each phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from api.database import current_version, read_version, session
from api.database.accounts import add_token
from api.database.people import add_device, device_names, hand_over, holder_at, person_of
from api.database.verdicts import last_verdict_day
from geo.layers.transformers import to_crs
from geo.sample import simulate_tracks

#: Interval of the fixes of a phone, seconds. Verdicts are nearly those of a fix every ten seconds, at a sixth of the cost.
INTERVAL_S = 60.0


@dataclass(frozen=True)
class LiveDay:
    """A day to replay.

    Attributes
    ----------
    day
        Local day of the fixes.
    tracks
        Columns ``device``, ``time`` (UTC), ``lon``, ``lat`` (WGS-84), ``accuracy_m``, in chronological order.
    tokens
        Token of each device.
    """

    day: date
    tracks: pd.DataFrame
    tokens: dict[str, str]


def live_day(engine: Engine, street: int, roads: gpd.GeoDataFrame, *, seed: int, zone: str, at: datetime) -> LiveDay:
    """Simulate the day after the last judged one, and register the phones that send it.

    Registered phones get a new token. The holder of a phone is the person who carries it in the simulation.

    Parameters
    ----------
    roads
        Roads along which people walk, in any CRS.
    at
        Current time, timezone-aware.
    """
    with session(engine) as opened:
        last = last_verdict_day(opened, street)
        day = (last or at.astimezone(ZoneInfo(zone)).date() - timedelta(days=2)) + timedelta(days=1)
        division = read_version(opened, current_version(opened, day=day).id)
    ground = SimpleNamespace(roads=to_crs(roads, division.crs), communities=division.community)
    rng = np.random.default_rng([seed, day.toordinal()])
    found = simulate_tracks(ground, division, rng=rng, day=day, interval_s=INTERVAL_S)
    tracks = pd.DataFrame(found)[["device", "officer", "time", "lon", "lat", "accuracy_m"]]
    carriers = tracks.drop_duplicates("device").set_index("device")["officer"]
    begins = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    tokens = {}
    with session(engine, write=True) as opened:
        known = device_names(opened, street)
        for device, officer in carriers.items():
            name = str(device)
            number = known.get(name) or add_device(opened, street, name, at=begins)
            if officer is not None and holder_at(opened, number, begins) is None:
                hand_over(opened, number, person_of(opened, street, str(officer), at=begins), at=begins)
            tokens[name] = add_token(opened, "device", device=number, at=at).text
    return LiveDay(day, tracks.sort_values("time", kind="stable", ignore_index=True), tokens)
