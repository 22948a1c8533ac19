"""The brief on forty cases: figures, order, facts without persons, identical bytes for an old period."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from geo.duty import Brief, Event, Facts, Issue, brief
from geo.duty.briefs.blocks import FunnelBlock, Paragraph, TableBlock, characters
from geo.duty.briefs.composing import filed_before
from geo.duty.briefs.indicators import Period
from geo.duty.briefs.proportions import percentages
from geo.errors import InputError
from maps.pages.duty_pages import render_brief
from tests.unit.duty_cases import END, START, STREET, Street, decision, forty, moment, without

ISSUE = Issue("2026年第9期", END, copies=45)


def made(street: Street | None = None, as_of: dt.datetime | None = None, **more: object) -> Brief:
    facts = (street or forty()).facts(as_of, decisions=(decision(),))
    return brief(facts, START, END, issue=ISSUE, **more)  # type: ignore[arg-type]


def text_of(found: Brief) -> str:
    return "\n".join(block.text for block in found.blocks if isinstance(block, Paragraph))


def test_general_figures_are_those_counted_by_hand() -> None:
    text = text_of(made()).split("\n")[0]
    assert "本期受理40件，立案32件（比上期增加32件）" in text
    assert "应结案27件，期末结案20件，结案率74.07%（95%区间55.3–86.8）" in text
    assert "按期结案16件，按期结案率59.26%（95%区间40.7–75.5）" in text
    assert "本期结案25件，其中网格自办5件、解释备案2件（不计入解决）" in text
    assert "期末在办11件，其中逾期3件、挂账2件" in text


def test_communities_stand_in_the_order_of_codes_and_add_up() -> None:
    table = next(block for block in made().blocks if isinstance(block, TableBlock))
    assert [row[1] for row in table.rows] == ["万寿村社区", "长营村社区"]
    assert [sum(row[k] for row in table.rows) for k in (2, 3, 4, 5, 7, 8)] == [32, 27, 20, 16, 11, 3]
    assert "不是名次" in table.note
    # Communities with few cases are not compared.
    assert table.note.endswith("没有社区超出99.8%界限。")


def test_facts_have_case_numbers_and_no_person() -> None:
    text = text_of(made())
    for number in ("N15", "N16", "N17", "N36"):
        assert f"办件{number}" in text
    for person in ("王堃", "李喆", "赵明"):
        assert person not in text
    assert "期末仍未办结" in text
    assert "例会议定、到期未完成的1件：2026-03-03-1" in text


def test_what_people_write_is_theirs_and_may_be_empty() -> None:
    found = made(suggestions=["核对消防通道清单。", " "], replies={f"{STREET}002": "N15已于当日联系。"})
    typed = [block.text for block in found.blocks if isinstance(block, Paragraph) and block.typed]
    assert typed == ["核对消防通道清单。", "长营村社区：N15已于当日联系。"]
    assert "本期无建议意见。" in text_of(made())
    assert "没有更正或说明" in text_of(made())


def test_an_old_period_told_again_is_the_same() -> None:
    first = made()
    street = forty()
    street.add("N15", 2, "10 09:00 done | 10 10:00 verify_ok | 10 11:00 visit_solved")
    street.add("N03", 1, "11 09:00 reopen")
    street.add("N50", 1, "12 09:00 report")
    again = made(street, moment(28, "20:00"))
    assert again.values() == first.values()
    assert again.digest == first.digest
    assert made(without(forty(), "N03", 7)).digest != first.digest


def test_definitions_are_printed_and_the_length_is_kept() -> None:
    found = made()
    lines = found.values()["blocks"][-1]["lines"]
    assert any("应结案：首轮处置时限" in line for line in lines)
    assert found.definitions == "2026-1"
    assert characters(found.blocks) < 4000


def test_a_month_shows_how_work_is_spread() -> None:
    facts = forty().facts(moment(31, "23:00"))
    found = brief(facts, dt.date(2026, 3, 1), dt.date(2026, 4, 1), issue=ISSUE)
    table = next(block for block in found.blocks if isinstance(block, TableBlock) and block.title == "工作饱和度")
    # 26 cases for two persons, 14 for one: 13 and 14 each, the street's mean is 40 / 3.
    assert [(row[2], row[4], row[6]) for row in table.rows] == [(2, 26, "0.97"), (1, 14, "1.05")]
    assert "不用于评价个人" in table.note
    for start, end, shown in (
        (dt.date(2026, 2, 1), dt.date(2026, 3, 1), True),
        (dt.date(2026, 2, 2), dt.date(2026, 3, 1), False),
    ):
        titles = [
            block.title for block in brief(facts, start, end, issue=ISSUE).blocks if isinstance(block, TableBlock)
        ]
        assert ("工作饱和度" in titles) is shown


def test_the_funnel_stands_on_the_figures() -> None:
    block = next(block for block in made().blocks if isinstance(block, FunnelBlock))
    assert block.common == pytest.approx(16 / 27, abs=1e-6)
    assert [(label, n) for label, n, _, _ in block.points] == [(1, 19), (2, 8)]
    assert {band for *_, band in block.points} == {"few"}


def test_the_page_shows_the_same_blocks() -> None:
    found = made(suggestions=["<b>不是标记</b>"])
    page = render_brief(
        found,
        {
            "span": "week",
            "day": "2026-03-02",
            "service": "",
            "key": "2026-03-02/2026-03-09",
            "suggestions": "",
            "may_suggest": True,
            "replies": [],
        },
    )
    assert "&lt;b&gt;不是标记" in page
    assert "<svg" in page
    assert "本期受理40件" in page
    assert json.dumps(found.values(), ensure_ascii=False)


def test_an_empty_period_is_refused_and_percentages_of_the_table_add_up() -> None:
    with pytest.raises(InputError):
        brief(forty().facts(), END, START, issue=ISSUE)
    assert sum(percentages([26, 14])) == 100.0


def test_supervision_notes_and_items_are_told() -> None:
    street = forty()
    street.add("N18", 2, "6 09:00 supervise", supervise={"note": "现场复核"})
    text = text_of(made(street))
    assert "办件N18" in text
    assert "督查：现场复核" in text
    facts = dataclasses.replace(street.facts(), decisions=())
    assert brief(facts, START, END, issue=ISSUE).values()["issue"] == "2026年第9期"


@pytest.mark.parametrize("day", range(3, 9))
def test_cases_filed_before_a_period_are_those_of_the_earlier_period(day: int) -> None:
    facts = forty().facts()
    start = dt.date(2026, 3, day)
    period = Period(facts, start, END)
    earlier = Period(facts, START, start)
    slow = [number for number, case in earlier.cases.items() if earlier.inside(case.filed_at)]
    assert filed_before(period, START) == slow
    assert slow


def test_a_filing_that_was_undone_afterwards_counts_as_known_before() -> None:
    steps = (
        ("2 09:00", "report", {"report": "R-1"}),
        ("3 23:55", "file", {"kind": "K", "standard_ref": "", "limit": "5工作日"}),
        ("4 00:02", "undo", {}),
    )
    log = [
        Event(
            "A-1", seq, moment(int(when.split()[0]), when.split()[1]), "中心", "clerk", action, "立错了", payload=values
        )
        for seq, (when, action, values) in enumerate(steps, start=1)
    ]
    period = Period(Facts({"A-1": log}, moment(9, "08:00")), dt.date(2026, 3, 4), END)
    assert period.cases["A-1"].filed_at is None
    assert filed_before(period, dt.date(2026, 3, 3)) == ["A-1"]
    assert filed_before(period, START) == ["A-1"]
    assert filed_before(Period(period.facts, dt.date(2026, 3, 3), END), START) == []
