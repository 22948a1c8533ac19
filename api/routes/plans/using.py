"""Dependencies of the editor's routes: the cache of open drafts, and requests of callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Path as InPath
from fastapi import Request, Response

from api.access import Caller

if TYPE_CHECKING:
    from api.plans.editing import Request as Sender
    from api.plans.keeper import Keeper
    from api.plans.open_draft import OpenDraft

DraftNumber = Annotated[int, InPath(ge=1, le=2**31 - 1, examples=[1])]


def open_keeper(state: Any) -> Keeper:
    """Cache of the open drafts of an application; created at the first request, because it imports geopandas."""
    with state.keeper_lock:
        if state.keeper is None:
            from api.plans.keeper import Keeper

            state.keeper = Keeper(state.engine, state.settings.layers)
        found: Keeper = state.keeper
        return found


def keeper_of(request: Request) -> Keeper:
    """Cache of open drafts of the application of a request; see :func:`open_keeper`."""
    return open_keeper(request.app.state)


@contextmanager
def using(request: Request, number: int) -> Iterator[OpenDraft]:
    """A draft of the caller's street at its newest revision."""
    with keeper_of(request).use(request.state.caller.street, number) as opened:
        yield opened


def sender(caller: Caller, at: datetime, sent: Any) -> Sender:
    """Sender and time of a request."""
    from api.plans.editing import Request as Sender

    return Sender(sent.id, getattr(sent, "client", ""), caller, at)


def plain(values: Any, status: int = 200) -> Response:
    """JSON answer without validation, which takes longer than the edit itself."""
    return Response(msgspec.json.encode(values), status_code=status, media_type="application/json")
