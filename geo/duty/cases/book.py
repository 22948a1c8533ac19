"""All cases of a street in memory, with the same steps as in the database: for simulation, tests and files."""

from __future__ import annotations

from collections.abc import Iterable

from geo.duty.case import Case
from geo.duty.cases.case_rules import CaseRules
from geo.duty.cases.folding import reports_in
from geo.duty.cases.merging import linked_steps, live_case
from geo.duty.cases.preparation import prepared
from geo.duty.cases.steps import advance, fold
from geo.duty.events import Action, Event
from geo.incidents.limits import Calendar


class CaseBook:
    """Cases with their logs.

    Parameters
    ----------
    calendar, rules
        Working days and limits for new deadlines.

    Attributes
    ----------
    cases
        Current state of each case, by number.
    logs
        Events of each case, in order.
    """

    def __init__(self, calendar: Calendar, rules: CaseRules | None = None) -> None:
        self.calendar = calendar
        self.rules = CaseRules() if rules is None else rules
        self.cases: dict[str, Case] = {}
        self.logs: dict[str, list[Event]] = {}
        self._case_of_report: dict[str, str] = {}
        self._case_of_client: dict[str, str] = {}

    def add(self, event: Event) -> Case:
        """Execute a step and its consequences for other cases, as one transaction.

        Returns
        -------
        Case
            The case after the step. A report sent twice (same client id) returns the case created the first time.

        Raises
        ------
        RefusedStep
            If the step or one of its consequences is not possible; then nothing is changed.
        """
        if event.action is Action.REPORT and event.client_id in self._case_of_client:
            return self.cases[self._case_of_client[event.client_id]]
        before = self.cases.get(event.case_id)
        steps = linked_steps(event, self._present)
        done: list[tuple[Event, Case]] = []
        for step in steps:
            case = self.cases.get(step.case_id)
            ready = prepared(case, step, calendar=self.calendar, rules=self.rules)
            done.append((ready, advance(case, ready)))
        if done[0][1] is before:
            return done[0][1]
        for ready, case in done:
            self.cases[case.case_id] = case
            self.logs.setdefault(case.case_id, []).append(ready)
        self._note_reports(*done[0])
        return done[0][1]

    def add_all(self, events: Iterable[Event]) -> None:
        """Load existing logs; they are folded without checking the conditions of their steps."""
        for event in events:
            self.logs.setdefault(event.case_id, []).append(event)
        for case_id, log in self.logs.items():
            self.cases[case_id] = fold(log)
            for event in log:
                self._note_reports(event, self.cases[case_id])

    def live(self, report: str) -> Case:
        """The case that currently contains a report."""
        return self.cases[live_case(self._case_of_report[report], lambda name: self.cases[name].merged_into)]

    @property
    def reports(self) -> tuple[str, ...]:
        """Numbers of all reports."""
        return tuple(self._case_of_report)

    def _present(self, case_id: str) -> Case:
        return self.cases.get(case_id, Case(case_id))

    def _note_reports(self, event: Event, case: Case) -> None:
        if event.action in (Action.REPORT, Action.ADD_REPORT):
            for report in reports_in(event):
                self._case_of_report.setdefault(report, case.case_id)
            if event.client_id is not None:
                self._case_of_client[event.client_id] = case.case_id
