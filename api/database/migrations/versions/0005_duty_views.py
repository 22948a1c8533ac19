"""Typed texts, signed ledgers, meetings and decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ["duty_typed_text", "duty_signed_ledger", "duty_meeting", "duty_decision", "duty_decision_done"]
MESSAGE = "rows of this table are never changed"


def upgrade() -> None:
    _texts()
    _meetings()
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in APPEND_ONLY:
        guard(table)


def _texts() -> None:
    op.create_table(
        "duty_typed_text",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("ledger", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_typed_text_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_typed_text")),
    )
    op.create_index("ix_duty_typed_text_place", "duty_typed_text", ["street", "ledger", "key", "column"])
    op.create_table(
        "duty_signed_ledger",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("ledger", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("print", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_signed_ledger_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_signed_ledger")),
        sa.UniqueConstraint("street", "ledger", "scope", "start", name="uq_duty_signed_ledger_street"),
    )


def _meetings() -> None:
    op.create_table(
        "duty_meeting",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("chair", sa.String(), nullable=False),
        sa.Column("present", sa.JSON(), nullable=False),
        sa.Column("absent", sa.JSON(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_meeting_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_meeting")),
        sa.UniqueConstraint("street", "meeting_id", name="uq_duty_meeting_street"),
    )
    op.create_table(
        "duty_decision",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("helpers", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_decision_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_decision")),
        sa.UniqueConstraint("street", "decision_id", name="uq_duty_decision_street"),
    )
    op.create_table(
        "duty_decision_done",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("decision", _BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"], ["duty_decision.id"], name=op.f("fk_duty_decision_done_decision_duty_decision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_decision_done")),
        sa.UniqueConstraint("decision", name="uq_duty_decision_done_decision"),
    )


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
