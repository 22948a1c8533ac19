"""Rights that depend on the roster: a department's work is done by its own staff, and leave is recorded by whoever manages their
cells.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.database.models import CaseRow, DutyPersonRow, PersonRow
from api.errors import DeniedError
from geo.duty import Assignment, Case, Role

#: Cases whose units are suggested: the newest.
_NEWEST = 1_000


def require_department(session: Session, caller: Caller, case: Case, role: Role) -> None:
    """Refuse a step of a unit if the roster assigns the caller to another unit.

    The owner of the case may always act. Accounts without a person and persons without a unit are not restricted.

    Raises
    ------
    DeniedError
        If the roster assigns the caller to another unit than those handling the case.
    """
    if role is not Role.UNIT or caller.person is None or not case.unit:
        return
    query = (
        select(PersonRow.code, DutyPersonRow.unit)
        .join(DutyPersonRow, DutyPersonRow.person_id == PersonRow.id)
        .where(PersonRow.id == caller.person)
    )
    found = session.execute(query).first()
    if found is None or not found[1]:
        return
    code, unit = found
    if code in (case.owner, case.unit) or unit in (case.owner, case.unit, *case.helpers):
        return
    raise DeniedError(f"the case is handled by '{case.unit}', and '{code}' belongs to '{unit}'")


def known_units(session: Session, street: int) -> list[str]:
    """Departments and bodies that cases were sent to or that persons of the roster belong to, for choosing one."""
    newest = select(CaseRow.unit).where(CaseRow.street == street).order_by(CaseRow.opened_at.desc()).limit(_NEWEST)
    sent = session.scalars(newest)
    units = session.scalars(
        select(DutyPersonRow.unit)
        .join(PersonRow, PersonRow.id == DutyPersonRow.person_id)
        .where(PersonRow.street == street, DutyPersonRow.unit != "")
        .distinct()
    )
    return sorted({unit for unit in (*sent, *units) if unit})


def require_manager(caller: Caller, person: str, assignments: Sequence[Assignment]) -> None:
    """Refuse a caller who does not manage the roster of every cell of a person; a person without a cell requires the whole
    street.

    Raises
    ------
    DeniedError
        If a cell of the person lies outside the cells managed by the caller.
    """
    for cell in sorted({one.cell for one in assignments}) or [""]:
        if not allowed(caller, Right.MANAGE_ROSTER, [cell]):
            where = f"of cell {cell}" if cell else "of the whole street; choose a community or grid"
            raise DeniedError(
                f"'{caller.name}' does not manage the roster {where}: ask who does to write down '{person[:50]}'"
            )
