"""Facts in a brief: problems with case numbers and places, repeats, backlog, good results. Persons are not named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.duty.briefs.blocks import Block, Paragraph
from geo.duty.briefs.indicators import REPEATED, Period, counted_cases
from geo.duty.case import Case
from geo.duty.events import Action, State
from geo.duty.ledgers.wording import moment_text, place_text
from geo.duty.meetings.outcomes import outstanding

#: Maximum number of problems listed; the others are counted. A brief has two pages.
MOST_TOLD = 6
#: Minimum number of returns of a listed case.
RETURNS = 2
_NUMERALS = "一二三四五六七八九十"


class _Problem(NamedTuple):
    """A listed fact: priority (0 first), place, case, and sentence."""

    rank: int
    community: str
    number: str
    text: str


def problem_lines(period: Period) -> list[Block]:
    """Supervision notes, rectification items, overdue, returned and redone cases, in the order of communities.

    If there are too many, findings of supervision have priority, then overdue cases.
    """
    found = [*_supervised(period), *_rectified(period)]
    noted = {problem.number for problem in found}
    found += [problem for problem in _faults(period) if problem.number not in noted]
    found.sort()
    listed = sorted(found[:MOST_TOLD], key=lambda problem: (problem.community, problem.number))
    lines: list[Block] = [
        Paragraph(f"（{_NUMERALS[place]}）{problem.text}", (problem.number,) if problem.number else ())
        for place, problem in enumerate(listed)
    ]
    rest = found[MOST_TOLD:]
    if rest:
        numbers = tuple(problem.number for problem in rest if problem.number)
        lines.append(Paragraph(f"另有{len(rest)}件同类情况，见台账。", numbers))
    return lines


def _supervised(period: Period) -> list[_Problem]:
    found = {}
    for number, steps in sorted(period.steps.items()):
        for event in steps:
            if event.action is Action.SUPERVISE:
                case = period.cases[number]
                said = event.payload.get("note") or event.reason or "已督办"
                found[number] = _Problem(0, case.community, number, f"{_named(period, case)}，督查：{said}。")
    return list(found.values())


def _rectified(period: Period) -> list[_Problem]:
    found = []
    for item in period.facts.rectifications.to_dict("records"):
        if period.inside(item["found_at"]):
            unit = _unit(period, str(item["responsible"]))
            text = f"整改项{item['number']}，{item['place']}，{item['problem']}，责任单位：{unit}。"
            found.append(_Problem(1, str(item["community"]), "", text))
    return found


def _faults(period: Period) -> list[_Problem]:
    found = []
    for number, case in period.cases.items():
        rank, what = _fault(period, case)
        if what:
            found.append(_Problem(rank, case.community, number, f"{_named(period, case)}，{what}。"))
    return found


def _fault(period: Period, case: Case) -> tuple[int, str]:
    if case.open and case.state is not State.SHELVED and case.overdue(period.end) and period.inside(case.due):
        return 2, f"时限{moment_text(period.facts, case.due)}，期末仍未办结"
    if case.open and case.returns >= RETURNS:
        return 3, f"已退回{case.returns}次"
    steps = period.steps.get(case.case_id, ())
    if any(event.action in (Action.VERIFY_BAD, Action.VISIT_UNSOLVED) for event in steps):
        return 4, f"核查或回访发现未解决，第{case.round}次办理"
    return 9, ""


def _named(period: Period, case: Case) -> str:
    """Number, place, problem and responsible body of a case."""
    place = place_text(period.facts, case)
    parts = [f"办件{case.case_id}", place, case.summary]
    unit = _unit(period, case.unit or case.owner or "")
    return "，".join(part for part in parts if part) + (f"，承办：{unit}" if unit else "")


def _unit(period: Period, owner: str) -> str:
    """The responsible body; a person of the roster is named by the post."""
    return "网格责任人" if owner in period.facts.roster.persons else period.facts.name_of(owner)


def backlog_lines(period: Period) -> list[Block]:
    """Repeats, ages of open cases, overdue reviews of shelved cases, and decisions not carried out."""
    facts = period.facts
    still = [period.cases[number] for number in period.still_open()]
    repeated = [case.case_id for case in still if len(case.reports) >= REPEATED]
    ages = sorted((period.end - case.opened_at) / dt.timedelta(days=1) for case in still if case.opened_at is not None)
    # At the end of the period its last day is over.
    review = [
        case.case_id
        for case in still
        if case.state is State.SHELVED and case.review_date is not None and case.review_date < period.days[1]
    ]
    late = [decision for decision in outstanding(facts) if decision.due < period.days[1]]
    lines: list[Block] = []
    if ages:
        middle, high = np.quantile(ages, [0.5, 0.85])
        lines.append(
            Paragraph(f"期末在办{len(ages)}件，受理至期末的时间中位数{middle:.1f}天，85%的不超过{high:.1f}天。")
        )
    lines += _listing("人以上反映、期末仍在办的", repeated, prefix=f"{REPEATED}")
    lines += _listing("挂账已过复核日的", review)
    lines += _listing("例会议定、到期未完成的", [decision.case_id or decision.decision_id for decision in late])
    return lines or [Paragraph("期末没有在办件。")]


def _listing(what: str, numbers: Sequence[str], *, prefix: str = "") -> list[Block]:
    if not numbers:
        return []
    shown = "、".join(numbers[:5])
    more = "等" if len(numbers) > len(numbers[:5]) else ""
    return [Paragraph(f"{prefix}{what}{len(numbers)}件：{shown}{more}。", tuple(numbers))]


def good_lines(period: Period, table: pd.DataFrame) -> list[Block]:
    """Good results as facts: solved in the grid, confirmed as solved by the reporters, no case overdue."""
    facts = period.facts
    lines: list[Block] = []
    solved = counted_cases(period, "SELF").numerator
    same_day = [number for number in solved if _within_a_day(period.cases[number])]
    if solved:
        lines.append(Paragraph(f"网格自办{len(solved)}件，其中{len(same_day)}件在受理后一天内结案。", tuple(solved)))
    visits = counted_cases(period, "VISS")
    if visits.numerator:
        lines.append(
            Paragraph(
                f"回访到{len(visits.denominator)}件，反映人说已解决的{len(visits.numerator)}件。",
                tuple(visits.numerator),
            )
        )
    late = {period.cases[number].community for number in period.overdue()}
    due = table[(table["indicator"] == "CLO") & (table["denominator"] > 0)]
    free = [facts.cell_names.get(str(area), str(area)) for area in due["area"] if area not in late]
    if free:
        lines.append(Paragraph(f"期末没有逾期件的：{'、'.join(free)}（按编码顺序）。"))
    return lines or [Paragraph("本期没有可列的事实。")]


def _within_a_day(case: Case) -> bool:
    return (
        case.first_closed_at is not None
        and case.opened_at is not None
        and case.first_closed_at - case.opened_at <= dt.timedelta(days=1)
    )
