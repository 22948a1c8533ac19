"""Notices with their recipients, limited to what a caller may see; used by the routes and the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.access.rights import scopes
from api.database.duty.notices import get_notice, read_notices
from api.database.duty.rosters import read_stored_roster
from api.duty.desk import actor_name
from api.duty.staff_schemas import NoticeOut, RecipientOut
from api.errors import DeniedError
from geo.duty import Notice, Receipt, Roster, levels_of, recipients

if TYPE_CHECKING:
    from api.snapshot import Snapshot


def notices_of(session: Session, caller: Caller, snapshot: Snapshot, zone: str) -> list[NoticeOut]:
    """Notices that concern the caller's cells, newest first, with their recipients in these cells."""
    roster = read_stored_roster(session, caller.street, cells=levels_of(snapshot.division))
    limits = scopes(caller, Right.SEE_ROSTER)
    shown = [
        notice_out(notice, receipts, roster, zone, limits) for notice, receipts in read_notices(session, caller.street)
    ]
    return [notice for notice in shown if limits is None or notice.recipients]


def notice_out(
    notice: Notice, receipts: Sequence[Receipt], roster: Roster, zone: str, limits: tuple[str, ...] | None
) -> NoticeOut:
    """A notice with its recipients on the day it was sent, those not yet reached first."""
    day = notice.at.astimezone(ZoneInfo(zone)).date()
    reached = {one.person: one for one in receipts}
    cells: dict[str, list[str]] = {}
    for person, cell in recipients(notice, roster, day)[["person", "cell"]].itertuples(index=False, name=None):
        if limits is None or any(cell.startswith(limit) for limit in limits):
            cells.setdefault(person, []).append(cell)
    people = []
    for code, mine in cells.items():
        person, receipt = roster.persons.get(code), reached.get(code)
        people.append(
            RecipientOut(
                person=code,
                name=code if person is None else person.name or code,
                office_phone="" if person is None else person.office_phone,
                cells=mine,
                reached_at=None if receipt is None else receipt.at,
                way="" if receipt is None else receipt.way,
            )
        )
    return NoticeOut(
        number=notice.notice_id,
        recipients=sorted(people, key=lambda one: (one.reached_at is not None, one.cells[0])),
        duties=[duty.value for duty in notice.duties],
        cells=list(notice.cells),
        levels=list(notice.levels),
        **{name: getattr(notice, name) for name in ("at", "by", "title", "text")},
    )


def require_cells(caller: Caller, cells: Sequence[str]) -> None:
    """Refuse a caller who may not send notices to the given cells; without cells a notice is for the whole street.

    Raises
    ------
    DeniedError
        If the caller may not.
    """
    for cell in cells or [""]:
        if not allowed(caller, Right.SEND_NOTICES, [cell]):
            where = f"of cell {cell}" if cell else "of the whole street; choose a community or grid"
            raise DeniedError(f"'{caller.name}' may not send notices to persons {where}")


def require_telling(
    session: Session, caller: Caller, snapshot: Snapshot, number: str, persons: Sequence[str], zone: str
) -> None:
    """Refuse a caller who records a receipt but neither may send notices to the person's cells nor is the person.

    Raises
    ------
    DeniedError
        If the caller may not send notices to a cell of the person, and is not the person.
    NotStoredError
        If there is no such notice.
    """
    notice, receipts = get_notice(session, caller.street, number)
    roster = read_stored_roster(session, caller.street, cells=levels_of(snapshot.division))
    known = {one.person: one for one in notice_out(notice, receipts, roster, zone, None).recipients}
    me = actor_name(session, caller) if caller.person is not None else None
    for person in persons:
        cells = known[person].cells if person in known else []
        if person == me and cells:
            continue
        if not any(allowed(caller, Right.SEND_NOTICES, [cell]) for cell in cells):
            raise DeniedError(f"'{caller.name}' cannot say that notice {number[:40]} reached '{person[:50]}'")
