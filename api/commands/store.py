"""Imports divisions into the database, and exports them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from api.database import (
    VersionInfo,
    add_version,
    current_version,
    get_version,
    open_store,
    publish,
    read_version,
    session,
)
from api.database.migrate import require_schema
from api.errors import NotStoredError
from geo.coverage import check_division
from geo.errors import ImpossibleError
from geo.layers import Division, digest_of, read_division, write_division
from geo.wording import counted


def import_division(
    path: Path, database: str, *, valid_from: date, now: datetime, publish_it: bool, note: str | None
) -> VersionInfo:
    """Store the division of a file as a draft, and optionally publish it.

    Raises
    ------
    ImpossibleError
        If a division with findings is to be published.
    """
    return store_division(
        read_division(path), database, valid_from=valid_from, now=now, publish_it=publish_it, note=note or path.name
    )


def store_division(
    division: Division,
    database: str,
    *,
    valid_from: date,
    now: datetime,
    publish_it: bool,
    note: str | None,
    unless_current: bool = False,
) -> VersionInfo:
    """Store a division given in memory; see :func:`import_division`.

    With `unless_current`, a division equal to the current version and valid from the same day is not stored again.
    """
    if publish_it:
        report = check_division(division)
        if not report.ok:
            raise ImpossibleError(
                f"the division has {counted(len(report.findings), 'finding')} and cannot be published; see 'wangge check', or "
                "import it as a draft"
            )
    engine = open_store(database)
    try:
        require_schema(engine)
        with session(engine) as opened:
            same = _current(opened) if unless_current else None
            if same is not None and (same.digest, same.valid_from) == (digest_of(division), valid_from):
                return same
            stored = add_version(opened, division, valid_from=valid_from, created_at=now, note=note)
            return publish(opened, stored.id, published_at=now) if publish_it else stored
    finally:
        engine.dispose()


def export_division(target: Path, database: str, *, version_id: int | None) -> VersionInfo:
    """Write one version, or the current one, to a file."""
    engine = open_store(database)
    try:
        require_schema(engine)
        with session(engine) as opened:
            stored = current_version(opened) if version_id is None else get_version(opened, version_id)
            write_division(read_version(opened, stored.id), target)
            return stored
    finally:
        engine.dispose()


def _current(opened: Session) -> VersionInfo | None:
    try:
        return current_version(opened)
    except NotStoredError:
        return None
