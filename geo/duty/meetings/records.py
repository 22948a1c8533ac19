"""Meetings and their decisions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from geo.errors import InputError


@dataclass(frozen=True)
class Meeting:
    """A meeting (例会、联席会议).

    Attributes
    ----------
    meeting_id
        Such as ``2026-03-03`` for the regular meeting of that day.
    day, place, chair
        Day, place and chairperson.
    present, absent
        Names of persons or bodies.
    items
        Questions discussed, each with its case or an empty text.
    """

    meeting_id: str
    day: dt.date
    place: str = ""
    chair: str = ""
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Decision:
    """A decision of a meeting: a task with its owner and due day.

    Attributes
    ----------
    decision_id
        Number of the meeting, a hyphen and a number counted from 1.
    text, owner, due
        Task, responsible person or body, and last day.
    helpers
        Supporting persons or bodies.
    case_id
        Its case; empty if there is none.
    done_at
        Time of completion; None while it is open. For a decision on a case the case decides (:func:`outstanding`).

    Raises
    ------
    InputError
        If it has no owner or text, or a time has no zone.
    """

    decision_id: str
    meeting_id: str
    text: str
    owner: str
    due: dt.date
    helpers: tuple[str, ...] = ()
    case_id: str = ""
    decided_at: dt.datetime | None = None
    done_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        if not self.text.strip() or not self.owner.strip():
            raise InputError(f"decision {self.decision_id}: needs a text and an owner")
        for moment in (self.decided_at, self.done_at):
            if moment is not None and moment.tzinfo is None:
                raise InputError(f"decision {self.decision_id}: the time {moment} has no zone; give one")
