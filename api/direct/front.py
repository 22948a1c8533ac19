"""The application that the server runs: it answers frequent requests at once, all others when FastAPI is imported.

Importing FastAPI and the routes takes longer than everything else of a start. Meanwhile fixes are stored, and points are located
as soon as the index is there; a request for another route waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.datastructures import State
from starlette.requests import Request
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.callers import Tokens
from api.current import Current
from api.database import open_store
from api.database.connections import folder_of_store
from api.database.migrate import require_schema
from api.deployment.compiled import user_cache
from api.direct import located, readiness
from api.direct.dispatch import Direct
from api.errors import NotStoredError
from api.ingest import reception
from api.ingest.writer import Writer
from api.middleware import Edge
from api.problems import unexpected_problem
from api.settings import Settings

log = logging.getLogger(__name__)

DIRECT = reception.DIRECT | located.DIRECT | readiness.DIRECT


def utc_now() -> datetime:
    """Current time of the server's clock, in UTC."""
    return datetime.now(UTC)


def open_state(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    case_clock: Callable[[], datetime] | None = None,
) -> State:
    """Open the database and make what all requests share; see :func:`api.app.create_app`."""
    settings = settings or Settings.from_environment(os.environ)
    engine = open_store(settings.database)
    try:
        require_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    state = State()
    state.settings, state.engine = settings, engine
    state.reading = open_store(settings.read_database) if settings.read_database else engine
    state.clock, state.case_clock = clock, case_clock or clock
    state.folder = folder_of_store(engine, settings.pages)
    state.loaded = threading.Event()
    state.current = Current(
        state.reading,
        street_code=settings.street or None,
        folder=state.folder,
        cache=user_cache(),
        after=state.loaded,
    )
    state.tokens = Tokens(engine, clock)
    state.feeds, state.draft_feeds = {}, {}
    return state


def start(state: State, complete: Callable[[], None] = lambda: None) -> None:
    """Start the writer, which accepts fixes at once; load the division beside it, then do what completes the start."""
    state.writer = Writer(state.engine)
    threading.Thread(target=_load, args=(state, complete), name="load division", daemon=True).start()


def close(state: State) -> None:
    """Store the fixes that wait, and close the database."""
    state.writer.close()
    for opened in {state.engine, state.reading}:
        opened.dispose()


def _load(state: State, complete: Callable[[], None]) -> None:
    """Load the current version before the first request, if there is one."""
    try:
        # The first answer of `/ready` needs a place of the division.
        _ = state.current.get().probe
    except NotStoredError:
        pass
    finally:
        complete()
        state.loaded.set()
        # Disabled while the server starts: collections over all library classes take a quarter of that time.
        gc.enable()


class Front:
    """ASGI application; see the module.

    Parameters
    ----------
    build
        Makes the complete application from the state; called in another thread when the division is loaded.
    end
        Called if the complete application cannot be made; the server then stops, and the reason is :attr:`failure`.
    """

    def __init__(self, state: State, build: Callable[[State], ASGIApp], *, end: Callable[[], None]) -> None:
        self.state = state
        self.failure: Exception | None = None
        self._build, self._end = build, end
        self._complete: ASGIApp | None = None
        self._built = asyncio.Event()
        self._edge = Edge(Direct(self._pass_on, answers=DIRECT), settings=state.settings)
        self._router = Router(lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        scope["app"] = self
        await (self._router if scope["type"] == "lifespan" else self._edge)(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Front) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        start(self.state, lambda: self._make(loop))
        yield
        close(self.state)

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._complete = self._build(self.state)
        except Exception as error:
            log.exception("the application could not be made")
            self.failure = error
            self._end()
        # The loop may be closed: a server that stops does not wait for this thread.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._built.set)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._complete is None:
            await self._built.wait()
        if self._complete is None:
            failure = self.failure or RuntimeError("the application was not made")
            await unexpected_problem(Request(scope), failure)(scope, receive, send)
            return
        await self._complete(scope, receive, send)
