"""Forty cases of one week in two communities, designed so that all figures can be verified by hand.

Each line is a group of equal cases: their number, community, and steps with day of March 2026 and time. The 2nd is a
Monday. A limit of n working days that starts on a day ends at 18:00 of the n-th working day after it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from geo.duty import Duty, Event, Report, fold
from geo.duty.cases.book import CaseBook
from geo.duty.facts import Facts
from geo.duty.meetings.records import Decision, Meeting
from geo.duty.rosters.assignments import Absence, Assignment, Person
from geo.duty.rosters.roster import Roster
from geo.incidents import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
STREET = "320113003"
START, END = dt.date(2026, 3, 2), dt.date(2026, 3, 9)
CHINA = Calendar.china()

#: Number, community, steps. `in time` is due on the 4th at 18:00.
GROUPS = (
    (
        10,
        1,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 3 15:00 done | 3 16:00 verify_ok | 3 17:00 visit_solved",
    ),
    (
        4,
        1,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 5 10:00 done | 5 11:00 verify_ok | 5 12:00 visit_solved",
    ),
    (3, 2, "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign"),
    (2, 2, "3 09:00 report | 3 09:30 file 5工作日 | 3 10:00 assign | 3 10:30 sign"),
    (5, 1, "4 09:00 report | 4 09:10 self_solve | 4 10:00 verify_ok | 4 11:00 visit_solved"),
    (2, 2, "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 3 09:00 call_joint | 3 15:00 explain_file"),
    (2, 2, "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 3 09:00 shelve"),
    (2, 1, "2 14:00 report | 2 14:30 merge"),
    (1, 2, "2 09:00 report | 2 09:30 file | 2 16:00 void"),
    (1, 2, "2 09:00 report | 2 09:30 reject"),
    (
        3,
        2,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 15:00 return_up | 3 10:00 assign | 3 10:30 sign | 4 09:00 done "
        "| 4 10:00 verify_ok | 4 11:00 visit_solved",
    ),
    (2, 1, "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 3 15:00 done | 4 09:00 verify_bad"),
    (
        2,
        1,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 3 15:00 done | 3 16:00 verify_ok "
        "| 4 09:00 visit_unsolved",
    ),
    (
        1,
        1,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign | 2 11:00 add_report | 2 12:00 add_report | 3 15:00 done "
        "| 3 16:00 verify_ok | 3 17:00 visit_solved",
    ),
)

#: Actor, role and payload of each step.
_BY = {
    "report": ("王堃", "officer"),
    "add_report": ("中心", "clerk"),
    "self_solve": ("王堃", "officer"),
    "file": ("中心", "clerk"),
    "reject": ("中心", "clerk"),
    "merge": ("中心", "clerk"),
    "void": ("李喆", "level1"),
    "assign": ("李喆", "level1"),
    "sign": ("城管中队", "unit"),
    "return_up": ("城管中队", "unit"),
    "call_joint": ("李喆", "level1"),
    "explain_file": ("书记", "chair"),
    "shelve": ("主任", "leader"),
    "done": ("城管中队", "unit"),
    "verify_ok": ("赵明", "officer"),
    "verify_bad": ("赵明", "officer"),
    "visit_solved": ("中心", "clerk"),
    "visit_unsolved": ("中心", "clerk"),
    "supervise": ("纪工委", "supervisor"),
    "reopen": ("中心", "clerk"),
    "resume": ("李喆", "level1"),
    "decide_assign": ("书记", "chair"),
    "decide_shelve": ("主任", "leader"),
    "undo": ("李喆", "level1"),
}


def moment(day: int, clock: str) -> dt.datetime:
    """A day of March 2026 and a local time."""
    return dt.datetime.combine(dt.date(2026, 3, day), dt.time.fromisoformat(clock), ZONE)


class Street:
    """Cases, reports and frames, built step by step."""

    def __init__(self) -> None:
        self.book = CaseBook(CHINA)
        self.reports: dict[str, Report] = {}

    def add(self, number: str, community: int, steps: str, **more: dict[str, Any]) -> None:
        """Add a case: ``2 09:00 report | 2 09:30 file``; `more` maps actions to payloads."""
        for step in steps.split("|"):
            self.do(number, community, step, more)

    def do(self, number: str, community: int, step: str, more: dict[str, dict[str, Any]]) -> None:
        """Take one step of a case."""
        second = f"{STREET}{community:03d}001"
        day, clock, action, *rest = step.split()
        at = moment(int(day), clock)
        payload: dict[str, Any] = {}
        if action in ("report", "add_report"):
            name = f"R{len(self.reports):03d}"
            self.reports[name] = Report(
                name,
                at,
                "12345",
                f"{number}暴露垃圾",
                third=f"{second}001",
                second=second,
                community=second[:12],
                address_text="3幢",
                case_id=number,
                external_no="W1",
            )
            payload = {"report": name, "channel": "12345", "summary": "暴露垃圾", "kind": "06010"}
            payload |= {"third": f"{second}001", "second": second, "community": second[:12]}
        elif action == "file":
            payload = {"kind": "06010", "limit": rest[0] if rest else "2工作日"}
        elif action in ("assign", "decide_assign"):
            payload = {"unit": "城管中队"}
        elif action == "merge":
            payload = {"main_case": "N01"}
        elif action in ("shelve", "decide_shelve"):
            payload = {"plan": "等待维修资金", "review_date": "2026-06-01"}
        elif action == "explain_file":
            payload = {"explanation": "政策不支持", "opinion": "会办意见", "told": ["反映人"]}
        elif action in ("visit_solved", "visit_unsolved"):
            payload = {"result": "solved" if action == "visit_solved" else "partly"}
        dispatched = number in self.book.cases and self.book.cases[number].assigned_at is not None
        actor, role = _BY["assign" if action == "merge" and dispatched else action]
        payload |= more.get(action, {})
        seq = self.book.cases[number].seq + 1 if number in self.book.cases else 1
        reason = "" if action in ("report", "add_report", "file", "assign", "sign") else "按规定办理"
        self.book.add(Event(number, seq, at, actor, role, action, reason, payload))

    def facts(self, as_of: dt.datetime | None = None, **more: Any) -> Facts:
        """The facts, by default as known on the morning after the week."""
        given: dict[str, Any] = {
            "reports": self.reports,
            "cells": cells(),
            "roster": roster(),
            "verdicts": verdicts(),
            "visits": visits(),
            "street": {"name": "迈皋桥街道", "hotline": "12345", "supervision_phone": "025-85550000"},
        }
        logs = {number: tuple(events) for number, events in self.book.logs.items()}
        return Facts(logs, as_of or moment(9, "08:00"), **{**given, **more})


def forty() -> Street:
    """The street of :data:`GROUPS`; cases are called N01 to N40. The reporter of N02 was not reached."""
    street = Street()
    planned = []
    number = 0
    for count, community, steps in GROUPS:
        for _ in range(count):
            number += 1
            more = {"visit_solved": {"result": "unreached"}} if number == 2 else {}
            for step in steps.split("|"):
                day, clock, *_ = step.split()
                planned.append((moment(int(day), clock), f"N{number:02d}", community, step, more))
    # In chronological order, because a case can only be merged into an open one.
    for _, name, community, step, more in sorted(planned, key=lambda entry: entry[:2]):
        street.do(name, community, step, more)
    return street


def cells() -> pd.DataFrame:
    """A street with two communities, two second-level grids each, and two third-level cells each."""
    rows = [(STREET, "迈皋桥街道", 0, None, 4000, 40.0)]
    for c in (1, 2):
        community = f"{STREET}{c:03d}"
        rows.append((community, f"{'万寿村' if c == 1 else '长营村'}社区", 1, STREET, 2000, 20.0))
        for s in (1, 2):
            second = f"{community}{s:03d}"
            rows.append((second, f"{c}社区第{s}网格", 2, community, 1000, 10.0))
            rows += [(f"{second}{t:03d}", f"{c}-{s}-{t}号院", 3, second, 500, 5.0) for t in (1, 2)]
    return pd.DataFrame(rows, columns=["code", "name", "level", "parent", "population", "workload"])


def roster() -> Roster:
    """Each second-level grid has a leader; the leader of 1-1 is absent on the 5th with the deputy 李喆."""
    first = dt.date(2026, 1, 1)
    persons = [
        Person("王堃", "王堃", "official", "街道干部", "城建科", "025-85550101", "有事找我"),
        Person("李喆", "李喆", "official", "科长", "党政办", "025-85550102"),
        Person("赵明", "赵明", "community_worker", "社工", "长营村", "025-85550103"),
        Person("钱警官", "钱警官", post="民警", office_phone="025-85550110"),
    ]
    one, two = f"{STREET}001", f"{STREET}002"
    given = [
        Assignment(one, "李喆", Duty.RESPONSIBLE, first),
        Assignment(two, "赵明", Duty.RESPONSIBLE, first),
        Assignment(f"{one}001", "王堃", Duty.LEADER, first),
        Assignment(f"{one}002", "李喆", Duty.LEADER, first),
        Assignment(f"{two}001", "赵明", Duty.LEADER, first),
        Assignment(f"{two}002", "赵明", Duty.LEADER, first),
        Assignment(one, "钱警官", Duty.POLICE, first),
    ]
    away = [Absence("王堃", dt.date(2026, 3, 5), dt.date(2026, 3, 5), "李喆")]
    levels = dict(zip(cells()["code"], cells()["level"], strict=True))
    return Roster(given, persons=persons, absences=away, cells={code: int(level) for code, level in levels.items()})


def verdicts() -> pd.DataFrame:
    """Met everywhere on every day of the week, except grid 1-2, which was short from Monday to Wednesday."""
    rows = []
    for code in cells().query("level == 2")["code"]:
        for k in range(7):
            short = code.endswith("001002") and k < 3
            rows.append((code, START + dt.timedelta(days=k), "short" if short else "met", 1 if short else 2, 2, "依据"))
    return pd.DataFrame(rows, columns=["code", "day", "verdict", "visits", "required", "reason_zh"])


def visits() -> pd.DataFrame:
    """Two visits to grid 1-1 on the 3rd, the second too short to count."""
    code = f"{STREET}001001"
    rows = [
        (code, dt.date(2026, 3, 3), moment(3, "09:00"), moment(3, "09:20"), 1200.0, True, None, False),
        (code, dt.date(2026, 3, 3), moment(3, "14:00"), moment(3, "14:02"), 120.0, False, "停留过短", False),
    ]
    return pd.DataFrame(rows, columns=["code", "day", "start", "end", "stay_s", "counted", "reason", "going_on"])


def meeting() -> Meeting:
    """A meeting on Tuesday the 3rd."""
    return Meeting(
        "2026-03-03", dt.date(2026, 3, 3), "三楼会议室", "书记", ("李喆", "城管中队"), ("物业",), (("谁来修？", ""),)
    )


def decision(**change: Any) -> Decision:
    """A decision of that meeting without a case."""
    values: dict[str, Any] = {
        "decision_id": "2026-03-03-1",
        "meeting_id": "2026-03-03",
        "text": "核对消防通道清单",
        "owner": "城管中队",
        "due": dt.date(2026, 3, 4),
        "helpers": ("物业",),
        "decided_at": moment(3, "10:00"),
    }
    return Decision(**{**values, **change})


def without(street: Street, number: str, seq: int) -> Street:
    """The street without one event of a case and the events after it."""
    less = Street()
    less.reports = street.reports
    for name, events in street.book.logs.items():
        kept = [event for event in events if name != number or event.seq < seq]
        if kept:
            less.book.logs[name] = kept
            less.book.cases[name] = fold(kept)
    return less
