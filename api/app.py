"""The HTTP application."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles

from api import problems
from api.current import Current
from api.database import open_store
from api.database.migrate import require_schema
from api.routes import divisions, health, layers, locate, pages
from api.settings import Settings

#: Answers shorter than this are not compressed: the header would cost more than it saves.
GZIP_FROM_BYTES = 1024


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    settings
        By default read from the environment (``WANGGE_*``).

    Raises
    ------
    FileError
        If the store cannot be opened, or has another schema.
    InputError
        If a setting cannot be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    engine = open_store(settings.database)
    require_schema(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        engine.dispose()

    # The interactive documents of FastAPI load scripts from another host, so they are off; /openapi.json stays.
    app = FastAPI(title="wangge", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.settings = settings
    app.state.current = Current(engine)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    problems.install(app)
    for router in (health.router, divisions.router, layers.router, locate.router, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("maps") / "static"), check_dir=False), name="static")
    return app
