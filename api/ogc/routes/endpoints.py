"""Wrapper of the routes: the caller is authenticated, then a plain function answers in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.access import Caller, Right
from api.access.admission import ANYBODY, admit, authorize
from api.ogc.catalogue import Collection
from api.ogc.service import OgcService, collection_named

PREFIX = "/ogc"
Work = Callable[[Request, OgcService, Caller], Response]


def route(path: str, work: Work, *, method: str = "GET", right: Right | str = ANYBODY) -> Route:
    """A route whose handler runs in a thread."""

    async def answer(request: Request) -> Response:
        caller = await admit(request, right)
        return await run_in_threadpool(work, request, request.app.state.ogc, caller)

    answer.right = right  # type: ignore[attr-defined]
    return Route(PREFIX + path, answer, methods=[method])


def readable(request: Request, caller: Caller) -> Collection:
    """The collection of an address, if the caller may read it.

    Raises
    ------
    NotStoredError
        If there is none.
    UnknownCallerError, DeniedError
        If the caller may not read it.
    """
    collection = collection_named(request.path_params["collection"])
    if collection.right is not None:
        authorize(caller, collection.right)
    return collection


def page(request: Request, template: str, title: tuple[str, str], **values: Any) -> HTMLResponse:
    """An HTML page."""
    from api.routes.navigation import entries_for
    from maps.pages.frame import render_page

    text = render_page(template, title=title, navigation=entries_for(request), here=PREFIX, **values)
    return HTMLResponse(text, headers={"Vary": "Accept"})
