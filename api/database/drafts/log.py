"""Drafts and their logs: begin, read, append. Entries are JSON texts, whose content is defined by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from api.database.models import CellLineageRow, DraftEntryRow, DraftRow
from api.errors import NotStoredError

#: States of a draft.
DRAFT, REVIEW, PUBLISHED = "draft", "review", "published"


class OvertakenError(Exception):
    """Another process appended an entry first: read it, and try again."""


@dataclass(frozen=True)
class DraftInfo:
    """A stored draft without its log."""

    id: int
    street: int
    key: str
    name: str
    note: str | None
    version_id: int
    state: str
    revision: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    published_as: int | None
    valid_from: date | None


@dataclass(frozen=True)
class Entry:
    """One entry of a draft's log; see :class:`api.database.models.DraftEntryRow`."""

    revision: int
    key: str
    client: str
    kind: str
    author: str
    account_id: int | None
    at: datetime
    of: int | None = None
    cells: str = "[]"
    data: str = "{}"
    change: str | None = None
    patch: str | None = None
    answer: str | None = None


def new_draft(opened: Session, **values: Any) -> DraftInfo:
    """Create a draft; a repeated key returns the same draft."""
    known = opened.scalars(select(DraftRow).where(DraftRow.key == values["key"])).one_or_none()
    if known is None:
        known = DraftRow(**{"state": DRAFT, "revision": 0, "changed_at": values["created_at"], **values})
        opened.add(known)
        opened.flush()
    return _info(known)


def get_draft(opened: Session, street: int, number: int) -> DraftInfo:
    """A draft of a street.

    Raises
    ------
    NotStoredError
        If there is none of this number.
    """
    row = opened.get(DraftRow, number)
    if row is None or row.street != street:
        raise NotStoredError(f"there is no draft {number}", ids=[number])
    return _info(row)


def list_drafts(opened: Session, street: int, limit: int = 500) -> list[DraftInfo]:
    """Drafts of a street, last changed first."""
    query = select(DraftRow).where(DraftRow.street == street).order_by(DraftRow.changed_at.desc(), DraftRow.id.desc())
    return [_info(row) for row in opened.scalars(query.limit(limit))]


def entries_after(
    opened: Session, draft: int, revision: int, *, until: int | None = None, limit: int | None = None
) -> list[Entry]:
    """Entries with a greater revision, in order."""
    query = select(DraftEntryRow).where(DraftEntryRow.draft_id == draft, DraftEntryRow.revision > revision)
    if until is not None:
        query = query.where(DraftEntryRow.revision <= until)
    query = query.order_by(DraftEntryRow.revision)
    return [_entry(row) for row in opened.scalars(query if limit is None else query.limit(limit))]


def newest_revision(opened: Session, draft: int) -> int:
    """Revision of the newest entry of a draft."""
    return opened.scalar(select(DraftRow.revision).where(DraftRow.id == draft)) or 0


def entry_of_key(opened: Session, draft: int, key: str) -> Entry | None:
    """The entry created by a client's request, if there is one."""
    query = select(DraftEntryRow).where(DraftEntryRow.draft_id == draft, DraftEntryRow.key == key)
    row = opened.scalars(query).one_or_none()
    return None if row is None else _entry(row)


def add_entry(opened: Session, draft: int, entry: Entry, **changed: Any) -> None:
    """Append an entry, which must have the next revision; `changed` are columns of the draft to update.

    Requires a write session.

    Raises
    ------
    OvertakenError
        If the newest entry is not its predecessor.
    """
    values = {"revision": entry.revision, "changed_at": entry.at, **changed}
    query = update(DraftRow).where(DraftRow.id == draft, DraftRow.revision == entry.revision - 1).values(**values)
    if opened.execute(query.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        raise OvertakenError
    opened.execute(insert(DraftEntryRow).values(draft_id=draft, **asdict(entry)))


def add_lineage(opened: Session, version: int, steps: Sequence[tuple[str, str, str]]) -> None:
    """Store the descent of the cells of a version."""
    rows = [{"version_id": version, "kind": k, "from_code": a, "to_code": b} for k, a, b in steps]
    if rows:
        opened.execute(insert(CellLineageRow), rows)


def lineage_of(opened: Session, version: int) -> list[dict[str, str]]:
    """Descent of the cells of a version, in the order of the edits."""
    query = select(CellLineageRow).where(CellLineageRow.version_id == version).order_by(CellLineageRow.id)
    return [{"kind": r.kind, "from_code": r.from_code, "to_code": r.to_code} for r in opened.scalars(query)]


def _info(row: DraftRow) -> DraftInfo:
    return DraftInfo(**{name: getattr(row, name) for name in DraftInfo.__dataclass_fields__})


def _entry(row: DraftEntryRow) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})
