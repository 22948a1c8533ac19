"""Random walks through cases by all roles, with two concurrent writers, and the invariants that must hold after each step.

The same walk runs on a :class:`~geo.duty.cases.book.CaseBook` and on the databases: `add` takes an event and returns the case or
raises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from geo.duty import Action, Case, Clock, Event, Role, State, allowed, broken_links, fold
from geo.duty.cases.merging import live_case, to_be_answered
from geo.duty.events import ENDED, OPEN
from geo.errors import RefusedStep

PEOPLE = ("甲", "乙", "丙", "丁")
START = dt.datetime(2026, 9, 1, 1, tzinfo=dt.UTC)
ROLES = tuple(Role)
MINUTES = (*(0, 1, 1, 2, 3) * 8, 20, 30, 40, 50, 60, 90, 600, 900, 2000)
#: Steps back and endings, whose events must contain a reason.
REASONED = frozenset(
    {
        *(Action.REJECT, Action.VOID, Action.WITHDRAW, Action.RETURN_UP, Action.REASSIGN, Action.GIVE_BACK),
        *(Action.VERIFY_BAD, Action.VISIT_UNSOLVED, Action.EXPLAIN_FILE, Action.REOPEN, Action.RECONSIDER),
        *(Action.UNMERGE, Action.SHELVE),
    }
)

#: Steps that do not change the state are chosen less often.
STAYING = frozenset(
    {
        *(Action.ANSWER, Action.ADD_REPORT, Action.HAND_OVER, Action.ERASE_CONTACT, Action.SUPERVISE, Action.RECKON),
        *(Action.TAKE_IN, Action.RELEASE, Action.EXEMPT),
    }
)


@dataclass
class Walk:
    """A walk with its counts; `cases` are the cases as last seen by the walker."""

    add: Callable[[Event], Case]
    look: Callable[[str], Case]
    rng: np.random.Generator
    most_cases: int = 12
    at: dt.datetime = START
    steps: int = 0
    refused: int = 0
    stale: int = 0
    cases: dict[str, Case] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)
    attachments: int = 0
    late: set[str] = field(default_factory=set)
    late_steps: dict[str, int] = field(default_factory=dict)
    states: set[State] = field(default_factory=set)
    actions: set[Action] = field(default_factory=set)
    made: int = 0
    names: list[str] = field(default_factory=list)
    live: dict[str, None] = field(default_factory=dict)

    def run(self, count: int) -> None:
        """Take this many steps, including refused ones."""
        for _ in range(count):
            self.step()

    def step(self) -> None:
        self.steps += 1
        # Usually minutes, so that undo is possible; sometimes days, so that limits are missed.
        self.at += dt.timedelta(minutes=MINUTES[int(self.rng.integers(len(MINUTES)))])
        live = list(self.live)
        if len(live) < self.most_cases and (not live or self.rng.random() < 0.06):
            self.open_case()
            return
        # Ended cases are chosen less often, but can be reopened, unmerged and reconsidered.
        names = live if live and self.rng.random() < 0.9 else self.names[-200:]
        # Merging changes the main case, too: the walker re-reads the case before the step.
        name = names[int(self.rng.integers(len(names)))]
        case = self.cases[name] = self.look(name)
        event = self.event(case)
        if event is None:
            return
        if self.rng.random() < 0.1:
            self.two_writers(case, event)
        else:
            self.take(event)
        self.check(case, event)

    def open_case(self) -> None:
        self.made += 1
        name = f"C{self.made}"
        self.names.append(name)
        payload = {"report": f"R{self.made}", "wants_reply": bool(self.rng.random() < 0.5), "kind": "06010"}
        role = (Role.OFFICER, Role.CLERK, Role.SUPERVISOR)[int(self.rng.integers(3))]
        photos = ["p"] * int(self.rng.integers(0, 3))
        event = Event(
            name, 1, self.at, self.person(), role, Action.REPORT, payload={**payload, "photos": photos}, client_id=name
        )
        self.take(event)
        # I12: a repeated request of a phone.
        again = self.add(event)
        assert again.seq == self.cases[name].seq, "a report that was sent twice was taken twice"
        self.reports.add(f"R{self.made}")
        self.attachments += len(photos)

    def event(self, case: Case) -> Event | None:
        role = ROLES[int(self.rng.integers(len(ROLES)))]
        actions = allowed(case, role)
        if self.rng.random() < 0.05:
            actions = tuple(Action)[1:]
        if not actions:
            return None
        moves = tuple(action for action in actions if action not in STAYING)
        if moves and self.rng.random() < 0.8:
            actions = moves
        action = actions[int(self.rng.integers(len(actions)))]
        reason = "" if self.rng.random() < 0.05 else "理由说明"
        payload = self.payload(case, action)
        actor = self.person()
        if action is Action.UNDO and case.last is not None and self.rng.random() < 0.5:
            actor = case.last.actor
        return Event(case.case_id, case.seq + 1, self.at, actor, role, action, reason, payload=payload)

    def payload(self, case: Case, action: Action) -> dict[str, object]:
        other = self.names[max(-20, -len(self.names)) :][0] if self.rng.random() < 0.2 else self.any_live()
        review = (self.at + dt.timedelta(days=int(self.rng.integers(0, 40)))).date().isoformat()
        payloads: dict[Action, dict[str, object]] = {
            Action.MERGE: {"main_case": other},
            Action.TAKE_IN: {"case": "none", "reports": []},
            Action.RELEASE: {"case": "none", "reports": []},
            Action.SHELVE: {"plan": "列入计划", "review_date": review},
            Action.DECIDE_SHELVE: {"plan": "列入计划", "review_date": review},
            Action.ASK_EXTEND: {"asked": int(self.rng.integers(0, 4))},
            Action.EXTEND: {"granted": int(self.rng.integers(0, 3))},
            Action.HAND_OVER: {"to": self.person()},
            Action.RECKON: {"clocks": {}},
            Action.ASSIGN: {"unit": self.person(), "helpers": ["丙"]},
            Action.EXPLAIN_FILE: {"told": ["上报人"], "opinion": "会办意见"},
            Action.ANSWER: {"reports": list(case.reports)},
            Action.ADD_REPORT: {"report": f"R{self.made}-{self.steps}", "photos": ["p"]},
            Action.DONE: {"photos": ["p"]},
        }
        return payloads.get(action, {})

    def any_live(self) -> str:
        live = list(self.live)
        return live[int(self.rng.integers(len(live)))] if live else self.names[-1]

    def person(self) -> str:
        return PEOPLE[int(self.rng.integers(len(PEOPLE)))]

    def two_writers(self, case: Case, event: Event) -> None:
        """I11: of two events with the same number, the second is refused with the new state."""
        if not self.take(event):
            return
        second = self.event(case)
        if second is None:
            return
        try:
            self.add(second)
        except RefusedStep as error:
            refusal = error
        else:
            raise AssertionError("a second writer with an old number was let through")
        assert refusal.kind in ("stale", "merge"), refusal
        assert refusal.case.case_id == case.case_id
        self.stale += refusal.kind == "stale"

    def take(self, event: Event) -> bool:
        try:
            case = self.add(event)
        except RefusedStep as refusal:
            self.refused += bool(refusal.zh and refusal.en)
            return False
        self.cases[event.case_id] = case
        if case.state in ENDED:
            self.live.pop(event.case_id, None)
        else:
            self.live[event.case_id] = None
        self.actions.add(event.action)
        if event.action is Action.ADD_REPORT:
            self.reports.add(str(event.payload["report"]))
        if event.action in (Action.ADD_REPORT, Action.DONE):
            self.attachments += 1
        return True

    def check(self, old: Case, event: Event) -> None:
        """Invariants of the case of the last event."""
        case = self.cases[event.case_id]
        if case is old:
            return
        self.states.add(case.state or State.REPORTED)
        # I4, I5
        assert case.last is not None
        assert case.last.actor
        assert case.seq == case.last.seq
        if case.last.action in REASONED:
            assert len(case.last.reason) >= 2 or case.last.payload.get("plan") or case.last.payload.get("opinion")
        # I6
        assert bool(case.owner) == (case.state in OPEN)
        # I7: a deadline is moved only by an event; lateness is permanent.
        assert case.late >= (case.case_id in self.late)
        if case.late:
            self.late.add(case.case_id)
        assert len(case.late_steps) >= self.late_steps.get(case.case_id, 0)
        self.late_steps[case.case_id] = len(case.late_steps)
        if case.due != old.due and case.last.action is not Action.UNDO:
            moved = case.last.payload.get("clocks") or case.last.action is Action.UNMERGE
            assert moved or case.due in {run.due for run in (*old.running.values(), *case.running.values())}
        # I8: pauses do not overlap, and only the last is open.
        ends = [moment for span in case.paused for moment in span]
        assert all(moment is not None for moment in ends[:-1])
        assert ends[:-1] == sorted(ends[:-1])  # type: ignore[type-var]
        # I10
        if case.last.action in (Action.VERIFY_OK, Action.VERIFY_BAD):
            assert case.last.actor not in old.doers
        # I2
        if case.last.action is not Action.RELEASE:
            assert set(case.reports) >= set(old.reports)
        assert case.attachments >= old.attachments
        # I15
        if case.state in (State.REJECTED, State.VOID) and old.state not in (State.REJECTED, State.VOID):
            for _, reports in old.taken_in:
                assert set(reports) <= set(old.answered)
        # A third return is impossible.
        assert case.returns <= 2
        assert Clock.HANDLE not in case.running or Clock.HANDLE not in case.suspended

    def check_all(self, cases: dict[str, Case], logs: dict[str, list[Event]]) -> None:
        """Invariants of all cases at the end: nothing is lost, cached states equal their folds, hash chains are intact."""
        for name, log in logs.items():
            # I3, I5
            assert fold(log) == cases[name], name
            assert [event.seq for event in log] == list(range(1, len(log) + 1))
            assert broken_links(log) == []
        # I1, I2: each report belongs to exactly one live case.
        merged = {name: case.merged_into for name, case in cases.items()}
        holders: dict[str, list[str]] = {}
        for name, case in cases.items():
            if case.merged_into is None:
                for report in case.reports:
                    holders.setdefault(report, []).append(name)
        assert set(holders) == self.reports
        assert all(len(names) == 1 for names in holders.values()), {k: v for k, v in holders.items() if len(v) > 1}
        for name, case in cases.items():
            live = live_case(name, merged)
            for report in case.reports:
                assert holders[report] == [live]
            # I9: reporters who want a reply are still recorded in the ended case.
            assert set(case.wants_reply) <= set(cases[live].wants_reply)
            for report in to_be_answered(case):
                assert report not in case.answered
        assert sum(case.attachments for case in cases.values()) == self.attachments
        assert self.late == {name for name, case in cases.items() if case.late}
