"""Versions of divisions and their cells; a published version cannot be changed."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Statements refused by the triggers: (table, event, versions that must not be published).
GUARDED = [
    ("division_version", "UPDATE", "OLD.id"),
    ("division_version", "DELETE", "OLD.id"),
    ("cell", "UPDATE", "OLD.version_id, NEW.version_id"),
    ("cell", "DELETE", "OLD.version_id"),
    ("cell", "INSERT", "NEW.version_id"),
]
MESSAGE = "a published division is never changed"


def upgrade() -> None:
    op.create_table(
        "division_version",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("street_code", sa.String, nullable=False),
        sa.Column("street_name", sa.String),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("srid", sa.Integer, nullable=False),
        sa.Column("communities", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("thirds", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("note", sa.String),
        sa.Column("columns", sa.JSON, nullable=False),
    )
    op.create_table(
        "cell",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "version_id",
            sa.Integer,
            sa.ForeignKey("division_version.id", name="fk_cell_version_id_division_version"),
            nullable=False,
        ),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("parent", sa.String),
        sa.Column("area_m2", sa.Double),
        sa.Column("population", sa.Double),
        sa.Column("households", sa.Double),
        sa.Column("units", sa.Double),
        sa.Column("workload", sa.Double),
        sa.Column("leader", sa.String),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.Column("geometry", Geometry("GEOMETRY", srid=-1), nullable=False),
        sa.UniqueConstraint("version_id", "level", "code", name="uq_cell_version_id"),
    )
    op.create_index("ix_cell_version_id", "cell", ["version_id"])
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table, event, versions in GUARDED:
        guard(table, event, versions)


def _guard_sqlite(table: str, event: str, versions: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{event.lower()}_guard BEFORE {event} ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM division_version WHERE id IN ({versions}) AND published_at IS NOT NULL) "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    )


def _guard_postgresql(table: str, event: str, versions: str) -> None:
    name = f"{table}_{event.lower()}_guard"
    row = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF EXISTS (SELECT 1 FROM division_version WHERE id IN ({versions}) AND published_at IS NOT NULL) THEN "
        f"RAISE EXCEPTION '{MESSAGE}'; END IF; RETURN {row}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
