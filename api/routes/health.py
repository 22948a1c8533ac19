"""``GET /health``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api import metrics
from api.access import Right
from api.database import session
from api.errors import NotStoredError
from api.routes.dependencies import CurrentOf, EngineOf
from api.routes.guard import ANYBODY, Guarded, needs
from api.schemas import Health, Ready

router = APIRouter(route_class=Guarded, tags=["operation"])


@router.get("/health")
@needs(ANYBODY)
def health(current: CurrentOf) -> Health:
    """Status of server and database, and the current version."""
    try:
        return Health(status="ok", division=current.get().version.id)
    except NotStoredError:
        return Health(status="no division", division=None)


@router.get("/ready", responses={503: {"model": Ready, "description": "not yet, with the reason"}})
@needs(ANYBODY)
def ready(current: CurrentOf, engine: EngineOf) -> Response:
    """Whether database and index work: a row is read, and a point of the division is located."""
    reason = None
    try:
        with session(engine) as opened:
            opened.execute(text("SELECT count(*) FROM street"))
        snapshot = current.get()
        lon, lat = snapshot.probe
        if not snapshot.locate(lon, lat, "WGS-84").inside:
            reason = "the index does not find a point of the division"
    except NotStoredError:
        reason = "no division is published"
    except SQLAlchemyError:
        reason = "the database does not answer"
    body = Ready(ready=reason is None, reason=reason)
    return JSONResponse(body.model_dump(), status_code=200 if body.ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
@needs(Right.SEE_METRICS)
def prometheus() -> Response:
    """Counters and histograms for Prometheus, which authenticates with a program's token."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
