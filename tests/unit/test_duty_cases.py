"""Steps of a case: the table of the study, the conditions in its text, undo, merging, clocks."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from geo.duty import Action, Case, Clock, Event, Outcome, Role, State, advance, allowed, fold
from geo.duty.cases.book import CaseBook
from geo.duty.cases.case_rules import CaseRules
from geo.duty.cases.merging import live_case, to_be_answered
from geo.duty.cases.preparation import prepared, reckoned_again
from geo.duty.events import ENDED, OPEN
from geo.duty.intake.services import Service
from geo.errors import InputError, RefusedStep
from geo.incidents import Calendar, Limit

CHINA = Calendar.china()
AT = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
R, A, S = Role, Action, State

#: Action, from, to, roles: transcribed by hand from the study; its text has priority over its table.
TABLE = """
report - reported officer|clerk|supervisor
self_solve reported handled officer
ask_check reported checking clerk
checked checking reported officer
file reported filed clerk|level1
reject reported rejected clerk
withdraw reported void clerk
void filed void level1
void assigned void level1
merge reported merged clerk
merge filed merged clerk
merge assigned merged level1
merge handling merged level1
unmerge merged reported level1
assign filed assigned level1|clerk
assign joint assigned level1|clerk
assign shelved assigned level1|clerk
sign assigned handling unit
return_up assigned filed unit
reassign handling assigned level1
give_back handling assigned unit
call_joint filed joint officer|level1|clerk
call_joint assigned joint officer|level1|clerk
call_joint handling joint officer|level1|clerk
decide_assign joint assigned chair
decide_shelve joint shelved leader
shelve joint shelved leader
shelve handling shelved leader
ask_extend handling handling unit
extend handling handling level1|leader
resume shelved handling system|level1|officer|clerk|unit|leader|chair|supervisor
done handling handled unit
verify_ok handled verified officer
verify_bad handled handling officer
visit_solved verified closed clerk
visit_unsolved verified handling clerk
explain_file handling closed level1
explain_file joint closed chair|level1
explain_file verified closed level1
reopen closed handling clerk|supervisor
reconsider rejected reported clerk|level1|supervisor
reconsider void reported level1|supervisor
"""
PAYLOAD = {
    A.REPORT: {"report": "R-1"},
    A.MERGE: {"main_case": "M"},
    A.ASSIGN: {"unit": "城管中队"},
    A.DECIDE_ASSIGN: {"unit": "城管中队"},
    A.SHELVE: {"plan": "列入年度计划", "review_date": "2026-06-01"},
    A.DECIDE_SHELVE: {"plan": "列入年度计划", "review_date": "2026-06-01"},
    A.ASK_EXTEND: {"asked": 2},
    A.EXTEND: {"granted": 2},
    A.EXPLAIN_FILE: {"told": ["王"], "opinion": "会办意见"},
}
PATHS = {
    None: [],
    S.REPORTED: [(A.REPORT, R.OFFICER)],
    S.CHECKING: [(A.REPORT, R.OFFICER), (A.ASK_CHECK, R.CLERK)],
    S.FILED: [(A.REPORT, R.OFFICER), (A.FILE, R.CLERK)],
    S.REJECTED: [(A.REPORT, R.OFFICER), (A.REJECT, R.CLERK)],
    S.VOID: [(A.REPORT, R.OFFICER), (A.WITHDRAW, R.CLERK)],
    S.MERGED: [(A.REPORT, R.OFFICER), (A.MERGE, R.CLERK)],
}
PATHS[S.ASSIGNED] = [*PATHS[S.FILED], (A.ASSIGN, R.LEVEL1)]
PATHS[S.HANDLING] = [*PATHS[S.ASSIGNED], (A.SIGN, R.UNIT)]
PATHS[S.JOINT] = [*PATHS[S.HANDLING], (A.CALL_JOINT, R.OFFICER)]
PATHS[S.SHELVED] = [*PATHS[S.HANDLING], (A.SHELVE, R.LEADER)]
PATHS[S.HANDLED] = [*PATHS[S.HANDLING], (A.DONE, R.UNIT)]
PATHS[S.VERIFIED] = [*PATHS[S.HANDLED], (A.VERIFY_OK, R.OFFICER)]
PATHS[S.CLOSED] = [*PATHS[S.VERIFIED], (A.VISIT_SOLVED, R.CLERK)]


def event(case: Case | None, action: Action, role: Role, actor: str = "", **change: object) -> Event:
    number = 0 if case is None else case.seq
    values: dict[str, object] = {
        "case_id": "A-1",
        "seq": number + 1,
        "at": AT + dt.timedelta(minutes=5 * number),
        "actor": actor or role.value,
        "role": role,
        "action": action,
        "reason": "理由说明",
        "payload": PAYLOAD.get(action, {}),
        **change,
    }
    return Event(**values)  # type: ignore[arg-type]


def at_state(state: State | None, **change: object) -> Case | None:
    case = None
    for action, role in PATHS[state]:
        case = advance(case, event(case, action, role, **change))
    return case


def step(case: Case | None, action: Action, role: Role, actor: str = "", **change: object) -> Case:
    """Take one step with its deadlines."""
    return advance(case, prepared(case, event(case, action, role, actor, **change), calendar=CHINA, rules=CaseRules()))


def handling() -> Case:
    case = None
    for action, role in PATHS[S.HANDLING]:
        case = step(case, action, role)
    assert case is not None
    return case


ROWS = [tuple(line.split()) for line in TABLE.split("\n") if line]


@pytest.mark.parametrize(("action", "source", "target", "roles"), ROWS)
def test_every_row_of_the_table(action: str, source: str, target: str, roles: str) -> None:
    case = at_state(None if source == "-" else State(source))
    for role in Role:
        if role.value in roles.split("|"):
            after = advance(case, event(case, Action(action), role, "另一人"))
            assert after.state == target
            assert Action(action) in allowed(case, role)
            assert bool(after.owner) == (after.state in OPEN)
        else:
            assert Action(action) not in allowed(case, role)
            with pytest.raises(RefusedStep) as refusal:
                advance(case, event(case, Action(action), role, "另一人"))
            assert refusal.value.kind == "role"
            assert refusal.value.case == (case or Case("A-1"))


@pytest.mark.parametrize("state", [None, *State])
def test_no_other_step_changes_the_state(state: State | None) -> None:
    case = at_state(state)
    moves = {(row[0], row[1]) for row in ROWS}
    for action in Action:
        if (action.value, "-" if state is None else state.value) in moves:
            continue
        for role in Role:
            try:
                after = advance(case, event(case, action, role, "另一人"))
            except RefusedStep:
                continue
            assert after.state == state or action is Action.UNDO


def test_every_open_state_can_close_and_every_end_has_a_way_back() -> None:
    edges = {(row[1], row[2]) for row in ROWS}
    reach = {"closed"}
    for _ in State:
        reach |= {a for a, b in edges if b in reach}
    assert {state.value for state in OPEN} <= reach
    for state in ENDED:
        assert any(a == state.value and b in {s.value for s in OPEN} for a, b in edges)


@pytest.mark.parametrize("action", [A.REJECT, A.RETURN_UP, A.VERIFY_BAD, A.EXPLAIN_FILE, A.REOPEN, A.DONE, A.SUPERVISE])
@pytest.mark.parametrize("reason", ["", " ", "无"])
def test_steps_back_and_ends_need_a_reason(action: Action, reason: str) -> None:
    source = {
        A.REJECT: S.REPORTED,
        A.RETURN_UP: S.ASSIGNED,
        A.VERIFY_BAD: S.HANDLED,
        A.EXPLAIN_FILE: S.HANDLING,
        A.REOPEN: S.CLOSED,
        A.DONE: S.HANDLING,
        A.SUPERVISE: S.FILED,
    }[action]
    case = at_state(source)
    role = next(role for role in Role if action in allowed(case, role))
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, action, role, "另一人", reason=reason, payload={}))
    assert refusal.value.kind == "reason"
    assert advance(case, event(case, action, role, "另一人", reason="无此", payload={})).last.reason == "无此"  # type: ignore[union-attr]


def test_outcome_is_apart_from_the_state() -> None:
    assert at_state(S.CLOSED).outcome is Outcome.SOLVED  # type: ignore[union-attr]
    case = step(step(None, A.REPORT, R.OFFICER, "格长"), A.SELF_SOLVE, R.OFFICER, "格长")
    case = step(step(case, A.VERIFY_OK, R.SYSTEM), A.VISIT_SOLVED, R.CLERK)
    assert case.outcome is Outcome.SOLVED_IN_GRID
    case = step(handling(), A.EXPLAIN_FILE, R.LEVEL1, payload={"detail": "outside_powers", "told": ["王"]})
    assert (case.state, case.outcome, case.outcome_detail, case.informed) == (
        S.CLOSED,
        Outcome.EXPLAINED,
        "outside_powers",
        ("王",),
    )


def test_an_explanation_says_who_was_told_where_a_reply_is_wanted() -> None:
    case = None
    for action, role in PATHS[S.HANDLING]:
        payload = {**PAYLOAD.get(action, {}), "wants_reply": True}
        case = advance(case, event(case, action, role, payload=payload))
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, A.EXPLAIN_FILE, R.LEVEL1, payload={"opinion": "无此职权"}))
    assert refusal.value.kind == "missing"
    assert advance(case, event(case, A.EXPLAIN_FILE, R.LEVEL1, payload={"not_told": "电话停机"})).state is S.CLOSED


def test_who_did_the_work_does_not_verify_it() -> None:
    case = at_state(S.HANDLED)
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, A.VERIFY_OK, R.OFFICER, "unit"))
    assert refusal.value.kind == "own_work"
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, A.VERIFY_OK, R.SYSTEM))
    assert refusal.value.kind == "role", "sampling is for what was solved in the grid"


def test_the_third_return_forces_a_joint_meeting() -> None:
    case = at_state(S.ASSIGNED)
    for _ in range(2):
        case = advance(case, event(case, A.RETURN_UP, R.UNIT))
        case = advance(case, event(case, A.ASSIGN, R.LEVEL1, payload={"unit": "环卫所"}))
    assert case.returns == 2
    assert case.joint_required
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, A.RETURN_UP, R.UNIT))
    assert refusal.value.kind == "third_return"
    assert refusal.value.proposal is A.CALL_JOINT
    assert A.RETURN_UP not in allowed(case, R.UNIT)
    joint = advance(case, event(case, A.CALL_JOINT, R.UNIT))
    assert (joint.state, joint.owner) == (S.JOINT, "环卫所"), "the last party stays responsible until the decision"


def test_extensions_two_at_most_in_time_and_by_somebody_else() -> None:
    case = step(handling(), A.ASK_EXTEND, R.UNIT, "甲", payload={"asked": 3})
    before = case.due
    assert case.extension_request is not None
    with pytest.raises(RefusedStep, match="cannot grant"):
        step(case, A.EXTEND, R.LEVEL1, "甲")
    case = step(case, A.EXTEND, R.LEVEL1, "乙", payload={"granted": 2})
    assert before is not None
    assert case.due is not None
    assert case.due - before == dt.timedelta(days=2), "Monday 9 March and two working days"
    with pytest.raises(RefusedStep) as refusal:
        step(case, A.EXTEND, R.LEVEL1, "乙", payload={"granted": 2})
    assert refusal.value.kind == "role", "the second one is a leader's"
    case = step(case, A.EXTEND, R.LEADER, payload={"granted": 0})
    assert case.extensions == 1, "a refused one does not count"
    with pytest.raises(RefusedStep, match="number of working days"):
        step(case, A.ASK_EXTEND, R.UNIT, payload={"asked": 0})
    case = step(case, A.EXTEND, R.LEADER, payload={"granted": 1})
    assert A.EXTEND not in allowed(case, R.LEADER)
    with pytest.raises(RefusedStep, match="is the most"):
        step(case, A.EXTEND, R.LEADER, payload={"granted": 1})
    late = handling()
    assert late.due is not None
    for moment, fine in ((late.due, True), (late.due + dt.timedelta(seconds=1), False)):
        if fine:
            assert step(late, A.EXTEND, R.LEADER, at=moment).due > moment  # type: ignore[operator]
        else:
            with pytest.raises(RefusedStep, match="limit has passed"):
                step(late, A.EXTEND, R.LEADER, at=moment)


def test_limits_are_frozen_and_lateness_stays() -> None:
    case = handling()
    assert case.limit == "5工作日"
    assert case.calendar_version == CHINA.version
    assert case.due is not None
    assert (case.due + dt.timedelta(hours=8)).isoformat() == "2026-03-09T18:00:00+00:00"
    done = step(case, A.DONE, R.UNIT, at=case.due)
    assert not done.late, "at the last moment is in time"
    done = step(case, A.DONE, R.UNIT, at=case.due + dt.timedelta(seconds=1))
    assert done.late
    assert done.due == case.due
    assert [run.clock for run in done.runs if run.late] == [Clock.HANDLE]
    again = step(done, A.VERIFY_BAD, R.OFFICER, at=done.changed_at)
    assert again.late
    assert again.round == 2
    assert Clock.REDO in again.running
    excused = step(again, A.EXEMPT, R.SUPERVISOR, at=again.changed_at)
    assert excused.late
    assert excused.exempt == "理由说明"
    assert A.EXEMPT in allowed(again, R.SUPERVISOR)
    assert A.EXEMPT not in allowed(excused, R.SUPERVISOR), "once is enough"
    with pytest.raises(RefusedStep):
        step(handling(), A.EXEMPT, R.SUPERVISOR)


def test_shelving_stops_the_clock_and_keeps_the_former_state() -> None:
    case = handling()
    for day, fine in (("2026-03-02", False), ("2026-03-03", True), ("2027-03-03", True), ("2027-03-04", False)):
        payload = {"plan": "待雨季后施工", "review_date": day}
        if fine:
            assert step(case, A.SHELVE, R.LEADER, payload=payload).review_date == dt.date.fromisoformat(day)
        else:
            with pytest.raises(RefusedStep, match="review date"):
                step(case, A.SHELVE, R.LEADER, payload=payload)
    with pytest.raises(RefusedStep) as refusal:
        step(case, A.SHELVE, R.LEADER, payload={"plan": "以后再说"})
    assert refusal.value.kind == "missing"
    case = step(case, A.SHELVE, R.LEADER, payload={"plan": "待雨季后施工", "review_date": "2026-03-16"})
    assert case.former is S.HANDLING
    assert Clock.HANDLE not in case.running
    assert case.outcome is None
    review = dt.datetime(2026, 3, 16, 1, tzinfo=dt.UTC)
    with pytest.raises(RefusedStep):
        step(case, A.RESUME, R.SYSTEM, reason="", at=review - dt.timedelta(days=1))
    back = step(case, A.RESUME, R.SYSTEM, reason="", at=review)
    # Shelved on Monday 2 with five working days left, resumed on Monday 16.
    assert back.due is not None
    assert (back.due + dt.timedelta(hours=8)).isoformat() == "2026-03-23T18:00:00+00:00"
    assert len(back.paused) == 1
    assert not back.late


def test_a_returned_case_keeps_the_time_that_was_used() -> None:
    case = at_state(S.FILED)
    case = step(step(None, A.REPORT, R.CLERK), A.FILE, R.CLERK)
    case = step(case, A.ASSIGN, R.LEVEL1)
    back = step(case, A.RETURN_UP, R.UNIT, at=dt.datetime(2026, 3, 4, 2, tzinfo=dt.UTC))
    again = step(back, A.ASSIGN, R.LEVEL1, at=dt.datetime(2026, 3, 5, 2, tzinfo=dt.UTC))
    # Of five days from Monday 2, three were left on Wednesday 4: from Thursday 5 until Tuesday 10.
    assert again.due is not None
    assert (again.due + dt.timedelta(hours=8)).isoformat() == "2026-03-10T18:00:00+00:00"
    assert again.assigned_at == case.assigned_at, "the first dispatch"
    void = step(back, A.VOID, R.LEVEL1, at=dt.datetime(2026, 4, 1, 2, tzinfo=dt.UTC))
    assert [(run.clock, run.until, run.late) for run in void.runs][-1] == (Clock.HANDLE, back.changed_at, False)
    assert not void.late, "the limit stood still"


def test_reopening_within_thirty_days_keeps_the_first_closing() -> None:
    case = at_state(S.CLOSED)
    assert case is not None
    assert case.closed_at is not None
    back = advance(case, event(case, A.REOPEN, R.CLERK, at=case.closed_at + dt.timedelta(days=30)))
    assert (back.state, back.round, back.outcome, back.first_closed_at) == (S.HANDLING, 2, None, case.closed_at)
    closed = back
    for action, role in PATHS[S.CLOSED][len(PATHS[S.HANDLING]) :]:
        closed = advance(closed, event(closed, action, role, at=back.changed_at))
    assert (closed.closed_at, closed.first_closed_at) == (back.changed_at, case.closed_at)
    with pytest.raises(RefusedStep) as refusal:
        advance(case, event(case, A.REOPEN, R.CLERK, at=case.closed_at + dt.timedelta(days=30, seconds=1)))
    assert refusal.value.kind == "recurrence"


def test_undo_is_a_step_of_its_own() -> None:
    case = at_state(S.HANDLED)
    assert case is not None
    assert case.changed_at is not None
    undo = event(case, A.UNDO, R.UNIT, at=case.changed_at + dt.timedelta(minutes=10))
    back = advance(case, undo)
    assert (back.state, back.seq, back.doers) == (S.HANDLING, case.seq + 1, ())
    assert A.UNDO not in allowed(back, R.UNIT), "an undoing is not undone"
    for change, match in (
        ({"actor": "别人"}, "alone can undo"),
        ({"at": case.changed_at + dt.timedelta(minutes=10, seconds=1)}, "ten minutes"),
    ):
        with pytest.raises(RefusedStep, match=match):
            advance(case, dataclasses.replace(undo, **change))  # type: ignore[arg-type]


def test_undo_keeps_reports_and_lateness() -> None:
    case = handling()
    assert case.due is not None
    done = step(case, A.DONE, R.UNIT, at=case.due + dt.timedelta(days=1), payload={"photos": ["a"]})
    back = step(done, A.UNDO, R.UNIT, at=done.changed_at)
    assert back.state is S.HANDLING
    assert back.late
    assert back.attachments == 1


def test_an_old_number_is_stale_and_told_the_new_state() -> None:
    case = at_state(S.REPORTED)
    one, two = event(case, A.FILE, R.CLERK), event(case, A.REJECT, R.CLERK)
    now = advance(case, one)
    with pytest.raises(RefusedStep) as refusal:
        advance(now, two)
    assert refusal.value.kind == "stale"
    assert refusal.value.case.state is S.FILED


def test_an_event_sent_twice_counts_once() -> None:
    case = at_state(S.REPORTED)
    sent = event(case, A.FILE, R.CLERK, client_id="x1")
    once = advance(case, sent)
    assert advance(once, sent) is once
    first = event(None, A.REPORT, R.OFFICER)
    assert fold([first, sent, sent]) == fold([first, sent])
    with pytest.raises(RefusedStep) as refusal:
        advance(once, event(once, A.ASSIGN, R.CLERK, client_id="x1"))
    assert refusal.value.kind == "client"


def test_logs_that_cannot_be_are_refused() -> None:
    one, two = event(None, A.REPORT, R.OFFICER), event(at_state(S.REPORTED), A.FILE, R.CLERK)
    with pytest.raises(InputError):
        fold([])
    for log in ([two, one], [one, one], [two], [one, dataclasses.replace(two, case_id="B")]):
        with pytest.raises(RefusedStep):
            fold(log)
    with pytest.raises(RefusedStep) as refusal:
        fold([one, dataclasses.replace(two, at=AT - dt.timedelta(seconds=1))])
    assert refusal.value.kind == "time"
    with pytest.raises(RefusedStep) as refusal:
        fold([one, dataclasses.replace(two, prev_hash="0" * 64)])
    assert refusal.value.kind == "chain"


def _book() -> CaseBook:
    book = CaseBook(CHINA)
    for name in ("A", "B", "C"):
        payload = {"report": f"R-{name}", "wants_reply": True}
        book.add(event(None, A.REPORT, R.CLERK, case_id=name, payload=payload))
    return book


def _merge(book: CaseBook, name: str, main: str) -> Case:
    return book.add(event(book.cases[name], A.MERGE, R.CLERK, case_id=name, payload={"main_case": main}))


def test_merging_is_a_link_that_loses_nobody() -> None:
    book = _book()
    _merge(book, "B", "A")
    _merge(book, "A", "C")
    assert book.cases["C"].reports == ("R-C", "R-A", "R-B")
    assert [book.live(report).case_id for report in book.reports] == ["C", "C", "C"]
    assert book.cases["B"].reports == ("R-B",), "its own reports stay its own"
    assert to_be_answered(book.cases["B"]) == (), "the main case replies"
    with pytest.raises(RefusedStep, match="into one that was merged into it"):
        advance(book.cases["C"], event(book.cases["C"], A.MERGE, R.CLERK, case_id="C", payload={"main_case": "A"}))
    with pytest.raises(RefusedStep) as refusal:
        _merge(book, "C", "A")
    assert refusal.value.kind == "merge"
    book.add(event(book.cases["B"], A.UNMERGE, R.LEVEL1, case_id="B", payload={}))
    assert (book.cases["C"].reports, book.cases["C"].taken_in) == (("R-C", "R-A"), (("A", ("R-A",)),))
    assert (book.cases["A"].reports, book.cases["A"].taken_in) == (("R-A",), ())
    assert book.cases["C"].wants_reply == ("R-C", "R-A")
    answered = book.add(event(book.cases["C"], A.ANSWER, R.CLERK, case_id="C", payload={}))
    assert answered.answered == answered.reports, "an answer that names no report is for all"
    assert (book.cases["B"].state, book.live("R-B").case_id) == (S.REPORTED, "B")


def test_nothing_is_merged_into_a_case_that_has_ended() -> None:
    book = _book()
    book.add(event(None, A.REPORT, R.CLERK, case_id="D", payload={"report": "R-D"}))
    book.add(event(book.cases["D"], A.REJECT, R.CLERK, case_id="D"))
    with pytest.raises(RefusedStep, match="which is not open") as refusal:
        _merge(book, "B", "D")
    assert (refusal.value.kind, book.cases["B"].state) == ("merge", S.REPORTED)


def test_a_main_case_is_not_dropped_before_its_reporters_are_answered() -> None:
    book = _book()
    _merge(book, "B", "A")
    reject = event(book.cases["A"], A.REJECT, R.CLERK, case_id="A")
    with pytest.raises(RefusedStep) as refusal:
        book.add(reject)
    assert refusal.value.kind == "unanswered"
    assert A.REJECT not in allowed(book.cases["A"], R.CLERK)
    book.add(event(book.cases["A"], A.ANSWER, R.CLERK, case_id="A", payload={"reports": ["R-B"]}))
    book.add(event(book.cases["A"], A.REJECT, R.CLERK, case_id="A"))
    assert to_be_answered(book.cases["A"]) == ("R-A",)


def test_the_main_case_keeps_the_earliest_deadline() -> None:
    book = CaseBook(CHINA)
    for name, limit in (("A", "5工作日"), ("B", "1工作日")):
        for action, role in PATHS[S.HANDLING]:
            payload = {**PAYLOAD.get(action, {}), "report": f"R-{name}", "limit": limit}
            book.add(event(book.cases.get(name), action, role, case_id=name, payload=payload))
    early = book.cases["B"].due
    book.add(event(book.cases["B"], A.MERGE, R.LEVEL1, case_id="B", payload={"main_case": "A"}))
    assert book.cases["A"].due == early


def test_circular_merges_are_told() -> None:
    with pytest.raises(InputError, match="circular"):
        live_case("A", {"A": "B", "B": "A"})


def test_a_provisional_deadline_moves_by_an_event_when_the_year_is_announced() -> None:
    start = dt.datetime(2026, 12, 29, 1, tzinfo=dt.UTC)
    case = None
    for k, (action, role) in enumerate(PATHS[S.HANDLING]):
        case = step(case, action, role, at=start + dt.timedelta(minutes=k))
    assert case is not None
    assert case.provisional
    assert case.due is not None
    assert (case.due + dt.timedelta(hours=8)).date() == dt.date(2027, 1, 5)
    assert reckoned_again(case, CHINA, CaseRules(), at=start) is None
    newer = Calendar({**CHINA.days, dt.date(2027, 1, 1): False})
    moved = reckoned_again(case, newer, CaseRules(), at=start + dt.timedelta(days=1))
    assert moved is not None
    after = advance(case, moved)
    assert after.due is not None
    assert (after.due + dt.timedelta(hours=8)).date() == dt.date(2027, 1, 6)
    assert not after.provisional
    assert after.last is not None
    assert after.last.calendar_version == newer.version


def test_limits_come_from_the_table_of_matters() -> None:
    rules = CaseRules.of()
    limit, rule = rules.handling("GB/T 47678.5-2026", "06010")
    assert limit == Limit(4, "emergency_hour")
    assert "06010" in rule
    assert rules.handling("GB/T 47678.5-2026", "99999")[1] == "default"
    assert rules.version != CaseRules().version


def test_the_service_follows_the_matter_and_the_table() -> None:
    rules = CaseRules(services={"06010": Service.HARMONY, "09": Service.POPULATION})

    def named(case: Case | None, action: Action, rules: CaseRules, **payload: object) -> Case:
        made = event(case, action, Role.CLERK, payload={**PAYLOAD.get(action, {}), **payload})
        return advance(case, prepared(case, made, calendar=CHINA, rules=rules))

    # A resident calls without a matter; the centre names it when it files the case.
    unnamed = named(None, Action.REPORT, CaseRules(), kind="")
    assert unnamed.service == "convenience"
    assert named(unnamed, Action.FILE, CaseRules(), kind="09005").service == "business"
    assert named(unnamed, Action.FILE, rules, kind="09005").service == "population"
    assert named(unnamed, Action.FILE, CaseRules(), kind="09005", service="harmony").service == "harmony"
    known = named(None, Action.REPORT, rules, kind="06010")
    assert known.service == "harmony"
    assert named(known, Action.FILE, CaseRules(), kind="").service == "harmony"
    # The services set no limit, so they do not change the version of the rules.
    assert rules.version == CaseRules().version


def test_a_replay_undoes_as_the_step_did() -> None:
    at = dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)
    log = [
        Event("A-1", 1, at, "中心", "clerk", "report", payload={"report": "R-1"}),
        Event("A-1", 2, at, "中心", "clerk", "file", "属实", payload={"kind": "K", "limit": "5工作日"}),
        Event("A-1", 3, at, "中心", "clerk", "undo", "立错了"),
    ]
    case = fold(log)
    assert case.state == "reported"
    assert (case.kind, case.filed_at, case.seq) == ("", None, 3)
