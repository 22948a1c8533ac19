"""``GET /health``."""

from __future__ import annotations

from fastapi import APIRouter

from api.errors import NotStoredError
from api.routes.dependencies import CurrentOf
from api.schemas import Health

router = APIRouter()


@router.get("/health")
def health(current: CurrentOf) -> Health:
    """Tell that the server and its store answer, and which version holds."""
    try:
        return Health(status="ok", division=current.get().version.id)
    except NotStoredError:
        return Health(status="no division", division=None)
