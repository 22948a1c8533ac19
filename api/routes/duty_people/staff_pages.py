"""The pages of duty staff: ``/roster``, ``/notices`` and ``/rectification``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import Right, allowed
from api.access.admission import ANYBODY
from api.database import session
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SettingsOf, SnapshotOf
from api.routes.duty_papers.places import places_of
from api.routes.guard import Guarded, needs
from api.routes.navigation import NavigationOf
from api.routes.pages import turned_away

router = APIRouter(include_in_schema=False, route_class=Guarded)

Day = Annotated[date | None, Query(ge=date(1990, 1, 1), lt=date(2100, 1, 1))]
Scope = Annotated[str | None, Query(max_length=20)]


@router.get("/roster")
@needs(ANYBODY)
def roster_page(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    engine: EngineOf,
    now: CaseNow,
    day: Day = None,
    scope: Scope = None,
) -> Response:
    """Cells without a responsible person, assignments, absences with hand-over, and the shifts of a week."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_ROSTER)) is not None:
        return refused
    from api.duty.roster_lists import roster_shown
    from maps.pages.staff_pages import render_roster

    settings = request.app.state.settings
    today = now.astimezone(ZoneInfo(settings.zone)).date()
    # Callers limited to single grids see all of them together.
    places = places_of(caller, snapshot, (1,), Right.SEE_ROSTER) or [("", "本网格 own grids")]
    chosen = scope if scope in [code for code, _ in places] else places[0][0]
    with session(engine) as opened:
        shown = roster_shown(opened, caller, snapshot, settings, day or today, chosen)
    shown |= {
        "day": (day or today).isoformat(),
        "scope": chosen,
        "scopes": places,
        "may_manage": allowed(caller, Right.MANAGE_ROSTER),
        "stations": [place for place in places if place[0]],
        "street_wide": allowed(caller, Right.MANAGE_ROSTER, [""]),
    }
    return _answer(render_roster(shown, navigation=navigation))


@router.get("/notices")
@needs(ANYBODY)
def notices_page(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
) -> Response:
    """Notices with the persons reached and not reached; forms to send one and to record receipts."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_ROSTER)) is not None:
        return refused
    from api.duty.desk import actor_name
    from api.duty.notice_lists import notices_of
    from maps.pages.staff_pages import render_notices

    with session(engine) as opened:
        found = notices_of(opened, caller, snapshot, settings.zone)
        me = actor_name(opened, caller) if caller.person is not None else ""
    places = places_of(caller, snapshot, (1, 2), Right.SEE_ROSTER)
    names = {code: name.removesuffix(f" {code}") for code, name in places if code}
    shown = {
        "notices": [one.model_dump() for one in found],
        "names": names,
        "zone": settings.zone,
        "me": me,
        "may_send": allowed(caller, Right.SEND_NOTICES),
        "places": places_of(caller, snapshot, (1,), Right.SEND_NOTICES),
    }
    return _answer(render_notices(shown, navigation=navigation))


@router.get("/rectification")
@needs(ANYBODY)
def rectification_page(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    now: CaseNow,
    note: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Rectification items by state, each with its steps; ``?note=`` shows one supervision note, also for printing."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_LEDGERS)) is not None:
        return refused
    from api.duty.rectification_lists import items_of, may_supervise
    from api.duty.shift_plans import names_of
    from maps.pages.staff_pages import render_rectification

    with session(engine) as opened:
        found: list[dict[str, Any]] = [one.model_dump() for one in items_of(opened, caller, now, settings.zone)]
        people = names_of(opened, caller.street)
    shown = {
        "items": [one for one in found if not note or one["note"] == note],
        "note": note,
        "people": people,
        "zone": settings.zone,
        "today": now.astimezone(ZoneInfo(settings.zone)).date().isoformat(),
        "places": places_of(caller, snapshot, (1, 2), Right.WRITE_LEDGERS),
        "may_find": allowed(caller, Right.WRITE_LEDGERS),
        "may_supervise": may_supervise(caller),
    }
    return _answer(render_rectification(shown, navigation=navigation))


def _answer(text: str) -> Response:
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})
