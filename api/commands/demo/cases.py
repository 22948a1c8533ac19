"""The month of cases of the demonstration: simulated with known truth, stored, compared with the truth, and written to files."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from geo.duty import Case, Outcome, Roster, State
from geo.errors import ImpossibleError
from geo.layers import Division
from geo.sample import (
    SimulatedCases,
    SimulatedRecords,
    model_roster,
    simulate_cases,
    simulate_records,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from api.commands.duty_papers import Source
    from geo.duty import Facts

ZONE = "Asia/Shanghai"
#: Fictitious telephone numbers of the demonstration.
TELEPHONES = {"supervision_phone": "025-0000-0001", "police_phone": "110", "property_phone": "025-0000-0002"}
#: Time at which the demonstration evaluates its cases.
_EVENING = dt.time(20)


@dataclass(frozen=True)
class DutyMonth:
    """Roster, cases and records of the demonstration, and the time of the last one."""

    roster: Roster
    made: SimulatedCases
    records: SimulatedRecords
    until: dt.datetime


def evening_of(day: dt.date) -> dt.datetime:
    """Time at which the demonstration evaluates its cases, and at which its case clock starts."""
    return dt.datetime.combine(day, _EVENING, ZoneInfo(ZONE)).astimezone(dt.UTC)


def clock_of_cases(opened: Session, street: int, moment: dt.datetime) -> Callable[[], dt.datetime]:
    """A clock that starts at a given time, or at the newest step if cases were worked on since."""
    from api.database.duty.cases import newest_step

    newest = newest_step(opened, street, until=dt.datetime.max.replace(tzinfo=dt.UTC))
    begin, started = max(moment, newest or moment), time.monotonic()
    return lambda: begin + dt.timedelta(seconds=time.monotonic() - started)


def enable_demo_viewer(opened: Session, street: int, name: str, *, at: dt.datetime) -> None:
    """Grant all case roles to the account of the demonstration, so that all steps can be tried."""
    from api.access import Grant, Role
    from api.database.accounts import account_id, change_grants, grants_of

    parts = (Role.ADMINISTRATOR, Role.CLERK, Role.COMMUNITY, Role.OFFICER, Role.LEADER, Role.SUPERVISOR)
    account, wanted = account_id(opened, street, name), [Grant(role) for role in parts]
    if set(grants_of(opened, account)) != set(wanted):
        change_grants(opened, account, wanted, at=at, by="wangge demo")


def simulate_month(
    division: Division, incidents: pd.DataFrame, *, seed: int, since: dt.date, until: dt.datetime
) -> DutyMonth:
    """Simulate cases from the incidents of the demonstration until a given time."""
    roster = model_roster(division, since=since)
    made = simulate_cases(incidents, rng=np.random.default_rng([seed, 1]), until=until, roster=roster)
    return DutyMonth(roster, made, simulate_records(made, rng=np.random.default_rng([seed, 2]), until=until), until)


def store_month(engine: Engine, street: int, month: DutyMonth, *, version: int) -> str:
    """Store a month of cases; existing cases are kept.

    Returns
    -------
    str
        What was stored, in both languages.
    """
    from api.database import session
    from api.database.duty.cases import add_logs
    from api.database.duty.rectifications import add_item_step, item_steps
    from api.database.duty.reports import add_reports
    from api.database.duty.rosters import Recorder, store_roster
    from api.database.duty.view_records import add_decision, add_meeting, carry_out, meetings

    made, records = month.made, month.records
    reports = [replace(report, division_version=str(version)) for report in made.reports]
    with session(engine, write=True) as opened:
        store_roster(opened, street, month.roster, Recorder("wangge demo", month.until))
        add_reports(opened, street, reports)
        stored = add_logs(opened, street, made.book.logs)
        held = {one.meeting_id for one in meetings(opened, street, dt.date.min, dt.date.max)}
        for meeting in records.meetings:
            if meeting.meeting_id not in held:
                at = dt.datetime.combine(meeting.day, dt.time(4), dt.UTC)
                add_meeting(opened, street, meeting, at=at, actor="wangge demo")
        for decision in records.decisions:
            if decision.meeting_id not in held:
                at = decision.decided_at or month.until
                number = add_decision(opened, street, decision, at=at, actor="wangge demo")
                if decision.done_at is not None:
                    carry_out(opened, street, number, at=decision.done_at, actor=decision.owner)
        known = {step.item_id for step in records.items if item_steps(opened, street, step.item_id)}
        for step in records.items:
            if step.item_id not in known:
                add_item_step(opened, street, step)
    events = sum(len(made.book.logs[number]) for number in stored)
    return f"{len(stored):,} 件办件 cases, {events:,} 条流转记录 events, {len(records.meetings)} 次会议 meetings"


def differences(cases: Mapping[str, Case], truth: pd.DataFrame) -> dict[str, int]:
    """Cases for which the program and the simulation's truth differ, by property.

    Events planned by the simulation but still in the future do not count as differences of open cases. Lateness is compared for
    closed cases that were handled once.
    """
    counts = dict.fromkeys(("missing", "merged", "self_solve", "explain", "reject", "return", "late"), 0)
    for number, true in truth.to_dict("index").items():
        case = cases.get(str(number))
        if case is None:
            counts["missing"] += 1
            continue
        counts["merged"] += (case.merged_into or "") != true["merged"]
        closed = case.state is State.CLOSED
        said = {
            "self_solve": case.outcome is Outcome.SOLVED_IN_GRID,
            "explain": case.outcome is Outcome.EXPLAINED,
            "reject": case.state is State.REJECTED,
            "return": case.returns > 0,
        }
        for name, value in said.items():
            decided = bool(true.get(name, False))
            counts[name] += value != decided if closed else value and not decided
        if closed and case.round == 1 and case.assigned_at is not None:
            counts["late"] += case.late != bool(true.get("late", False))
    return counts


def compared(facts: Facts, month: DutyMonth) -> tuple[str, dict[str, Any]]:
    """Comparison of the stored month with the truth of the simulation: as bilingual text, and as figures."""
    from geo.duty.ledgers.burden import burden

    wrong = differences(facts.cases, month.made.truth)
    reports = sum(len(case.reports) for case in facts.cases.values() if case.merged_into is None)
    typed = burden(facts)
    share = typed["typed"].sum() / max(1, typed["things"].sum())
    figures = {
        "cases": len(facts.cases),
        "reports": reports,
        "differing_from_truth": wrong,
        "things": int(typed["things"].sum()),
        "typed_fields": int(typed["typed"].sum()),
        "typed_per_thing": round(float(share), 4),
        "most_typed_by_a_person_and_day": int(typed["typed"].max()) if len(typed) else 0,
    }
    return (
        f"与真值不符 differing from truth {sum(wrong.values())}; 每件事填写 typed fields per thing {share:.2f}",
        figures,
    )


def write_papers(source: Source, facts: Facts, folder: Path, *, day: dt.date) -> str:
    """Write the agenda of the last Thursday, the brief of the week before, and the ledgers of a day.

    Parameters
    ----------
    facts
        Facts of the month that ends with `day`.

    Returns
    -------
    str
        The files, and the reason for a missing one: PDFs need a font that may not be installed.
    """
    from api.commands.duty_papers import excel_table, made_ledger, period_of, write_agenda, write_brief
    from api.files.workbook import write_workbook
    from geo.duty import ledger
    from geo.duty.ledgers.columns import FORMS, LedgerKind

    tables = {}
    grid = busiest_grid(facts, day)
    for kind in LedgerKind:
        if kind is LedgerKind.F:
            table, _ = made_ledger(source, kind.value, day, grid)
        else:
            table = ledger(kind, day, facts)
        tables[f"{kind.value} {FORMS[kind].title.zh}"] = excel_table(table)
    write_workbook(tables, folder / "ledgers.xlsx")
    written = ["ledgers.xlsx"]
    thursday = day - dt.timedelta(days=(day.weekday() - 3) % 7)
    week = period_of("week", day - dt.timedelta(days=7))
    try:
        write_agenda(source, thursday, "", folder / "agenda.pdf", facts)
        write_brief(source, *week, folder / "brief.pdf", facts)
        written += ["agenda.pdf", "brief.pdf"]
    except ImpossibleError as error:
        written.append(str(error))
    return ", ".join(written)


def busiest_grid(facts: Facts, day: dt.date) -> str:
    """The second-level grid in which most steps were taken on a day, of those that were visited as far as any was."""
    steps = Counter(facts.cases[event.case_id].second for event in facts.steps(day, day + dt.timedelta(days=1)))
    of_day = facts.verdicts[(facts.verdicts["day"] == day) & (facts.verdicts["visits"] > 0)]
    visited = set(of_day["code"].astype(str))
    return min(steps, key=lambda code: (code not in visited, -steps[code], code), default=facts.cells_of(2)[0])
