"""What routes ask for, named for what it yields."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.current import Current, Snapshot
from api.settings import Settings


# Coroutines, not functions: FastAPI runs functions in another thread, which takes longer than finding a cell.
async def settings(request: Request) -> Settings:
    """Settings of the application."""
    found: Settings = request.app.state.settings
    return found


async def current(request: Request) -> Current:
    """Keeper of the current version."""
    found: Current = request.app.state.current
    return found


async def snapshot(keeper: Annotated[Current, Depends(current)]) -> Snapshot:
    """The division that holds now."""
    fresh = keeper.fresh
    return fresh if fresh is not None else await run_in_threadpool(keeper.get)


SettingsOf = Annotated[Settings, Depends(settings)]
CurrentOf = Annotated[Current, Depends(current)]
SnapshotOf = Annotated[Snapshot, Depends(snapshot)]
