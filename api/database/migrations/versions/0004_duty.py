"""Reports, cases with their events, rectification steps, the roster, shifts and notices."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ["duty_report", "duty_report_photo", "duty_event", "duty_item_step", "duty_notice", "duty_receipt"]
MESSAGE = "rows of this table are never changed"


def upgrade() -> None:
    for make in (_reports, _cases, _rosters, _notices):
        make()
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in APPEND_ONLY:
        guard(table)


def _reports() -> None:
    op.create_table(
        "duty_report",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_no", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("standard_ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("datum", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("third", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("community", sa.String(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("wants_reply", sa.Boolean(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_report_street_street")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["division_version.id"], name=op.f("fk_duty_report_version_id_division_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_report")),
        sa.UniqueConstraint("street", "number", name=op.f("uq_duty_report_street")),
        sa.UniqueConstraint("street", "client_id", name="uq_duty_report_client_id"),
    )
    op.create_index("ix_duty_report_received_at", "duty_report", ["street", "received_at"])
    op.create_table(
        "duty_reporter",
        sa.Column("report_id", _BIG_ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["duty_report.id"], name=op.f("fk_duty_reporter_report_id_duty_report")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_duty_reporter")),
    )
    op.create_table(
        "duty_report_photo",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("report_id", _BIG_ID, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["duty_report.id"], name=op.f("fk_duty_report_photo_report_id_duty_report")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_report_photo")),
        sa.UniqueConstraint("report_id", "sha256", name=op.f("uq_duty_report_photo_report_id")),
    )


def _cases() -> None:
    op.create_table(
        "duty_event",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("rules_version", sa.String(), nullable=False),
        sa.Column("calendar_version", sa.String(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_event_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_event")),
        sa.UniqueConstraint("street", "case_number", "seq", name=op.f("uq_duty_event_street")),
    )
    op.create_index("ix_duty_event_at", "duty_event", ["street", "at"])
    op.create_table(
        "duty_case",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("step_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("standard_ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("third", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("community", sa.String(), nullable=False),
        sa.Column("merged_into", sa.String(), nullable=True),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("head_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_case_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_case")),
        sa.UniqueConstraint("street", "number", name=op.f("uq_duty_case_street")),
    )
    op.create_index("ix_duty_case_state", "duty_case", ["street", "state", "step_due"])
    op.create_index("ix_duty_case_second", "duty_case", ["street", "second", "state"])
    op.create_index("ix_duty_case_opened", "duty_case", ["street", "opened_at"])
    op.create_table(
        "duty_item_step",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_item_step_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_item_step")),
        sa.UniqueConstraint("street", "item", "seq", name=op.f("uq_duty_item_step_street")),
    )


def _rosters() -> None:
    op.create_table(
        "duty_person",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("post", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("pledge", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_person_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_duty_person")),
    )
    op.create_table(
        "duty_assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("cell", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_assignment_street_street")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_assignment_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_assignment")),
    )
    op.create_index("ix_duty_assignment_cell", "duty_assignment", ["street", "cell"])
    op.create_index("ix_duty_assignment_person_id", "duty_assignment", ["person_id"])
    op.create_table(
        "duty_absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_absence_street_street")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_absence_person_id_person")),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name=op.f("fk_duty_absence_deputy_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_absence")),
    )
    op.create_index("ix_duty_absence_person_id", "duty_absence", ["person_id"])
    op.create_table(
        "duty_shift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("swapped_from", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_shift_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shift")),
    )
    op.create_index("ix_duty_shift_start_at", "duty_shift", ["street", "start_at"])


def _notices() -> None:
    op.create_table(
        "duty_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("duties", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["street"], ["street.id"], name=op.f("fk_duty_notice_street_street")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_notice")),
        sa.UniqueConstraint("street", "number", name=op.f("uq_duty_notice_street")),
    )
    op.create_table(
        "duty_receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["duty_notice.id"], name=op.f("fk_duty_receipt_notice_id_duty_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_receipt")),
        sa.UniqueConstraint("notice_id", "person", name=op.f("uq_duty_receipt_notice_id")),
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
