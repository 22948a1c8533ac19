"""State of a case (办件), computed from its events only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from geo.duty.events import OPEN, Action, Clock, Event, Outcome, State

#: Maximum number of returns of a case; after that a joint meeting decides.
MOST_RETURNS = 2


class Running(NamedTuple):
    """A running time limit: start, due time (None if not set), and the limit as text."""

    since: dt.datetime
    due: dt.datetime | None
    limit: str = ""


class ClockRun(NamedTuple):
    """A stopped time limit; `late` is never changed afterwards."""

    clock: Clock
    since: dt.datetime
    due: dt.datetime | None
    until: dt.datetime
    late: bool


class ExtensionRequest(NamedTuple):
    """A requested extension: working days, reason, who requested it."""

    days: float
    reason: str
    by: str


@dataclass(frozen=True)
class Case:
    """State of a case after some of its events; created by :func:`geo.duty.fold` and :func:`geo.duty.advance` only.

    Attributes
    ----------
    state
        None before the first event.
    owner
        The person or body that has to act next; None if the case is not open.
    unit, helpers
        The handling department or body, and its helpers.
    outcome, outcome_detail
        Result; for ``explained`` the detail is ``policy_answered``, ``into_project_list``, ``outside_powers`` or ``other``.
    due
        Deadline of handling; before the first dispatch, of the current step.
    provisional
        Whether `due` lies in a year whose calendar was not announced when it was computed.
    late, exempt
        Whether handling exceeded its limit (never reset), and why the handler is not held responsible.
    late_steps
        Other limits that were missed, in order.
    round
        Starts at 1, incremented each time the work has to be redone.
    reports
        Numbers of the reports of the case, including those of cases merged into it.
    running, runs
        Running and stopped time limits, in order.
    suspended
        Time limits suspended while the case is shelved or returned, each with the time of suspension.
    returns
        Number of returns (退回), at most two; see `joint_required`.
    former
        State before it was shelved or merged.
    paused
        Periods in which handling was shelved; the last one is open while `state` is ``shelved``.
    doers
        Persons who worked on it; they may not verify it.
    informed
        Persons informed of the explanation.
    answered
        Reports whose reporters were answered.
    merged_into, taken_in
        The main case, and the cases merged into this one with their reports.
    client_ids
        Client ids of its events, each with actor and action.
    last, before, unmerged
        The last event, the state before it (for undo), and the state before merging.
    """

    case_id: str
    state: State | None = None
    seq: int = 0
    opened_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    owner: str | None = None
    unit: str | None = None
    helpers: tuple[str, ...] = ()
    outcome: Outcome | None = None
    outcome_detail: str = ""
    due: dt.datetime | None = None
    provisional: bool = False
    late: bool = False
    exempt: str = ""
    late_steps: tuple[Clock, ...] = ()
    round: int = 1
    reports: tuple[str, ...] = ()
    attachments: int = 0
    standard_ref: str = ""
    kind: str = ""
    service: str = ""
    summary: str = ""
    channel: str = ""
    urgency: str = ""
    third: str = ""
    second: str = ""
    community: str = ""
    division_version: str = ""
    limit: str = ""
    rule: str = ""
    rules_version: str = ""
    calendar_version: str = ""
    running: Mapping[Clock, Running] = field(default_factory=dict)
    suspended: Mapping[Clock, tuple[Running, dt.datetime]] = field(default_factory=dict)
    runs: tuple[ClockRun, ...] = ()
    returns: int = 0
    joints: int = 0
    extensions: int = 0
    extension_request: ExtensionRequest | None = None
    shelvings: int = 0
    plan: str = ""
    review_date: dt.date | None = None
    former: State | None = None
    paused: tuple[tuple[dt.datetime, dt.datetime | None], ...] = ()
    doers: tuple[str, ...] = ()
    opinion: str = ""
    informed: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    wants_reply: tuple[str, ...] = ()
    merged_into: str | None = None
    taken_in: tuple[tuple[str, tuple[str, ...]], ...] = ()
    filed_at: dt.datetime | None = None
    assigned_at: dt.datetime | None = None
    handled_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    first_closed_at: dt.datetime | None = None
    recurrence_of: str = ""
    supervised: int = 0
    rectifications: tuple[str, ...] = ()
    client_ids: Mapping[str, tuple[str, Action]] = field(default_factory=dict)
    last: Event | None = field(default=None, repr=False)
    before: Case | None = field(default=None, repr=False, compare=False)
    unmerged: Case | None = field(default=None, repr=False, compare=False)

    @property
    def open(self) -> bool:
        """Whether the case needs an action."""
        return self.state in OPEN

    @property
    def joint_required(self) -> bool:
        """Whether the handling unit may not return the case any more: a joint meeting has to decide (首接负责)."""
        return self.state is State.ASSIGNED and self.returns >= MOST_RETURNS

    @property
    def step_due(self) -> dt.datetime | None:
        """The earliest due time of all running limits; None if none is set."""
        return min((run.due for run in self.running.values() if run.due is not None), default=None)

    def overdue(self, now: dt.datetime) -> bool:
        """Whether handling is late at a given time: already finished late, or running past its limit."""
        return self.late or any(
            run.due is not None and now > run.due
            for clock, run in self.running.items()
            if clock in (Clock.HANDLE, Clock.REDO)
        )
