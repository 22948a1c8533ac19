"""The pages that people open: ``/``, ``/coverage`` and ``/heat``."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from api.routes.dependencies import SettingsOf, SnapshotOf
from api.schemas import DivisionSummary
from geo.errors import FileError
from maps.pages import render_index

router = APIRouter(include_in_schema=False)


@router.get("/")
def index(snapshot: SnapshotOf) -> HTMLResponse:
    """First page: the figures of the division, the maps, and a box that finds the grid of a point."""
    return HTMLResponse(render_index(DivisionSummary.of(snapshot).model_dump(mode="json")))


@router.get("/coverage")
def coverage(settings: SettingsOf) -> FileResponse:
    """The coverage map that was made last."""
    return _page(settings.pages / "coverage.html")


@router.get("/heat")
def heat(settings: SettingsOf) -> FileResponse:
    """The heatmap that was made last."""
    return _page(settings.pages / "heat.html")


def _page(path: Path) -> FileResponse:
    if not path.is_file():
        raise FileError(f"{path.name} is not there yet: make it with 'wangge map' or 'wangge demo'")
    return FileResponse(path, media_type="text/html", headers={"Cache-Control": "no-cache"})
