"""The pages that people open: ``/``, ``/coverage`` and ``/heat``."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from api.access import PUBLIC, Right
from api.routes.dependencies import SettingsOf, SnapshotOf
from api.routes.guard import ANYBODY, Guarded, authorize, needs
from api.routes.navigation import NavigationOf
from api.schemas import DivisionSummary
from geo.errors import FileError

router = APIRouter(include_in_schema=False, route_class=Guarded)


@router.get("/")
@needs(ANYBODY)
def first_page(snapshot: SnapshotOf, navigation: NavigationOf) -> HTMLResponse:
    """First page: the figures of the division, the maps, and a box that finds the grid of a point."""
    from maps.pages.first_page import render_first_page

    summary = DivisionSummary.of(snapshot).model_dump(mode="json")
    return HTMLResponse(render_first_page(summary, navigation=navigation))


@router.get("/coverage")
@needs(ANYBODY)
def coverage(request: Request, settings: SettingsOf) -> Response:
    """The coverage map that was made last."""
    return page(request, settings.pages / "coverage.html", opened=settings.public_pages, right=Right.SEE_VERDICTS)


@router.get("/heat")
@needs(ANYBODY)
def heat(request: Request, settings: SettingsOf) -> Response:
    """The heatmap that was made last."""
    return page(request, settings.pages / "heat.html", opened=settings.public_pages, right=Right.SEE_INCIDENTS)


def page(request: Request, path: Path, *, opened: bool, right: Right) -> Response:
    """A page that is a file, for everybody or for those with a right; a browser without a login is sent to the form."""
    caller = request.state.caller
    if not opened:
        if caller is PUBLIC and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", status_code=303)
        authorize(caller, right)
    if not path.is_file():
        raise FileError(f"{path.name} is not there yet: make it with 'wangge map' or 'wangge demo'")
    return FileResponse(path, media_type="text/html", headers={"Cache-Control": "no-cache"})
