"""Indicators compared with counts by hand on forty cases."""

from __future__ import annotations

import datetime as dt

import pytest

from geo.duty.briefs.areas import LEAST_GROUP, area_table
from geo.duty.briefs.indicators import DEFINITIONS, Period, counted_cases, definition_lines
from geo.duty.briefs.proportions import Z_95
from geo.duty.briefs.sampling import sample_for_review
from geo.duty.facts import Facts
from geo.errors import InputError
from tests.unit.duty_cases import END, START, STREET, Street, forty, moment, without

#: Counted by hand from the groups: numerator, denominator.
BY_HAND = {
    "FIL": (32, 33),
    "CLO": (20, 27),
    "ONT": (16, 27),
    "EGO": (18, 25),
    "SELF": (5, 23),
    "DISP": (28, 31),
    "RET": (3, 31),
    "REDO": (4, 27),
    "EXP": (2, 25),
    "REP": (2, 38),
    "VISR": (24, 25),
    "VISS": (22, 24),
}
#: The same for the first community; the rest belongs to the second.
FIRST_BY_HAND = {
    "FIL": (19, 19),
    "CLO": (15, 19),
    "ONT": (11, 19),
    "EGO": (15, 19),
    "SELF": (5, 20),
    "DISP": (19, 19),
    "RET": (0, 19),
    "REDO": (4, 24),
    "EXP": (0, 20),
    "REP": (2, 24),
    "VISR": (21, 22),
    "VISS": (19, 21),
}


@pytest.fixture(scope="module")
def period() -> Period:
    return Period(forty().facts(), START, END)


@pytest.mark.parametrize("indicator", list(DEFINITIONS))
def test_shares_are_those_counted_by_hand(period: Period, indicator: str) -> None:
    counted = counted_cases(period, indicator)
    assert (len(counted.numerator), len(counted.denominator)) == BY_HAND[indicator]
    assert set(counted.numerator) <= set(counted.denominator)


def test_counts_are_those_counted_by_hand(period: Period) -> None:
    assert len(period.accepted()) == 40
    assert len(period.still_open()) == 11
    assert len(period.overdue()) == 3
    assert len(period.closed()) == 25


def test_communities_add_up_and_stand_in_the_order_of_codes(period: Period) -> None:
    table = area_table(period, START, END)
    assert table["area"].drop_duplicates().tolist() == [f"{STREET}001", f"{STREET}002"]
    for indicator, (numerator, denominator) in BY_HAND.items():
        rows = table[table["indicator"] == indicator]
        assert (rows["numerator"].sum(), rows["denominator"].sum()) == (numerator, denominator)
        first = rows[rows["area"] == f"{STREET}001"].iloc[0]
        assert (first["numerator"], first["denominator"]) == FIRST_BY_HAND[indicator]
        # The expected numbers from the mix of cases sum to the number of the street.
        assert (rows["expected"].fillna(0) * rows["denominator"]).sum() == pytest.approx(numerator)
        assert len(first["cases"]) == first["denominator"] - first["numerator"]


def test_a_limit_that_falls_on_the_end_belongs_to_the_next_period() -> None:
    facts = forty().facts(moment(30, "08:00"))
    # Due on the 4th at 18:00, so they are due in a period that ends on the 5th and not in one that ends on the 4th.
    assert len(Period(facts, dt.date(2026, 3, 4), dt.date(2026, 3, 5)).due()) > 0
    assert Period(facts, START, dt.date(2026, 3, 4)).due() == []


def test_what_happens_later_changes_nothing() -> None:
    street = forty()
    before = {name: counted_cases(Period(street.facts(), START, END), name) for name in DEFINITIONS}
    street.add("N03", 1, "10 09:00 reopen")
    street.add("N15", 2, "10 09:00 done | 10 10:00 verify_ok | 10 11:00 visit_solved")
    after = {name: counted_cases(Period(street.facts(moment(20, "08:00")), START, END), name) for name in DEFINITIONS}
    assert after == before


@pytest.mark.parametrize(
    ("number", "seq", "indicator"),
    [
        ("N03", 2, "FIL"),
        ("N03", 7, "CLO"),
        ("N03", 5, "ONT"),
        ("N04", 5, "EGO"),
        ("N20", 2, "SELF"),
        ("N15", 3, "DISP"),
        ("N33", 4, "RET"),
        ("N36", 6, "REDO"),
        ("N25", 6, "EXP"),
        ("N40", 6, "REP"),
        ("N02", 7, "VISR"),
        ("N38", 7, "VISS"),
    ],
)
def test_each_indicator_fails_without_one_of_its_events(number: str, seq: int, indicator: str) -> None:
    counted = counted_cases(Period(without(forty(), number, seq).facts(), START, END), indicator)
    assert (len(counted.numerator), len(counted.denominator)) != BY_HAND[indicator]


def test_every_indicator_has_a_definition_that_is_printed() -> None:
    lines = definition_lines()
    assert len(lines) == len(DEFINITIONS) == len(BY_HAND)
    assert any("应结案：首轮处置时限" in line for line in lines)


def test_the_sample_of_the_review_is_drawn_again_by_its_seed(period: Period) -> None:
    sample = sample_for_review(period.cases, 10, seed=7)
    assert sample == sample_for_review(period.cases, 10, seed=7)
    assert sample != sample_for_review(period.cases, 10, seed=8)
    assert len(sample) == 10
    assert len({period.cases[number].community for number in sample}) == 2
    assert sample_for_review(period.cases, 99, seed=1) == sorted(
        period.closed(), key=lambda number: (period.cases[number].community, number)
    )
    with pytest.raises(InputError):
        sample_for_review(period.cases, 0, seed=1)


def test_a_period_holds_its_beginning_and_not_its_end() -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    period = Period(Facts({}, dt.datetime(2026, 4, 1, tzinfo=zone)), dt.date(2026, 3, 2), dt.date(2026, 3, 9))
    assert period.inside(dt.datetime(2026, 3, 2, tzinfo=zone))
    assert not period.inside(dt.datetime(2026, 3, 9, tzinfo=zone))


def test_a_case_that_was_merged_after_its_dispatch_is_not_due_itself() -> None:
    street = forty()
    before = Period(street.facts(), START, END).due()
    street.add("N41", 1, "5 09:00 report | 5 09:30 file 1工作日 | 5 10:00 assign | 5 10:30 sign")
    street.add("N42", 1, "5 09:00 report | 5 09:30 file 1工作日 | 5 10:00 assign | 5 10:30 sign")
    # Both are due on the 6th at 18:00.
    assert Period(street.facts(), START, END).due() == sorted([*before, "N41", "N42"])
    # It is merged after its limit has passed, so it has a limit that was missed.
    street.add("N42", 1, "7 10:00 merge", merge={"main_case": "N41"})
    assert Period(street.facts(), START, END).due() == sorted([*before, "N41"])


def test_a_case_that_was_shelved_after_its_limit_is_late_but_no_longer_overdue() -> None:
    street = forty()
    before = Period(street.facts(), START, END).overdue()
    street.add("N41", 1, "2 09:00 report | 2 09:30 file 1工作日 | 2 10:00 assign | 2 10:30 sign | 4 10:00 shelve")
    period = Period(street.facts(), START, END)
    assert period.cases["N41"].late
    assert "N41" in period.still_open()
    assert period.overdue() == before
    # The day before it was shelved it was one of those that are overdue.
    assert "N41" in Period(street.facts(), START, dt.date(2026, 3, 4)).overdue()


#: A case in progress, due on the 4th at 18:00.
RUNNING = "2 09:00 report | 2 09:30 file | 2 10:00 assign"


def counts(street: Street, indicator: str) -> tuple[list[str], list[str]]:
    counted = counted_cases(Period(street.facts(), START, END), indicator)
    return counted.numerator, counted.denominator


def test_a_case_that_stood_still_until_midnight_is_due_on_the_next_day() -> None:
    street = Street()
    street.add("M1", 1, f"{RUNNING} | 2 10:30 sign | 4 09:00 shelve | 5 00:00 resume")
    street.add("M2", 1, f"{RUNNING} | 2 10:30 sign | 4 09:00 shelve | 5 00:01 resume")
    period = Period(street.facts(), START, END)
    assert {case.due for case in period.cases.values()} == {moment(5, "18:00")}
    assert period.due() == ["M1"]


def test_a_case_that_was_returned_was_not_dispatched_right() -> None:
    street = Street()
    street.add("M1", 1, f"{RUNNING} | 2 15:00 return_up")
    street.add("M2", 1, RUNNING)
    assert counts(street, "DISP") == (["M2"], ["M1", "M2"])


def test_a_case_that_was_merged_is_handled_by_its_main_case() -> None:
    street = forty()
    before = counts(street, "EGO")
    street.add("N41", 1, "5 09:00 report | 5 09:30 file 1工作日 | 5 10:00 assign | 5 10:30 sign")
    street.add("N42", 1, "5 09:00 report | 5 09:30 file 1工作日 | 5 10:00 assign | 5 10:30 sign")
    street.add("N42", 1, "5 15:00 done | 5 16:00 verify_bad | 5 16:30 merge", merge={"main_case": "N41"})
    assert counts(street, "EGO") == (before[0], sorted([*before[1], "N41"]))


def test_a_case_that_came_back_is_repeated() -> None:
    street = Street()
    street.add("M1", 1, "2 09:00 report", report={"recurrence_of": "N01"})
    street.add("M2", 1, "2 09:00 report | 2 10:00 add_report")
    street.add("M3", 1, "2 09:00 report | 2 10:00 add_report | 2 11:00 add_report")
    assert counts(street, "REP") == (["M1", "M3"], ["M1", "M2", "M3"])


def test_the_last_visit_says_whether_somebody_was_reached() -> None:
    street = Street()
    once = f"{RUNNING} | 2 10:30 sign | 3 15:00 done | 3 16:00 verify_ok"
    again = f"{once} | 4 09:00 visit_unsolved | 4 10:00 done | 4 11:00 verify_ok | 4 12:00 visit_solved"
    street.add("M1", 1, f"{once} | 3 17:00 visit_solved", visit_solved={"result": "declined"})
    street.add("M2", 1, again, visit_solved={"result": "unreached"})
    street.add("M3", 1, again)
    assert counts(street, "VISR") == (["M3"], ["M1", "M2", "M3"])
    assert counts(street, "VISS") == (["M3"], ["M3"])


def test_similar_cases_have_one_matter_limit_and_channel() -> None:
    """Ten cases of each of three channels: what is expected of a community follows its channels."""
    street = Street()
    closed = f"{RUNNING} | 2 10:30 sign | 3 15:00 done | 3 16:00 verify_ok | 3 17:00 visit_solved"
    for k in range(LEAST_GROUP):
        street.add(f"A{k:02d}", 1, closed)
        street.add(f"B{k:02d}", 1, closed, report={"channel": "letter"})
        street.add(f"C{k:02d}", 2, RUNNING, report={"channel": "walk_in"})
    table = area_table(street.facts(), START, END, indicators=["CLO"])
    assert table["expected"].tolist() == [1.0, 0.0]


def test_limits_of_an_area_come_from_the_shares_of_its_cases(period: Period) -> None:
    first = area_table(period, START, END, indicators=["CLO"]).iloc[0]
    share, n = 20 / 27, 19
    assert first["expected"] == pytest.approx(share)
    assert first["low_95"] == pytest.approx(share - Z_95 * (share * (1 - share) / n) ** 0.5)
