"""Indexes for the reports of a case, and for cases by deadline and by last change.

Without them each ledger reads all reports of the street.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_duty_report_case", "duty_report", ["street", "case_number"]),
    ("ix_duty_case_due", "duty_case", ["street", "due"]),
    ("ix_duty_case_changed", "duty_case", ["street", "changed_at", "round"]),
)


def upgrade() -> None:
    """Create the indexes."""
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Remove them."""
    for name, table, _ in _INDEXES:
        op.drop_index(name, table_name=table)
