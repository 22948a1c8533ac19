"""Duplicate candidates, the five services, and rectification items."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from geo.duty import (
    ItemAction,
    ItemState,
    ItemStep,
    Place,
    Service,
    advance_item,
    duplicate_candidates,
    fold_item,
    read_services,
    service_of,
)
from geo.errors import ColumnError, InputError, RefusedStep
from geo.incidents import matters

AT = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def place(name: str, x_m: float | None = 0.0, hours: float = 0.0, text: str = "", address: str = "") -> Place:
    return Place(name, AT + hours * HOUR, x_m, None if x_m is None else 0.0, text, address)


@pytest.mark.parametrize(
    ("x_m", "hours", "is_one"), [(50.0, 24.0, True), (50.01, 0.0, False), (0.0, 24.01, False), (-50.0, -24.0, True)]
)
def test_within_fifty_metres_and_a_day(x_m: float, hours: float, is_one: bool) -> None:
    assert bool(duplicate_candidates(place("A"), [place("B", x_m, hours)])) is is_one


def test_candidates_are_ranked_and_say_why() -> None:
    new = place("A", text="万寿村12幢路灯不亮", address="万寿村小区12幢")
    others = [
        place("far", 40.0, text="垃圾满溢"),
        place("near words", 10.0, text="路灯不亮了"),
        place("near", 5.0, text="垃圾满溢"),
        place("building", None, text="楼道灯坏", address="万寿村小区12栋"),
        place("same", 30.0, text="路灯不亮", address="万寿村小区12幢2单元"),
        place("A", 0.0),
    ]
    # 幢 and 栋 are equivalent words for a building.
    found = duplicate_candidates(new, others)
    assert [c.case_id for c in found] == ["same", "building", "near words", "near", "far"]
    assert found[0].why.zh.startswith("同一楼栋，相距30米")
    # 15 m are very close, 15.01 m are not; then words count. Three of four pairs of characters are common on both sides.
    words = Place("A", AT, 0.0, 0.0, "小区路灯不亮")
    close = [place("b", 40.0, text="路灯不亮"), place("c", 15.01, text="垃圾满溢"), place("d", 15.0, text="垃圾满溢")]
    assert [(c.case_id, c.likeness) for c in duplicate_candidates(words, close)] == [
        ("d", 0.0),
        ("b", 0.75),
        ("c", 0.0),
    ]
    with pytest.raises(InputError):
        duplicate_candidates(new, others, near_m=0)


def test_reports_without_a_place_are_compared_by_their_words() -> None:
    text = "万寿村东门外路灯不亮，晚上很黑"
    new = dataclasses.replace(place("A", None, text=text), community="1")
    others = [
        place("no place", None, text="万寿村东门外路灯不亮晚上黑"),
        place("a place", 0.0, text=f"{text}。"),
        dataclasses.replace(place("elsewhere", None, text=text), community="2"),
        place("other words", None, text="万寿村东门外垃圾满溢，气味很大"),
        place("yesterday", None, hours=-24.01, text=text),
    ]
    found = duplicate_candidates(new, others)
    assert [c.case_id for c in found] == ["a place", "no place"]
    assert found[0].why.zh == "相隔0小时，文字相近100%"
    # Two buildings that are known are two places, and a few words say too little.
    one, two = (place(name, None, text=text, address=f"万寿村小区{name}幢") for name in ("1", "2"))
    assert duplicate_candidates(one, [two]) == []
    assert duplicate_candidates(place("A", None, text="路灯不亮"), [place("B", None, text="路灯不亮")]) == []
    # Both are known to be far apart.
    assert duplicate_candidates(place("A", 0.0, text=text), [place("B", 60.0, text=text)]) == []
    many = [place(f"B{k}", None, text=text + "。" * k) for k in range(9)]
    assert [c.case_id for c in duplicate_candidates(new, [*many, place("near", None, text=text)])] == [
        f"B{k}" for k in range(5)
    ]


def test_the_same_number_of_the_sender_comes_first_whenever_it_came() -> None:
    new = dataclasses.replace(place("A", 0.0, text="路灯不亮"), number="W20260302001")
    same = dataclasses.replace(place("B", 900.0, hours=-100, text="灯坏了"), number="W20260302001")
    other = dataclasses.replace(place("C", 1.0, text="路灯不亮"), number="W20260302002")
    found = duplicate_candidates(new, [other, same])
    assert [c.case_id for c in found] == ["B", "C"]
    assert found[0].why.zh.startswith("来件编号相同，相距900米，相隔100小时")
    assert duplicate_candidates(place("A"), [place("B", 60.0)]) == [], "reports without a number have none in common"


def test_every_matter_has_one_of_five_services(tmp_path: Path) -> None:
    for code in matters()["code"]:
        assert service_of(code) in Service
    assert {service_of(code) for code in matters()["code"]} == set(Service)
    own = tmp_path / "services.csv"
    own.write_text("code,service\n06,harmony\n", encoding="utf-8")
    assert service_of("06010", read_services(own)) is Service.HARMONY
    own.write_text("code,service\n06,dance\n", encoding="utf-8")
    with pytest.raises(ColumnError, match="row 2: 'dance'"):
        read_services(own)


def item_steps() -> list[ItemStep]:
    found = ItemStep(
        "Z1", 1, AT, "纪工委", ItemAction.FIND, "占道堆物", unit="城管", person="张三", due=dt.date(2026, 3, 9)
    )
    return [
        found,
        ItemStep("Z1", 2, AT + HOUR, "张三", ItemAction.PROGRESS, "已约谈业主"),
        ItemStep("Z1", 3, AT + 2 * HOUR, "张三", ItemAction.SELF_CHECK, "已清理", evidence=("p",)),
        ItemStep("Z1", 4, AT + 3 * HOUR, "李四", ItemAction.RECHECK_OK, "现场查看"),
    ]


def test_an_item_runs_from_finding_to_being_struck_off() -> None:
    item = fold_item(item_steps())
    assert (item.state, item.measures, item.rechecked_by, item.late) == (
        ItemState.STRUCK_OFF,
        ("已约谈业主", "已清理"),
        "李四",
        False,
    )
    assert item.rounds == 1


def test_nobody_rechecks_their_own_item() -> None:
    steps = item_steps()
    item = fold_item(steps[:3])
    for actor in ("张三",):
        with pytest.raises(RefusedStep) as refusal:
            advance_item(item, dataclasses.replace(steps[3], actor=actor))
        assert refusal.value.kind == "own_work"
    back = advance_item(item, dataclasses.replace(steps[3], action=ItemAction.RECHECK_BAD))
    assert (back.state, back.rounds) == (ItemState.OPEN, 2)


@pytest.mark.parametrize(
    ("position", "change", "kind"),
    [
        (0, {"due": None}, "missing"),
        (0, {"unit": "", "person": ""}, "missing"),
        (0, {"action": ItemAction.PROGRESS}, "state"),
        (1, {"seq": 3}, "stale"),
        (1, {"text": "无"}, "reason"),
        (1, {"action": ItemAction.RECHECK_OK}, "state"),
    ],
)
def test_steps_of_items_that_cannot_be(position: int, change: dict[str, object], kind: str) -> None:
    steps = item_steps()
    before = fold_item(steps[:position]) if position else None
    with pytest.raises(RefusedStep) as refusal:
        advance_item(before, dataclasses.replace(steps[position], **change))  # type: ignore[arg-type]
    assert refusal.value.kind == kind


def test_an_item_is_late_from_the_day_after_its_limit() -> None:
    steps = item_steps()
    item = fold_item(steps[:2])
    assert not item.overdue(dt.date(2026, 3, 9))
    assert item.overdue(dt.date(2026, 3, 10))
    for day, late in ((9, False), (10, True)):
        at = dt.datetime(2026, 3, day, 12, tzinfo=dt.UTC)
        assert advance_item(item, dataclasses.replace(steps[2], at=at)).late is late
    # One o'clock of the 10th here is still the 9th in Greenwich.
    night = dataclasses.replace(steps[2], at=dt.datetime(2026, 3, 9, 17, tzinfo=dt.UTC))
    assert advance_item(item, night, dt.timezone(dt.timedelta(hours=8))).late


def test_who_put_an_item_right_cannot_recheck_it() -> None:
    from geo.duty.supervision.rectification import ItemStep, fold_item
    from geo.errors import RefusedStep

    at = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
    steps = [
        ItemStep("Z1", 1, at, "督查员", "find", "通道堵塞", unit="物业", due=dt.date(2026, 3, 5)),  # type: ignore[arg-type]
        ItemStep("Z1", 2, at, "物业", "self_check", "已清理"),  # type: ignore[arg-type]
    ]
    again = ItemStep("Z1", 3, at, "物业", "recheck_ok", "属实")  # type: ignore[arg-type]
    with pytest.raises(RefusedStep) as refused:
        fold_item([*steps, again])
    assert refused.value.kind == "own_work"
