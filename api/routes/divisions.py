"""``GET /api/divisions/current``."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import Right
from api.routes.dependencies import SnapshotOf
from api.routes.guard import Guarded, needs
from api.schemas import DivisionSummary

router = APIRouter(prefix="/api", route_class=Guarded, tags=["division"])


@router.get("/divisions/current")
@needs(Right.SEE_DIVISION)
def current_division(snapshot: SnapshotOf) -> DivisionSummary:
    """Summary of the current version."""
    return DivisionSummary.of(snapshot)
