"""Indicators: their printed definitions, and the cases each one counts in a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from geo.duty.case import Case
from geo.duty.events import Action, Clock, Event, Outcome, State
from geo.duty.facts import Facts
from geo.texts import Text

#: Version of the definitions below. Changing what an indicator counts needs a new version; the old one is kept.
VERSION = "2026-1"

#: Minimum number of reports of a repeated case.
REPEATED = 3

ASSIGNING = frozenset({Action.ASSIGN, Action.REASSIGN, Action.DECIDE_ASSIGN})
VERIFYING = frozenset({Action.VERIFY_OK, Action.VERIFY_BAD})
VISITING = frozenset({Action.VISIT_SOLVED, Action.VISIT_UNSOLVED})
#: Results of return visits without contact.
NOT_REACHED = frozenset({"unreached", "declined"})


class Counted(NamedTuple):
    """Numbers of the cases in the numerator and in the denominator, which contains the numerator."""

    numerator: list[str]
    denominator: list[str]


@dataclass(frozen=True)
class Indicator:
    """An indicator: its number, name and definition."""

    id: str
    name: Text
    definition: Text


class Period:
    """Cases and steps of a period ``[start, end)`` of local days, as counted by the indicators.

    Steps after the end do not count, so the result does not depend on when the period is evaluated.
    """

    def __init__(self, facts: Facts, start: dt.date, end: dt.date) -> None:
        self.facts = facts.until(facts.midnight(end))
        # In UTC as the times of the events: times of two zones take ten times as long to compare.
        self.start, self.end = (facts.midnight(day).astimezone(dt.UTC) for day in (start, end))
        self.days = (start, end)
        self.cases = self.facts.cases
        self.steps: dict[str, list[Event]] = {}
        for event in self.facts.counted(start, end):
            self.steps.setdefault(event.case_id, []).append(event)

    def inside(self, moment: dt.datetime | None) -> bool:
        """Whether a moment lies in the period."""
        return moment is not None and self.start <= moment < self.end

    def with_steps(self, actions: Iterable[Action]) -> list[str]:
        """Cases with a step of the given actions in the period."""
        wanted = frozenset(actions)
        return sorted(number for number, steps in self.steps.items() if any(event.action in wanted for event in steps))

    def accepted(self) -> list[str]:
        """Cases received in the period."""
        return self._where(lambda case: self.inside(case.opened_at))

    def due(self) -> list[str]:
        """Cases due to be closed (应结案)."""
        return self._where(self._is_due)

    def still_open(self) -> list[str]:
        """Cases that were open at the end."""
        return self._where(lambda case: case.open)

    def overdue(self) -> list[str]:
        """Open cases whose handling limit had passed at the end."""
        return self._where(lambda case: case.open and case.state is not State.SHELVED and case.overdue(self.end))

    def closed(self) -> list[str]:
        """Cases closed in the period and still closed at its end."""
        return self._where(lambda case: case.state is State.CLOSED and self.inside(case.closed_at))

    def _where(self, test: Callable[[Case], bool]) -> list[str]:
        return sorted(number for number, case in self.cases.items() if test(case))

    def _is_due(self, case: Case) -> bool:
        limit = handling_limit(case)
        if limit is None or not self.inside(limit[0]) or case.state in (State.VOID, State.MERGED):
            return False
        return not self._standing_still_on(case, limit[0])

    def _standing_still_on(self, case: Case, moment: dt.datetime) -> bool:
        midnight = self.facts.midnight(self.facts.local(moment).date())
        after = midnight + dt.timedelta(days=1)
        return any(start < after and (end is None or end > midnight) for start, end in case.paused)


def handling_limit(case: Case) -> tuple[dt.datetime, bool | None] | None:
    """The deadline of handling in the first round, and whether it was kept; None while it is running.

    The limit is suspended while the case is returned or shelved; resuming and extensions move it. Redoing has its own limit,
    which is not counted here. Cases that were never dispatched, including those solved in the grid, have none.
    """
    running = case.running.get(Clock.HANDLE)
    if running is None and Clock.HANDLE in case.suspended:
        running = case.suspended[Clock.HANDLE][0]
    if running is not None:
        return None if running.due is None else (running.due, None)
    for run in reversed(case.runs):
        if run.clock is Clock.HANDLE and run.due is not None:
            return run.due, not run.late
    return None


def _filed(period: Period) -> Counted:
    came = [
        number
        for number in period.accepted()
        if period.cases[number].state is not State.MERGED and not _self_solved(period, number)
    ]
    return Counted([number for number in came if period.cases[number].filed_at is not None], came)


def _self_solved(period: Period, number: str) -> bool:
    return any(event.action is Action.SELF_SOLVE for event in period.facts.known[number])


def _closed_of_due(period: Period) -> Counted:
    due = period.due()
    return Counted([number for number in due if period.cases[number].state is State.CLOSED], due)


def _in_time(period: Period) -> Counted:
    due = period.due()
    kept = []
    for number in due:
        case, limit = period.cases[number], handling_limit(period.cases[number])
        if case.state is State.CLOSED and limit is not None and limit[1]:
            kept.append(number)
    return Counted(kept, due)


def _handled_in_time(period: Period) -> Counted:
    counted, kept = [], []
    for number, case in sorted(period.cases.items()):
        limit = handling_limit(case)
        if limit is None or case.state in (State.VOID, State.MERGED):
            continue
        stopped = any(event.action is Action.DONE for event in period.steps.get(number, ()))
        if stopped or (Clock.HANDLE in case.running and limit[0] < period.end):
            counted.append(number)
            if limit[1]:
                kept.append(number)
    return Counted(kept, counted)


def _solved_in_grid(period: Period) -> Counted:
    solved = [
        number for number in period.closed() if period.cases[number].outcome in (Outcome.SOLVED, Outcome.SOLVED_IN_GRID)
    ]
    return Counted([n for n in solved if period.cases[n].outcome is Outcome.SOLVED_IN_GRID], solved)


def _explained(period: Period) -> Counted:
    closed = period.closed()
    return Counted([n for n in closed if period.cases[n].outcome is Outcome.EXPLAINED], closed)


def _sent_right(period: Period) -> Counted:
    sent = [number for number in period.with_steps(ASSIGNING) if period.inside(period.cases[number].assigned_at)]
    right = [number for number in sent if _assignments(period, number) == 1 and not period.cases[number].returns]
    return Counted(right, sent)


def _assignments(period: Period, number: str) -> int:
    return sum(event.action in ASSIGNING for event in period.facts.known[number])


def _returned(period: Period) -> Counted:
    sent = period.with_steps({*ASSIGNING, Action.RETURN_UP})
    returned = frozenset(period.with_steps({Action.RETURN_UP}))
    return Counted([number for number in sent if number in returned], sent)


def _redone(period: Period) -> Counted:
    judged = period.with_steps(VERIFYING | VISITING)
    bad = frozenset(period.with_steps({Action.VERIFY_BAD, Action.VISIT_UNSOLVED}))
    return Counted([number for number in judged if number in bad], judged)


def _repeated(period: Period) -> Counted:
    came = [number for number in period.accepted() if period.cases[number].state is not State.MERGED]
    repeated = [
        number for number in came if len(period.cases[number].reports) >= REPEATED or period.cases[number].recurrence_of
    ]
    return Counted(repeated, came)


def _reached(period: Period) -> Counted:
    visited = period.with_steps(VISITING)
    return Counted([number for number in visited if _visit_reached(period, number)], visited)


def _visit_reached(period: Period, number: str) -> bool:
    last = next(event for event in reversed(period.steps[number]) if event.action in VISITING)
    return last.payload.get("result") not in NOT_REACHED


def _visit_solved(period: Period) -> Counted:
    reached = _reached(period).numerator
    solved = [
        number
        for number in reached
        if next(e for e in reversed(period.steps[number]) if e.action in VISITING).action is Action.VISIT_SOLVED
    ]
    return Counted(solved, reached)


_TABLE: tuple[tuple[str, Text, Text, Callable[[Period], Counted]], ...] = (
    (
        "FIL",
        Text("立案率", "filed"),
        Text(
            "已立案的件数，除以本期受理的件数（不含并入主件的和网格自办的）",
            "cases filed, of those that came in (not merged, not solved in the grid)",
        ),
        _filed,
    ),
    (
        "CLO",
        Text("结案率", "closed"),
        Text(
            "应结案中期末已结案的件数，除以应结案件数。应结案：首轮处置时限（含批准的延期）落在本期的案件，"
            "减去作废、并入主件和时限当日在挂账的；未派遣的和网格自办的没有处置时限，不在其中",
            "closed by the end, of those due to be closed: the valid deadline of handling falls into the period; void, merged "
            "and shelved on that day are not among them, nor are cases that were never dispatched",
        ),
        _closed_of_due,
    ),
    (
        "ONT",
        Text("按期结案率", "closed in time"),
        Text(
            "应结案中按时限处置完毕并且期末已结案的件数，除以应结案件数；经批准免责的超期仍算超期",
            "handled within the limit and closed by the end, of those due to be closed; an exempted lateness stays late",
        ),
        _in_time,
    ),
    (
        "EGO",
        Text("按期处置率（平台口径）", "handled in time, city's way"),
        Text(
            "按时限处置完毕的件数，除以本期处置完毕的和期末仍在处置且已超时限的件数；供与市级平台对照",
            "handled within the limit, of those handled in the period or past their limit at its end; to compare with the city",
        ),
        _handled_in_time,
    ),
    (
        "SELF",
        Text("网格自办率", "solved in the grid"),
        Text("网格自办的件数，除以本期结案且已解决的件数", "solved in the grid, of all that were closed as solved"),
        _solved_in_grid,
    ),
    (
        "DISP",
        Text("一次派准率", "dispatched right at once"),
        Text(
            "只派遣一次、没有退回的件数，除以本期首次派遣的件数",
            "dispatched once and not returned, of those first dispatched",
        ),
        _sent_right,
    ),
    (
        "RET",
        Text("退回率", "returned"),
        Text("本期有退回的件数，除以本期有派遣或退回的件数", "with a return, of those with a dispatch or return"),
        _returned,
    ),
    (
        "REDO",
        Text("返工率", "to be done again"),
        Text(
            "本期核查不通过或回访未解决的件数，除以本期核查或回访的件数", "found not done, of those verified or visited"
        ),
        _redone,
    ),
    (
        "EXP",
        Text("解释备案率", "explained"),
        Text(
            "以解释备案结案的件数，除以本期结案的件数；解释备案不算解决",
            "closed by explanation, of all closed; not solved",
        ),
        _explained,
    ),
    (
        "REP",
        Text("反复率", "repeated"),
        Text(
            "3人及以上反映的或结案后再次发生的件数，除以本期受理的件数（不含并入主件的）",
            "with three or more reports or recurring, of those that came in and were not merged",
        ),
        _repeated,
    ),
    (
        "VISR",
        Text("回访接通率", "visits that reached somebody"),
        Text("回访到反映人的件数，除以本期回访的件数", "visits that reached the reporter, of all visited"),
        _reached,
    ),
    (
        "VISS",
        Text("回访已解决率", "found solved on a visit"),
        Text("反映人说已解决的件数，除以回访到反映人的件数", "said to be solved, of those reached"),
        _visit_solved,
    ),
)

#: The indicators by number, in display order.
DEFINITIONS = {number: Indicator(number, name, definition) for number, name, definition, _ in _TABLE}
_COUNTS = {number: count for number, _, _, count in _TABLE}


def counted_cases(period: Period, indicator: str) -> Counted:
    """Cases counted by an indicator in a period."""
    return _COUNTS[indicator](period)


def definition_lines(indicators: Iterable[str] = tuple(DEFINITIONS)) -> list[str]:
    """Printed definitions.

    >>> definition_lines(["EXP"])[0]
    '解释备案率（EXP）：以解释备案结案的件数，除以本期结案的件数；解释备案不算解决。'
    """
    return [
        f"{DEFINITIONS[number].name.zh}（{number}）：{DEFINITIONS[number].definition.zh}。" for number in indicators
    ]
