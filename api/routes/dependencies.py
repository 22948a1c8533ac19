"""FastAPI dependencies of the routes, named after the values they yield."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine

from api.access import Caller
from api.current import Current
from api.settings import Settings

if TYPE_CHECKING:
    from api.snapshot import Snapshot


# Coroutines, not functions: FastAPI runs functions in another thread, which takes longer than finding a cell.
async def settings(request: Request) -> Settings:
    """Settings of the application."""
    found: Settings = request.app.state.settings
    return found


async def current(request: Request) -> Current:
    """Keeper of the current version."""
    found: Current = request.app.state.current
    return found


async def snapshot(keeper: Annotated[Current, Depends(current)]) -> Any:
    """The current version."""
    fresh = keeper.fresh
    return fresh if fresh is not None else await run_in_threadpool(keeper.get)


async def caller(request: Request) -> Caller:
    """Caller of the request, determined by :func:`api.routes.guard.admit`."""
    found: Caller = request.state.caller
    return found


async def engine(request: Request) -> Engine:
    """The store."""
    found: Engine = request.app.state.engine
    return found


async def now(request: Request) -> datetime:
    """Time of the request, aware."""
    clock: Callable[[], datetime] = request.app.state.clock
    return clock()


async def case_now(request: Request) -> datetime:
    """Time by which cases are worked on, aware: that of the server, but in the demonstration that of its month of cases."""
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
    # The class itself is loaded with the first version, or the start of the server would wait for geopandas.
    SnapshotOf = Annotated[Any, Depends(snapshot)]
