"""Versions of divisions: store, publish, retire, read.

Each function takes an open session and runs in the caller's transaction (:func:`api.database.connections`). Times are
arguments: nothing here reads a clock. geopandas is imported in functions that read or store a division, for a fast server start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from api.database import models
from api.database.connections import lock
from api.database.models import DivisionEventRow, StreetRow, VersionRow
from api.errors import NotStoredError, OutdatedError, PublishedError
from geo.errors import InputError

if TYPE_CHECKING:
    from geo.layers import Division


@dataclass(frozen=True)
class VersionInfo:
    """Properties of a version without its cells."""

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


def street_of(session: Session, code: str | None = None, *, name: str | None = None) -> int:
    """Number of a street in this database; the only one if no code is given.

    An unknown code is assigned to the street without a code created by the migration, or a new street is created.

    Raises
    ------
    InputError
        If no code is given and the database holds several streets.
    """
    rows = session.scalars(select(StreetRow).order_by(StreetRow.id)).all()
    if code is None:
        if len(rows) != 1:
            raise InputError(
                f"the store holds {len(rows)} streets ({', '.join(str(r.code) for r in rows)}); say which (WANGGE_STREET)"
            )
        return rows[0].id
    row = next((r for r in rows if r.code == code), None) or next((r for r in rows if r.code is None), None)
    if row is None:
        row = StreetRow(code=code, name=name)
        session.add(row)
    elif row.code is None or (name and row.name is None):
        row.code, row.name = code, name
    session.flush()
    return row.id


@dataclass(frozen=True)
class DivisionEvent:
    """An event of a version: ``stored``, ``replaced``, ``published`` or ``retired`` (from `day` on)."""

    at: datetime
    action: str
    actor: str
    reason: str | None
    day: date | None


def add_version(
    session: Session,
    division: Division,
    *,
    valid_from: date,
    created_at: datetime,
    note: str | None = None,
    actor: str = "",
) -> VersionInfo:
    """Store a division as a draft.

    Parameters
    ----------
    valid_from
        First day of its validity.
    created_at
        Time of storing, timezone-aware.

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
    street_of(session, row.street_code, name=row.street_name)
    from api.database.rows import to_rows

    session.execute(insert(models.CellRow), to_rows(division, row.id))
    _record(session, row.id, "stored", at=created_at, actor=actor, reason=note)
    return _info(row)


def replace_cells(
    session: Session, version_id: int, division: Division, *, at: datetime | None = None, actor: str = ""
) -> VersionInfo:
    """Replace the division of a draft; with `at` the replacement is recorded.

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If the version is published.
    """
    row = _draft(session, version_id)
    session.execute(delete(models.CellRow).where(models.CellRow.version_id == version_id))
    from api.database.rows import to_rows

    session.execute(insert(models.CellRow), to_rows(division, version_id))
    for name, value in _content(division).items():
        setattr(row, name, value)
    session.flush()
    if at is not None:
        _record(session, version_id, "replaced", at=at, actor=actor)
    return _info(row)


def publish(
    session: Session,
    version_id: int,
    *,
    published_at: datetime,
    actor: str = "",
    reason: str | None = None,
    based_on: int | None = None,
) -> VersionInfo:
    """Publish a draft; from now on it cannot be changed.

    Parameters
    ----------
    published_at
        Time of the server's clock. Versions are ordered by it; after a clock was set back, a version gets the first moment after
        the last published one of its street instead, and the history keeps the time of the clock.
    based_on
        The published version on which the draft is based. If another version of the street was published since, the draft is
        refused. Requires a write session (``session(engine, write=True)``).

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If it is published already.
    OutdatedError
        If a version was published after the one that the draft is based on.
    """
    _require_aware(published_at)
    lock(session, "publish a division")
    row = _draft(session, version_id)
    if based_on is not None:
        _require_newest(session, row.street_code, based_on)
    row.published_at = _after_the_last(session, row.street_code, published_at)
    session.flush()
    _record(session, version_id, "published", at=published_at, actor=actor, reason=reason)
    return _info(row)


def retire(
    session: Session, version_id: int, *, day: date, at: datetime, actor: str = "", reason: str | None = None
) -> None:
    """End the validity of a published version from `day` on. The version itself is unchanged.

    Raises
    ------
    NotStoredError
        If there is no such version, or it is a draft.
    """
    _require_aware(at)
    if _row(session, version_id).published_at is None:
        raise NotStoredError(f"division version {version_id} is a draft; discard it instead", ids=[version_id])
    _record(session, version_id, "retired", at=at, actor=actor, reason=reason, day=day)


def history(session: Session, version_id: int) -> list[DivisionEvent]:
    """Events of a version, oldest first."""
    query = select(DivisionEventRow).where(DivisionEventRow.version_id == version_id).order_by(DivisionEventRow.id)
    rows = session.scalars(query)
    return [DivisionEvent(r.at, r.action, r.actor, r.reason, r.day) for r in rows]


def discard(session: Session, version_id: int) -> None:
    """Delete a draft.

    Raises
    ------
    NotStoredError
        If there is no such version.
    PublishedError
        If the version is published.
    """
    row = _draft(session, version_id)
    session.execute(delete(models.CellRow).where(models.CellRow.version_id == version_id))
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
    """Published version valid on a day; without a day, the last one.

    Of versions with the same first day, the one published last is valid. Versions retired by that day are not valid; without a
    day, retired versions are excluded.

    Raises
    ------
    NotStoredError
        If no published version is valid.
    """
    query = select(VersionRow).where(VersionRow.published_at.is_not(None))
    retired = select(DivisionEventRow.version_id).where(DivisionEventRow.action == "retired")
    if day is not None:
        query = query.where(VersionRow.valid_from <= day)
        retired = retired.where(DivisionEventRow.day <= day)
    query = query.where(VersionRow.id.not_in(retired))
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
    from api.database.rows import from_rows

    row = _row(session, version_id)
    query = (
        select(models.CellRow)
        .where(models.CellRow.version_id == version_id)
        .order_by(models.CellRow.level, models.CellRow.position)
    )
    return from_rows(list(session.scalars(query)), row.columns, row.srid)


def second_level(session: Session, version_id: int) -> list[tuple[str, str | None, str | None, str | None]]:
    """Code, name, parent and leader of the second-level grids of a version, in the order of the layer; no geometry is read."""
    chosen = (models.CellRow.version_id == version_id, models.CellRow.level == 2)
    query = (
        select(models.CellRow.code, models.CellRow.name, models.CellRow.parent, models.CellRow.leader)
        .where(*chosen)
        .order_by(models.CellRow.position)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def _after_the_last(session: Session, street_code: str, moment: datetime) -> datetime:
    """The moment, or the first one after the last publication of a street if that is later."""
    last = session.scalar(select(func.max(VersionRow.published_at)).where(VersionRow.street_code == street_code))
    return moment if last is None or last < moment else last + timedelta(microseconds=1)


def _require_newest(session: Session, street_code: str, based_on: int) -> None:
    """Refuse a draft whose base is not the last published version."""
    newer = session.scalars(
        select(VersionRow)
        .where(VersionRow.street_code == street_code, VersionRow.published_at.is_not(None), VersionRow.id != based_on)
        .where(VersionRow.published_at >= _row(session, based_on).published_at)
        .order_by(VersionRow.published_at)
    ).all()
    if newer:
        notes = [f"'{row.note}'" if row.note else "no note" for row in newer]
        names = "; ".join(
            f"version {row.id} of {row.published_at:%Y-%m-%d %H:%M} UTC ({note})"
            for row, note in zip(newer, notes, strict=True)
        )
        raise OutdatedError(
            f"since version {based_on}, which the draft is based on, was published: {names}; "
            "compare it with the draft and publish again",
            ids=[row.id for row in newer],
        )


def _record(
    session: Session,
    version_id: int,
    action: str,
    *,
    at: datetime,
    actor: str,
    reason: str | None = None,
    day: date | None = None,
) -> None:
    session.add(DivisionEventRow(version_id=version_id, at=at, action=action, actor=actor, reason=reason, day=day))
    session.flush()


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
    from api.database.rows import schema, srid_of
    from geo.layers import digest_of
    from geo.layers.columns import CODE, NAME

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
