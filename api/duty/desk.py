"""Functions of the routes for cases: store reports, execute steps, explain deadlines, suggest duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyproj
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.database.duty.cases import Standing, add_step, get_case
from api.database.duty.sealing import Seal
from api.database.models import PersonRow, ReportRow
from api.duty.schemas import CandidateOut, CaseDetail, DeadlineOut
from api.errors import ConflictError, DeniedError, StepDeniedError, StepIncompleteError
from api.settings import Settings
from geo.duty import (
    ACTS_AS,
    Action,
    Case,
    CaseRules,
    Event,
    Place,
    Role,
    deadline,
    duplicate_candidates,
    read_services,
)
from geo.duty import allowed as allowed_steps
from geo.duty.cases.transitions import roles_of
from geo.duty.clocks.deadlines import words
from geo.duty.intake.duplicates import WITHIN
from geo.duty.wording import STATES
from geo.errors import InputError, RefusedStep
from geo.incidents import Calendar, Limit, time_limits
from geo.incidents.catalogue import catalogue_of, find_matter
from geo.layers import Division, Level
from geo.layers.transformers import transformer

if TYPE_CHECKING:
    from api.snapshot import Snapshot

#: Refusals that concern the actor; refusals for missing input are listed below, and all others are conflicts with the current
#: state of the case.
_DENIED = ("role", "own_work")
_INCOMPLETE = ("reason", "missing")
#: Maximum number of cases compared with a new report.
_COMPARED = 500


@dataclass(frozen=True)
class Actor:
    """Actor of a step, and the role in which it is taken."""

    name: str
    role: Role


@cache
def _standing(holidays: str, limits: str, services: str) -> Standing:
    calendar = Calendar.read(holidays) if holidays else Calendar.china()
    table = read_services(services) if services else None
    return Standing(calendar, CaseRules.of(time_limits(limits) if limits else None, services=table))


def standing_of(settings: Settings) -> Standing:
    """Working days, limits and services of the installation."""
    return _standing(str(settings.holidays), str(settings.time_limits), str(settings.services))


def seal_of(settings: Settings) -> Seal:
    """Encryption of contacts with the key file of the settings, otherwise ``wangge.key`` next to a SQLite file or in the working
    folder.
    """
    if str(settings.contact_key):
        return Seal(Path(settings.contact_key))
    folder = Path() if "://" in settings.database else Path(settings.database).parent
    return Seal(folder / "wangge.key")


def actor_name(session: Session, caller: Caller) -> str:
    """Code of the person of an account; without a person, the name of the account."""
    if caller.person is None:
        return caller.name
    return session.scalar(select(PersonRow.code).where(PersonRow.id == caller.person)) or caller.name


def roles_in(caller: Caller, cells: Sequence[str]) -> tuple[Role, ...]:
    """Roles in which a caller can act on a case in the given cells."""
    found: list[Role] = []
    for grant in caller.grants:
        if not grant.scope or not cells or any(code.startswith(grant.scope) for code in cells):
            found.extend(ACTS_AS[grant.role])
    return tuple(dict.fromkeys(found))


def cells_of(case: Case) -> list[str]:
    """Known cell codes of a case."""
    return [code for code in (case.third, case.second, case.community) if code]


def require_seen(caller: Caller, case: Case) -> None:
    """Refuse a caller who may not see cases of these cells.

    Raises
    ------
    DeniedError
        If no grant covers them.
    """
    if not allowed(caller, Right.SEE_CASES, cells_of(case) or [""]):
        raise DeniedError(f"'{caller.name}' may not see cases of this grid")


def choose_role(caller: Caller, case: Case | None, action: Action, asked: Role | None, cells: Sequence[str]) -> Role:
    """The role in which a caller takes a step: the requested one, otherwise the first one that allows it.

    Raises
    ------
    DeniedError
        If the caller cannot act in the requested role, or in any.
    """
    mine = roles_in(caller, cells)
    if asked is not None:
        if asked not in mine:
            raise DeniedError(f"'{caller.name}' cannot act as {asked.value} on this case")
        return asked
    if not mine:
        raise DeniedError(f"'{caller.name}' has no part in cases of this grid")
    # If no step is open to the caller, the refusal tells why it is not to the role that takes such steps.
    takes = roles_of(action, case.state if case is not None else None)
    able = (role for role in mine if action in allowed_steps(case, role))
    return next(able, next((role for role in mine if role in takes), mine[0]))


def do_step(session: Session, caller: Caller, event: Event, standing: Standing) -> tuple[Case, bool]:
    """Take a step; refusals are converted to errors of the service.

    Raises
    ------
    ConflictError
        If the case is not in the state expected by the sender; contains the current case.
    DeniedError
        If the caller may not take the step.
    InputError
        If a reason or value is missing.
    """
    if event.action is Action.FILE:
        require_matter(event, get_case(session, caller.street, event.case_id))
    try:
        return add_step(session, caller.street, event, standing)
    except RefusedStep as refusal:
        raise refused(refusal, caller) from refusal


def refused(refusal: RefusedStep, caller: Caller) -> Exception:
    """The error for a refusal, with its kind, texts, the current case, and what would be accepted."""
    members: dict[str, Any] = {"kind": refusal.kind, "zh": refusal.zh, "en": refusal.en}
    if refusal.proposal is not None:
        members["proposal"] = refusal.proposal.value
    if refusal.kind in _DENIED:
        return StepDeniedError(str(refusal), zh=refusal.zh, en=refusal.en)
    if refusal.kind in _INCOMPLETE:
        return StepIncompleteError(str(refusal), zh=refusal.zh, en=refusal.en)
    if refusal.case is not None and refusal.case.state is not None:
        members["case"] = detail_of(refusal.case, caller).model_dump(mode="json")
    return ConflictError(str(refusal), **members)


def require_matter(event: Event, case: Case) -> None:
    """Refuse to file a case under a matter missing in its catalogue.

    Raises
    ------
    InputError
        If the standard is known and has no such code. Customers' own catalogues are not known, so their codes are accepted.
    """
    kind = str(event.payload.get("kind") or case.kind)
    ref = str(event.payload.get("standard_ref") or case.standard_ref)
    if not kind:
        raise InputError(f"case {case.case_id}: say which matter it is filed as ('kind')")
    if ref and catalogue_of(ref) is not None and find_matter(kind, standard_ref=ref) is None:
        raise InputError(f"case {case.case_id}: '{kind}' is not a matter of {ref}; look the code up in the catalogue")


def require_known(kind: str, ref: str) -> None:
    """Refuse a report of a matter that is missing in its catalogue, if the catalogue is known.

    Raises
    ------
    InputError
        If the standard is known and has no such code.
    """
    if catalogue_of(ref) is not None and find_matter(kind, standard_ref=ref) is None:
        raise InputError(f"'{kind}' is not a matter of {ref}; look the code up in the catalogue, or leave it out")


def chain_of(division: Division, code: str) -> dict[str, str]:
    """A cell of a division and those above it, by the names of their layers.

    Raises
    ------
    InputError
        If there is no such cell.
    """
    found: dict[str, str] = {}
    for level in reversed(Level):
        layer = division.layer(level)
        row = layer[layer["code"].astype(str) == code]
        if len(row):
            found[level.layer] = code
            code = str(row["parent"].iloc[0]) if "parent" in row else ""
    if not found:
        raise InputError(f"there is no cell '{code}' in the division")
    return found


def detail_of(case: Case, caller: Caller, current_second: str | None = None) -> CaseDetail:
    """A case as returned by the service."""
    may = {role.value: [a.value for a in allowed_steps(case, role)] for role in roles_in(caller, cells_of(case))}
    state = case.state
    return CaseDetail(
        number=case.case_id,
        seq=case.seq,
        state="" if state is None else state.value,
        state_zh="" if state is None else STATES[state].zh,
        owner=case.owner,
        outcome=None if case.outcome is None else case.outcome.value,
        due=case.due,
        late=case.late,
        provisional=case.provisional,
        exempt=case.exempt,
        round=case.round,
        reports=list(case.reports),
        attachments=case.attachments,
        second=case.second,
        current_second=current_second,
        returns=case.returns,
        extensions=case.extensions,
        merged_into=case.merged_into,
        allowed=may,
    )


def current_second(session: Session, street: int, number: str, snapshot: Snapshot) -> str | None:
    """The second-level grid in which a case lies now, by the place of its first report; the division may have changed since."""
    row = session.scalar(
        select(ReportRow)
        .where(ReportRow.street == street, ReportRow.case_number == number, ReportRow.lon.is_not(None))
        .order_by(ReportRow.id)
        .limit(1)
    )
    if row is None or row.lon is None or row.lat is None:
        return None
    cells = {level.layer: cell["code"] for level, cell in snapshot.locate(row.lon, row.lat, row.datum).cells.items()}
    return cells.get("second")


def deadlines_of(case: Case, standing: Standing) -> list[DeadlineOut]:
    """Each running deadline, with its derivation if it is known from the start."""
    found = []
    for clock, run in case.running.items():
        why: list[str] = []
        why_en: list[str] = []
        provisional = case.provisional and clock.value in ("handle", "redo")
        try:
            reckoned = deadline(
                run.since, Limit.parse(run.limit), standing.calendar, reckoning=standing.rules.reckoning
            )
        except InputError:
            reckoned = None
        if reckoned is not None and reckoned.due == run.due:
            lines = reckoned.explanation()
            why, why_en = [text.zh for text in lines], [text.en for text in lines]
        elif run.due is not None:
            text = words(reckoned.limit) if reckoned is not None else None
            why = [f"时限{text.zh if text else run.limit}，由流转记录延期、暂停或合并后确定"]
            why_en = [f"a limit of {text.en if text else run.limit}, moved by an extension, a pause or a merge"]
        found.append(
            DeadlineOut(
                clock=clock.value, due=run.due, limit=run.limit, provisional=provisional, why=why, why_en=why_en
            )
        )
    return found


def candidates_of(session: Session, street: int, number: str) -> list[CandidateOut]:
    """Cases that a case may duplicate, by its first report; only suggestions."""
    mine = session.scalar(
        select(ReportRow)
        .where(ReportRow.street == street, ReportRow.case_number == number)
        .order_by(ReportRow.id)
        .limit(1)
    )
    if mine is None:
        return []
    span = WITHIN + timedelta(minutes=1)
    rows = session.scalars(
        select(ReportRow)
        .where(
            ReportRow.street == street,
            ReportRow.case_number != number,
            or_(
                ReportRow.received_at.between(mine.received_at - span, mine.received_at + span),
                and_(ReportRow.external_no == mine.external_no, ReportRow.external_no != ""),
            ),
        )
        .order_by(ReportRow.received_at.desc())
        .limit(_COMPARED)
    ).all()
    zone = transformer("EPSG:4326", "EPSG:4549")
    best: dict[str, CandidateOut] = {}
    for found in duplicate_candidates(_place(mine, zone), [_place(row, zone) for row in rows]):
        best.setdefault(
            found.case_id,
            CandidateOut(
                case_id=found.case_id,
                distance_m=None if found.distance_m is None else round(found.distance_m, 1),
                same_building=found.same_building,
                likeness=round(found.likeness, 3),
                why=found.why.zh,
                why_en=found.why.en,
            ),
        )
    return list(best.values())


def _place(row: ReportRow, zone: pyproj.Transformer) -> Place:
    x = y = None
    if row.lon is not None and row.lat is not None:
        x, y = zone.transform(row.lon, row.lat)
    at = row.received_at.astimezone(UTC) if isinstance(row.received_at, datetime) else row.received_at
    return Place(
        row.case_number,
        at,
        x,
        y,
        row.text,
        row.address,
        row.kind,
        community=row.community or "",
        number=row.external_no or "",
    )
