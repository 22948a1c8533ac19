"""Drafts of the editor: their logs, the clients that have opened them, and requested evaluations of edits."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, BigId, UtcDateTime


class DraftRow(Base):
    """A draft: a published version, and the entries based on it.

    ``revision`` is that of its newest entry; ``state`` is ``draft``, ``review`` or ``published``. ``key`` is the client's id of
    the request, so that a repeated request creates no second draft.
    """

    __tablename__ = "draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    note: Mapped[str | None]
    version_id: Mapped[int] = mapped_column(ForeignKey("division_version.id"))
    state: Mapped[str]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_as: Mapped[int | None] = mapped_column(ForeignKey("division_version.id"))
    valid_from: Mapped[date | None] = mapped_column(Date)


class DraftEntryRow(Base):
    """One entry of a draft's log. Append-only.

    ``of`` is the revision to which an undo, redo, reply or resolve refers. ``change`` holds the compiled primitives of an edit,
    ``patch`` the patch sent to pages, ``answer`` the rest of the first answer, ``data`` the content of other entries. They are
    stored as text: JSON columns of PostgreSQL refuse NaN and would be decoded at each read.
    """

    __tablename__ = "draft_entry"
    __table_args__ = (
        UniqueConstraint("draft_id", "revision"),
        UniqueConstraint("draft_id", "key", name="uq_draft_entry_draft_id_key"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("draft.id"))
    revision: Mapped[int]
    key: Mapped[str]
    client: Mapped[str]
    kind: Mapped[str]
    of: Mapped[int | None]
    author: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    cells: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    change: Mapped[str | None] = mapped_column(Text)
    patch: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)


class DraftPresenceRow(Base):
    """A client that has opened a draft, and the cells being edited."""

    __tablename__ = "draft_presence"

    draft_id: Mapped[int] = mapped_column(ForeignKey("draft.id"), primary_key=True)
    client: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    data: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DraftReplayRow(Base):
    """Requested evaluation of an edit or preview: the incidents and verdicts that it would change, computed by a separate
    process.

    ``state`` is ``waiting``, ``done`` or ``failed``. ``revision`` is that of the edit, or the one on which a preview is based;
    ``edits`` are those of a preview.
    """

    __tablename__ = "draft_replay"
    __table_args__ = (UniqueConstraint("draft_id", "key"), Index("ix_draft_replay_state", "state", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("draft.id"))
    key: Mapped[str]
    revision: Mapped[int]
    edits: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    result: Mapped[str | None] = mapped_column(Text)


class CellLineageRow(Base):
    """Descent of the cells of a published version: ``split``, ``merge``, ``transfer``, ``redivide`` or ``recode``."""

    __tablename__ = "cell_lineage"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("division_version.id"), index=True)
    kind: Mapped[str]
    from_code: Mapped[str]
    to_code: Mapped[str]
