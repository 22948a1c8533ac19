"""Reports with their photos, and cases with their steps."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from api.access import Caller, Right, allowed
from api.access.rights import scopes
from api.database import session
from api.database.events import add_event, audit
from api.duty.schemas import (
    CandidateOut,
    CaseDetail,
    CaseOut,
    CasesAsked,
    CasesOut,
    DeadlineOut,
    ErasureIn,
    EventOut,
    ReporterOut,
    ReportIn,
    ReportStored,
    StepIn,
)
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, PhotoOf, SettingsOf, SnapshotOf, photo_response
from api.routes.guard import Guarded, needs
from api.schemas import PhotoStored
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
    now: CaseNow,
    response: Response,
) -> ReportStored:
    """Store a report and open its case. A repeated client id stores nothing and is answered with 200."""
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
    """One report as received, without its reporter; `photos` are the keys of its photos."""
    from api.database.duty.reports import get_report

    with session(engine) as opened:
        found = get_report(opened, caller.street, number)
    _require_report(caller, found, Right.SEE_CASES)
    return found


@router.post("/reports/{number}/photos", status_code=201)
@needs(Right.SEND_REPORTS)
def new_photo(number: Number, caller: CallerOf, engine: EngineOf, now: CaseNow, photo: PhotoOf) -> PhotoStored:
    """Add a photo to a report, which may have any number. Its type is determined by its content, not by its name."""
    from api.database.duty.reports import add_report_photo, get_report

    with session(engine, write=True) as opened:
        found = get_report(opened, caller.street, number)
        _require_report(caller, found, Right.SEND_REPORTS)
        key, new = add_report_photo(opened, caller.street, number, *photo, at=now)
        if new:
            audit(opened, caller.street, caller.actor, "add photo", number, at=now, sha256=key)
            place = str(found["third"] or found["second"])
            add_event(opened, caller.street, "case", place, {"case": found["case_number"]}, at=now)
    return PhotoStored(sha256=key)


@router.get("/reports/{number}/photos/{sha256}", response_class=Response, include_in_schema=False)
@needs(Right.SEE_CASES)
def photo(number: Number, sha256: str, caller: CallerOf, engine: EngineOf) -> Response:
    """A photo of a report as received, for those who may see its case."""
    from api.database.duty.reports import get_report, get_report_photo

    with session(engine) as opened:
        _require_report(caller, get_report(opened, caller.street, number), Right.SEE_CASES)
        return photo_response(*get_report_photo(opened, caller.street, number, sha256))


@router.get("/reports/{number}/reporter")
@needs(Right.SEE_REPORTERS)
def reporter(number: Number, caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: CaseNow) -> ReporterOut:
    """Name and contact of a reporter. Each access is recorded in the audit."""
    from api.database.duty.reports import reporter_of
    from api.duty import desk

    with session(engine, write=True) as opened:
        name, contact = reporter_of(opened, caller.street, number, desk.seal_of(settings))
        audit(opened, caller.street, caller.actor, "look at reporter", number, at=now)
    return ReporterOut(name=name, contact=contact)


@router.post("/reports/{number}/erasure")
@needs(Right.SEE_REPORTERS)
def erase(
    number: Number, body: ErasureIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: CaseNow
) -> CaseDetail:
    """Erase name and contact of a reporter, as required by law. The report is kept, and the erasure is an event of the case."""
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
    """Cases of the caller's grids, sorted by due time."""
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
    """One case, with the steps allowed to the caller."""
    from api.database.duty.cases import get_case
    from api.database.duty.reports import count_photos
    from api.duty import desk

    with session(engine) as opened:
        found = get_case(opened, caller.street, number)
        desk.require_seen(caller, found)
        detail = desk.detail_of(found, caller, desk.current_second(opened, caller.street, number, snapshot))
        return detail.model_copy(
            update={"attachments": found.attachments + count_photos(opened, caller.street, found.reports)}
        )


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
    now: CaseNow,
    response: Response,
) -> CaseDetail:
    """Execute one step of a case. If another step was made in between, the answer is 409 and contains the current case."""
    from api.database.duty.cases import get_case
    from api.duty import desk
    from api.duty.departments import require_department
    from geo.duty import Event

    with session(engine, write=True) as opened:
        before = get_case(opened, caller.street, number)
        cells = desk.cells_of(before)
        if not allowed(caller, Right.WORK_CASES, cells or [""]):
            raise DeniedError(f"'{caller.name}' may not work on cases of this grid")
        role = desk.choose_role(caller, before, body.action, body.role, cells)
        require_department(opened, caller, before, role)
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
    """Derivation of each running limit."""
    from api.database.duty.cases import get_case
    from api.duty import desk

    with session(engine) as opened:
        found = get_case(opened, caller.street, number)
    desk.require_seen(caller, found)
    return desk.deadlines_of(found, desk.standing_of(settings))


@router.get("/cases/{number}/duplicates")
@needs(Right.SEE_CASES)
def duplicates(number: Number, caller: CallerOf, engine: EngineOf) -> list[CandidateOut]:
    """Cases that this one may duplicate: near in place and time, or of the same building. Nothing is merged automatically."""
    from api.database.duty.cases import get_case
    from api.duty import desk

    with session(engine) as opened:
        desk.require_seen(caller, get_case(opened, caller.street, number))
        return desk.candidates_of(opened, caller.street, number)


def _require_report(caller: Caller, found: dict[str, Any], right: Right) -> None:
    cells = [found[name] for name in ("third", "second", "community") if found[name]]
    if not allowed(caller, right, cells or [""]):
        raise DeniedError(f"'{caller.name}' may not see or change reports of this grid")


def _report(body: ReportIn, caller: Caller, snapshot: Any, now: datetime) -> tuple[Any, list[str]]:
    """The report with the cells of its position; refused if the sender may not report there."""
    from api.duty import desk
    from api.ingest.decode import datum_id, to_wgs84
    from geo.duty import Report, Reporter

    if body.standard_ref and body.kind:
        desk.require_known(body.kind, body.standard_ref)
    cells = desk.chain_of(snapshot.division, body.second) if body.second else {}
    lon, lat = body.lon, body.lat
    if lon is not None and lat is not None:
        place = snapshot.locate(lon, lat, body.datum)
        # A position outside all cells, with a grid chosen: the place is that grid.
        cells = {level.layer: cell["code"] for level, cell in place.cells.items()} or cells
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
