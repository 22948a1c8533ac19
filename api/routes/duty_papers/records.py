"""Ledgers and briefs: files, typed texts, signatures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from api.access import Right
from api.database import session
from api.database.duty.view_records import sign_ledger, write_text
from api.database.events import audit
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SnapshotOf
from api.routes.duty_papers.bodies import LedgerSigned, TypedText
from api.routes.duty_papers.places import Service, place_of_text, require_begun, require_place, source_of
from api.routes.guard import Guarded, needs

router = APIRouter(prefix="/api/duty", route_class=Guarded, tags=["duty"])

Day = Annotated[
    date, Query(description="a day of the period", examples=["2026-03-02"], ge=date(1990, 1, 1), lt=date(2100, 1, 1))
]
Scope = Annotated[str, Query(max_length=20, description="code of a community or grid; empty: the whole street")]
Letter = Annotated[str, InPath(max_length=1, description="A to K")]
Span = Annotated[Literal["week", "month"], Query(description="what the brief covers")]
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@router.get("/ledgers/{kind}.xlsx", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def ledger_excel(
    request: Request,
    kind: Letter,
    day: Day,
    snapshot: SnapshotOf,
    caller: CallerOf,
    scope: Scope = "",
    service: Service = "",
) -> Response:
    """A ledger as a workbook."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from api.commands.duty_papers import write_ledger

    require_place(caller, scope)
    with TemporaryDirectory() as folder, source_of(request, snapshot) as source:
        target = Path(folder, "ledger.xlsx")
        write_ledger(source, kind, day, scope, target, service)
        return _file(target.read_bytes(), _EXCEL, f"ledger-{kind}-{day}.xlsx")


@router.get("/ledgers/{kind}.pdf", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def ledger_paper(
    request: Request,
    kind: Letter,
    day: Day,
    snapshot: SnapshotOf,
    caller: CallerOf,
    scope: Scope = "",
    service: Service = "",
) -> Response:
    """A ledger as PDF; a signed one in its signed version, followed by corrections."""
    from api.commands.duty_papers import printed_ledger

    require_place(caller, scope)
    with source_of(request, snapshot) as source:
        return _file(printed_ledger(source, kind, day, scope, service), "application/pdf", f"ledger-{kind}-{day}.pdf")


@router.get("/papers/{kind}.pdf", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def public_paper(
    request: Request,
    kind: Annotated[str, InPath(max_length=10, description="letters, cards, badges, boards or accounts")],
    day: Day,
    snapshot: SnapshotOf,
    caller: CallerOf,
    scope: Scope = "",
) -> Response:
    """Letters, service cards, work badges, public boards or sheets for the yearly account."""
    from api.commands.duty.public_papers import paper_of, printed_paper

    require_place(caller, scope)
    layers = request.app.state.settings.layers
    with source_of(request, snapshot) as source:
        content, _ = printed_paper(source, paper_of(kind), day, scope, layers=layers)
    return _file(content, "application/pdf", f"{paper_of(kind)}-{day}.pdf")


@router.get("/agenda.pdf", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def agenda_paper(request: Request, day: Day, snapshot: SnapshotOf, caller: CallerOf, scope: Scope = "") -> Response:
    """The agenda of a meeting as PDF, with space for decisions."""
    from api.commands.duty_papers import agenda_print, made_agenda

    require_place(caller, scope)
    with source_of(request, snapshot) as source:
        content = agenda_print(*made_agenda(source, day, scope), scope)
    return _file(content, "application/pdf", f"agenda-{day}.pdf")


@router.post("/ledgers/{kind}/signature", status_code=201)
@needs(Right.WRITE_LEDGERS)
def sign(
    request: Request, kind: Letter, day: Day, snapshot: SnapshotOf, caller: CallerOf, now: CaseNow, scope: Scope = ""
) -> LedgerSigned:
    """Sign a ledger: its current content and printed form are stored. Later facts appear as corrections."""
    from api.commands.duty_papers import ledger_print, made_ledger
    from geo.duty.ledgers.signing import ledger_text

    require_place(caller, scope, Right.WRITE_LEDGERS)
    with source_of(request, snapshot, write=True) as source:
        table, facts = made_ledger(source, kind, day, scope)
        printed = ledger_print(table, facts, scope)
        letter, start = str(table.attrs["kind"]), date.fromisoformat(table.attrs["start"])
        # The plan of a month is signed before the month begins.
        if letter != "D":
            require_begun(start, request, now)
        digest = sign_ledger(
            source.session,
            caller.street,
            (letter, scope, start),
            ledger_text(table),
            printed,
            at=now,
            actor=caller.actor,
        )
        audit(source.session, caller.street, caller.actor, "sign ledger", f"{letter} {scope} {start}", at=now)
    return LedgerSigned(sha256=digest)


@router.post("/typed", status_code=204)
@needs(Right.WRITE_LEDGERS)
def typed(body: TypedText, engine: EngineOf, caller: CallerOf, now: CaseNow) -> Response:
    """Store a remark, plan, statement, suggestion or reply. Earlier texts are kept in the database."""
    place = place_of_text(body.ledger, body.key, body.column)
    require_place(caller, place, Right.WRITE_LEDGERS)
    with session(engine, write=True) as opened:
        where = (body.ledger, body.key, body.column)
        write_text(opened, caller.street, where, body.text, at=now, actor=caller.actor)
    return Response(status_code=204)


@router.get("/brief.pdf", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def brief_paper(
    request: Request, span: Span, day: Day, snapshot: SnapshotOf, caller: CallerOf, service: Service = ""
) -> Response:
    """The brief as PDF."""
    from api.commands.duty_papers import brief_print, period_of

    require_place(caller, "")
    with source_of(request, snapshot) as source:
        content = brief_print(source, *period_of(span, day), service)
    return _file(content, "application/pdf", f"brief-{day}.pdf")


@router.get("/brief.docx", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def brief_word(
    request: Request, span: Span, day: Day, snapshot: SnapshotOf, caller: CallerOf, service: Service = ""
) -> Response:
    """The brief as a Word document."""
    from api.commands.duty_papers import made_brief, period_of
    from maps.prints.word import brief_docx

    require_place(caller, "")
    with source_of(request, snapshot) as source:
        content = brief_docx(made_brief(source, *period_of(span, day), service=service)[0])
    return _file(content, _WORD, f"brief-{day}.docx")


@router.get("/review.xlsx", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def review_sheet(
    request: Request,
    span: Span,
    day: Day,
    snapshot: SnapshotOf,
    caller: CallerOf,
    size: Annotated[int, Query(ge=1, le=500)] = 30,
    seed: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """The sample of a public review as a workbook; the seed is published with it."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from api.commands.duty.public_review import review_sample, write_review_sample
    from api.commands.duty_papers import period_of

    require_place(caller, "")
    with TemporaryDirectory() as folder, source_of(request, snapshot) as source:
        target = Path(folder, "review.xlsx")
        write_review_sample(review_sample(source, *period_of(span, day), size, seed), seed, target)
        return _file(target.read_bytes(), _EXCEL, f"review-{day}-seed-{seed}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
