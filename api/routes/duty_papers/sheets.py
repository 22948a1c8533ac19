"""The pages of the duty room: ``/ledgers``, ``/brief`` and ``/meeting``."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import Right, allowed
from api.access.admission import ANYBODY
from api.routes.dependencies import CallerOf, SnapshotOf
from api.routes.duty_papers.places import Service, places_of, require_place, source_of
from api.routes.guard import Guarded, needs
from api.routes.navigation import NavigationOf
from api.routes.pages import turned_away

if TYPE_CHECKING:
    from api.commands.duty_papers import Source
    from geo.duty import Facts

router = APIRouter(include_in_schema=False, route_class=Guarded)

Day = Annotated[date | None, Query(ge=date(1990, 1, 1), lt=date(2100, 1, 1))]
Scope = Annotated[str | None, Query(max_length=20)]
#: Number of meeting days offered by the page of the meeting.
MEETINGS = 9


@router.get("/ledgers")
@needs(ANYBODY)
def ledgers(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    kind: Annotated[str, Query(max_length=1)] = "A",
    day: Day = None,
    scope: Scope = None,
    service: Service = "",
) -> Response:
    """A ledger as a page, with editable fields."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_LEDGERS)) is not None:
        return refused
    from api.commands.duty_papers import BY_SERVICE, newest_day, present_day, service_in
    from geo.duty.ledgers.columns import FORMS, LedgerKind
    from maps.pages.duty_pages import render_ledgers

    form = FORMS[LedgerKind.parse(kind)]
    # A ledger that is not about cases is shown whole.
    service = service_in(service) if LedgerKind.parse(kind).value in BY_SERVICE else ""
    places = places_of(caller, snapshot, (2,) if form.level == 2 else (1,))
    places = [place for place in places if place[0] or form.level < 2] or places_of(caller, snapshot, (1, 2))
    known = [code for code, _ in places]
    chosen = scope if scope in known else (known[0] if known else "")
    require_place(caller, chosen)
    with source_of(request, snapshot) as source:
        wanted = day or newest_day(source) or present_day(source)
        shown, table = _shown(source, kind, wanted, chosen, service)
    page = shown(places, allowed(caller, Right.WRITE_LEDGERS, [chosen]))
    return HTMLResponse(render_ledgers(table, page, navigation=navigation), headers={"Cache-Control": "no-store"})


def _shown(source: Source, kind: str, day: date, scope: str, service: str) -> tuple[Any, Any]:
    """Content of the page as a function of the choices and of the reader's rights, and the rows."""
    from api.commands.duty_papers import BY_SERVICE, made_ledger, signature_of
    from maps.pages.duty_pages import LedgerPage

    table, facts = made_ledger(source, kind, day, scope, service)
    # Signed and typed is the whole ledger only.
    signed, corrections = ("", ()) if service else signature_of(source, table)
    answers = facts.answers(scope, date.fromisoformat(table.attrs["start"])) if scope else None

    def page(places: list[tuple[str, str]], may_write: bool) -> LedgerPage:
        return LedgerPage(
            day=day,
            scope=scope,
            scopes=places,
            place=facts.cell_names.get(scope, ""),
            person=answers.text if answers is not None else "",
            service=service,
            by_service=kind.upper() in BY_SERVICE,
            may_write=may_write and not signed and not service,
            may_sign=may_write and not service,
            signed=signed,
            corrections=corrections,
        )

    return page, table


@router.get("/brief")
@needs(ANYBODY)
def brief(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    span: Annotated[str, Query(pattern="^(week|month)$")] = "week",
    day: Day = None,
    service: Service = "",
) -> Response:
    """The brief as a page, with suggestions and replies."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_LEDGERS)) is not None:
        return refused
    from api.commands.duty_papers import brief_key, made_brief, period_of, present_day, service_in
    from api.database.duty.view_records import BRIEF, typed_texts
    from maps.pages.duty_pages import render_brief

    require_place(caller, "")
    service = service_in(service)
    with source_of(request, snapshot) as source:
        wanted = day or present_day(source) - timedelta(days=7)
        start, end = period_of(span, wanted)
        key = brief_key(start, end)
        made, facts = made_brief(source, start, end, service=service)
        texts = typed_texts(source.session, source.street, BRIEF, begins=key)
    may_write = allowed(caller, Right.WRITE_LEDGERS, [""]) and not service
    replies = [
        {
            "name": facts.cell_names[code],
            "key": f"{key}/{code}",
            "text": texts.get((BRIEF, f"{key}/{code}", "reply"), ""),
        }
        for code in (facts.cells_of(1) if may_write else ())
    ]
    shown = {
        "span": span,
        "day": wanted.isoformat(),
        "service": service,
        "key": key,
        "suggestions": texts.get((BRIEF, key, "suggestions"), ""),
        "may_suggest": may_write,
        "replies": replies,
    }
    return HTMLResponse(render_brief(made, shown, navigation=navigation), headers={"Cache-Control": "no-store"})


@router.get("/meeting")
@needs(ANYBODY)
def meeting(
    request: Request,
    snapshot: SnapshotOf,
    navigation: NavigationOf,
    caller: CallerOf,
    day: Day = None,
    scope: Scope = None,
) -> Response:
    """The agenda of a meeting, and decisions not yet carried out."""
    if (refused := turned_away(request, opened=False, right=Right.SEE_LEDGERS)) is not None:
        return refused
    from api.commands.duty_papers import made_agenda, named_decisions, present_day
    from geo.duty.ledgers.wording import day_text
    from geo.duty.meetings.agendas import last_meeting, next_meeting
    from maps.pages.duty_pages import render_meeting

    places = places_of(caller, snapshot, (1,))
    known = [code for code, _ in places]
    chosen = scope if scope in known else (known[0] if known else "")
    require_place(caller, chosen)
    with source_of(request, snapshot) as source:
        today = present_day(source)
        wanted = last_meeting(day or today)
        made, facts = made_agenda(source, wanted, chosen)
        held = _held(source, facts, wanted)
    days = [next_meeting(max(today, wanted))]
    while len(days) < MEETINGS:
        days.append(last_meeting(days[-1] - timedelta(days=1)))
    shown = {
        "scope": chosen,
        "scopes": places,
        "days": [(one.isoformat(), day_text(one)) for one in sorted({*days, wanted}, reverse=True)],
        "may_decide": allowed(caller, Right.WRITE_LEDGERS, [chosen]),
        "held": held,
    }
    page = render_meeting(made, named_decisions(facts), shown, navigation=navigation)
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _held(source: Source, facts: Facts, day: date) -> dict[str, Any] | None:
    """The record of the meeting of a day, with the names of persons; None if there is none."""
    from api.database.duty.view_records import meetings

    record = next((one for one in meetings(source.session, source.street, day, day)), None)
    if record is None:
        return None
    return {
        "place": record.place,
        "chair": facts.name_of(record.chair),
        "present": [facts.name_of(name) for name in record.present],
        "absent": [facts.name_of(name) for name in record.absent],
        "questions": [question for question, _ in record.items],
    }
