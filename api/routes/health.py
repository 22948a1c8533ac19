"""``GET /health``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from api import metrics
from api.access import Right
from api.access.admission import ANYBODY
from api.direct.readiness import health_of, readiness_of
from api.routes.dependencies import CurrentOf, EngineOf
from api.routes.guard import Guarded, needs
from api.schemas import Health, Ready

router = APIRouter(route_class=Guarded, tags=["operation"])


@router.get("/health")
@needs(ANYBODY)
def health(current: CurrentOf) -> Health:
    """Status of server and database, and the current version."""
    return Health.model_validate(health_of(current))


@router.get("/ready", responses={503: {"model": Ready, "description": "not yet, with the reason"}})
@needs(ANYBODY)
def ready(current: CurrentOf, engine: EngineOf) -> Response:
    """Whether database and index work: a row is read, and a point of the division is located."""
    body = Ready.model_validate(readiness_of(engine, current))
    return JSONResponse(body.model_dump(), status_code=200 if body.ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
@needs(Right.SEE_METRICS)
def prometheus() -> Response:
    """Counters and histograms for Prometheus, which authenticates with a program's token."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
