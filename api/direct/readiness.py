"""Answers whether the service works: ``/health`` and ``/ready``, also before FastAPI is imported."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.current import Current
from api.database import session
from api.direct.dispatch import Answer
from api.errors import NotStoredError


def health_of(current: Current) -> dict[str, object]:
    """Status of server and database, and the number of the current version."""
    try:
        return {"status": "ok", "division": current.get().version.id}
    except NotStoredError:
        return {"status": "no division", "division": None}


def readiness_of(engine: Engine, current: Current) -> dict[str, object]:
    """Whether store and index answer: a row is read, and a point of the division is located. Otherwise the reason."""
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
    return {"ready": reason is None, "reason": reason}


async def health_direct(request: Request) -> Response | None:
    """Answer ``GET /health``; None if the request carries a login or token, which is checked elsewhere."""
    if _carries_secret(request):
        return None
    return _json(await run_in_threadpool(health_of, request.app.state.current), 200)


async def ready_direct(request: Request) -> Response | None:
    """Answer ``GET /ready``; see :func:`health_direct`."""
    if _carries_secret(request):
        return None
    state = request.app.state
    found = await run_in_threadpool(readiness_of, state.engine, state.current)
    return _json(found, 200 if found["ready"] else 503)


def _carries_secret(request: Request) -> bool:
    return any(name in (b"authorization", b"cookie") for name, _ in request.scope["headers"])


def _json(body: dict[str, object], status: int) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


#: The functions by method and path, for :class:`api.direct.dispatch.Direct`.
DIRECT: dict[tuple[str, str], Answer] = {("GET", "/health"): health_direct, ("GET", "/ready"): ready_direct}
