"""Events, the steps of a case (流转记录), and their vocabularies: roles, actions, states, outcomes.

Three vocabularies describe persons, for different purposes:

:class:`AccountRole`
    Rights of an account of the service. An account may have several roles, each for a part of the street.
:class:`Duty`
    A person's function for a cell, with dates (三定: 定格、定人、定责). Stored in the roster.
:class:`Role`
    The role in which somebody acts on a case. Stored in the event, because it determines the permitted steps.

:data:`ACTS_AS` and :data:`DUTY_ACTS_AS` map account roles and duties to roles; this is defined nowhere else.

The texts of all words are in :mod:`geo.duty.wording`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from geo.errors import InputError


class AccountRole(StrEnum):
    """Role of an account of the service."""

    ADMINISTRATOR = "administrator"
    PLANNER = "planner"
    LEADER = "leader"
    CHECKER = "checker"
    SUPERVISOR = "supervisor"
    COMMUNITY = "community"
    OFFICER = "officer"
    CLERK = "clerk"
    RESIDENT = "resident"


class Duty(StrEnum):
    """Function of a person for a cell."""

    RESPONSIBLE = "responsible"
    LEADER = "leader"
    DEPUTY = "deputy"
    HELPER = "helper"
    POLICE = "police"
    CLEANER = "cleaner"
    PARTY_MEMBER = "party_member"
    BUILDING_HEAD = "building_head"
    VOLUNTEER = "volunteer"
    RESIDENT_REP = "resident_rep"
    INFORMATION_OFFICER = "information_officer"


class Role(StrEnum):
    """Role in which somebody acts on a case.

    ``officer`` is the leader of a second-level grid, ``clerk`` the service centre, ``level1`` the person responsible for a
    community or park, ``unit`` a handling department or body, ``leader`` a leader of the street, ``chair`` who chairs a joint
    meeting, ``supervisor`` the discipline office, ``system`` the program.
    """

    OFFICER = "officer"
    CLERK = "clerk"
    LEVEL1 = "level1"
    UNIT = "unit"
    LEADER = "leader"
    CHAIR = "chair"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


#: Roles of an account of the service. An administrator may act for the service centre. A department has an
#: account of the role ``officer`` and acts as ``unit``.
ACTS_AS: Mapping[AccountRole, tuple[Role, ...]] = {
    AccountRole.ADMINISTRATOR: (Role.CLERK,),
    AccountRole.PLANNER: (),
    AccountRole.LEADER: (Role.LEADER, Role.CHAIR),
    AccountRole.CHECKER: (),
    AccountRole.SUPERVISOR: (Role.SUPERVISOR,),
    AccountRole.COMMUNITY: (Role.LEVEL1, Role.CHAIR),
    AccountRole.OFFICER: (Role.OFFICER, Role.UNIT),
    AccountRole.CLERK: (Role.CLERK,),
    AccountRole.RESIDENT: (),
}

#: Roles given by a duty on cases of its cell. The responsible person of a body (level 3) acts as the handling unit.
DUTY_ACTS_AS: Mapping[Duty, tuple[Role, ...]] = {
    Duty.RESPONSIBLE: (Role.LEVEL1, Role.UNIT),
    Duty.LEADER: (Role.OFFICER, Role.UNIT),
    Duty.DEPUTY: (Role.OFFICER, Role.UNIT),
    Duty.HELPER: (Role.UNIT,),
    Duty.POLICE: (Role.UNIT,),
    Duty.CLEANER: (Role.UNIT,),
    Duty.PARTY_MEMBER: (),
    Duty.BUILDING_HEAD: (),
    Duty.VOLUNTEER: (),
    Duty.RESIDENT_REP: (),
    Duty.INFORMATION_OFFICER: (),
}


class Action(StrEnum):
    """Action of a step. Target states and permitted roles: :mod:`geo.duty.cases.transitions`."""

    REPORT = "report"
    SELF_SOLVE = "self_solve"
    ASK_CHECK = "ask_check"
    CHECKED = "checked"
    FILE = "file"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    VOID = "void"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ASSIGN = "assign"
    SIGN = "sign"
    RETURN_UP = "return_up"
    REASSIGN = "reassign"
    GIVE_BACK = "give_back"
    CALL_JOINT = "call_joint"
    DECIDE_ASSIGN = "decide_assign"
    DECIDE_SHELVE = "decide_shelve"
    ASK_EXTEND = "ask_extend"
    EXTEND = "extend"
    SHELVE = "shelve"
    RESUME = "resume"
    DONE = "done"
    VERIFY_OK = "verify_ok"
    VERIFY_BAD = "verify_bad"
    VISIT_SOLVED = "visit_solved"
    VISIT_UNSOLVED = "visit_unsolved"
    EXPLAIN_FILE = "explain_file"
    REOPEN = "reopen"
    RECONSIDER = "reconsider"
    SUPERVISE = "supervise"
    UNDO = "undo"
    #: Adds a report to the case, without a change of state.
    ADD_REPORT = "add_report"
    #: The main case receives the reports of a merged case, and returns them.
    TAKE_IN = "take_in"
    RELEASE = "release"
    #: A reporter was answered.
    ANSWER = "answer"
    #: The case passes to another person, because its owner is away or has left.
    HAND_OVER = "hand_over"
    #: The deadline is recomputed after the calendar of a year was announced.
    RECKON = "reckon"
    #: The handler is not held responsible for a missed deadline; the fact remains.
    EXEMPT = "exempt"
    #: A reporter's contact was erased as required by law.
    ERASE_CONTACT = "erase_contact"


class State(StrEnum):
    """State of a case."""

    REPORTED = "reported"
    CHECKING = "checking"
    FILED = "filed"
    ASSIGNED = "assigned"
    HANDLING = "handling"
    JOINT = "joint"
    SHELVED = "shelved"
    HANDLED = "handled"
    VERIFIED = "verified"
    CLOSED = "closed"
    REJECTED = "rejected"
    VOID = "void"
    MERGED = "merged"


#: States that need no action.
ENDED = frozenset({State.CLOSED, State.REJECTED, State.VOID, State.MERGED})
#: States in which the case has exactly one owner.
OPEN = frozenset(State) - ENDED


class Outcome(StrEnum):
    """Result of a closed case, independent of the state. Shelved (阶段性) is not an outcome: the case is still open."""

    SOLVED_IN_GRID = "solved_in_grid"
    SOLVED = "solved"
    EXPLAINED = "explained"


class Clock(StrEnum):
    """Subject of a time limit."""

    ACCEPT = "accept"
    CHECK = "check"
    DISPATCH = "dispatch"
    SIGN = "sign"
    HANDLE = "handle"
    REDO = "redo"
    VERIFY = "verify"
    REPLY = "reply"
    REVIEW = "review"


@dataclass(frozen=True)
class Event:
    """One step of a case. Never changed; corrections are further events.

    Parameters
    ----------
    case_id
        The case.
    seq
        Sequence number within the case, from 1 without gaps.
    at
        Time of storage; timezone-aware, converted to UTC. ``payload["happened_at"]`` is the time of the step itself if that
        differs.
    actor
        Code of a person, or name of a body or program.
    role
        Role of the actor.
    action
        The action.
    reason
        Reason as text. Required for steps back and endings.
    payload
        Values of the action, as in JSON; see :mod:`geo.duty.cases.transitions`. Dates and times are ISO text.
    client_id
        Chosen by the sender; a second event with the same id is a repetition.
    rules_version, calendar_version
        Versions of the limits and of the working days.
    prev_hash
        Hash of the previous event; empty for the first one. See :mod:`geo.duty.chain`.

    Raises
    ------
    InputError
        If `seq` is below 1, `at` is naive, the actor is empty, or role or action are unknown.

    Examples
    --------
    >>> at = dt.datetime(2026, 11, 23, 9, 5, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    >>> event = Event("A-1", 1, at, "张三", "officer", "report", payload={"text": "积水"})
    >>> event.role, event.at.isoformat()
    (<Role.OFFICER: 'officer'>, '2026-11-23T01:05:00+00:00')
    """

    case_id: str
    seq: int
    at: dt.datetime
    actor: str
    role: Role
    action: Action
    reason: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    rules_version: str = ""
    calendar_version: str = ""
    prev_hash: str = ""

    def __post_init__(self) -> None:
        values = self.__dict__
        if type(self.role) is not Role:
            values["role"] = _word(Role, self.role, "role")
        if type(self.action) is not Action:
            values["action"] = _word(Action, self.action, "action")
        if self.at.tzinfo is not dt.UTC:
            if self.at.tzinfo is None:
                raise InputError(f"case {self.case_id}, event {self.seq}: the time {self.at} has no zone; give one")
            values["at"] = self.at.astimezone(dt.UTC)
        if self.seq < 1:
            raise InputError(f"case {self.case_id}: events are counted from 1, not {self.seq}")
        if not self.actor:
            raise InputError(f"case {self.case_id}, event {self.seq}: no actor is named")


_FIELDS = tuple(one.name for one in fields(Event))


def stored_event(values: Sequence[Any]) -> Event:
    """An event from values that were those of an event before, in the order of its fields; half the time of the constructor.

    Nothing is checked but the words: a role or an action that this version does not know is refused, see :class:`Event`.
    """
    role, action = _ROLES.get(values[4]), _ACTIONS.get(values[5])
    if role is None or action is None:
        return Event(*values)
    event = object.__new__(Event)
    known = event.__dict__
    known.update(zip(_FIELDS, values, strict=False))
    known["role"], known["action"] = role, action
    return event


_ROLES, _ACTIONS = {role.value: role for role in Role}, {action.value: action for action in Action}


def _word(kind: type[StrEnum], value: object, what: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError as error:
        raise InputError(f"'{value}' is not a known {what}; use {', '.join(kind)}") from error
