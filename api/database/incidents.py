"""Incidents as received, photos, corrections, and candidates for duplicates."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.incident_changes import SHOWN_FIELDS, WITHDRAWN, apply_changes
from api.database.models import CorrectionRow, IncidentRow, PhotoRow
from api.errors import NotStoredError
from geo.errors import ImpossibleError

#: Incidents nearer than this in space and time are candidates for duplicates.
NEAR_M, NEAR_TIME = 50.0, timedelta(days=7)
_M_PER_DEGREE = 111_320.0


def add_incident(session: Session, values: dict[str, Any]) -> tuple[int, bool]:
    """Store an incident; returns its number, and whether it is new. The same number with the same content is stored once.

    Raises
    ------
    ImpossibleError
        If the number belongs to another incident.
    """
    same = IncidentRow.street == values["street"], IncidentRow.number == values["number"]
    known = session.scalar(select(IncidentRow).where(*same))
    if known is not None:
        if (known.lon, known.lat, known.text, known.reported_at) != tuple(
            values[key] for key in ("lon", "lat", "text", "reported_at")
        ):
            raise ImpossibleError(
                f"incident {values['number']} is stored already with other content; correct it instead"
            )
        return known.id, False
    row = IncidentRow(**values)
    session.add(row)
    session.flush()
    return row.id, True


def duplicates(session: Session, street: int, incident: int) -> list[dict[str, Any]]:
    """Candidates for duplicates: near in space and time and of the same kind, nearest first."""
    row = _row(session, street, incident)
    wide = NEAR_M / _M_PER_DEGREE / max(0.01, math.cos(math.radians(row.lat)))
    query = select(IncidentRow).where(
        IncidentRow.street == street,
        IncidentRow.id != row.id,
        IncidentRow.reported_at.between(row.reported_at - NEAR_TIME, row.reported_at + NEAR_TIME),
        IncidentRow.lon.between(row.lon - wide, row.lon + wide),
        IncidentRow.lat.between(row.lat - NEAR_M / _M_PER_DEGREE, row.lat + NEAR_M / _M_PER_DEGREE),
    )
    found = []
    for other in session.scalars(query):
        apart = math.hypot((other.lon - row.lon) * math.cos(math.radians(row.lat)), other.lat - row.lat) * _M_PER_DEGREE
        same_kind = other.kind == row.kind or None in (other.kind, row.kind)
        if apart <= NEAR_M and same_kind:
            found.append({"id": other.id, "number": other.number, "distance_m": round(apart, 1)})
    return sorted(found, key=lambda entry: (entry["distance_m"], entry["id"]))


def list_incidents(
    session: Session, street: int, start: datetime, end: datetime, *, limit: int = 1000
) -> list[dict[str, Any]]:
    """Incidents reported in ``[start, end)`` with their corrections applied, oldest first."""
    query = (
        select(IncidentRow)
        .where(IncidentRow.street == street, IncidentRow.reported_at >= start, IncidentRow.reported_at < end)
        .order_by(IncidentRow.reported_at, IncidentRow.id)
        .limit(limit)
    )
    shown = [_shown(session, row) for row in session.scalars(query).all()]
    return [row for row in shown if not row.get(WITHDRAWN)]


def incident_places(session: Session, street: int, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Time, kind and grids of the incidents of ``[start, end)``, corrections applied; without text and position."""
    keys = ("reported_at", "received_at", "kind", "third", "second", "community")
    query = select(IncidentRow.id, *(getattr(IncidentRow, key) for key in keys)).where(
        IncidentRow.street == street, IncidentRow.reported_at >= start, IncidentRow.reported_at < end
    )
    query = query.order_by(IncidentRow.reported_at, IncidentRow.id)
    found = {row[0]: dict(zip(keys, row[1:], strict=True)) for row in session.execute(query)}
    corrections = (
        select(CorrectionRow.incident_id, CorrectionRow.changes)
        .join(IncidentRow, IncidentRow.id == CorrectionRow.incident_id)
        .where(IncidentRow.street == street, IncidentRow.reported_at >= start, IncidentRow.reported_at < end)
        .order_by(CorrectionRow.incident_id, CorrectionRow.number)
    )
    for number, changes in session.execute(corrections):
        if changes.get(WITHDRAWN):
            found.pop(number, None)
        elif number in found:
            found[number].update({key: value for key, value in changes.items() if key in keys[2:]})
    return list(found.values())


def incident_points(session: Session, street: int, start: datetime, end: datetime) -> list[tuple[str, float, float]]:
    """Number, longitude and latitude (WGS-84) of the incidents of ``[start, end)``, oldest first."""
    query = (
        select(IncidentRow.number, IncidentRow.lon, IncidentRow.lat)
        .where(IncidentRow.street == street, IncidentRow.reported_at >= start, IncidentRow.reported_at < end)
        .order_by(IncidentRow.reported_at, IncidentRow.id)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def get_incident(session: Session, street: int, incident: int) -> dict[str, Any]:
    """One incident with its corrections applied.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    return _shown(session, _row(session, street, incident))


def correct(
    session: Session, street: int, incident: int, changes: dict[str, Any], *, at: datetime, actor: str, reason: str
) -> None:
    """Append a correction; the received record is unchanged."""
    _row(session, street, incident)
    query = select(func.coalesce(func.max(CorrectionRow.number), 0)).where(CorrectionRow.incident_id == incident)
    number = int(session.scalar(query) or 0) + 1
    session.add(CorrectionRow(incident_id=incident, number=number, at=at, actor=actor, reason=reason, changes=changes))
    session.flush()


def add_photo(
    session: Session, street: int, incident: int, content: bytes, media_type: str, *, at: datetime
) -> tuple[str, bool]:
    """Store a photo of an incident; returns its SHA-256, and whether it is new."""
    _row(session, street, incident)
    key = hashlib.sha256(content).hexdigest()
    same = PhotoRow.incident_id == incident, PhotoRow.sha256 == key
    if session.scalar(select(PhotoRow.id).where(*same)) is not None:
        return key, False
    session.add(PhotoRow(incident_id=incident, sha256=key, media_type=media_type, received_at=at, content=content))
    session.flush()
    return key, True


def get_photo(session: Session, street: int, incident: int, key: str) -> tuple[bytes, str]:
    """Bytes and media type of a photo.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    _row(session, street, incident)
    row = session.scalar(select(PhotoRow).where(PhotoRow.incident_id == incident, PhotoRow.sha256 == key))
    if row is None:
        raise NotStoredError(f"incident {incident} has no such photo")
    return row.content, row.media_type


def _row(session: Session, street: int, incident: int) -> IncidentRow:
    row = session.get(IncidentRow, incident)
    if row is None or row.street != street:
        raise NotStoredError(f"there is no incident {incident}")
    return row


def _shown(session: Session, row: IncidentRow) -> dict[str, Any]:
    shown: dict[str, Any] = {key: getattr(row, key) for key in SHOWN_FIELDS}
    corrections = session.scalars(
        select(CorrectionRow).where(CorrectionRow.incident_id == row.id).order_by(CorrectionRow.number)
    ).all()
    for correction in corrections:
        apply_changes(shown, correction.changes)
    photos = session.scalars(select(PhotoRow.sha256).where(PhotoRow.incident_id == row.id).order_by(PhotoRow.id)).all()
    return {**shown, "corrections": len(corrections), "photos": list(photos)}
