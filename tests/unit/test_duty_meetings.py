"""Agendas: each rule alone, one line per case, at most twelve lines, and decisions at the top of the next one."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd
import pytest

from geo.duty import Agenda, agenda
from geo.duty.facts import Facts
from geo.duty.meetings.agendas import MOST_LINES, Rule, last_meeting, next_meeting
from geo.duty.meetings.outcomes import decisions_of, outstanding
from geo.errors import InputError
from tests.unit.duty_cases import END, START, STREET, Street, decision, forty, moment, verdicts

THURSDAY, SATURDAY = dt.date(2026, 3, 5), dt.date(2026, 3, 7)
#: A case in progress, due on the 4th at 18:00.
RUNNING = "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign"


def made(street: Street, day: dt.date = THURSDAY, **more: object) -> Agenda:
    """The agenda composed at eight o'clock on its day, without grids short of patrols."""
    quiet = verdicts().assign(verdict="met")
    facts = street.facts(moment(day.day, "08:00"), **{"verdicts": quiet, **more})
    return agenda(facts, day)


def rules_of(found: Agenda) -> list[Rule]:
    return [line.rule for line in found.lines]


def test_meeting_days_do_not_follow_the_calendar_of_work() -> None:
    assert [next_meeting(START + dt.timedelta(days=k)).day for k in range(7)] == [3, 5, 5, 7, 7, 10, 10]
    assert last_meeting(END) == SATURDAY
    assert last_meeting(SATURDAY) == SATURDAY
    with pytest.raises(InputError, match="Tuesday"):
        agenda(forty().facts(), START)


def test_nothing_over_a_threshold_needs_no_meeting() -> None:
    street = Street()
    street.add("M1", 1, "2 09:00 report | 2 09:30 file 5工作日 | 4 10:00 assign | 4 10:30 sign")
    found = made(street)
    assert not found.needed
    assert found.lines == ()
    assert found.note.zh == "本次无需开会"


def test_what_is_due_before_the_next_meeting() -> None:
    street = Street()
    street.add("M1", 1, RUNNING)
    street.add("M2", 1, "3 09:00 report | 3 09:30 file 2工作日 | 3 10:00 assign | 3 10:30 sign")
    elsewhere = {"third": f"{STREET}001001002"}
    street.add("M3", 1, "4 09:00 report | 4 09:30 file 3工作日 | 4 10:00 assign | 4 10:30 sign", report=elsewhere)
    (line,) = made(street).lines
    assert line.rule is Rule.DUE_SOON
    assert line.cases == ("M1", "M2")
    assert line.why.zh == "下次例会前到期2件，其中已逾期1件，最早03-04 18:00"
    assert line.owner == "城管中队"
    assert "M3" not in line.cases


def test_overdue_decisions_open_the_agenda_until_they_are_carried_out() -> None:
    street = Street()
    late = decision(due=dt.date(2026, 3, 4))
    (line,) = made(street, decisions=(late,)).lines
    assert (line.rule, line.owner, line.about) == (Rule.DECISION_OVERDUE, "城管中队", "核对消防通道清单")
    assert line.why.zh == "2026-03-03议定，应于03-04前完成，已超1天"
    assert not made(street, decisions=(decision(due=THURSDAY),)).needed
    assert not made(street, decisions=(decision(done_at=moment(4, "09:00")),)).needed
    # It was carried out on Friday: on Thursday it was still open.
    assert made(street, decisions=(decision(done_at=moment(6, "09:00")),)).needed
    # A decision of a later meeting is not known yet.
    assert not made(street, decisions=(decision(decided_at=moment(6, "09:00")),)).needed


def test_a_decision_on_a_case_is_carried_out_by_its_steps() -> None:
    street = Street()
    street.add(
        "M1",
        1,
        f"{RUNNING} | 2 11:00 call_joint | 3 10:00 decide_assign",
        decide_assign={"unit": "城管中队", "due": "2026-03-04"},
    )
    facts = street.facts(moment(5, "08:00"))
    (found,) = decisions_of(facts)
    assert (found.case_id, found.owner, found.due, found.done_at) == ("M1", "城管中队", dt.date(2026, 3, 4), None)
    assert made(street).lines[0].rule is Rule.DECISION_OVERDUE
    street.add("M1", 1, "4 10:00 sign | 4 11:00 done")
    assert outstanding(street.facts(moment(5, "08:00"))) == []
    assert outstanding(street.facts(moment(4, "10:30"))) == [dataclasses.replace(found)]


def test_older_than_85_percent_of_their_kind() -> None:
    street = Street()
    for k in range(20):
        street.add(
            f"C{k:02d}",
            1,
            f"2 09:00 report | 2 09:10 self_solve | 2 10:00 verify_ok | 3 {9 + k // 2:02d}:00 visit_solved",
        )
    street.add("M1", 1, "2 09:00 report")
    street.add("M2", 1, "4 20:00 report")
    found = [line for line in made(street).lines if line.rule is Rule.OLD]
    assert [line.cases for line in found] == [("M1",)]
    assert "同类85%的在1.3天内办结" in found[0].why.zh
    fewer = Street()
    for k in range(19):
        fewer.add(f"C{k:02d}", 1, "2 09:00 report | 2 09:10 self_solve | 2 10:00 verify_ok | 3 10:00 visit_solved")
    fewer.add("M1", 1, "2 09:00 report")
    assert Rule.OLD not in rules_of(made(fewer))


def test_returned_twice() -> None:
    street = Street()
    once = "2 09:00 report | 2 09:30 file 5工作日 | 2 10:00 assign | 2 11:00 return_up"
    street.add("M1", 1, once)
    street.add("M2", 2, f"{once} | 2 13:00 assign | 2 14:00 return_up")
    found = made(street)
    assert rules_of(found) == [Rule.RETURNED]
    assert found.lines[0].cases == ("M2",)
    assert found.lines[0].why.zh == "已退回2次"


def test_clusters_are_one_line() -> None:
    street = Street()
    for k in range(3):
        street.add(f"M{k}", 1, "2 09:00 report | 2 09:30 file 5工作日 | 4 10:00 assign | 4 10:30 sign")
    (line,) = made(street).lines
    assert line.rule is Rule.CLUSTER
    assert line.cases == ("M0", "M1", "M2")
    assert line.cell == f"{STREET}001001001"
    two = Street()
    for k in range(2):
        two.add(f"M{k}", 1, "2 09:00 report | 2 09:30 file 5工作日 | 4 10:00 assign | 4 10:30 sign")
    assert not made(two).needed
    # A merged case counts by its report alone.
    merged = Street()
    for k in range(2):
        merged.add(f"M{k}", 1, "2 09:00 report | 2 09:30 file 5工作日")
    merged.add("M1", 1, "4 10:00 merge", merge={"main_case": "M0"})
    assert not made(merged).needed
    # A third report of one of them makes it a cluster.
    two.add("M1", 1, "4 12:00 add_report")
    assert rules_of(made(two)) == [Rule.CLUSTER]


def test_clusters_by_distance() -> None:
    street = Street()
    for k in range(3):
        cell = f"{STREET}001001{k + 1:03d}"
        street.add(f"M{k}", 1, "2 09:00 report", report={"third": cell})
    near = {
        name: dataclasses.replace(report, lon=118.8 + k * 0.0005, lat=32.1)
        for k, (name, report) in enumerate(street.reports.items())
    }
    # 0.0005 degrees of longitude are 47 m here (56 m of latitude): each is near the next one.
    assert Rule.CLUSTER in rules_of(made(street, reports=near))
    far = {name: dataclasses.replace(report, lon=118.8 + k * 0.0008) for k, (name, report) in enumerate(near.items())}
    assert Rule.CLUSTER not in rules_of(made(street, reports=far))


def test_recurrence_reviews_joint_handling_and_unknown_places() -> None:
    street = Street()
    closed = "2 09:00 report | 2 09:10 self_solve | 2 10:00 verify_ok | 2 11:00 visit_solved"
    street.add("C1", 1, closed)
    street.add("M1", 1, "4 09:00 report", report={"recurrence_of": "C1", "kind": "09009"})
    two, three = {"third": f"{STREET}001001002"}, {"third": f"{STREET}001002001"}
    street.add(
        "M2", 1, f"{RUNNING} | 2 11:00 shelve", report=two, shelve={"review_date": "2026-03-06", "plan": "等待拨款"}
    )
    street.add(
        "M3", 1, f"{RUNNING} | 2 11:00 shelve", report=three, shelve={"review_date": "2026-03-07", "plan": "等待拨款"}
    )
    street.add(
        "M4", 2, f"{RUNNING} | 3 11:00 call_joint", call_joint={"question": "谁来修？"}, file={"limit": "9工作日"}
    )
    street.add("M5", 2, "4 09:00 report", report={"second": "", "third": "", "kind": "08001"})
    found = made(street)
    lines = {line.rule: line for line in found.lines}
    assert lines[Rule.RECURRED].cases == ("M1",)
    assert lines[Rule.REVIEW].cases == ("M2",)
    assert "等待拨款" in lines[Rule.REVIEW].about
    assert (lines[Rule.JOINT].cases, lines[Rule.JOINT].question.zh) == (("M4",), "谁来修？")
    assert lines[Rule.UNRESOLVED].cases == ("M5",)
    order = [list(Rule).index(rule) for rule in rules_of(found)]
    assert order == sorted(order)


@pytest.mark.parametrize(("clock", "again"), [("07:00", True), ("07:01", False)])
def test_a_problem_recurs_within_thirty_days(clock: str, again: bool) -> None:
    street = Street()
    street.add("C1", 1, "1 06:00 report | 1 06:10 self_solve | 1 06:20 verify_ok | 1 07:00 visit_solved")
    street.add("M1", 1, f"31 {clock} report", report={"recurrence_of": "C1"})
    assert (Rule.RECURRED in rules_of(made(street, dt.date(2026, 3, 31)))) is again


def test_a_reason_of_many_cases_is_not_that_of_one() -> None:
    street = Street()
    decided = {"unit": "城管中队", "due": "2026-03-04"}
    street.add("M1", 1, f"{RUNNING} | 2 11:00 call_joint | 3 10:00 decide_assign", decide_assign=decided)
    street.add("M2", 2, RUNNING)
    first, second = made(street).lines
    assert (first.rule, first.cases, second.rule, second.cases) == (
        Rule.DECISION_OVERDUE,
        ("M1",),
        Rule.DUE_SOON,
        ("M2",),
    )
    assert first.why.zh == "2026-03-03议定，应于03-04前完成，已超1天"


def test_grids_short_of_patrols_on_three_days() -> None:
    street = Street()
    found = agenda(street.facts(moment(5, "08:00")), THURSDAY)
    assert [(line.rule, line.cell, line.owner) for line in found.lines] == [
        (Rule.SHORT_OF_PATROLS, f"{STREET}001002", "李喆")
    ]
    assert found.lines[0].why.zh == "近7天有3天巡查未达标"
    # Of Wednesday to Friday of the week before, Wednesday is eight days ago.
    earlier = verdicts().assign(day=lambda table: table["day"] - dt.timedelta(days=5))
    assert not agenda(street.facts(moment(5, "08:00"), verdicts=earlier), THURSDAY).needed
    two: pd.DataFrame = verdicts()
    two = two[~((two["verdict"] == "short") & (two["day"] == START))]
    assert not agenda(street.facts(moment(5, "08:00"), verdicts=two), THURSDAY).needed


def test_a_case_stands_in_one_line_with_all_its_reasons() -> None:
    street = Street()
    twice = "2 09:00 report | 2 09:30 file 2工作日 | 2 10:00 assign | 2 11:00 return_up | 2 13:00 assign | 2 14:00 return_up"
    street.add("M1", 1, f"{twice} | 2 15:00 assign | 2 16:00 sign")
    found = made(street)
    assert rules_of(found) == [Rule.DUE_SOON]
    assert found.lines[0].why.zh.endswith("；已退回2次")


def test_twelve_lines_at_most_and_the_rest_is_counted() -> None:
    street = Street()
    for k in range(20):
        street.add(f"M{k:02d}", 1, "2 09:00 report", report={"second": "", "third": "", "kind": f"0600{k % 9}"})
    many = tuple(decision(decision_id=f"2026-03-03-{k}") for k in range(5))
    found = made(street, decisions=many)
    assert len(found.lines) == MOST_LINES == 12
    assert found.left_over == 25 - 12
    assert found.note.zh == "另有13项留待下次例会审议"
    # The first three of each rule precede the rest of the first rule.
    assert rules_of(found).count(Rule.DECISION_OVERDUE) == 5
    crowded = tuple(decision(decision_id=f"2026-03-03-{k:02d}") for k in range(14))
    assert [
        rules_of(made(street, decisions=crowded)).count(rule) for rule in (Rule.DECISION_OVERDUE, Rule.UNRESOLVED)
    ] == [9, 3]


@pytest.mark.parametrize("scope", ["", f"{STREET}001"])
def test_every_line_says_why_and_who(scope: str) -> None:
    facts: Facts = forty().facts(moment(7, "08:00"), decisions=(decision(),))
    found = agenda(facts, SATURDAY, scope=scope)
    assert found.needed
    for line in found.lines:
        assert line.why.zh
        assert line.why.en
        assert line.question.zh
        assert line.about
    if scope:
        for line in found.lines:
            assert all(facts.cases[number].community == scope for number in line.cases)
