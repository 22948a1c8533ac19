"""The pages ``/``, ``/coverage``, ``/heat`` and others."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.access import PUBLIC, Right, allowed
from api.access.admission import ANYBODY, authorize
from api.access.rights import scopes
from api.database import session, street_of
from api.database.events import audit
from api.errors import NotStoredError
from api.overview.drawn_pages import Drawing
from api.routes.dependencies import Now, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from api.routes.navigation import NavigationOf
from api.schemas import DivisionSummary
from geo.errors import FileError, InputError

if TYPE_CHECKING:
    from api.overview.week_cases import View
    from maps.pages.navigation import Entry

router = APIRouter(include_in_schema=False, route_class=Guarded)


@router.get("/")
@needs(ANYBODY)
def first_page(
    request: Request, snapshot: SnapshotOf, navigation: NavigationOf, now: Now, day: date | None = None
) -> HTMLResponse:
    """First page: figures of the day, the grids that need attention, and a search for the grid of a point."""
    from api.overview.day_figures import day_figures
    from maps.pages.first_page import render_first_page

    view = view_of(request)
    figures = None
    if view is not None:
        with session(request.app.state.engine) as opened:
            figures = day_figures(opened, view, communities=snapshot.community_names, now=now, day=day)
    summary = DivisionSummary.of(snapshot).model_dump(mode="json")
    return HTMLResponse(
        render_first_page(summary, navigation=navigation, day=figures, outlines=snapshot.outlines if figures else None)
    )


@router.get("/today.{ending}")
@needs(ANYBODY)
def verdict_file(
    request: Request,
    snapshot: SnapshotOf,
    now: Now,
    ending: Literal["xlsx", "csv"],
    day: date | None = None,
    lang: Literal["zh", "en"] = "zh",
) -> Response:
    """The verdicts of the first page as a workbook or CSV file, one row for each grid visible to the caller."""
    from api.overview.day_table import day_table, table_file

    view = view_of(request)
    if view is None:
        authorize(request.state.caller, Right.SEE_VERDICTS)
        raise NotStoredError("no verdict is stored")
    with session(request.app.state.engine) as opened:
        found = day_table(opened, view, communities=snapshot.community_names, now=now, day=day, language=lang)
    if found is None:
        raise NotStoredError(f"no verdict is stored of {day or 'any day'}")
    media_type = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}[
        ending
    ]
    headers = {
        "Content-Disposition": f'attachment; filename="patrols-{found[0]}.{ending}"',
        "Cache-Control": "no-store",
    }
    return Response(table_file(found[1], ending, str(found[0])), media_type=media_type, headers=headers)


def view_of(request: Request) -> View | None:
    """Visibility rights of the caller for the first page; None if nothing is visible. Leaders are not named to the public."""
    from api.overview.week_cases import View

    caller, settings = request.state.caller, request.app.state.settings
    if caller is PUBLIC or not allowed(caller, Right.SEE_VERDICTS):
        if not settings.public_pages:
            return None
        with session(request.app.state.engine) as opened:
            return View(street_of(opened, settings.street or None), settings.zone)
    scope = scopes(caller, Right.SEE_VERDICTS)
    may_see = None if scope is None else lambda code: allowed(caller, Right.SEE_VERDICTS, [code])
    incidents = allowed(caller, Right.SEE_INCIDENTS)
    named = allowed(caller, Right.SEE_CASES)
    return View(
        caller.street,
        settings.zone,
        may_see=may_see,
        persons=True,
        incidents=incidents,
        # Callers limited to some grids and without access to cases get no figures of the whole street.
        cases=named or scope is None,
        named_cases=named,
        case_scopes=scopes(caller, Right.SEE_CASES) if named else None,
    )


@router.get("/coverage")
@needs(ANYBODY)
def coverage(
    request: Request, settings: SettingsOf, snapshot: SnapshotOf, navigation: NavigationOf, day: date | None = None
) -> Response:
    """The coverage map of the stored verdicts; without any, the latest map file."""
    from api.overview.service_maps import coverage_of

    refused = turned_away(request, opened=settings.public_pages, right=Right.SEE_VERDICTS)
    if refused is not None:
        return refused
    view = view_of(request)
    found = coverage_of(request.app.state.engine, snapshot, settings, view, day) if view is not None else None
    if found is None:
        path = settings.pages / "coverage.html"
        return page(request, path, navigation=navigation, opened=settings.public_pages, right=Right.SEE_VERDICTS)
    return served(request, navigation, found, live=allowed(request.state.caller, Right.SEE_VERDICTS))


@router.get("/checker")
@needs(ANYBODY)
def checker(
    request: Request,
    settings: SettingsOf,
    navigation: NavigationOf,
    now: Now,
    day: Annotated[date | None, Query(ge=date(1990, 1, 1), lt=date(2100, 1, 1))] = None,
) -> Response:
    """Verdicts of a day with their reasons, and its tracks as a replay; for a day without stored fixes the page file."""
    refused = turned_away(request, opened=False, right=Right.SEE_TRACKS)
    if refused is not None:
        return refused
    from api.overview.checking import Checker, checking_of
    from api.routes.verdicts import JUDGING

    caller, engine = request.state.caller, request.app.state.engine
    limited = scopes(caller, Right.SEE_TRACKS) is not None
    who = Checker(caller.street, (lambda code: allowed(caller, Right.SEE_TRACKS, [code])) if limited else None)
    with JUDGING:
        found = checking_of(engine, settings, who, day, now)
    if found is None:
        if day is not None or limited:
            raise NotStoredError(f"no fixes are stored of {day or 'the latest day'}")
        # The file covers the whole street and the day for which it was written.
        path = settings.pages / "checker.html"
        return page(request, path, navigation=navigation, opened=False, right=Right.SEE_TRACKS)
    with session(engine, write=True) as opened:
        shown = found[0][2]
        audit(opened, caller.street, caller.actor, "look at tracks", "checker", at=now, day=str(shown))
    key, draw = found

    def drawn() -> str:
        with JUDGING:
            return draw()

    return served(request, navigation, Drawing(key, drawn))


@router.get("/heat")
@needs(ANYBODY)
def heat(request: Request, settings: SettingsOf, navigation: NavigationOf) -> Response:
    """The latest heat map file."""
    path = settings.pages / "heat.html"
    return page(request, path, navigation=navigation, opened=settings.public_pages, right=Right.SEE_INCIDENTS)


@router.get("/fairness")
@needs(ANYBODY)
def fairness(
    request: Request, settings: SettingsOf, snapshot: SnapshotOf, navigation: NavigationOf, old: int | None = None
) -> Response:
    """Balance of the current division; ``old`` is the number of a version drawn next to it."""
    from api.overview.service_maps import fairness_of

    refused = turned_away(request, opened=settings.public_pages, right=Right.SEE_DIVISION)
    if refused is not None:
        return refused
    drawing = Drawing(
        ("fairness", snapshot.version.id, old),
        lambda: fairness_of(request.app.state.engine, snapshot, settings, old),
    )
    return served(request, navigation, drawing)


@router.get("/plan")
@needs(ANYBODY)
def plan(request: Request, settings: SettingsOf, navigation: NavigationOf) -> Response:
    """The planner's editor; the address contains the draft."""
    from maps.pages.plan import render_plan

    refused = turned_away(request, opened=False, right=Right.PLAN)
    if refused is not None:
        return refused
    headers = {"Cache-Control": "no-cache"}
    if settings.base_map:
        from api.middleware import policy_with_pictures
        from api.plans.base_map import tile_host

        # The only page that may load something from another host: tiles from the one set by the administrator.
        headers["Content-Security-Policy"] = policy_with_pictures(tile_host(settings.base_map))
    return HTMLResponse(render_plan(navigation=navigation, base_map=bool(settings.base_map)), headers=headers)


@router.get("/qr")
@needs(ANYBODY)
def qr_code(request: Request, to: Annotated[str, Query(max_length=500)]) -> Response:
    """A QR code of the address of a page of this service; ``to`` is its path with query and fragment."""
    import segno

    if not to.startswith("/") or to.startswith("//"):
        raise InputError(f"to={to[:50]}: write the path of a page of this service, such as /coverage")
    drawn = io.BytesIO()
    segno.make(str(request.base_url).rstrip("/") + to, micro=False, error="m").save(
        drawn, kind="svg", scale=4, border=2
    )
    return Response(drawn.getvalue(), media_type="image/svg+xml")


def served(request: Request, navigation: list[Entry], drawing: Drawing, *, live: bool = False) -> HTMLResponse:
    """A cached map, with the navigation of the caller; `live` maps listen to the events since they were drawn."""
    from maps.pages.served_map import with_navigation

    drawn = request.app.state.drawn.get(drawing)
    followed = drawn.event if live else None
    return HTMLResponse(
        with_navigation(drawn.page, navigation, events_after=followed), headers={"Cache-Control": "no-cache"}
    )


def turned_away(request: Request, *, opened: bool, right: Right) -> Response | None:
    """Redirect a browser without a login to the form, refuse others; None if the caller may see the page."""
    caller = request.state.caller
    if opened:
        return None
    if caller is PUBLIC and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/login", status_code=303)
    authorize(caller, right)
    return None


def page(request: Request, path: Path, *, navigation: list[Entry], opened: bool, right: Right) -> Response:
    """A map file, with the navigation of the caller; browsers without a login are redirected to the form."""
    refused = turned_away(request, opened=opened, right=right)
    if refused is not None:
        return refused
    if not path.is_file():
        raise FileError(f"{path.name} is not there yet: make it with 'wangge map' or 'wangge demo'")
    key = ("file", str(path), path.stat().st_mtime_ns)
    return served(request, navigation, Drawing(key, lambda: path.read_text(encoding="utf-8")))
