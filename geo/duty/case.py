"""A case (办件): what its events make of it, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from geo.duty.events import OPEN, Action, Clock, Event, Outcome, State

#: So often a case can be returned; then a joint meeting decides.
MOST_RETURNS = 2


class Running(NamedTuple):
    """A time limit that runs: since when, until when, and the limit in words; `due` is None where none is set."""

    since: dt.datetime
    due: dt.datetime | None
    limit: str = ""


class ClockRun(NamedTuple):
    """A time limit that has been stopped; `late` is kept for good."""

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
    """State of a case after some of its events; made by :func:`geo.duty.fold` and :func:`geo.duty.advance` only.

    Attributes
    ----------
    state
        None before the first event.
    owner
        The person or body that has to act next; None when the case is not open.
    unit, helpers
        The handling department or body, and those who help it.
    outcome, outcome_detail
        How it ended; for ``explained`` the detail is ``policy_answered``, ``into_project_list``, ``outside_powers`` or ``other``.
    due
        When the handling is due; before the first dispatch, when the step in hand is.
    provisional
        Whether `due` lies in a year whose calendar was not announced when it was reckoned.
    late, exempt
        Whether handling was finished or went on after its limit (a fact that stays), and why it is not held against the handler.
    late_steps
        Other limits that were missed, in order.
    round
        1, and one more each time that the work has to be done again.
    reports
        Numbers of the reports that the case answers for, those of cases merged into it included.
    running, runs
        Time limits that run, and those that were stopped, in order.
    suspended
        Time limits that stand still while the case is shelved or returned, each with the time since when.
    returns
        How often it was returned (退回). After two it is not returned again; see `joint_required`.
    former
        State before it was shelved or merged.
    paused
        Spans in which handling was shelved; the last one is open while `state` is ``shelved``.
    doers
        Who did work on it; they may not verify it.
    informed
        Who was informed of the explanation.
    answered
        Reports whose reporters were answered.
    merged_into, taken_in
        The main case, and the cases that were merged into this one with their reports.
    client_ids
        Senders' numbers of its events, each with actor and action.
    last, before, unmerged
        The last event, the case before it (for undoing it), and the case before it was merged.
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
        """Whether somebody has to act."""
        return self.state in OPEN

    @property
    def joint_required(self) -> bool:
        """Whether the unit in hand can no longer return the case: a joint meeting has to decide (首接负责)."""
        return self.state is State.ASSIGNED and self.returns >= MOST_RETURNS

    @property
    def step_due(self) -> dt.datetime | None:
        """The soonest limit that runs now, of whatever step; None if none is set."""
        return min((run.due for run in self.running.values() if run.due is not None), default=None)

    def overdue(self, now: dt.datetime) -> bool:
        """Whether handling is late at a moment: it was, or it runs past its limit."""
        return self.late or any(
            run.due is not None and now > run.due
            for clock, run in self.running.items()
            if clock in (Clock.HANDLE, Clock.REDO)
        )
