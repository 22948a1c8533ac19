"""The checker's page: ``/checker``. It shows tracks, so each look is written into the audit."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access import Right, allowed
from api.access.rights import scopes
from api.database import session
from api.database.events import audit
from api.errors import NotStoredError
from api.routes.dependencies import CallerOf, EngineOf, Now, SettingsOf
from api.routes.guard import ANYBODY, Guarded, needs
from api.routes.navigation import NavigationOf
from api.routes.pages import page, served, turned_away
from api.routes.verdicts import JUDGING

router = APIRouter(include_in_schema=False, route_class=Guarded)


@router.get("/checker")
@needs(ANYBODY)
def checker(
    request: Request,
    engine: EngineOf,
    settings: SettingsOf,
    navigation: NavigationOf,
    caller: CallerOf,
    now: Now,
    day: Annotated[date | None, Query(ge=date(1990, 1, 1), lt=date(2100, 1, 1))] = None,
) -> Response:
    """Verdicts of a day with their reasons, and its tracks as a replay; of a day without stored fixes the page that is a file."""
    refused = turned_away(request, opened=False, right=Right.SEE_TRACKS)
    if refused is not None:
        return refused
    from api.overview.checking import Checker, checking_of

    limited = scopes(caller, Right.SEE_TRACKS) is not None
    who = Checker(caller.street, (lambda code: allowed(caller, Right.SEE_TRACKS, [code])) if limited else None)
    with JUDGING:
        found = checking_of(engine, settings, who, day, now)
    if found is None:
        if day is not None or limited:
            raise NotStoredError(f"no fixes are stored of {day or 'the latest day'}")
        # The file is about the whole street and the day for which it was made.
        path = settings.pages / "checker.html"
        return page(request, path, navigation=navigation, opened=False, right=Right.SEE_TRACKS)
    with session(engine, write=True) as opened:
        shown = found[0][2]
        audit(opened, caller.street, caller.actor, "look at tracks", "checker", at=now, day=str(shown))
    key, draw = found

    def drawn() -> str:
        with JUDGING:
            return draw()

    return served(request, navigation, key, drawn)
