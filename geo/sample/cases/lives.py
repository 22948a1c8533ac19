"""Simulates the steps of one case: what the persons involved do next in each state. Each step goes through the state machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from geo.duty import Action, Case, Role
from geo.duty.clocks.deadlines import deadline
from geo.incidents import Calendar, Limit

#: Unit that handles matters of each service.
UNITS = {
    "appearance": "环卫所",
    "population": "派出所",
    "convenience": "市政养护队",
    "harmony": "综治办",
    "business": "城管中队",
}
CLERKS = ("中心一号", "中心二号")
LEADER, SUPERVISOR, CHAIR = "分管领导", "纪工委督查员", "分管领导"

#: Probabilities of events, given that a case reaches the step. Synthetic, similar to figures published by streets.
SHARES = {
    "self_solve": 0.55,
    "reject": 0.03,
    "check": 0.04,
    "return": 0.09,
    "joint": 0.04,
    "explain": 0.03,
    "shelve": 0.02,
    "extend": 0.04,
    "late": 0.06,
    "bad": 0.06,
    "unsolved": 0.04,
    "reopen": 0.01,
    "supervise": 0.02,
}


@dataclass(frozen=True)
class Step:
    """A step to be taken at a given time."""

    at: dt.datetime
    action: Action
    role: Role
    actor: str
    reason: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass
class Persons:
    """Persons who act on a case, and the source of randomness."""

    officer: str
    deputy: str
    level1: str
    unit: str
    calendar: Calendar
    rng: np.random.Generator
    clerk: str = CLERKS[0]
    truth: dict[str, Any] = field(default_factory=dict)

    def happens(self, what: str) -> bool:
        """Decide by the share of an event, and keep it as truth."""
        found = bool(self.rng.random() < SHARES[what])
        if found:
            self.truth[what] = True
        return found

    def after(self, at: dt.datetime, low_h: float, high_h: float) -> dt.datetime:
        """Time in office hours, a number of working hours later."""
        hours = low_h + (high_h - low_h) * float(self.rng.random())
        return deadline(at, Limit(round(hours, 2) + 0.02, "working_hour"), self.calendar).due


#: Generator that yields steps and receives the case after each, None if the step was refused.
Life = Generator[Step, Case | None, None]


def life_of(first: Step, who: Persons, *, from_patrol: bool, main_case: str) -> Life:
    """All steps of a case from its report on.

    Parameters
    ----------
    first
        The report.
    who
        Its persons; `truth` is filled with what was decided.
    from_patrol
        Found by the leader, who may solve it on the spot.
    main_case
        A case that this one repeats; it is merged if that one is open.
    """
    case = yield first
    at = first.at
    if from_patrol and who.happens("self_solve"):
        at += dt.timedelta(minutes=5 + 40 * float(who.rng.random()))
        yield Step(at, Action.SELF_SOLVE, Role.OFFICER, who.officer, "现场处理完毕")
        yield from _verified(who, at, who.deputy)
        return
    at = who.after(at, 0.1, 1.6)
    if main_case:
        case = yield Step(at, Action.MERGE, Role.CLERK, who.clerk, "同一问题", {"main_case": main_case})
        if case is not None and case.merged_into:
            who.truth["merged"] = main_case
            return
    if who.happens("reject"):
        case = yield Step(at, Action.REJECT, Role.CLERK, who.clerk, "不属于街道职责，已告知上报人")
        if case is not None:
            return
        # Others reported the same: it cannot be dropped before they were answered, so it is handled.
        who.truth["reject"] = False
    if who.happens("check"):
        yield Step(at, Action.ASK_CHECK, Role.CLERK, who.clerk, "请现场核实是否存在")
        at = who.after(at, 0.5, 4)
        yield Step(at, Action.CHECKED, Role.OFFICER, who.officer, "", {"result": "found"})
    at += dt.timedelta(minutes=5)
    yield Step(at, Action.FILE, Role.CLERK, who.clerk)
    yield from _dispatched(who, who.after(at, 0.1, 1.5))


def _dispatched(who: Persons, at: dt.datetime) -> Life:
    case = yield Step(at, Action.ASSIGN, Role.LEVEL1, who.level1, payload={"unit": who.unit})
    if who.happens("return"):
        at = who.after(at, 0.5, 3)
        yield Step(at, Action.RETURN_UP, Role.UNIT, who.unit, "不属于本单位职责", {"code": "not_ours"})
        at = who.after(at, 0.2, 1.5)
        case = yield Step(at, Action.ASSIGN, Role.LEVEL1, who.level1, payload={"unit": who.unit})
    if who.happens("joint"):
        at = who.after(at, 0.5, 3)
        yield Step(at, Action.CALL_JOINT, Role.LEVEL1, who.level1, "涉及多个部门，请会办")
        at = who.after(at, 4, 16)
        decision = f"由{who.unit}牵头处置，物业配合"
        payload = {
            "unit": who.unit,
            "decision": decision,
            "helpers": ["物业"],
            "meeting": f"{at.date()}",
            "due": f"{at.date() + dt.timedelta(days=7)}",
        }
        case = yield Step(at, Action.DECIDE_ASSIGN, Role.CHAIR, CHAIR, decision, payload)
    at = _soon(who, at, case)
    case = yield Step(at, Action.SIGN, Role.UNIT, who.unit)
    yield from _handled(who, at, case)


def _handled(who: Persons, at: dt.datetime, case: Case | None) -> Life:
    if case is None:
        return
    if who.happens("supervise"):
        at += dt.timedelta(minutes=30)
        case = yield Step(at, Action.SUPERVISE, Role.SUPERVISOR, SUPERVISOR, "请加快办理")
    if who.happens("explain"):
        at = who.after(at, 4, 12)
        if case is not None and case.due is not None and at > case.due:
            who.truth["late"] = True
        payload = {"opinion_by": "department", "told": ["上报人（电话）"], "detail": "outside_powers"}
        yield Step(at, Action.EXPLAIN_FILE, Role.LEVEL1, who.level1, "涉及权属争议，已解释", payload)
        return
    if who.happens("shelve"):
        at = who.after(at, 2, 6)
        review = (at + dt.timedelta(days=20)).date().isoformat()
        yield Step(at, Action.SHELVE, Role.LEADER, LEADER, "列入改造计划", {"awaits": "funds", "review_date": review})
        at = dt.datetime.combine(dt.date.fromisoformat(review), dt.time(1), dt.UTC)
        case = yield Step(at, Action.RESUME, Role.SYSTEM, "system")
    late = who.happens("late")
    long = case is not None and case.due is not None and case.due - at > dt.timedelta(days=1)
    if not late and long and who.happens("extend"):
        at += dt.timedelta(hours=1)
        yield Step(at, Action.ASK_EXTEND, Role.UNIT, who.unit, "需采购材料", {"asked": 2})
        at += dt.timedelta(minutes=20)
        case = yield Step(at, Action.EXTEND, Role.LEVEL1, who.level1, "同意", {"granted": 2})
    at = _done_at(who, at, case, late=late)
    yield Step(at, Action.DONE, Role.UNIT, who.unit, "已处理完毕")
    yield from _verified(who, at, who.officer)


def _soon(who: Persons, at: dt.datetime, case: Case | None) -> dt.datetime:
    """After some working hours, but well before a short limit: urgent matters are signed for at once."""
    later = who.after(at, 0.3, 3)
    if case is None or case.due is None or case.due <= at:
        return later
    return min(later, at + (case.due - at) * 0.3)


def _done_at(who: Persons, at: dt.datetime, case: Case | None, *, late: bool) -> dt.datetime:
    """Before the limit, or one or two days after it if the case is to be late."""
    due = None if case is None else case.due
    if due is None:
        return who.after(at, 2, 8)
    if late:
        return max(at, due) + dt.timedelta(hours=1 + 40 * float(who.rng.random()))
    if due <= at:
        who.truth["late"] = True
        return at + dt.timedelta(minutes=10)
    return at + (due - at) * (0.15 + 0.8 * float(who.rng.random()))


def _verified(who: Persons, at: dt.datetime, verifier: str) -> Life:
    at = who.after(at, 0.5, 6)
    if who.happens("bad"):
        yield Step(at, Action.VERIFY_BAD, Role.OFFICER, verifier, "现场仍有残留")
        at = who.after(at, 2, 12)
        yield Step(at, Action.DONE, Role.UNIT, who.unit, "已重新处理")
        at = who.after(at, 0.5, 6)
    yield Step(at, Action.VERIFY_OK, Role.OFFICER, verifier, "现场查看已解决")
    at = who.after(at, 0.5, 6)
    if who.happens("unsolved"):
        yield Step(at, Action.VISIT_UNSOLVED, Role.CLERK, who.clerk, "", {"result": "not"})
        at = who.after(at, 2, 12)
        yield Step(at, Action.DONE, Role.UNIT, who.unit, "已重新处理")
        at = who.after(at, 0.5, 6)
        yield Step(at, Action.VERIFY_OK, Role.OFFICER, verifier, "现场查看已解决")
        at = who.after(at, 0.5, 6)
    yield Step(at, Action.VISIT_SOLVED, Role.CLERK, who.clerk, "", {"result": "solved", "satisfied": True})
    if who.happens("reopen"):
        at += dt.timedelta(days=3)
        yield Step(at, Action.REOPEN, Role.CLERK, who.clerk, "问题再次出现")
        at = who.after(at, 2, 12)
        yield Step(at, Action.DONE, Role.UNIT, who.unit, "已重新处理")
