"""Duty posts, and the levels of the cells that a notice is for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("cell", sa.String(), nullable=False),
        sa.Column("hours", sa.String(), nullable=False),
        sa.Column("days", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_post_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_post")),
    )
    op.create_index("ix_duty_post_place", "duty_post", ["street", "place"])
    op.add_column("duty_notice", sa.Column("levels", sa.JSON(), nullable=False, server_default="[]"))
