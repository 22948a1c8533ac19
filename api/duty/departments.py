"""Who belongs where: a department's work is done by its own people, and leave is written down by who manages their cells."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import Caller, Right, allowed
from api.database.models import DutyPersonRow, PersonRow
from api.errors import DeniedError
from geo.duty import Assignment, Case, Role


def require_department(session: Session, caller: Caller, case: Case, role: Role) -> None:
    """Refuse to act as the unit of a case for somebody of whom the roster says that they belong to another one.

    Whoever owns the case acts on it. Of an account without a person, and of a person without a unit, nothing is known, so they
    pass.

    Raises
    ------
    DeniedError
        If the roster names another unit than those that handle the case.
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


def require_manager(caller: Caller, person: str, assignments: Sequence[Assignment]) -> None:
    """Refuse a caller who does not manage the roster of every cell of a person; without a cell the whole street is needed.

    Raises
    ------
    DeniedError
        If a cell of the person lies outside of what the caller manages.
    """
    for cell in sorted({one.cell for one in assignments}) or [""]:
        if not allowed(caller, Right.MANAGE_ROSTER, [cell]):
            where = f"of cell {cell}" if cell else "of the whole street; choose a community or grid"
            raise DeniedError(
                f"'{caller.name}' does not manage the roster {where}: ask who does to write down '{person[:50]}'"
            )
