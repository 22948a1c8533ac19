"""Records of simulated cases besides their events: meetings, decisions without a case, and rectification items."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

from geo.duty import Action, Case, Decision, Event, Meeting, service_of
from geo.duty.supervision.rectification import Item, ItemAction, ItemStep, advance_item
from geo.sample.cases.lives import CHAIR, SUPERVISOR, UNITS
from geo.sample.cases.simulation import SimulatedCases

#: Who inspects again what the supervisor found; never the same person.
RECHECKER = "纪工委复核员"
#: Shares of what happens; made up, as those of :mod:`geo.sample.cases.lives`.
_CARRIED_OUT, _RECHECKED_BAD, _ABSENT = 0.7, 0.15, 0.2
_DAY = dt.timedelta(days=1)
#: The regular meeting that looks at a week: Thursday, at ten.
_THURSDAY, _TEN = 3, dt.time(10)


class SimulatedRecords(NamedTuple):
    """Meetings that were held, what they decided about no single case, and the steps of rectification items.

    Decisions on cases are events of the cases and are not repeated here.
    """

    meetings: list[Meeting]
    decisions: list[Decision]
    items: list[ItemStep]


def simulate_records(made: SimulatedCases, *, rng: np.random.Generator, until: dt.datetime) -> SimulatedRecords:
    """Make the meetings, decisions and rectification items that simulated cases call for.

    Parameters
    ----------
    made
        Cases. Each joint decision has its meeting, each note of supervision its rectification item.
    rng
        Source of all chance.
    until
        Nothing is done after this moment.

    Notes
    -----
    Items go through :func:`~geo.duty.supervision.rectification.advance_item`. The same input and seed give the same records.
    """
    events = made.events
    decisions = _thursdays(made, events, rng, until)
    return SimulatedRecords(_meetings(made, events, decisions, rng), decisions, _items(made, events, rng, until))


def _thursdays(
    made: SimulatedCases, events: list[Event], rng: np.random.Generator, until: dt.datetime
) -> list[Decision]:
    """Each Thursday decides on the matter that was reported most in the seven days before."""
    zone = made.book.calendar.zone
    names = {report.kind: report.text.split("：")[0] for report in made.reports}
    kinds: dict[dt.date, Counter[str]] = defaultdict(Counter)
    for report in made.reports:
        kinds[report.received_at.astimezone(zone).date()][report.kind] += 1
    found = []
    days = sorted({event.at.astimezone(zone).date() for event in events})
    for day in (day for day in days if day.weekday() == _THURSDAY and day - days[0] >= 7 * _DAY):
        at = dt.datetime.combine(day, _TEN, zone)
        week = sum((kinds[day - k * _DAY] for k in range(1, 8)), Counter[str]())
        if at > until or not week:
            continue
        kind, count = min(week.items(), key=lambda pair: (-pair[1], pair[0]))
        done = at + 4 * _DAY + dt.timedelta(hours=6)
        carried_out = bool(rng.random() < _CARRIED_OUT) and done <= until
        found.append(
            Decision(
                f"{day}-1",
                f"{day}",
                f"集中整治{names[kind]}（近七天{count}件）",
                UNITS[service_of(kind).value],
                day + 5 * _DAY,
                decided_at=at.astimezone(dt.UTC),
                done_at=done.astimezone(dt.UTC) if carried_out else None,
            )
        )
    return found


def _meetings(
    made: SimulatedCases, events: list[Event], decisions: list[Decision], rng: np.random.Generator
) -> list[Meeting]:
    """One meeting for each day on which something was decided: its questions, and who came."""
    zone = made.book.calendar.zone
    questions: dict[dt.date, list[tuple[str, str]]] = defaultdict(list)
    units: dict[dt.date, list[str]] = defaultdict(list)
    for event in events:
        if event.action is Action.DECIDE_ASSIGN:
            day = event.at.astimezone(zone).date()
            questions[day].append((made.book.cases[event.case_id].summary, event.case_id))
            units[day].append(str(event.payload["unit"]))
    for decision in decisions:
        day = dt.date.fromisoformat(decision.meeting_id)
        questions[day].append((decision.text, ""))
        units[day].append(decision.owner)
    meetings = []
    for day in sorted(questions):
        asked = tuple(dict.fromkeys([*units[day], "综治办"]))
        # Who leads what was decided came; another body may be away.
        away = tuple(unit for unit in asked if unit not in units[day] and rng.random() < _ABSENT)
        present = tuple(unit for unit in asked if unit not in away)
        meetings.append(Meeting(f"{day}", day, "街道会议室", CHAIR, present, away, tuple(questions[day])))
    return meetings


def _items(made: SimulatedCases, events: list[Event], rng: np.random.Generator, until: dt.datetime) -> list[ItemStep]:
    """Each supervision note is an item; the unit corrects it when the case is done, and another person re-checks it."""
    place = {report.case_id: report.address_text for report in made.reports}
    after: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        after[event.case_id].append(event)
    steps: list[ItemStep] = []
    notes = [event for event in events if event.action is Action.SUPERVISE]
    for number, note in enumerate(notes, start=1):
        case = made.book.cases[note.case_id]
        name = f"ZG{note.at:%Y%m}-{number:03d}"
        done = next((e.at for e in after[note.case_id] if e.action is Action.DONE and e.at > note.at), None)
        steps += _item(name, note, case, place.get(note.case_id, ""), _Chance(rng, done, until))
    return steps


class _Chance(NamedTuple):
    """What decides about an item: chance, when its case was done, and when the simulation ends."""

    rng: np.random.Generator
    done: dt.datetime | None
    until: dt.datetime


def _item(name: str, note: Event, case: Case, place: str, chance: _Chance) -> list[ItemStep]:
    """Steps of one item; each goes through the state machine."""
    unit = case.unit or "综治办"
    limit = (note.at + 5 * _DAY).date()
    wanted: list[tuple[dt.datetime, str, ItemAction, str]] = [(note.at, SUPERVISOR, ItemAction.FIND, "办理进展缓慢")]
    if chance.done is not None:
        at = chance.done
        wanted.append((at, unit, ItemAction.SELF_CHECK, "已办理完毕，自查合格"))
        if chance.rng.random() < _RECHECKED_BAD:
            wanted.append((at + _DAY, RECHECKER, ItemAction.RECHECK_BAD, "现场仍有残留"))
            at += 2 * _DAY
            wanted.append((at, unit, ItemAction.SELF_CHECK, "已重新处理"))
        wanted.append((at + _DAY, RECHECKER, ItemAction.RECHECK_OK, "现场复核属实"))
    steps: list[ItemStep] = []
    item: Item | None = None
    for seq, (at, actor, action, text) in enumerate(wanted, start=1):
        if at > chance.until:
            break
        step = ItemStep(name, seq, at, actor, action, text)
        if action is ItemAction.FIND:
            step = ItemStep(
                name,
                seq,
                at,
                actor,
                action,
                text,
                place=place,
                basis="督查单",
                unit=unit,
                due=limit,
                case_id=note.case_id,
            )
        item = advance_item(item, step)
        steps.append(step)
    return steps
