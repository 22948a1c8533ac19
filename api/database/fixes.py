"""Stored fixes: one device's track, and all fixes of a day as arrays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.models import FixRow
from api.ingest.fix import EPOCH


def track(
    session: Session, street: int, device: int, start_us: int, end_us: int, *, limit: int
) -> list[dict[str, Any]]:
    """Fixes of a device in ``[start_us, end_us)`` by time, as served by the API."""
    query = (
        select(FixRow)
        .where(FixRow.street == street, FixRow.device == device)
        .where(FixRow.time_us >= start_us, FixRow.time_us < end_us)
        .order_by(FixRow.time_us)
        .limit(limit)
    )
    return [
        {
            "time": EPOCH + timedelta(microseconds=row.time_us),
            "lon": row.lon_e7 / 1e7,
            "lat": row.lat_e7 / 1e7,
            "accuracy_m": row.accuracy_m,
            "speed_m_s": row.speed_m_s,
            "mock": None if row.mock is None else bool(row.mock),
            "future": bool(row.future),
            "received": EPOCH + timedelta(microseconds=row.received_us),
        }
        for row in session.scalars(query)
    ]
