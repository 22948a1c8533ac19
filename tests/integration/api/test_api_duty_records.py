"""Queries of cases, steps and items at their days, filters and orders, in SQLite."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta

import pytest

from api.database import open_store, session
from api.database.duty.case_selection import of_day
from api.database.duty.cases import CaseFilter, Standing, add_logs, add_step, handed_over_since, list_cases
from api.database.duty.fact_reading import _item_values
from api.database.duty.rectifications import add_item_step, item_steps, read_items
from api.errors import NotStoredError
from geo.duty import Action, CaseRules, Event, Role
from geo.duty.supervision.rectification import ItemAction, ItemStep, fold_item
from geo.incidents import Calendar
from tests.unit import duty_cases

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
STANDING = Standing(Calendar.china(), CaseRules())


@pytest.fixture
def opened(empty_store, tmp_path):
    engine = open_store(shutil.copy(empty_store, tmp_path / "store.sqlite"))
    with session(engine, write=True) as found:
        yield found
    engine.dispose()


def reported(opened, number: str, at: datetime, **payload: str) -> None:
    event = Event(number, 1, at, "小李", Role.CLERK, Action.REPORT, "", payload={"kind": "06010", **payload})
    add_step(opened, 1, event, STANDING)


def test_a_step_that_was_written_down_later_belongs_to_its_day(opened):
    reported(opened, "A", NOW + DAY, happened_at=NOW.isoformat())
    reported(opened, "B", NOW + DAY)
    reported(opened, "C", NOW)
    window = NOW.replace(hour=0), NOW.replace(hour=0) + DAY, NOW + 2 * DAY
    assert of_day(opened, 1, window, "", deadlines=False) == ["A", "C"]
    earlier = window[0], window[1], NOW + HOUR
    assert of_day(opened, 1, earlier, "", deadlines=False) == ["C"], "as known at that time"


def test_cases_are_listed_by_the_time_of_their_next_step(opened):
    for k in range(3):
        reported(opened, f"C{k}", NOW + k * DAY)
    _, rows = list_cases(opened, 1, CaseFilter())
    dues = [row["step_due"] for row in rows]
    assert sorted(dues) == dues
    assert None not in dues
    found = list_cases(opened, 1, CaseFilter(due_before=dues[1]))[1]
    assert [row["number"] for row in found] == [rows[0]["number"]], "before, not at"


def found(number: str, at: datetime) -> ItemStep:
    return ItemStep(
        number, 1, at, "督查组", ItemAction.FIND, "楼道堆物", place="1幢", unit="社区", due=date(2026, 3, 9)
    )


def test_items_begin_with_a_finding_and_the_latest_comes_first(opened):
    check = ItemStep("Z1", 2, NOW + HOUR, "社区", ItemAction.SELF_CHECK, "已清理")
    with pytest.raises(NotStoredError, match="no rectification item Z1"):
        add_item_step(opened, 1, check)
    for k in (1, 2):
        add_item_step(opened, 1, found(f"Z{k}", NOW + k * HOUR))
    assert [item.item_id for item, _ in read_items(opened, 1, UTC)] == ["Z2", "Z1"]


def test_an_item_is_struck_off_by_a_good_recheck_only(opened):
    steps = [
        found("Z1", NOW),
        ItemStep("Z1", 2, NOW + HOUR, "社区", ItemAction.SELF_CHECK, "已清理"),
        ItemStep("Z1", 3, NOW + 2 * HOUR, "督查组", ItemAction.RECHECK_BAD, "仍有堆物"),
        ItemStep("Z1", 4, NOW + 3 * HOUR, "社区", ItemAction.SELF_CHECK, "又清理"),
        ItemStep("Z1", 5, NOW + 4 * HOUR, "督查组", ItemAction.RECHECK_OK, "已清"),
    ]
    closed = []
    for step in steps:
        add_item_step(opened, 1, step)
        log = item_steps(opened, 1, "Z1")
        closed.append(_item_values(fold_item(log, UTC), log, {}, 0)["closed_at"])
    assert closed == [None, None, None, None, NOW + 4 * HOUR]


def test_cases_that_a_person_handed_over_are_those_of_that_person(opened, monkeypatch):
    monkeypatch.setitem(duty_cases._BY, "hand_over", ("系统", "system"))
    street = duty_cases.Street()
    for number, person in (("M1", "G1"), ("M2", "G3")):
        moved = {"from": person, "to": "G2"}
        street.add(number, 1, "2 09:00 report | 2 09:10 hand_over", hand_over=moved)
    add_logs(opened, 1, {number: tuple(log) for number, log in street.book.logs.items()})
    at = duty_cases.moment(2, "09:10")
    assert [case.case_id for case in handed_over_since(opened, 1, "G1", at)] == ["M1"]
    assert handed_over_since(opened, 1, "G1", at + timedelta(seconds=1)) == []
