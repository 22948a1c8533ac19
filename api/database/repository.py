"""All queries of the store.

Each function takes an open session; the caller's transaction decides (:func:`api.database.session`). Times are
arguments: nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from api.database.models import CellRow, VersionRow
from api.database.rows import from_rows, schema, srid_of, to_rows
from api.errors import NotStoredError, PublishedError
from geo.errors import InputError
from geo.layers import Division, digest_of
from geo.layers.columns import CODE, NAME


@dataclass(frozen=True)
class VersionInfo:
    """What the store knows of one version without its cells."""

    id: int
    street_code: str
    street_name: str | None
    valid_from: date
    created_at: datetime
    published_at: datetime | None
    srid: int
    counts: tuple[int, int, int]
    digest: str
    note: str | None


def add_version(
    session: Session, division: Division, *, valid_from: date, created_at: datetime, note: str | None = None
) -> VersionInfo:
    """Store a division as a draft.

    Parameters
    ----------
    valid_from
        Day from which the division is to hold.
    created_at
        Time of storing, aware.

    Raises
    ------
    InputError
        If `created_at` is naive.
    CrsError
        If the division's CRS has no EPSG number.
    """
    _require_aware(created_at)
    row = VersionRow(valid_from=valid_from, created_at=created_at, note=note, **_content(division))
    session.add(row)
    session.flush()
    session.execute(insert(CellRow), to_rows(division, row.id))
    return _info(row)


def replace_cells(session: Session, version_id: int, division: Division) -> VersionInfo:
    """Put another division in the place of a draft.

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If the version is published.
    """
    row = _draft(session, version_id)
    session.execute(delete(CellRow).where(CellRow.version_id == version_id))
    session.execute(insert(CellRow), to_rows(division, version_id))
    for name, value in _content(division).items():
        setattr(row, name, value)
    session.flush()
    return _info(row)


def publish(session: Session, version_id: int, *, published_at: datetime) -> VersionInfo:
    """Publish a draft; from now on it cannot be changed.

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If it is published already.
    """
    _require_aware(published_at)
    row = _draft(session, version_id)
    row.published_at = published_at
    session.flush()
    return _info(row)


def discard(session: Session, version_id: int) -> None:
    """Throw a draft away.

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If the version is published.
    """
    row = _draft(session, version_id)
    session.execute(delete(CellRow).where(CellRow.version_id == version_id))
    session.delete(row)
    session.flush()


def list_versions(session: Session) -> list[VersionInfo]:
    """All versions, oldest first."""
    return [_info(row) for row in session.scalars(select(VersionRow).order_by(VersionRow.id))]


def get_version(session: Session, version_id: int) -> VersionInfo:
    """One version.

    Raises
    ------
    NotStoredError
        If there is no such version.
    """
    return _info(_row(session, version_id))


def current_version(session: Session, *, day: date | None = None, street_code: str | None = None) -> VersionInfo:
    """Published version that holds on a day, or the last one of all.

    Of versions that began on one day, the one published last holds.

    Raises
    ------
    NotStoredError
        If no published version holds.
    """
    query = select(VersionRow).where(VersionRow.published_at.is_not(None))
    if day is not None:
        query = query.where(VersionRow.valid_from <= day)
    if street_code is not None:
        query = query.where(VersionRow.street_code == street_code)
    newest = (VersionRow.valid_from.desc(), VersionRow.published_at.desc(), VersionRow.id.desc())
    row = session.scalars(query.order_by(*newest).limit(1)).first()
    if row is None:
        when = "" if day is None else f" that holds on {day.isoformat()}"
        raise NotStoredError(
            f"the store has no published division{when}; import one with 'wangge db import FILE --publish'"
        )
    return _info(row)


def read_version(session: Session, version_id: int) -> Division:
    """The division of one version, as it was stored: same rows, order, columns and coordinates.

    Raises
    ------
    NotStoredError
        If there is no such version.
    """
    row = _row(session, version_id)
    query = select(CellRow).where(CellRow.version_id == version_id).order_by(CellRow.level, CellRow.position)
    return from_rows(list(session.scalars(query)), row.columns, row.srid)


def _row(session: Session, version_id: int) -> VersionRow:
    row = session.get(VersionRow, version_id)
    if row is None:
        raise NotStoredError(f"the store has no division version {version_id}", ids=[version_id])
    return row


def _draft(session: Session, version_id: int) -> VersionRow:
    row = _row(session, version_id)
    if row.published_at is not None:
        raise PublishedError(
            f"division version {version_id} was published on {row.published_at:%Y-%m-%d} and is never changed; "
            "store a new version",
            ids=[version_id],
        )
    return row


def _content(division: Division) -> dict[str, object]:
    first = division.street.iloc[0]
    communities, seconds, thirds = division.counts
    return {
        "street_code": str(first[CODE]),
        "street_name": str(first[NAME]) if NAME in division.street.columns and first[NAME] is not None else None,
        "srid": srid_of(division),
        "communities": communities,
        "seconds": seconds,
        "thirds": thirds,
        "digest": digest_of(division),
        "columns": schema(division),
    }


def _info(row: VersionRow) -> VersionInfo:
    return VersionInfo(
        id=row.id,
        street_code=row.street_code,
        street_name=row.street_name,
        valid_from=row.valid_from,
        created_at=row.created_at,
        published_at=row.published_at,
        srid=row.srid,
        counts=(row.communities, row.seconds, row.thirds),
        digest=row.digest,
        note=row.note,
    )


def _require_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InputError(f"{moment.isoformat()} has no time zone; give an aware time")
