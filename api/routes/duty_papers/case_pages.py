"""The pages for working with cases: ``/me``, ``/desk`` and ``/board``."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.access import Caller, Right, allowed
from api.access.admission import ANYBODY
from api.database import session
from api.duty.departments import known_units
from api.routes.dependencies import CallerOf, CaseNow, SettingsOf, SnapshotOf
from api.routes.duty_papers.places import places_of
from api.routes.guard import Guarded, needs
from api.routes.navigation import NavigationOf
from api.routes.pages import turned_away
from api.settings import Settings
from maps.pages.case_pages import render_board, render_desk, render_my_grid

router = APIRouter(include_in_schema=False, route_class=Guarded)


@router.get("/me")
@needs(ANYBODY)
def my_grid(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    settings: SettingsOf,
    now: CaseNow,
) -> Response:
    """Cases of the caller's grids with their deadlines, the verdict of the day, and a form for reports."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_CASES)) is not None:
        return refused
    places = [place for place in places_of(caller, snapshot, (2,)) if place[0]]
    return _answer(render_my_grid(_shown(request, caller, settings, now, places), navigation=navigation))


@router.get("/desk")
@needs(ANYBODY)
def case_desk(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    settings: SettingsOf,
    now: CaseNow,
) -> Response:
    """Intake, duplicates, filing and dispatch; ``?case=`` opens a case."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_CASES)) is not None:
        return refused
    places = [place for place in places_of(caller, snapshot, (2,)) if place[0]]
    return _answer(render_desk(_shown(request, caller, settings, now, places), navigation=navigation))


@router.get("/board")
@needs(ANYBODY)
def case_board(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    settings: SettingsOf,
    now: CaseNow,
) -> Response:
    """Open cases of a community by stage."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_CASES)) is not None:
        return refused
    places = places_of(caller, snapshot, (1,)) or places_of(caller, snapshot, (2,))
    return _answer(render_board(_shown(request, caller, settings, now, places), navigation=navigation))


def _shown(
    request: Request, caller: Caller, settings: Settings, now: Any, places: list[tuple[str, str]]
) -> dict[str, Any]:
    with session(request.app.state.engine) as opened:
        units = known_units(opened, caller.street)
    return {
        "units": units,
        "now": now,
        "day": now.astimezone(ZoneInfo(settings.zone)).date(),
        "zone": settings.zone,
        "places": places,
        "may": {
            "report": allowed(caller, Right.SEND_REPORTS),
            "verdicts": allowed(caller, Right.SEE_VERDICTS),
            "reporters": allowed(caller, Right.SEE_REPORTERS),
        },
    }


def _answer(text: str) -> Response:
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})
