"""The HTTP application."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi, problems
from api.access.callers import Tokens
from api.background_jobs import routes as jobs
from api.current import Current
from api.database import open_store
from api.database.connections import folder_of_store
from api.database.migrate import require_schema
from api.direct import Direct
from api.errors import NotStoredError
from api.ingest.writer import Writer
from api.middleware import Edge
from api.ogc import routes as ogc
from api.ogc.service import OgcService
from api.overview.drawn_pages import DrawnPages
from api.routes import (
    accounts,
    divisions,
    duty,
    duty_papers,
    duty_people,
    fixes,
    health,
    incidents,
    layers,
    locate,
    login,
    pages,
    plans,
    single_sign_on,
    verdicts,
)
from api.routes.plans.using import open_keeper
from api.settings import Settings

#: Shorter answers are not compressed, because the header would be larger than the saving.
GZIP_FROM_BYTES = 1024


def utc_now() -> datetime:
    """Current time of the server's clock, in UTC."""
    return datetime.now(UTC)


class Application(FastAPI):
    """FastAPI inside our middleware, which therefore also handles and measures FastAPI's own answers."""

    _outer: ASGIApp | None = None

    def put_before(self, make: Callable[[ASGIApp], ASGIApp]) -> None:
        """Add middleware in front of everything else."""
        self._outer = make(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        scope["app"] = self
        await (self._outer or super().__call__)(scope, receive, send)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    case_clock: Callable[[], datetime] | None = None,
) -> FastAPI:
    """Create the application.

    Parameters
    ----------
    settings
        By default read from the environment (``WANGGE_*``).
    clock
        Returns the time of a request, timezone-aware; tests supply their own.
    case_clock
        Returns the time at which steps of cases are taken; by default `clock`. The demonstration continues at the end of its
        simulated month.

    Raises
    ------
    FileError
        If the database cannot be opened, or has another schema.
    InputError
        If a setting is invalid.
    """
    settings = settings or Settings.from_environment(os.environ)
    engine = open_store(settings.database)
    try:
        require_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    reading = open_store(settings.read_database) if settings.read_database else engine

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The writer accepts fixes at once, while the version of the division is still loading.
        app.state.writer = Writer(engine)
        threading.Thread(target=_load, args=(app.state,), name="load division", daemon=True).start()
        yield
        app.state.writer.close()
        for opened in {engine, reading}:
            opened.dispose()

    # FastAPI's interactive documentation loads scripts from another host, so it is disabled; /openapi.json is served.
    app = Application(title="wangge", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.settings = settings
    app.state.engine = engine
    app.state.clock, app.state.case_clock = clock, case_clock or clock
    app.state.folder = folder_of_store(engine, settings.pages)
    app.state.current = Current(reading, street_code=settings.street or None, folder=app.state.folder)
    app.state.loaded = threading.Event()
    app.state.drawn = DrawnPages()
    app.state.tokens = Tokens(engine, clock)
    app.state.keeper, app.state.keeper_lock = None, threading.Lock()
    app.state.ogc = OgcService(engine, settings, clock, lambda: open_keeper(app.state), reading)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    app.put_before(lambda inner: Edge(Direct(inner, answers=fixes.DIRECT | locate.DIRECT), settings=settings))
    problems.install(app)
    app.router.routes.extend([*fixes.ROUTES, *ogc.ROUTES])
    shown = (health, divisions, layers, locate, login, accounts, fixes, verdicts, incidents, duty, jobs, single_sign_on)
    for module in (*shown, pages, openapi, *plans.MODULES, *duty_papers.MODULES, *duty_people.MODULES):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=str(files("maps") / "static"), check_dir=False), name="static")
    return app


def _load(state: State) -> None:
    """Load the current version before the first request, if there is one."""
    try:
        # The first answer of `/ready` needs a place of the division.
        _ = state.current.get().probe
    except NotStoredError:
        return
    finally:
        state.loaded.set()
        # Disabled during the start: passes over the classes of all libraries take a quarter of that time.
        gc.enable()
