"""Decisions of meetings, both steps of cases and others, and whether they are carried out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from geo.duty.events import Action, Event, State
from geo.duty.facts import Facts
from geo.duty.meetings.records import Decision

#: Steps of a case by which a joint meeting decides.
DECIDING = frozenset({Action.DECIDE_ASSIGN, Action.DECIDE_SHELVE, Action.EXPLAIN_FILE})
#: Steps that complete a decision: the work was reported as done, or the case ended.
_CARRIED_OUT = frozenset({Action.DONE, Action.EXPLAIN_FILE, Action.VOID, Action.MERGE})


def decisions_of(facts: Facts) -> list[Decision]:
    """All known decisions, sorted by number.

    Decisions on cases are found in their events; they are carried out when the case is reported as done or ended, or resumed if
    it was shelved. Other decisions are those of :attr:`Facts.decisions`, as far as they were made at that time.
    """
    made = (one for one in facts.decisions if one.decided_at is None or one.decided_at < facts.as_of)
    found = [_as_known(facts, decision) for decision in made]
    for events in facts.known.values():
        for place, event in enumerate(events):
            if event.action in DECIDING and (event.action is not Action.EXPLAIN_FILE or _was_joint(events, place)):
                found.append(_of_step(facts, events, place))
    return sorted(found, key=lambda decision: (decision.meeting_id, decision.decision_id))


def _as_known(facts: Facts, decision: Decision) -> Decision:
    """A stored decision at the given time; a decision on a case is carried out when the case is."""
    done = decision.done_at
    if done is None and decision.case_id and decision.decided_at is not None:
        events = facts.known.get(decision.case_id, ())
        done = next((e.at for e in events if e.action in _CARRIED_OUT and e.at > decision.decided_at), None)
    return replace(decision, done_at=done if done is None or done < facts.as_of else None)


def outstanding(facts: Facts) -> list[Decision]:
    """Decisions not carried out, earliest due date first."""
    return sorted(
        (decision for decision in decisions_of(facts) if decision.done_at is None),
        key=lambda decision: (decision.due, decision.decision_id),
    )


def _was_joint(events: Sequence[Event], place: int) -> bool:
    """Whether a case was in joint handling before one of its steps."""
    for event in reversed(events[:place]):
        if event.action is Action.CALL_JOINT:
            return True
        if event.action in DECIDING or event.action is Action.DONE:
            return False
    return False


def _of_step(facts: Facts, events: Sequence[Event], place: int) -> Decision:
    event = events[place]
    said = event.payload
    day = facts.happened(event).date()
    meeting = str(said.get("meeting") or day.isoformat())
    due = _day(facts, said.get("due") or said.get("review_date")) or day
    done = next(
        (
            other.at
            for other in events[place + 1 :]
            if other.action in _CARRIED_OUT
            or (event.action is Action.DECIDE_SHELVE and other.action in (Action.RESUME, Action.ASSIGN))
        ),
        event.at if event.action is Action.EXPLAIN_FILE else None,
    )
    helpers = said.get("helpers") or ()
    return Decision(
        decision_id=f"{meeting}-{event.case_id}-{event.seq}",
        meeting_id=meeting,
        text=str(
            said.get("decision") or said.get("plan") or said.get("explanation") or event.reason or STATED[event.action]
        ),
        owner=str(said.get("owner") or said.get("unit") or event.actor),
        due=due,
        helpers=tuple(str(helper) for helper in helpers),
        case_id=event.case_id,
        decided_at=event.at,
        done_at=done,
    )


#: Text of a decision whose step has none.
STATED = {
    Action.DECIDE_ASSIGN: "按会办意见办理",
    Action.DECIDE_SHELVE: "挂账",
    Action.EXPLAIN_FILE: "解释备案",
}


def _day(facts: Facts, text: object) -> dt.date | None:
    """Local day of a text of the payload: a date, or a time."""
    if not text:
        return None
    written = str(text)
    if len(written) == len("2026-03-03"):
        return dt.date.fromisoformat(written)
    return facts.local(dt.datetime.fromisoformat(written)).date()


def joint_since(events: Sequence[Event], state: State | None) -> Event | None:
    """The step that requested joint handling, for a case in joint handling."""
    if state is not State.JOINT:
        return None
    return next((event for event in reversed(events) if event.action is Action.CALL_JOINT), None)
