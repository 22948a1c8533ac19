"""``GET /api/divisions/current``."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes.dependencies import SnapshotOf
from api.schemas import DivisionSummary

router = APIRouter(prefix="/api")


@router.get("/divisions/current")
def current_division(snapshot: SnapshotOf) -> DivisionSummary:
    """The version that holds now, in figures."""
    return DivisionSummary.of(snapshot)
