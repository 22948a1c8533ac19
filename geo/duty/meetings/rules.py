"""The ten rules that create agenda lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import scipy.spatial

from geo.duty.case import Case
from geo.duty.events import Action, Clock, Event, State
from geo.duty.facts import Facts
from geo.duty.ledgers.daily import leader_text
from geo.duty.ledgers.wording import moment_text, place_text
from geo.duty.meetings.agendas import Line, Rule
from geo.duty.meetings.outcomes import joint_since, outstanding
from geo.incidents.catalogue import national
from geo.texts import Text, amount

_DAY = dt.timedelta(days=1)
#: An open case is old if this share of closed cases of the same kind took less time; minimum number of closed cases.
OLD_QUANTILE, LEAST_OF_KIND = 0.85, 20
#: Minimum number of returns of a case.
RETURNS = 2
#: A cluster: minimum number of reports or cases of one kind, within a distance or in one third-level cell, in a number of days.
CLUSTER_M, CLUSTER_SIZE, CLUSTER_DAYS = 50.0, 3, 30
#: A problem recurs if it is reported again within this number of days after closing.
RECURS_DAYS = 30
#: Minimum number of days short of patrols within the last seven days.
SHORT_DAYS, LOOKED_AT_DAYS = 3, 7

_M_PER_DEGREE = 111_320.0


def all_lines(facts: Facts, day: dt.date, after: dt.date, scope: str) -> Iterator[Line]:
    """Lines of all rules, in order; a case may be in several."""
    cases = {number: case for number, case in sorted(facts.cases.items()) if case.open and facts.within(case, scope)}
    yield from _overdue_decisions(facts, day, scope)
    yield from _due_soon(facts, cases, after)
    yield from _old(facts, cases)
    yield from _returned(facts, cases)
    yield from _clusters(facts, day, scope)
    yield from _recurred(facts, cases)
    yield from _reviews(facts, cases, after)
    yield from _joint(facts, cases)
    yield from _short_of_patrols(facts, day, scope)
    yield from _unresolved(facts, cases)


def _overdue_decisions(facts: Facts, day: dt.date, scope: str) -> Iterator[Line]:
    for decision in outstanding(facts):
        case = facts.cases.get(decision.case_id)
        if decision.due >= day or (scope and (case is None or not facts.within(case, scope))):
            continue
        yield Line(
            Rule.DECISION_OVERDUE,
            Text("{meeting}议定，应于{due}前完成，已超{n}天", "decided {meeting}, due {due}, {n} over").fill(
                meeting=decision.meeting_id, due=f"{decision.due:%m-%d}", n=amount((day - decision.due).days, "day")
            ),
            decision.text,
            Text("为何未完成，何时完成？", "Why is it not done, and when will it be?"),
            facts.name_of(decision.owner),
            (decision.case_id,) if decision.case_id else (),
            _cell(case),
        )


def _due_soon(facts: Facts, cases: Mapping[str, Case], after: dt.date) -> Iterator[Line]:
    """One line for each owner: cases due before the next meeting, and overdue cases."""
    limit = facts.midnight(after)
    by_owner: dict[str, list[tuple[dt.datetime, str]]] = {}
    for number, case in cases.items():
        due = _handling_due(case)
        if due is not None and due < limit:
            by_owner.setdefault(case.unit or case.owner or "", []).append((due, number))
    for owner, found in sorted(by_owner.items(), key=lambda pair: (min(pair[1]), pair[0])):
        numbers = [number for _, number in sorted(found)]
        overdue = sum(due < facts.as_of for due, _ in found)
        first = cases[numbers[0]]
        about = f"{place_text(facts, first)} {first.summary}".strip()
        yield Line(
            Rule.DUE_SOON,
            Text(
                "下次例会前到期{n}件，其中已逾期{late}件，最早{due}",
                "{n} due before the next meeting, {late} of them overdue, the first {due}",
            ).fill(n=len(found), late=overdue, due=moment_text(facts, min(found)[0])),
            about if len(numbers) == 1 else f"{about} 等{len(numbers)}件",
            Text("能否按期办结，需要谁配合？", "Can it be done in time, and whose help is needed?"),
            facts.name_of(owner),
            tuple(numbers),
            _cell(first),
        )


def _handling_due(case: Case) -> dt.datetime | None:
    for clock in (Clock.HANDLE, Clock.REDO):
        if clock in case.running:
            return case.running[clock].due
    return None


def _old(facts: Facts, cases: Mapping[str, Case]) -> Iterator[Line]:
    limits = _Ages(facts)
    for number, case in cases.items():
        if case.state is State.SHELVED or case.opened_at is None:
            continue
        age = (facts.as_of - case.opened_at) / _DAY
        limit = limits.limit(case)
        if limit is not None and age > limit:
            yield Line(
                Rule.OLD,
                Text(
                    "已{age:.0f}天，同类85%的在{limit:.1f}天内办结",
                    "{age:.0f} days old; 85 % of its kind were closed within {limit:.1f}",
                ).fill(age=age, limit=limit),
                _about(facts, case),
                Text("卡在哪一步？", "At which step does it wait?"),
                facts.name_of(case.owner or ""),
                (number,),
                _cell(case),
            )


class _Ages:
    """Time in which 85 % of the closed cases of a kind were closed; of the service, or of all cases, if there are too few."""

    def __init__(self, facts: Facts) -> None:
        self._days: dict[tuple[str, str], list[float]] = {}
        for case in facts.cases.values():
            if case.first_closed_at is not None and case.opened_at is not None:
                days = (case.first_closed_at - case.opened_at) / _DAY
                for key in _groups(case):
                    self._days.setdefault(key, []).append(days)
        self._limits: dict[tuple[str, str], float] = {}

    def limit(self, case: Case) -> float | None:
        """The limit for a case in days; None if too few cases were closed."""
        for key in _groups(case):
            days = self._days.get(key, [])
            if len(days) >= LEAST_OF_KIND:
                if key not in self._limits:
                    self._limits[key] = float(np.quantile(days, OLD_QUANTILE))
                return self._limits[key]
        return None


def _groups(case: Case) -> tuple[tuple[str, str], ...]:
    return (("kind", case.kind), ("service", case.service), ("all", ""))


def _returned(facts: Facts, cases: Mapping[str, Case]) -> Iterator[Line]:
    for number, case in cases.items():
        if case.returns >= RETURNS:
            yield Line(
                Rule.RETURNED,
                Text("已退回{n}次", "returned {n}").fill(n=amount(case.returns, "time")),
                _about(facts, case),
                Text("由谁负责？", "Who is responsible?"),
                facts.name_of(case.owner or ""),
                (number,),
                _cell(case),
            )


def _clusters(facts: Facts, day: dt.date, scope: str) -> Iterator[Line]:
    since = facts.midnight(day - CLUSTER_DAYS * _DAY)
    recent: dict[str, list[str]] = {}
    for number, case in sorted(facts.cases.items()):
        fresh = case.opened_at is not None and case.opened_at >= since
        if fresh and case.kind and facts.within(case, scope) and case.state not in (State.VOID, State.MERGED):
            recent.setdefault(case.kind, []).append(number)
    for kind, numbers in sorted(recent.items()):
        for group in _near(facts, numbers):
            members = [facts.cases[number] for number in group]
            reports = sum(len(case.reports) for case in members)
            if max(reports, len(group)) < CLUSTER_SIZE or not any(case.open for case in members):
                continue
            first = next(case for case in members if case.open)
            yield Line(
                Rule.CLUSTER,
                Text("30天内同一处同类{n}件、{k}人次反映", "{n} and {k} of one kind in 30 days").fill(
                    n=amount(len(group), "case"), k=amount(reports, "report")
                ),
                f"{place_text(facts, first)} {_kind_name(kind)}",
                Text("能否从源头解决？", "Can it be solved at its source?"),
                facts.name_of(first.unit or first.owner or ""),
                tuple(number for number in group if facts.cases[number].open),
                _cell(first),
            )


def _near(facts: Facts, numbers: Sequence[str]) -> list[list[str]]:
    """Groups of cases that are near each other or in one third-level cell, in the order of their first members."""
    leader = {number: number for number in numbers}

    def root(number: str) -> str:
        while leader[number] != number:
            number = leader[number]
        return number

    def join(one: str, other: str) -> None:
        low, high = sorted((root(one), root(other)))
        leader[high] = low

    by_cell: dict[str, str] = {}
    placed, points = [], []
    for number in numbers:
        case = facts.cases[number]
        if case.third:
            join(by_cell.setdefault(case.third, number), number)
        report = facts.first_report(case)
        if report is not None and report.lon is not None and report.lat is not None:
            placed.append(number)
            points.append((report.lon * np.cos(np.radians(report.lat)) * _M_PER_DEGREE, report.lat * _M_PER_DEGREE))
    if len(points) > 1:
        for one, other in sorted(scipy.spatial.cKDTree(np.array(points)).query_pairs(CLUSTER_M)):
            join(placed[one], placed[other])
    groups: dict[str, list[str]] = {}
    for number in numbers:
        groups.setdefault(root(number), []).append(number)
    return list(groups.values())


def _recurred(facts: Facts, cases: Mapping[str, Case]) -> Iterator[Line]:
    for number, case in cases.items():
        before = facts.cases.get(case.recurrence_of) if case.recurrence_of else None
        again = _reopened(facts.known[number])
        if before is not None and before.closed_at is not None and case.opened_at is not None:
            days = (case.opened_at - before.closed_at) / _DAY
        elif again is not None and case.first_closed_at is not None:
            days = (again.at - case.first_closed_at) / _DAY
        else:
            continue
        if days <= RECURS_DAYS:
            yield Line(
                Rule.RECURRED,
                Text("结案后{n:.0f}天又发生", "came back {n:.0f} days after closing").fill(n=days),
                _about(facts, case),
                Text("上次的措施为何未能解决？", "Why did the last remedy not hold?"),
                facts.name_of(case.owner or ""),
                (number,),
                _cell(case),
            )


def _reopened(events: Sequence[Event]) -> Event | None:
    return next((event for event in reversed(events) if event.action is Action.REOPEN), None)


def _reviews(facts: Facts, cases: Mapping[str, Case], after: dt.date) -> Iterator[Line]:
    for number, case in cases.items():
        if case.state is State.SHELVED and case.review_date is not None and case.review_date < after:
            yield Line(
                Rule.REVIEW,
                Text("挂账复核日{day}", "review of the shelved case is due {day}").fill(
                    day=f"{case.review_date:%m-%d}"
                ),
                f"{_about(facts, case)}（计划：{case.plan}）" if case.plan else _about(facts, case),
                Text("条件是否具备，恢复办理还是继续挂账？", "Is the condition met: go on, or shelve it further?"),
                facts.name_of(case.owner or ""),
                (number,),
                _cell(case),
            )


def _joint(facts: Facts, cases: Mapping[str, Case]) -> Iterator[Line]:
    for number, case in cases.items():
        asked = joint_since(facts.known[number], case.state)
        if asked is not None:
            question = str(asked.payload.get("question") or asked.reason)
            yield Line(
                Rule.JOINT,
                Text("{who}提请会办", "joint handling asked for by {who}").fill(who=facts.name_of(asked.actor)),
                _about(facts, case),
                Text(question, question) if question else Text("如何会办？", "How is it to be handled?"),
                facts.name_of(case.unit or case.owner or ""),
                (number,),
                _cell(case),
            )


def _short_of_patrols(facts: Facts, day: dt.date, scope: str) -> Iterator[Line]:
    table = facts.verdicts
    since = day - LOOKED_AT_DAYS * _DAY
    missed = table[(table["day"] >= since) & (table["day"] < day) & table["verdict"].isin(["short", "not_visited"])]
    days = missed.groupby("code")["day"].nunique()
    for code in facts.cells_of(2, scope):
        if int(days.get(code, 0)) >= SHORT_DAYS:
            yield Line(
                Rule.SHORT_OF_PATROLS,
                Text("近7天有{n}天巡查未达标", "short of patrols on {n} of the last 7 days").fill(n=int(days[code])),
                facts.cell_names[code],
                Text("原因在于人手、路线还是设备？", "Is it staff, the route or the device?"),
                leader_text(facts, code, day),
                cell=code,
            )


def _unresolved(facts: Facts, cases: Mapping[str, Case]) -> Iterator[Line]:
    tests: tuple[tuple[Callable[[Case], bool], Text], ...] = (
        (lambda case: not case.second, Text("地点未归入网格", "the place is in no known grid")),
        (lambda case: not case.owner, Text("没有责任人", "nobody owns it")),
    )
    for number, case in cases.items():
        for test, why in tests:
            if test(case):
                yield Line(
                    Rule.UNRESOLVED,
                    why,
                    _about(facts, case),
                    Text("属于哪个网格，由谁负责？", "Which grid is it in, and who is responsible?"),
                    "",
                    (number,),
                )
                break


def _about(facts: Facts, case: Case) -> str:
    return f"{place_text(facts, case)} {case.summary}".strip()


def _cell(case: Case | None) -> str:
    return "" if case is None else case.third or case.second or case.community


def _kind_name(code: str) -> str:
    matter = national().by_code.get(code)
    return matter.name if matter is not None else code
