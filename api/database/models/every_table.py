"""Base class of all rows with every table in its metadata, for migrations and for moving a database."""

from api.database.models import (
    accounts,
    cells,
    divisions,
    drafts,
    duty,
    duty_views,
    fixes,
    incidents,
    logs,
    people,
    verdicts,
)
from api.database.models.base import Base

__all__ = [
    "Base",
    "accounts",
    "cells",
    "divisions",
    "drafts",
    "duty",
    "duty_views",
    "fixes",
    "incidents",
    "logs",
    "people",
    "verdicts",
]
