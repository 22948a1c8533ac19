"""Persons, their duties for cells by dates, and their absences.

Days are local, first and last day included; no last day means unlimited.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from geo.duty.events import Duty
from geo.errors import InputError

#: Last day of unlimited assignments.
FOREVER = dt.date.max

#: The duty responsible for a cell of each level: the person responsible for a community, the leader of a second-level grid,
#: and the responsible person of the body of a third-level grid (店主、经理、楼栋长).
ANSWERABLE = {1: Duty.RESPONSIBLE, 2: Duty.LEADER, 3: Duty.RESPONSIBLE}

#: Kinds of staff that lead second-level grids.
STAFF = ("official", "community_worker")


@dataclass(frozen=True)
class Person:
    """A person with a duty. Only public data: never a private telephone or an ID number.

    Attributes
    ----------
    code
        Staff number, or the name if there is none; unique.
    kind
        ``official``, ``community_worker``, or empty for others.
    unit
        Office, community or body.
    """

    code: str
    name: str
    kind: str = ""
    post: str = ""
    unit: str = ""
    office_phone: str = ""
    pledge: str = ""


@dataclass(frozen=True)
class Assignment:
    """A person's duty for a cell.

    Attributes
    ----------
    cell
        Code of the cell.
    person
        Code of the person.
    place
        Building or body inside the cell (信息员、楼栋长), otherwise empty.
    basis
        Document on which the assignment is based.
    """

    cell: str
    person: str
    duty: Duty
    valid_from: dt.date
    valid_to: dt.date | None = None
    place: str = ""
    basis: str = ""

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise InputError(
                f"{self.person} is assigned to {self.cell} from {self.valid_from} to {self.valid_to}; the end is before the begin"
            )
        try:
            object.__setattr__(self, "duty", Duty(self.duty))
        except ValueError as error:
            raise InputError(f"'{self.duty}' is not a known duty; use {', '.join(Duty)}") from error

    @property
    def until(self) -> dt.date:
        """Last day, :data:`FOREVER` if unlimited."""
        return FOREVER if self.valid_to is None else self.valid_to

    def holds_on(self, day: dt.date) -> bool:
        """Whether it is valid on a day."""
        return self.valid_from <= day <= self.until


@dataclass(frozen=True)
class Absence:
    """Absence of a person, with the substitute for all their cells; without one, the deputies of the cells substitute."""

    person: str
    first: dt.date
    last: dt.date
    deputy: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InputError(f"{self.person} is away from {self.first} to {self.last}; the end is before the begin")
        if self.deputy == self.person:
            raise InputError(f"{self.person} cannot stand in for themselves; name another deputy")

    def holds_on(self, day: dt.date) -> bool:
        """Whether the person is away on a day."""
        return self.first <= day <= self.last
