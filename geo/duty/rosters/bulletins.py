"""Notices (上情下达) from the street to communities, leaders and bodies, and their receipts.

Recipients need not log in: receipts are recorded for all channels (at a meeting, by telephone, on paper).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from geo.duty.events import Duty
from geo.duty.rosters.roster import Roster
from geo.errors import InputError

#: Channels of notices.
WAYS = ("page", "meeting", "phone", "visit", "paper")


@dataclass(frozen=True)
class Notice:
    """A notice to the holders of some duties in some cells.

    Attributes
    ----------
    cells
        Codes; a code includes all cells below it. Empty: the complete street.
    duties
        Duties of the recipients; empty: the persons responsible for the cells.
    levels
        Levels of the cells: 1 communities, 2 second-level grids, 3 bodies and buildings. Empty: all.
    """

    notice_id: str
    at: dt.datetime
    by: str
    title: str
    text: str
    cells: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    levels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.title.strip() or not self.text.strip():
            raise InputError(f"notice {self.notice_id}: needs a title and a text")
        object.__setattr__(self, "duties", tuple(Duty(duty) for duty in self.duties))


@dataclass(frozen=True)
class Receipt:
    """Receipt of a notice by a person."""

    notice_id: str
    person: str
    at: dt.datetime
    way: str = "page"

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise InputError(f"'{self.way}' is not a channel of notices; use {', '.join(WAYS)}")


def recipients(notice: Notice, roster: Roster, day: dt.date) -> pd.DataFrame:
    """Recipients of a notice on a day.

    Returns
    -------
    DataFrame
        `person`, `cell`, `duty`; a person once for each cell. Substitutes replace responsible persons who are away.
    """
    rows = []
    for cell, level in roster.cells.items():
        if notice.levels and level not in notice.levels:
            continue
        if notice.cells and not any(cell.startswith(code) for code in notice.cells):
            continue
        if notice.duties:
            rows += [(a.person, cell, a.duty.value) for a in roster.holders(cell, day) if a.duty in notice.duties]
        elif (found := roster.answerable(cell, day)) is not None:
            rows.append((found.person, cell, ""))
    return pd.DataFrame(rows, columns=["person", "cell", "duty"])


def not_reached(notice: Notice, receipts: Iterable[Receipt], roster: Roster, day: dt.date) -> pd.DataFrame:
    """Recipients who have not received a notice, with their cells: `person`, `cell`, `duty`."""
    reached = {receipt.person for receipt in receipts if receipt.notice_id == notice.notice_id}
    meant = recipients(notice, roster, day)
    return meant[~meant["person"].isin(reached)].reset_index(drop=True)
