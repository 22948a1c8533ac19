"""Fills the database of the demonstration: division, a week of verdicts, a month of incidents, and the background of maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from api.commands.demo.cases import evening_of
from api.commands.patrols.verified import verify_tracks
from api.commands.store import store_division
from api.database import current_version, open_store, session, street_of, upgrade
from api.database.drafts.log import new_draft
from api.database.incidents import add_incident
from api.overview.service_maps import BACKGROUND
from api.verdicts.storing import store_verdicts
from geo.layers import Division
from geo.patrols import Rules
from geo.sample import simulate_tracks

#: Interval of the fixes of the days before the demonstration, seconds. Only the verdicts are stored, and one fix per minute
#: gives nearly the same in a third of the time.
_INTERVAL_S = 60.0


#: Verdicts, and the visits that they were made from.
Judged = tuple[pd.DataFrame, pd.DataFrame]


class Ground(NamedTuple):
    """What patrols are simulated on: roads and communities of the street, second level of the division."""

    roads: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    second: gpd.GeoDataFrame


def verified_before(ground: Ground, day: date, back: int, *, seed: int) -> Judged:
    """Verdicts and visits of simulated patrols, as many days before `day` as `back`."""
    then = day - timedelta(days=back)
    tracks = simulate_tracks(ground, ground, rng=np.random.default_rng([seed, back]), day=then, interval_s=_INTERVAL_S)
    verified = verify_tracks(tracks, ground.second, rules=Rules(), days=[then])
    return verified.verdicts, verified.visits


def write_background(backdrop: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    """Write the background of the server's maps as one file."""
    for kind, layer in backdrop.items():
        layer.to_file(folder / BACKGROUND, layer=kind, driver="GPKG")


def fill_store(database: Path, division: Division, incidents: gpd.GeoDataFrame, *, valid_from: date, note: str) -> str:
    """Publish the division unless it is already current, and store new incidents.

    Returns
    -------
    str
        What was stored, in both languages.
    """
    engine = open_store(database, must_exist=False)
    try:
        upgrade(engine)
        now = datetime.now(UTC)
        stored = store_division(
            division, str(database), valid_from=valid_from, now=now, publish_it=True, note=note, unless_current=True
        )
        with session(engine, write=True) as opened:
            street = street_of(opened, stored.street_code)
            for values in _incident_values(incidents, street=street, version=stored.id, now=now):
                add_incident(opened, values)
            # The editor opens on the street, not on an empty page. A repeated key is the same draft.
            new_draft(
                opened,
                street=street,
                key=str(uuid5(NAMESPACE_URL, f"wangge:demo:{stored.id}")),
                name="示例草案",
                note=note,
                version_id=stored.id,
                created_at=now,
                created_by="演示",
            )
    finally:
        engine.dispose()
    return f"版本 version {stored.id}, {len(incidents):,} 件案件 incidents"


def store_judged(engine: Engine, street: int, judged: Sequence[Judged], *, version: int, day: date) -> str:
    """Store verdicts and the visits that they were made from, as of the evening of `day`.

    Returns
    -------
    str
        What was stored, in both languages.
    """
    verdicts, visits = (pd.concat(frames, ignore_index=True) for frames in zip(*judged, strict=True))
    store_verdicts(engine, street, verdicts, version=version, rules=Rules().name, at=evening_of(day), visits=visits)
    return f"{verdicts['day'].nunique()} 天 {len(verdicts):,} 条核验结论 verdicts of days"


@contextmanager
def opened_store(database: Path, code: str) -> Iterator[tuple[Engine, int, int]]:
    """The database of the demonstration: engine, number of the street with the given code, number of its current version."""
    engine = open_store(database)
    try:
        with session(engine) as opened:
            street, version = street_of(opened, code), current_version(opened, street_code=code).id
        yield engine, street, version
    finally:
        engine.dispose()


def _incident_values(incidents: gpd.GeoDataFrame, *, street: int, version: int, now: datetime) -> list[dict[str, Any]]:
    """Database rows; an incident reported twice is stored once."""
    once = incidents[~incidents["repeat"]] if "repeat" in incidents else incidents
    rows = []
    for record in once.drop_duplicates("incident_id").to_dict("records"):
        cells = {name: _text(record.get(name)) for name in ("third", "second", "community")}
        rows.append(
            {
                "street": street,
                "number": str(record["incident_id"]),
                "reported_at": pd.Timestamp(record["reported_at"]).to_pydatetime(),
                "received_at": now,
                "lon": float(record["lon"]),
                "lat": float(record["lat"]),
                "datum": "WGS-84",
                "kind": _text(record.get("kind_name")),
                "text": str(record.get("kind_name") or ""),
                "address": _text(record.get("address")),
                "version_id": version,
                "account_id": None,
                **cells,
            }
        )
    return rows


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or value == "" else str(value)
