"""Ledgers and briefs at the boundaries of their days, months and numbers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import pandas as pd
import pytest

from geo.duty import Facts, Issue, brief
from geo.duty.briefs.accounts import account_of
from geo.duty.briefs.blocks import FunnelBlock, Paragraph
from geo.duty.briefs.sampling import sample_for_review
from geo.duty.cases.case_rules import CaseRules
from geo.duty.events import Duty
from geo.duty.ledgers.composing import ledger
from geo.duty.ledgers.street import rectification_rows
from geo.duty.rosters.assignments import Assignment
from geo.duty.rosters.roster import Roster
from geo.incidents import Limit
from tests.unit.duty_cases import END, START, STREET, Street, decision, forty, moment, roster, verdicts, visits

ONE, GRID = f"{STREET}001", f"{STREET}001001"
#: A case in progress, due on the 4th at 18:00.
RUNNING = "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 10:30 sign"
IN_GRID = "2 09:00 report | 2 09:10 self_solve | 2 10:00 verify_ok"


def told(street: Street, **more: object) -> str:
    made = brief(street.facts(**more), START, END, issue=Issue("1", END))
    return "\n".join(block.text for block in made.blocks if isinstance(block, Paragraph))


def rows(kind: str, day: dt.date, facts: Facts, scope: str = "") -> list[dict[str, object]]:
    found: list[dict[str, object]] = ledger(kind, day, facts, scope=scope).to_dict("records")
    return found


def test_a_brief_tells_six_problems_and_counts_the_rest() -> None:
    street = Street()
    for k in range(8):
        street.add(f"M{k}", 1, RUNNING)
    text = told(street)
    assert text.count("期末仍未办结") == 6
    assert "另有2件同类情况，见台账。" in text
    twice = Street()
    twice.add(
        "M1",
        1,
        "2 09:00 report | 2 09:30 file | 2 10:00 assign | 2 11:00 return_up | 2 13:00 assign | 2 14:00 return_up",
    )
    assert "M1，1-1-1号院 3幢，暴露垃圾，承办：城管中队，已退回2次。" in told(twice)


def test_reviews_and_decisions_of_the_day_after_a_brief_are_not_overdue() -> None:
    street = Street()
    street.add("M1", 1, f"{RUNNING} | 2 11:00 shelve", shelve={"review_date": "2026-03-08"})
    street.add("M2", 1, f"{RUNNING} | 2 11:00 shelve", shelve={"review_date": "2026-03-09"})
    due = [decision(decision_id=f"D{day}", due=dt.date(2026, 3, day)) for day in (8, 9)]
    text = told(street, decisions=tuple(due))
    assert "挂账已过复核日的1件：M1。" in text
    assert "例会议定、到期未完成的1件：D8。" in text


def test_within_a_day_is_a_day() -> None:
    street = Street()
    street.add("M1", 1, f"{IN_GRID} | 3 09:00 visit_solved")
    street.add("M2", 1, f"{IN_GRID} | 3 09:01 visit_solved")
    assert "网格自办2件，其中1件在受理后一天内结案。" in told(street)


def test_a_sample_has_a_case_of_every_community() -> None:
    street = Street()
    for k in range(30):
        street.add(f"M{k:02d}", 1, f"{IN_GRID} | 3 09:00 visit_solved")
    street.add("N1", 2, f"{IN_GRID} | 3 09:00 visit_solved")
    drawn = sample_for_review(street.facts().cases, 5, seed=3)
    assert len(drawn) == 6
    assert drawn[-1] == "N1"


def test_points_of_a_funnel_are_adjusted_for_the_mix_of_cases() -> None:
    """All cases of one channel were in time, none of the other: neither community differs from what is expected of it."""
    street = Street()
    for k in range(20):
        street.add(f"A{k:02d}", 1, f"{RUNNING} | 3 15:00 done | 3 16:00 verify_ok | 3 17:00 visit_solved")
    for k in range(10):
        street.add(f"B{k:02d}", 2, RUNNING, report={"channel": "walk_in"})
    block = next(
        b for b in brief(street.facts(), START, END, issue=Issue("1", END)).blocks if isinstance(b, FunnelBlock)
    )
    assert [round(value, 6) for _, _, value, _ in block.points] == [round(20 / 30, 6)] * 2


def test_the_diary_of_a_grid_has_work_that_was_done_and_full_minutes() -> None:
    facts = forty().facts(visits=visits().assign(stay_s=[1199.0, 120.0]))
    table = ledger("F", dt.date(2026, 3, 3), facts, scope=GRID)
    assert table.iloc[0]["stay"] == 20
    done = table[table["case_no"] == "N01"].iloc[0]
    assert (done["session"], done["on_spot"]) == ("15:00", "否")


def test_a_deadline_at_midnight_belongs_to_the_day_that_begins() -> None:
    street = Street()
    street.add("M1", 1, "2 09:00 report | 2 09:30 file 14紧急工作时 | 2 10:00 assign")
    facts = street.facts()
    assert facts.cases["M1"].due == moment(3, "00:00")
    assert [rows("B", dt.date(2026, 3, day), facts, ONE)[0]["due_today"] for day in (2, 3)] == [0, 1]


def test_a_week_names_what_was_reported_twice_and_lists_twelve_cases() -> None:
    street = Street()
    street.add("A0", 1, "8 00:00 report", report={"third": f"{GRID}002", "kind": "09009"})
    for k in range(13):
        street.add(f"M{k:02d}", 1, "8 09:00 report")
    table = {str(row["item"]): row for row in rows("C", START, street.facts())}
    assert [item for item, row in table.items() if row["part"] == "多发地点"] == ["1-1-1号院"]
    assert (table["1天以内"]["count"], table["1至3天"]["count"]) == (13, 1), "a day is over at midnight"
    assert str(table["1天以内"]["cases"]) == "、".join(f"M{k:02d}" for k in range(12)) + "等13件"


def test_a_decision_that_was_carried_out_later_was_open_in_its_week() -> None:
    facts = forty().facts(moment(30, "08:00"), decisions=(decision(done_at=moment(10, "09:00")),))
    week = {row["item"]: row["count"] for row in rows("C", START, facts)}
    # Two cases were closed by joint meetings.
    assert (week["本周议定已办结"], week["本周议定未办结"]) == (2, 1)


def test_a_plan_of_a_month_looks_back_on_the_whole_month_before() -> None:
    later = dt.datetime(2026, 4, 20, tzinfo=dt.UTC)
    short = verdicts().assign(day=lambda table: table["day"] - dt.timedelta(days=1))
    item = "1社区第2网格 巡查"
    assert item in [row["item"] for row in rows("D", dt.date(2026, 4, 1), forty().facts(later, verdicts=short))]
    less = short[short["day"] > dt.date(2026, 3, 1)]
    assert item not in [row["item"] for row in rows("D", dt.date(2026, 4, 1), forty().facts(later, verdicts=less))]
    street = Street()
    for k in range(3):
        street.add(f"M{k}", 1, "2 00:00 report" if k else "1 23:59 report")
    quiet = {"verdicts": verdicts().assign(verdict="met")}
    busy = [row["why"] for row in rows("D", dt.date(2026, 4, 1), street.facts(later, **quiet))]
    assert busy == [], "the thirty days begin on the 2nd"
    street.add("M3", 1, "2 00:00 report")
    assert [row["why"] for row in rows("D", dt.date(2026, 4, 1), street.facts(later, **quiet))] == ["前30天3件"]


def test_reviews_of_the_next_month_are_not_planned() -> None:
    facts = forty().facts(dt.datetime(2026, 6, 20, tzinfo=dt.UTC))
    planned = [{row["why"] for row in rows("D", dt.date(2026, month, 1), facts)} for month in (5, 6)]
    assert ["挂账到复核日" in whys for whys in planned] == [False, True]


def test_letters_tell_what_was_closed_in_thirty_days() -> None:
    facts = forty().facts(dt.datetime(2026, 4, 20, tzinfo=dt.UTC))
    told_on = [rows("I", dt.date(2026, 4, day), facts, ONE)[0]["progress"] for day in (2, 3)]
    assert told_on == ["近30天办结20件", "近30天办结9件"]


def test_the_police_officer_of_a_grid_comes_before_that_of_its_community() -> None:
    plain = roster()
    own = Assignment(GRID, "赵明", Duty.POLICE, dt.date(2026, 1, 1))
    both = Roster([*plain.assignments, own], persons=plain.persons.values(), cells=plain.cells)
    cards = rows("J", START, forty().facts(roster=both), ONE)
    assert [card["police"] for card in cards] == ["赵明 025-85550103", "钱警官 025-85550110"]


def item(number: str, found_at: dt.datetime, closed_at: dt.datetime | None = None) -> dict[str, object]:
    """A rectification item of a grid."""
    texts = dict.fromkeys(
        ("found_by", "place", "problem", "basis", "responsible", "measure", "evidence", "rechecked"), ""
    )
    facts = {"number": number, "found_at": found_at, "closed_at": closed_at, "second": GRID, "community": ONE}
    return {**texts, **facts, "state": number, "due": dt.date(2026, 3, 10)}


@pytest.mark.parametrize("scope", ["", ONE, GRID])
def test_a_month_has_the_items_that_were_open_in_it(scope: str) -> None:
    first, before = moment(1, "00:00"), dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
    made = [
        item("closed before", before, first - dt.timedelta(seconds=1)),
        item("closed as it began", before, first),
        item("found as it began", first),
        item("found as it ended", moment(31, "00:00") + dt.timedelta(days=1)),
    ]
    facts = forty().facts(dt.datetime(2026, 5, 1, tzinfo=dt.UTC), rectifications=pd.DataFrame(made, dtype=object))
    shown = [row["progress"] for row in rectification_rows(facts, dt.date(2026, 3, 1), scope)]
    assert shown == ["closed as it began", "found as it began"]
    assert rectification_rows(facts, dt.date(2026, 3, 1), f"{STREET}002") == []


def test_a_decision_of_the_first_day_belongs_to_its_month() -> None:
    made = decision(meeting_id="街道会议", decided_at=moment(1, "00:00"))
    facts = dataclasses.replace(forty().facts(moment(31, "23:00")), decisions=(made,))
    assert [row["decision"] for row in rows("E", dt.date(2026, 3, 1), facts) if row["meeting"] == "街道会议"] == [
        made.text
    ]
    assert not [row for row in rows("E", dt.date(2026, 2, 1), facts) if row["meeting"] == "街道会议"]


def test_an_account_begins_with_its_first_day() -> None:
    day = dt.date(2026, 3, 8)
    start = account_of(forty().facts(), GRID, day).start
    one = verdicts().head(1).assign(code=GRID, day=start)
    assert account_of(forty().facts(verdicts=one), GRID, day).facts[0][1] == 1
    assert account_of(forty().facts(verdicts=one.assign(day=start - dt.timedelta(days=1))), GRID, day).facts[0][1] == 0


def test_a_brief_is_compared_with_the_week_before() -> None:
    street = Street()
    street.add("M1", 1, RUNNING)
    week = dt.timedelta(days=7)
    made = brief(street.facts(moment(16, "08:00")), END, END + week, issue=Issue("2", END + week))
    text = "\n".join(block.text for block in made.blocks if isinstance(block, Paragraph))
    assert "立案0件（比上期减少1件）" in text


def test_a_case_of_three_reports_is_told_as_reported_by_many() -> None:
    for reports, said in ((2, True), (1, False)):
        street = Street()
        more = "".join(f" | 2 11:{k}0 add_report" for k in range(reports))
        street.add("M1", 1, RUNNING + more)
        assert ("3人以上反映、期末仍在办的1件：M1。" in told(street)) is said


def test_the_axis_of_a_funnel_has_six_steps_at_most() -> None:
    def counts(most: int) -> list[int]:
        found: list[int] = FunnelBlock("", 0.8, 1.0, ((1, most, 0.7, "within"),), (), ()).values()["counts"]
        return found

    assert counts(12) == [0, 2, 4, 6, 8, 10, 12]
    assert counts(13) == [0, 5, 10, 15]
    assert counts(3) == [0, 2, 4, 6, 8, 10]


def test_of_two_limits_of_a_matter_the_longer_holds() -> None:
    """Three hours of work are a day: eight of them are longer than twenty hours, and shorter than two working days."""
    table = pd.DataFrame({"standard_ref": "S", "code": "1", "limit": ["20紧急工作时", "8工作时"]})
    assert CaseRules.of(table).handling("S", "1")[0] == Limit(8, "working_hour")
    assert CaseRules.of(table[::-1]).handling("S", "1")[0] == Limit(8, "working_hour")
    longer = pd.DataFrame({"standard_ref": "S", "code": "1", "limit": ["2工作日", "8工作时"]})
    assert CaseRules.of(longer).handling("S", "1")[0] == Limit(2, "working_day")


def test_a_step_at_midnight_is_one_of_the_day_that_begins() -> None:
    street = Street()
    street.add("M1", 1, "3 00:00 report")
    facts = street.facts()
    days = [dt.date(2026, 3, day) for day in (2, 3, 4)]
    assert [len(list(facts.steps(first, last))) for first, last in itertools.pairwise(days)] == [0, 1]


@pytest.mark.parametrize(("cases", "planned"), [(3, ["前30天3件"]), (2, [])])
def test_a_place_of_three_cases_in_thirty_days_is_planned(cases: int, planned: list[str]) -> None:
    street = Street()
    for k in range(cases):
        street.add(f"M{k}", 1, "2 09:00 report | 2 09:10 self_solve | 2 10:00 verify_ok | 2 11:00 visit_solved")
    whys = [str(row["why"]) for row in rows("D", dt.date(2026, 4, 1), street.facts(moment(31, "20:00")))]
    assert [why for why in whys if why.startswith("前30天")] == planned
