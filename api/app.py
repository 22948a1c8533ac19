"""The HTTP application."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import State
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi, problems
from api.background_jobs import routes as jobs
from api.direct.dispatch import Direct
from api.direct.front import DIRECT, close, open_state, start, utc_now
from api.ingest import reception
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
    state = open_state(settings, clock=clock, case_clock=case_clock)
    app = build(state)
    app.put_before(lambda inner: Edge(Direct(inner, answers=DIRECT), settings=state.settings))
    return app


@cache
def _described_routes() -> list[BaseRoute]:
    """Routes that FastAPI checks and describes; they have no state, and making them takes a third of a second."""
    joined = APIRouter()
    shown = (health, divisions, layers, locate, login, accounts, fixes, verdicts, incidents, duty, jobs, single_sign_on)
    for module in (*shown, pages, openapi, *plans.MODULES, *duty_papers.MODULES, *duty_people.MODULES):
        joined.include_router(module.router)
    return joined.routes


def build(state: State) -> Application:
    """Make the application with all routes, without the middleware in front of it; starting and closing are its lifespan."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        start(state)
        yield
        close(state)

    # FastAPI's interactive documentation loads scripts from another host, so it is disabled; /openapi.json is served.
    app = Application(title="wangge", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state = state
    state.drawn = DrawnPages()
    state.keeper, state.keeper_lock = None, threading.Lock()
    state.ogc = OgcService(state.engine, state.settings, state.clock, lambda: open_keeper(state), state.reading)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    problems.install(app)
    app.router.routes.extend([*reception.ROUTES, *ogc.ROUTES, *_described_routes()])
    app.mount("/static", StaticFiles(directory=str(files("maps") / "static"), check_dir=False), name="static")
    return app
