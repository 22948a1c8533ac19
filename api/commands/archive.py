"""Archives fixes of old days as GeoParquet files: one folder per street, one file per UTC day, sorted by device and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine, select

from api.database.connections import session
from api.database.models import DeviceRow, FixRow, StreetRow
from api.database.retention import purge
from api.ingest.fix import DATUMS, DAY_US, EPOCH, SOURCES, microseconds
from geo.errors import FileError, InputError
from geo.layers import aside

#: Days that are never archived: verdicts of the last week are still restated by late fixes.
LEAST_DAYS = 7


@dataclass(frozen=True)
class Archived:
    """A written file."""

    street: str
    day: date
    fixes: int
    path: Path


def archive(engine: Engine, folder: Path, *, days: int, now: datetime, delete: bool, actor: str) -> list[Archived]:
    """Write the fixes of days older than `days` to files, and optionally delete them.

    Each file is read back and counted. Fixes are deleted only if they are exactly those written; if late ones arrived meanwhile,
    nothing is deleted. A day that was archived before and got late fixes gives a second file.

    Parameters
    ----------
    days
        At least :data:`LEAST_DAYS`.

    Raises
    ------
    InputError
        If `days` is less.
    FileError
        If a file cannot be written or does not contain what was written.
    ImpossibleError
        If late fixes arrived in the meantime.
    """
    if days < LEAST_DAYS:
        raise InputError(f"the last {LEAST_DAYS} days stay in the store; {days} is less")
    limit_us = microseconds(now - timedelta(days=days)) // DAY_US * DAY_US
    written = [_write(engine, folder, *key) for key in _days(engine, limit_us)]
    total = sum(one.fixes for one in written)
    if delete and total:
        purge(engine, "fix", days=days, now=now, actor=actor, dry_run=False, expected=total)
    return written


def _days(engine: Engine, limit_us: int) -> Iterator[tuple[int, str, int]]:
    """Street number, street code and UTC day of all fixes before a time."""
    day = FixRow.time_us.op("/")(DAY_US)
    query = (
        select(FixRow.street, StreetRow.code, day)
        .join(StreetRow, StreetRow.id == FixRow.street)
        .where(FixRow.time_us < limit_us)
        .group_by(FixRow.street, StreetRow.code, day)
        .order_by(FixRow.street, day)
    )
    with session(engine) as opened:
        found = opened.execute(query).all()
    for street, code, number in found:
        yield int(street), str(code or street), int(number)


def _write(engine: Engine, folder: Path, street: int, code: str, day: int) -> Archived:
    moment = EPOCH + timedelta(days=day)
    with session(engine) as opened:
        names = dict(opened.execute(select(DeviceRow.id, DeviceRow.name).where(DeviceRow.street == street)).all())
        query = (
            select(FixRow.__table__)
            .where(FixRow.street == street, FixRow.time_us >= day * DAY_US, FixRow.time_us < (day + 1) * DAY_US)
            .order_by(FixRow.device, FixRow.time_us)
        )
        table = pd.DataFrame(opened.execute(query).mappings().all())
    frame = _frame(table, {int(key): str(value) for key, value in names.items()})
    place = folder / code
    place.mkdir(parents=True, exist_ok=True)
    path = _free(place, f"{moment:%Y-%m-%d}")
    try:
        with aside(path) as unfinished:
            frame.to_parquet(unfinished, index=False, compression="zstd")
            again = gpd.read_parquet(unfinished)
            if not again.equals(frame):
                raise FileError(f"{path}: what was written is not what is read")
    except OSError as error:
        raise FileError(f"{path}: could not be written ({error.strerror or error})") from error
    return Archived(code, moment.date(), len(frame), path)


def _frame(table: pd.DataFrame, names: dict[int, str]) -> gpd.GeoDataFrame:
    """Stored rows in the form read by :mod:`geo.tracks`, with all columns."""
    lon, lat = table["lon_e7"] / 1e7, table["lat_e7"] / 1e7
    return gpd.GeoDataFrame(
        {
            "device": [names.get(int(number), str(number)) for number in table["device"]],
            "time": pd.to_datetime(table["time_us"], unit="us", utc=True),
            "lon": lon,
            "lat": lat,
            "accuracy_m": table["accuracy_m"].astype("float64"),
            "speed": table["speed_m_s"].astype("float64"),
            "mock": table["mock"].astype("Int8"),
            "future": table["future"].astype("int8"),
            "declared_datum": [DATUMS[number] for number in table["datum"]],
            "source": [SOURCES[number] for number in table["source"]],
            "received": pd.to_datetime(table["received_us"], unit="us", utc=True),
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs="EPSG:4326",
    )


def _free(folder: Path, name: str) -> Path:
    path, number = folder / f"{name}.parquet", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.parquet"
    return path
