"""Reports, cases with their steps, and the roster."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from api.access import Caller, Right, allowed
from api.access.rights import scopes
from api.database import session
from api.database.events import add_event, audit
from api.duty.schemas import (
    AbsenceIn,
    AnswerableOut,
    CandidateOut,
    CaseDetail,
    CaseOut,
    CasesAsked,
    CasesOut,
    DeadlineOut,
    ErasureIn,
    EventOut,
    FindingOut,
    HandedOver,
    ReporterOut,
    ReportIn,
    ReportStored,
    StepIn,
)
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, EngineOf, Now, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from geo.errors import InputError, RefusedStep

router = APIRouter(prefix="/api", route_class=Guarded, tags=["duty"])

Number = Annotated[str, InPath(max_length=40)]


@router.post("/reports", status_code=201)
@needs(Right.SEND_REPORTS)
def new_report(
    body: ReportIn,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    snapshot: SnapshotOf,
    now: Now,
    response: Response,
) -> ReportStored:
    """Store a report and open its case. Sending the same client id again is harmless: the answer is 200 then."""
    from api.database.duty.reports import Sender, add_report
    from api.duty import desk
    from geo.duty import Action

    report, cells = _report(body, caller, snapshot, now)
    role = desk.choose_role(caller, None, Action.REPORT, body.role, cells)
    with session(engine, write=True) as opened:
        sender = Sender(desk.actor_name(opened, caller), role, now, settings.zone)
        try:
            report = dataclasses.replace(report, entered_by=sender.actor)
            kept, case, new = add_report(
                opened, caller.street, report, sender, desk.standing_of(settings), desk.seal_of(settings)
            )
        except RefusedStep as refusal:
            raise desk.refused(refusal, caller) from refusal
        if new:
            audit(opened, caller.street, caller.actor, "add report", kept.report_id, at=now, case=case.case_id)
            add_event(opened, caller.street, "case", case.third or case.second, {"case": case.case_id}, at=now)
        near = desk.candidates_of(opened, caller.street, case.case_id)
    response.status_code = 201 if new else 200
    return ReportStored(report=kept.report_id, case=desk.detail_of(case, caller), duplicates=near)


@router.get("/reports/{number}")
@needs(Right.SEE_CASES)
def report(number: Number, caller: CallerOf, engine: EngineOf) -> dict[str, Any]:
    """One report as received, without its reporter."""
    from api.database.duty.reports import get_report

    with session(engine) as opened:
        found = get_report(opened, caller.street, number)
    cells = [found[name] for name in ("third", "second", "community") if found[name]]
    if not allowed(caller, Right.SEE_CASES, cells or [""]):
        raise DeniedError(f"'{caller.name}' may not see reports of this grid")
    return found


@router.get("/reports/{number}/reporter")
@needs(Right.SEE_REPORTERS)
def reporter(number: Number, caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: Now) -> ReporterOut:
    """Name and contact of a reporter. Each look is written into the audit."""
    from api.database.duty.reports import reporter_of
    from api.duty import desk

    with session(engine, write=True) as opened:
        name, contact = reporter_of(opened, caller.street, number, desk.seal_of(settings))
        audit(opened, caller.street, caller.actor, "look at reporter", number, at=now)
    return ReporterOut(name=name, contact=contact)


@router.post("/reports/{number}/erasure")
@needs(Right.SEE_REPORTERS)
def erase(
    number: Number, body: ErasureIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: Now
) -> CaseDetail:
    """Erase name and contact of a reporter, as the law asks. The report stays, and an event of the case says what was done."""
    from api.database.duty.reports import Sender, erase_reporter
    from api.duty import desk
    from geo.duty import Role

    with session(engine, write=True) as opened:
        sender = Sender(desk.actor_name(opened, caller), Role.CLERK, now)
        standing = desk.standing_of(settings)
        case = erase_reporter(opened, caller.street, number, sender=sender, standing=standing, reason=body.reason)
        audit(opened, caller.street, caller.actor, "erase reporter", number, at=now)
    return desk.detail_of(case, caller)


@router.get("/cases")
@needs(Right.SEE_CASES)
def cases(caller: CallerOf, engine: EngineOf, asked: Annotated[CasesAsked, Query()]) -> CasesOut:
    """Cases of the caller's grids, what is due first comes first."""
    from api.database.duty.cases import CaseFilter, list_cases

    if asked.due_before is not None and asked.due_before.tzinfo is None:
        raise InputError("due_before needs a time zone")
    wanted = CaseFilter(
        states=tuple(asked.state),
        scopes=scopes(caller, Right.SEE_CASES),
        **asked.model_dump(include={"open_only", "owner", "service", "kind", "cell", "due_before"}),
    )
    with session(engine) as opened:
        total, rows = list_cases(opened, caller.street, wanted, limit=asked.limit, offset=asked.offset)
    return CasesOut(total=total, cases=[CaseOut.model_validate(row) for row in rows])


@router.get("/cases/{number}")
@needs(Right.SEE_CASES)
def case(number: Number, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf) -> CaseDetail:
    """One case as its events make it, with the steps that the caller may do."""
    from api.database.duty.cases import get_case
    from api.duty import desk

    with session(engine) as opened:
        found = get_case(opened, caller.street, number)
        desk.require_seen(caller, found)
        return desk.detail_of(found, caller, desk.current_second(opened, caller.street, number, snapshot))


@router.get("/cases/{number}/events")
@needs(Right.SEE_CASES)
def events(number: Number, caller: CallerOf, engine: EngineOf) -> list[EventOut]:
    """All steps of a case, in order."""
    from api.database.duty.cases import case_events, get_case
    from api.duty import desk

    with session(engine) as opened:
        desk.require_seen(caller, get_case(opened, caller.street, number))
        found = case_events(opened, caller.street, number)
    return [_event_out(event) for event in found]


@router.post("/cases/{number}/events", status_code=201)
@needs(Right.WORK_CASES)
def step(
    number: Number,
    body: StepIn,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    now: Now,
    response: Response,
) -> CaseDetail:
    """Do one step of a case. If somebody acted in between, the answer is 409 and holds the case as it stands now."""
    from api.database.duty.cases import get_case
    from api.duty import desk
    from geo.duty import Event

    with session(engine, write=True) as opened:
        before = get_case(opened, caller.street, number)
        cells = desk.cells_of(before)
        if not allowed(caller, Right.WORK_CASES, cells or [""]):
            raise DeniedError(f"'{caller.name}' may not work on cases of this grid")
        role = desk.choose_role(caller, before, body.action, body.role, cells)
        actor = desk.actor_name(opened, caller)
        event = Event(
            number, body.seq, now, actor, role, body.action, body.reason, payload=body.payload, client_id=body.client_id
        )
        after, written = desk.do_step(opened, caller, event, desk.standing_of(settings))
        if written:
            add_event(opened, caller.street, "case", after.third or after.second, {"case": number}, at=now)
    response.status_code = 201 if written else 200
    return desk.detail_of(after, caller)


@router.get("/cases/{number}/deadlines")
@needs(Right.SEE_CASES)
def deadlines(number: Number, caller: CallerOf, engine: EngineOf, settings: SettingsOf) -> list[DeadlineOut]:
    """Why each limit that runs ends when it does."""
    from api.database.duty.cases import get_case
    from api.duty import desk

    with session(engine) as opened:
        found = get_case(opened, caller.street, number)
    desk.require_seen(caller, found)
    return desk.deadlines_of(found, desk.standing_of(settings))


@router.get("/cases/{number}/duplicates")
@needs(Right.SEE_CASES)
def duplicates(number: Number, caller: CallerOf, engine: EngineOf) -> list[CandidateOut]:
    """Cases that this one may repeat: near in place and time, or of the same building. Nothing is merged by itself."""
    from api.database.duty.cases import get_case
    from api.duty import desk

    with session(engine) as opened:
        desk.require_seen(caller, get_case(opened, caller.street, number))
        return desk.candidates_of(opened, caller.street, number)


@router.get("/roster")
@needs(Right.SEE_ROSTER)
def roster(caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, day: date, cell: str = "") -> list[AnswerableOut]:
    """Who answers for each cell on a day; `person` is empty where nobody does."""
    from api.database.duty.rosters import read_stored_roster
    from geo.duty import levels_of

    with session(engine) as opened:
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
    limits = scopes(caller, Right.SEE_ROSTER)
    rows = []
    for code, level in found.cells.items():
        if not code.startswith(cell) or not (limits is None or any(code.startswith(limit) for limit in limits)):
            continue
        who = found.answerable(code, day)
        person = None if who is None else found.persons.get(who.person)
        rows.append(
            AnswerableOut(
                cell=code,
                level=level,
                person=None if who is None else who.person,
                name=None if person is None else person.name,
                post=None if person is None else person.post,
                office_phone=None if person is None else person.office_phone,
                instead_of="" if who is None else who.instead_of,
            )
        )
    return rows


@router.get("/roster/findings")
@needs(Right.SEE_ROSTER)
def roster_findings(
    caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, first: date, last: date
) -> list[FindingOut]:
    """Days on which nobody or more than one person answers for a cell."""
    from api.database.duty.rosters import read_stored_roster
    from geo.duty import levels_of

    if (last - first).days > 3660:
        raise InputError("ask for at most ten years")
    with session(engine) as opened:
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
    limits = scopes(caller, Right.SEE_ROSTER)
    rows = found.findings(first, last).to_dict("records")
    return [
        FindingOut.model_validate(row)
        for row in rows
        if limits is None or any(str(row["cell"]).startswith(limit) for limit in limits)
    ]


@router.post("/roster/absences", status_code=201)
@needs(Right.MANAGE_ROSTER)
def absence(
    body: AbsenceIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: Now
) -> HandedOver:
    """Write down that a person is away, and hand their open cases over, in one step: all or nothing."""
    from api.database.duty.cases import add_step, open_cases_of
    from api.database.duty.rosters import Recorder, add_absence, read_stored_roster
    from api.duty import desk
    from geo.duty import Absence, levels_of

    with session(engine, write=True) as opened:
        actor = desk.actor_name(opened, caller)
        away = Absence(body.person, body.first, body.last, body.deputy, body.reason)
        add_absence(opened, caller.street, away, Recorder(actor, now))
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
        owned = open_cases_of(opened, caller.street, body.person)
        steps = found.hand_over(owned, body.person, at=now, day=body.first, by=actor)
        for event in steps:
            add_step(opened, caller.street, event, desk.standing_of(settings))
        audit(opened, caller.street, caller.actor, "add absence", body.person, at=now, cases=len(steps))
    return HandedOver(cases={event.case_id: str(event.payload["to"]) for event in steps})


def _report(body: ReportIn, caller: Caller, snapshot: Any, now: datetime) -> tuple[Any, list[str]]:
    """The report with the cells of its place, and these; the sender may report there."""
    from api.ingest.decode import datum_id, to_wgs84
    from geo.duty import Report, Reporter

    cells: dict[str, str] = {"second": body.second}
    lon, lat = body.lon, body.lat
    if lon is not None and lat is not None:
        place = snapshot.locate(lon, lat, body.datum)
        cells = {level.layer: cell["code"] for level, cell in place.cells.items()}
        lons, lats = to_wgs84(datum_id(body.datum), np.array([lon]), np.array([lat]))
        lon, lat = float(lons[0]), float(lats[0])
    known = [code for code in (cells.get(name) for name in ("third", "second", "community")) if code]
    if not allowed(caller, Right.SEND_REPORTS, known or [""]):
        raise DeniedError(f"'{caller.name}' may not report problems of this place")
    found = Report(
        "",
        now,
        body.channel,
        body.text,
        external_no=body.external_no,
        taken_at=body.taken_at,
        standard_ref=body.standard_ref,
        kind=body.kind,
        lon=lon,
        lat=lat,
        datum="WGS-84",
        address_text=body.address,
        third=cells.get("third") or "",
        second=cells.get("second") or "",
        community=cells.get("community") or "",
        division_version=str(snapshot.version.id),
        reporter=Reporter(**body.reporter.model_dump()),
        client_id=body.client_id,
        case_id=body.case_id,
    )
    return found, known


def _event_out(event: Any) -> EventOut:
    from geo.duty.wording import ACTIONS

    names = ("seq", "at", "actor", "reason", "payload", "rules_version", "calendar_version", "prev_hash")
    values = {name: getattr(event, name) for name in names}
    action, role = event.action.value, event.role.value
    return EventOut(role=role, action=action, action_zh=ACTIONS[event.action].zh, **values)
