"""Ledgers of a day: A inspections and B review of a community, F patrols of a second-level grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pandas as pd

from geo.duty.case import Case
from geo.duty.cases.steps import fold
from geo.duty.events import Action, Clock, Event
from geo.duty.facts import Facts
from geo.duty.ledgers.wording import (
    VERDICTS,
    channel_text,
    clock_time,
    finder_text,
    moment_text,
    place_text,
    problem_text,
    state_text,
    steps_text,
)

_DAY = dt.timedelta(days=1)
VISITS = frozenset({Action.VISIT_SOLVED, Action.VISIT_UNSOLVED})

Rows = list[dict[str, Any]]


def inspection_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger A: one row for each case of the community in which something happened on the day, by the time of the first step."""
    rows = []
    for number, steps in steps_by_case(facts, day, day + _DAY).items():
        case = state_after(facts, number, day)
        if not facts.within(case, scope):
            continue
        first = min(steps, key=lambda event: (facts.happened(event), event.seq))
        rows.append(
            {
                "order": (facts.happened(first), number),
                "time": clock_time(facts, first),
                "place": place_text(facts, case),
                "channel": channel_text(facts, case),
                "problem": problem_text(facts, case),
                "found_by": finder_text(facts, facts.known[number]),
                "steps": steps_text(facts, steps),
                "case_no": number,
                "state": state_text(case),
                "due": moment_text(facts, case.due, year=day.year) + ("（暂定）" if case.provisional else ""),
            }
        )
    return sorted(rows, key=lambda row: row["order"])


def review_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger B: one row for each second-level grid of the community: its patrols, and what was due there on the day."""
    verdicts = _of_day(facts.verdicts, day)
    due, returned, visited, solved = _counted(facts, day)
    rows = []
    for code in facts.cells_of(2, scope):
        verdict = verdicts.get(code, {})
        reached = due.get(code, [])
        rows.append(
            {
                "grid": f"{facts.cell_names[code]} {code}",
                "leader": leader_text(facts, code, day),
                "required": verdict.get("required"),
                "visits": verdict.get("visits"),
                "verdict": VERDICTS[verdict["verdict"]].zh if verdict else "",
                "reason": verdict.get("reason_zh", ""),
                "due_today": len(reached),
                "in_time": sum(kept for kept in reached),
                "returned": returned.get(code, 0),
                "return_visits": visited.get(code, 0),
                "visits_solved": solved.get(code, 0),
                "remark": facts.written("B", f"{day}/{code}", "remark"),
                "key": f"{day}/{code}",
            }
        )
    return rows


def patrol_rows(facts: Facts, day: dt.date, scope: str) -> Rows:
    """Ledger F: visits to a second-level grid on a day, and the problems found there, by time."""
    rows: Rows = []
    visits = facts.visits[(facts.visits["code"] == scope) & (facts.visits["day"] == day)]
    for visit in visits.to_dict("records"):
        start, end = facts.local(visit["start"]), facts.local(visit["end"])
        counted, going_on = bool(visit["counted"]), bool(visit["going_on"])
        minutes = round(float(visit["stay_s"]) / 60)
        rows.append(
            {
                "order": (start, ""),
                "session": f"{start:%H:%M}起" if going_on else f"{start:%H:%M}–{end:%H:%M}",
                "stay": f"至少{minutes}" if going_on else minutes,
                "counted": "计入" if counted else "不计",
                "why": "" if counted else str(visit["reason"] or ""),
            }
        )
    for number, steps in steps_by_case(facts, day, day + _DAY).items():
        found = [event for event in steps if event.action in (Action.REPORT, Action.SELF_SOLVE, Action.DONE)]
        if not found:
            continue
        case = state_after(facts, number, day)
        if case.second != scope:
            continue
        first = min(found, key=lambda event: (facts.happened(event), event.seq))
        rows.append(
            {
                "order": (facts.happened(first), number),
                "session": clock_time(facts, first),
                "problem": problem_text(facts, case),
                "place": place_text(facts, case),
                "on_spot": "是" if any(event.action is Action.SELF_SOLVE for event in steps) else "否",
                "case_no": number,
                "result": state_text(case),
            }
        )
    return sorted(rows, key=lambda row: row["order"])


def steps_by_case(facts: Facts, start: dt.date, end: dt.date) -> dict[str, list[Event]]:
    """Steps that happened from one local day until before another, by case."""
    found: dict[str, list[Event]] = {}
    for event in facts.steps(start, end):
        found.setdefault(event.case_id, []).append(event)
    return found


def state_after(facts: Facts, number: str, day: dt.date) -> Case:
    """State of a case at the end of a local day; the state after its first step if it was stored later."""
    end = facts.midnight(day + _DAY)
    events = facts.known[number]
    if events[-1].at < end:
        return facts.case(number)
    before = [event for event in events if event.at < end]
    return fold(before or events[:1])


def leader_text(facts: Facts, cell: str, day: dt.date) -> str:
    """Person responsible for a cell on a day, with the person they substitute."""
    found = facts.answers(cell, day)
    return found.text if found is not None else ""


def _of_day(frame: pd.DataFrame, day: dt.date) -> dict[str, dict[str, Any]]:
    rows = frame[frame["day"] == day].to_dict("records")
    return {str(row["code"]): {str(key): value for key, value in row.items()} for row in rows}


def _counted(
    facts: Facts, day: dt.date
) -> tuple[dict[str, list[bool]], dict[str, int], dict[str, int], dict[str, int]]:
    """By second-level grid: deadlines of the day (kept or not), returns, return visits, and visits that found it solved."""
    due: dict[str, list[bool]] = {}
    start, end = facts.midnight(day), facts.midnight(day + _DAY)
    for case in facts.cases.values():
        for limit, kept in _deadlines(case):
            if start <= limit < end:
                due.setdefault(case.second, []).append(kept)
    tallies: tuple[dict[str, int], ...] = ({}, {}, {})
    wanted: tuple[Iterable[Action], ...] = ((Action.RETURN_UP,), VISITS, (Action.VISIT_SOLVED,))
    for event in facts.steps(day, day + _DAY):
        second = facts.case(event.case_id).second
        for tally, actions in zip(tallies, wanted, strict=True):
            if event.action in actions:
                tally[second] = tally.get(second, 0) + 1
    return due, tallies[0], tallies[1], tallies[2]


def _deadlines(case: Case) -> list[tuple[dt.datetime, bool]]:
    """Deadlines of handling of a case, and whether each was kept."""
    found = [
        (run.due, not run.late) for run in case.runs if run.clock in (Clock.HANDLE, Clock.REDO) and run.due is not None
    ]
    found += [
        (run.due, False)
        for clock, run in case.running.items()
        if clock in (Clock.HANDLE, Clock.REDO) and run.due is not None
    ]
    return found
