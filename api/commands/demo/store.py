"""Fills the database of the demonstration: division, a week of verdicts, a month of incidents, and the background of maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
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
from geo.sample import ModelStreet, simulate_patrols

#: Number of days before the demonstration whose verdicts are stored, and interval of their fixes, seconds. Only the verdicts
#: are stored, and one fix per minute gives nearly the same in a third of the time.
_DAYS, _INTERVAL_S = 7, 60.0


def verified_week_before(
    street: ModelStreet, division: Division, day: date, *, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts and visits of simulated patrols on the seven days before `day`."""
    verdicts, visits = [], []
    for back in range(_DAYS, 0, -1):
        then = day - timedelta(days=back)
        rng = np.random.default_rng([seed, back])
        tracks, _ = simulate_patrols(street, division, rng=rng, day=then, interval_s=_INTERVAL_S)
        verified = verify_tracks(tracks, division.second, rules=Rules(), days=[then])
        verdicts.append(verified.verdicts)
        visits.append(verified.visits)
    return pd.concat(verdicts, ignore_index=True), pd.concat(visits, ignore_index=True)


def write_background(backdrop: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    """Write the background of the server's maps as one file."""
    for kind, layer in backdrop.items():
        layer.to_file(folder / BACKGROUND, layer=kind, driver="GPKG")


def fill_store(
    database: Path,
    division: Division,
    judged: tuple[pd.DataFrame, pd.DataFrame],
    incidents: gpd.GeoDataFrame,
    *,
    days: tuple[date, date],
    note: str,
) -> str:
    """Publish the division unless it is already current, and store new verdicts and incidents.

    Parameters
    ----------
    judged
        Verdicts, and the visits that they were made from.
    days
        First day of the division, and day of the demonstration; its evening is the time of the verdicts.

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
            division, str(database), valid_from=days[0], now=now, publish_it=True, note=note, unless_current=True
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
        at = evening_of(days[1])
        verdicts, visits = judged
        store_verdicts(engine, street, verdicts, version=stored.id, rules=Rules().name, at=at, visits=visits)
    finally:
        engine.dispose()
    days_judged = verdicts["day"].nunique()
    return f"版本 version {stored.id}, {days_judged} 天核验结论 days of verdicts, {len(incidents):,} 件案件 incidents"


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
