"""FastAPI dependencies of the routes, named after the values they yield, and the response with a photo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import Depends, File, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine

from api.access import Caller
from api.current import Current
from api.settings import Settings

if TYPE_CHECKING:
    from api.snapshot import Snapshot


# Coroutines, because FastAPI runs functions in another thread, which takes longer than locating a point.
async def settings(request: Request) -> Settings:
    """Settings of the application."""
    found: Settings = request.app.state.settings
    return found


async def current(request: Request) -> Current:
    """Cache of the current version."""
    found: Current = request.app.state.current
    return found


async def snapshot(keeper: Annotated[Current, Depends(current)]) -> Any:
    """The current version."""
    fresh = keeper.fresh
    return fresh if fresh is not None else await run_in_threadpool(keeper.get)


async def caller(request: Request) -> Caller:
    """Caller of the request, determined by :func:`api.access.admission.admit`."""
    found: Caller = request.state.caller
    return found


async def engine(request: Request) -> Engine:
    """The database."""
    found: Engine = request.app.state.engine
    return found


async def now(request: Request) -> datetime:
    """Time of the request, timezone-aware."""
    clock: Callable[[], datetime] = request.app.state.clock
    return clock()


async def case_now(request: Request) -> datetime:
    """Time at which steps of cases are taken, timezone-aware: the server's time, or that of the simulated month in the
    demonstration.
    """
    clock: Callable[[], datetime] = request.app.state.case_clock
    return clock()


SettingsOf = Annotated[Settings, Depends(settings)]
CurrentOf = Annotated[Current, Depends(current)]
CallerOf = Annotated[Caller, Depends(caller)]
EngineOf = Annotated[Engine, Depends(engine)]
Now = Annotated[datetime, Depends(now)]
CaseNow = Annotated[datetime, Depends(case_now)]
if TYPE_CHECKING:
    SnapshotOf = Snapshot
else:
    # The class is imported with the first version, because importing geopandas would delay the start.
    SnapshotOf = Annotated[Any, Depends(snapshot)]


class ReceivedPhoto(NamedTuple):
    """A photo of a request; `media_type` is determined by the content."""

    content: bytes
    media_type: str


def _received(file: Annotated[UploadFile, File(description="JPEG, PNG or WebP")]) -> ReceivedPhoto:
    from api.ingest.photos import image_type

    content = file.file.read()
    return ReceivedPhoto(content, image_type(content))


#: Parameter of a route that receives one photo as the form field `file`.
PhotoOf = Annotated[ReceivedPhoto, Depends(_received)]


def photo_response(content: bytes, media_type: str) -> Response:
    """Response with a stored photo. The address contains its hash, so a browser may keep it for an hour."""
    headers = {"Content-Disposition": "inline", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=media_type, headers=headers)
