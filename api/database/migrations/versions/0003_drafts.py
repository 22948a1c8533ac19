"""Drafts of the editor, their logs, and the lineage of published cells."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ["draft_entry", "cell_lineage"]
MESSAGE = "rows of this table are never changed"


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_as", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_draft_street_street")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["division_version.id"], name=op.f("fk_draft_version_id_division_version")
        ),
        sa.ForeignKeyConstraint(
            ["published_as"], ["division_version.id"], name=op.f("fk_draft_published_as_division_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("key", name=op.f("uq_draft_key")),
    )
    op.create_index("ix_draft_street", "draft", ["street"])
    _entries()
    _beside()
    _lineage()
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in APPEND_ONLY:
        guard(table)


def _entries() -> None:
    op.create_table(
        "draft_entry",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=True),
        sa.Column("patch", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_draft_entry_draft_id_draft")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_draft_entry_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_entry")),
        sa.UniqueConstraint("draft_id", "revision", name="uq_draft_entry_draft_id"),
        sa.UniqueConstraint("draft_id", "key", name="uq_draft_entry_draft_id_key"),
    )


def _beside() -> None:
    op.create_table(
        "draft_presence",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_draft_presence_draft_id_draft")),
        sa.PrimaryKeyConstraint("draft_id", "client", name=op.f("pk_draft_presence")),
    )
    op.create_table(
        "draft_replay",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("edits", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_draft_replay_draft_id_draft")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_replay")),
        sa.UniqueConstraint("draft_id", "key", name="uq_draft_replay_draft_id"),
    )
    op.create_index("ix_draft_replay_state", "draft_replay", ["state", "id"])


def _lineage() -> None:
    op.create_table(
        "cell_lineage",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_code", sa.String(), nullable=False),
        sa.Column("to_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["division_version.id"], name=op.f("fk_cell_lineage_version_id_division_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_lineage")),
    )
    op.create_index("ix_cell_lineage_version_id", "cell_lineage", ["version_id"])


def _guard_sqlite(table: str) -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_{event.lower()}_guard BEFORE {event} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def _guard_postgresql(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only('')"
    )
    op.execute(
        f"CREATE TRIGGER {table}_truncate_guard BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
