"""Photos of the steps of rectification items."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE, _MESSAGE = "duty_item_photo", "rows of this table are never changed"
_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("step_id", _BIG_ID, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_id"], ["duty_item_step.id"], name=op.f("fk_duty_item_photo_step_id_duty_item_step")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_item_photo")),
        sa.UniqueConstraint("step_id", "sha256", name=op.f("uq_duty_item_photo_step_id")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {_TABLE}_{event.lower()}_guard BEFORE {event} ON {_TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            )
        return
    row = "FOR EACH ROW EXECUTE FUNCTION append_only('')"
    op.execute(f"CREATE TRIGGER {_TABLE}_guard BEFORE UPDATE OR DELETE ON {_TABLE} {row}")
    statement = "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    op.execute(f"CREATE TRIGGER {_TABLE}_truncate_guard BEFORE TRUNCATE ON {_TABLE} {statement}")
