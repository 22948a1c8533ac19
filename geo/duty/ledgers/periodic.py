"""Ledgers of a week and a month of a community: C summary, D work plan."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from geo.duty.case import Case
from geo.duty.events import Action, State
from geo.duty.facts import Facts
from geo.duty.ledgers.daily import leader_text
from geo.duty.ledgers.wording import moment_text, place_text, state_text
from geo.duty.meetings.outcomes import decisions_of
from geo.duty.meetings.records import Decision
from geo.incidents.catalogue import national

_DAY, _WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
Rows = list[dict[str, Any]]

CLOSINGS = frozenset({Action.VISIT_SOLVED, Action.EXPLAIN_FILE})
#: Ages of open cases, in days: name and upper end.
AGES = (("1天以内", 1), ("1至3天", 3), ("3至7天", 7), ("7至30天", 30), ("30天以上", 36_500))
#: Maximum number of places and kinds named, and minimum number of reports of each.
NAMED, LEAST_REPEATED = 3, 2
#: Maximum number of cases listed with a figure; the page links to all of them.
MOST_LISTED = 12
#: Minimum number of reports of a repeated case; of cases of a busy place, and the number of days they are counted in.
REPEATED_REPORTS, BUSY_CASES, BUSY_DAYS = 3, 3, 30
#: A grid short of patrols on at least this many days of the previous month is in the plan.
SHORT_DAYS = 3


def summary_rows(facts: Facts, start: dt.date, scope: str) -> Rows:
    """Ledger C: received, closed and open cases of a week from `start`, compared with the previous week."""
    end = start + _WEEK
    then = facts.until(facts.midnight(end))
    now = _Week(facts, start, scope, then)
    before = _Week(facts, start - _WEEK, scope, then.until(facts.midnight(start)))
    rows = [row for make in (_flow_rows, _stock_rows, _age_rows) for row in make(now, before)]
    rows += _named_rows("多发地点", now.reports_by(lambda case: case.third), before, lambda case: case.third, facts)
    rows += _named_rows("多发事项", now.reports_by(lambda case: case.kind), before, lambda case: case.kind, facts)
    rows += _repeat_rows(now, before)
    rows += _decision_rows(facts, start, end, scope)
    rows += _notice_rows(facts, start, end, scope)
    rows += _shift_rows(facts, start, scope)
    for row in rows:
        row["key"] = f"{start}/{scope}/{row['part']}/{row['item']}"
        row["cases"] = _listed(sorted(row["cases"]))
        row["next_week"] = facts.written("C", row["key"], "next_week")
    return rows


def _listed(numbers: list[str]) -> str:
    more = f"等{len(numbers)}件" if len(numbers) > MOST_LISTED else ""
    return "、".join(numbers[:MOST_LISTED]) + more


class _Week:
    """A week of a community: its steps, and the states of its cases at the end."""

    def __init__(self, facts: Facts, start: dt.date, scope: str, then: Facts) -> None:
        self.end = facts.midnight(start + _WEEK)
        inside = {number for number, case in facts.cases.items() if facts.within(case, scope)} if scope else facts.known
        self.steps = [event for event in facts.counted(start, start + _WEEK) if event.case_id in inside]
        self.cases = {number: case for number, case in then.cases.items() if number in inside}
        self.open = {number: case for number, case in self.cases.items() if case.open}

    def numbers(self, actions: Iterable[Action]) -> list[str]:
        """Case of each step with one of the given actions."""
        wanted = frozenset(actions)
        return [event.case_id for event in self.steps if event.action in wanted]

    def reports_by(self, key: Callable[[Case], str]) -> dict[str, list[str]]:
        """Cases of the reports of the week, by a property."""
        found: dict[str, list[str]] = {}
        for event in self.steps:
            if event.action in (Action.REPORT, Action.ADD_REPORT) and event.case_id in self.cases:
                found.setdefault(key(self.cases[event.case_id]), []).append(event.case_id)
        return found


def _row(part: str, item: str, count: int, before: int, cases: Iterable[str]) -> dict[str, Any]:
    return {"part": part, "item": item, "count": count, "before": before, "cases": set(cases)}


_FLOWS: tuple[tuple[str, frozenset[Action]], ...] = (
    ("上报", frozenset({Action.REPORT, Action.ADD_REPORT})),
    ("立案", frozenset({Action.FILE})),
    ("网格自办", frozenset({Action.SELF_SOLVE})),
    ("结案", CLOSINGS),
    ("其中解释备案", frozenset({Action.EXPLAIN_FILE})),
    ("退回", frozenset({Action.RETURN_UP})),
    ("重新办理", frozenset({Action.REOPEN, Action.VERIFY_BAD, Action.VISIT_UNSOLVED})),
)


def _flow_rows(now: _Week, before: _Week) -> Rows:
    rows = []
    for name, actions in _FLOWS:
        numbers = now.numbers(actions)
        rows.append(_row("受理与办结", name, len(numbers), len(before.numbers(actions)), numbers))
    return rows


def _stock_rows(now: _Week, before: _Week) -> Rows:
    tests: tuple[tuple[str, Callable[[_Week, Case], bool]], ...] = (
        ("在办", lambda _, case: case.open),
        ("逾期", lambda week, case: case.open and case.overdue(week.end)),
        ("挂账", lambda _, case: case.state is State.SHELVED),
    )
    return [
        _row("周末存量", name, len(found), sum(test(before, case) for case in before.open.values()), found)
        for name, test in tests
        for found in [[number for number, case in now.open.items() if test(now, case)]]
    ]


def _age_rows(now: _Week, before: _Week) -> Rows:
    def by_age(week: _Week) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name, _ in AGES}
        for number, case in week.open.items():
            days = (week.end - (case.opened_at or week.end)) / _DAY
            found[next(name for name, most in AGES if days < most)].append(number)
        return found

    ages, former = by_age(now), by_age(before)
    return [_row("在办时长", name, len(numbers), len(former[name]), numbers) for name, numbers in ages.items()]


def _named_rows(
    part: str, found: Mapping[str, list[str]], before: _Week, key: Callable[[Case], str], facts: Facts
) -> Rows:
    former = before.reports_by(key)
    most = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:NAMED]
    return [
        _row(part, _named(facts, name), len(numbers), len(former.get(name, [])), numbers)
        for name, numbers in most
        if name and len(numbers) >= LEAST_REPEATED
    ]


def _named(facts: Facts, code: str) -> str:
    matter = national().by_code.get(code)
    return matter.name if matter is not None else facts.cell_names.get(code, code)


def _repeat_rows(now: _Week, before: _Week) -> Rows:
    def repeated(week: _Week) -> list[str]:
        return [number for number, case in week.open.items() if len(case.reports) >= REPEATED_REPORTS]

    numbers = repeated(now)
    return [_row("反复", f"{REPEATED_REPORTS}人及以上反映的在办件", len(numbers), len(repeated(before)), numbers)]


def _decision_rows(facts: Facts, start: dt.date, end: dt.date, scope: str) -> Rows:
    known = [decision for decision in decisions_of(facts) if _concerns(facts, decision, scope)]

    def of(first: dt.date, last: dt.date, done: bool) -> list[Decision]:
        low, high = facts.midnight(first), facts.midnight(last)
        made = [d for d in known if d.decided_at is not None and low <= d.decided_at < high]
        return [d for d in made if (d.done_at is not None and d.done_at < high) is done]

    return [
        _row("议定事项", name, len(now), len(of(start - _WEEK, start, done)), [d.case_id or d.decision_id for d in now])
        for name, done in (("本周议定已办结", True), ("本周议定未办结", False))
        for now in [of(start, end, done)]
    ]


def _concerns(facts: Facts, decision: Decision, scope: str) -> bool:
    """Whether a decision is about a case of the community, or owned by it."""
    case = facts.find(decision.case_id)
    if case is not None:
        return facts.within(case, scope)
    return not scope or decision.owner in (scope, facts.cell_names.get(scope, ""))


def _notice_rows(facts: Facts, start: dt.date, end: dt.date, scope: str) -> Rows:
    """Recipients of the week's notices, and those reached by its end; no rows without a notice."""

    def of(first: dt.date, last: dt.date) -> tuple[list[str], int]:
        low, high = facts.midnight(first), facts.midnight(last)
        mine = [
            (number, reached is not None and reached == reached and reached < high)
            for number, at, cell, reached in facts.notices[["number", "at", "cell", "reached_at"]].itertuples(
                index=False, name=None
            )
            if low <= at < high and (not scope or scope in (cell, facts.parent_of(cell)))
        ]
        return [number for number, _ in mine], sum(reached for _, reached in mine)

    (now, reached), (before, former) = of(start, end), of(start - _WEEK, start)
    if not now and not before:
        return []
    return [
        _row("上情下达", "通知应告知（人次）", len(now), len(before), now),
        _row("上情下达", "已告知", reached, former, now),
        _row("上情下达", "未告知", len(now) - reached, len(before) - former, now),
    ]


def _shift_rows(facts: Facts, start: dt.date, scope: str) -> Rows:
    """Unstaffed hours of the week; no row if there were none in this week and the week before."""

    def of(first: dt.date) -> list[str]:
        low, high = facts.midnight(first), facts.midnight(first + _WEEK)
        spans = facts.empty_shifts[["place", "cell", "start"]].itertuples(index=False, name=None)
        return [place for place, cell, at in spans if low <= at < high and scope in ("", cell)]

    now, before = of(start), of(start - _WEEK)
    return [_row("值班", "空班（段）", len(now), len(before), now)] if now or before else []


def plan_rows(facts: Facts, first: dt.date, scope: str) -> Rows:
    """Ledger D: open cases at the beginning of a month, why they are in the plan, and their results."""
    then = facts.until(facts.midnight(first))
    end = (first + dt.timedelta(days=32)).replace(day=1)
    cases = {number: case for number, case in then.cases.items() if then.within(case, scope)}
    rows = [
        *_planned_decisions(then, scope),
        *_planned_cases(then, cases, end),
        *_busy_places(then, cases, first),
        *_short_grids(then, first, scope),
    ]
    result = _results(facts, end)
    for row in rows:
        row["key"] = f"{first:%Y-%m}/{scope}/{row['item']}"
        row["result"] = result(row["linked"])
        row["linked"] = "、".join(row["linked"])
        row["plan"] = facts.written("D", row["key"], "plan")
    return rows


def _planned(item: str, why: str, linked: list[str], owner: str, until: str) -> dict[str, Any]:
    return {"item": item, "why": why, "linked": linked, "owner": owner, "until": until}


def _planned_decisions(then: Facts, scope: str) -> Rows:
    return [
        _planned(d.text, "议定事项未办结", [d.case_id or d.decision_id], then.name_of(d.owner), f"{d.due:%m-%d}")
        for d in decisions_of(then)
        if d.done_at is None and _concerns(then, d, scope)
    ]


def _planned_cases(then: Facts, cases: Mapping[str, Case], end: dt.date) -> Rows:
    rows = []
    for number, case in sorted(cases.items()):
        if case.state is State.SHELVED and case.review_date is not None and case.review_date < end:
            why, until = "挂账到复核日", f"{case.review_date:%m-%d}"
        elif case.open and case.state is not State.SHELVED and case.overdue(then.as_of):
            why, until = "月初已逾期", moment_text(then, case.due)
        else:
            continue
        rows.append(
            _planned(
                f"{place_text(then, case)} {case.summary}".strip(), why, [number], then.name_of(case.owner or ""), until
            )
        )
    return rows


def _busy_places(then: Facts, cases: Mapping[str, Case], first: dt.date) -> Rows:
    since = then.midnight(first - dt.timedelta(days=BUSY_DAYS))
    recent = {number: case for number, case in cases.items() if case.opened_at is not None and case.opened_at >= since}
    counts = Counter(case.third for case in recent.values() if case.third and case.state is not State.MERGED)
    numbers: dict[str, list[str]] = {}
    for number, case in sorted(recent.items()):
        numbers.setdefault(case.third, []).append(number)
    rows = []
    for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if count >= BUSY_CASES:
            owner = leader_text(then, then.parent_of(code), first)
            item = f"{then.cell_names.get(code, code)} 多发问题"
            rows.append(_planned(item, f"前{BUSY_DAYS}天{count}件", numbers[code], owner, "月内"))
    return rows


def _short_grids(then: Facts, first: dt.date, scope: str) -> Rows:
    before = (first - _DAY).replace(day=1)
    table = then.verdicts
    missed = table[(table["day"] >= before) & (table["day"] < first) & table["verdict"].isin(["short", "not_visited"])]
    counts = Counter(str(code) for code in missed["code"])
    return [
        _planned(
            f"{then.cell_names[code]} 巡查",
            f"上月{counts[code]}天未达标",
            [code],
            leader_text(then, code, first),
            "月内",
        )
        for code in then.cells_of(2, scope)
        if counts[code] >= SHORT_DAYS
    ]


def _results(facts: Facts, end: dt.date) -> Callable[[Iterable[str]], str]:
    """Results of cases and decisions until the end of the month, as far as known."""
    after = facts.until(facts.midnight(end))
    done = {d.decision_id: d.done_at for d in decisions_of(after)}

    def result(linked: Iterable[str]) -> str:
        states = []
        for number in linked:
            if number in after.known:
                states.append(state_text(after.case(number)))
            elif number in done:
                states.append("已办结" if done[number] is not None else "未办结")
        counts = Counter(states)
        return states[0] if len(states) == 1 else "；".join(f"{state}{n}件" for state, n in sorted(counts.items()))

    return result
