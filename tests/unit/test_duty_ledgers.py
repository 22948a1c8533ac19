"""Ledgers A to K on forty cases: their content, and that it changes without any one of its facts."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
from importlib.resources import files

import pandas as pd
import pytest

from geo.duty.events import Event
from geo.duty.facts import Facts
from geo.duty.ledgers.burden import burden, typed_fields
from geo.duty.ledgers.columns import FORMS, LedgerKind, all_columns, columns_of, proof
from geo.duty.ledgers.composing import ledger, span_of
from geo.duty.ledgers.signing import corrections, digest_of, ledger_text, signed_table
from geo.duty.rosters.roster import Roster
from geo.errors import InputError
from tests.unit.duty_cases import STREET, Street, decision, forty, meeting, moment, verdicts, visits, without

ONE, GRID = f"{STREET}001", f"{STREET}001001"
MONDAY, TUESDAY, THURSDAY = (dt.date(2026, 3, day) for day in (2, 3, 5))


@pytest.fixture(scope="module")
def street() -> Street:
    return forty()


@pytest.fixture(scope="module")
def facts(street: Street) -> Facts:
    return street.facts(meetings=(meeting(),), decisions=(decision(),), rectifications=items())


def items() -> pd.DataFrame:
    row = {
        "number": "Z1",
        "found_at": moment(3, "10:00"),
        "found_by": "纪工委",
        "second": GRID,
        "community": ONE,
        "place": "3幢",
        "problem": "消防通道占用",
        "basis": "督查方案",
        "responsible": "城管中队",
        "measure": "清理",
        "due": dt.date(2026, 3, 10),
        "state": "整改中",
        "evidence": "照片2张",
        "rechecked": "",
        "closed_at": None,
    }
    return pd.DataFrame([row])


def cell(table: pd.DataFrame, where: dict[str, object], column: str) -> object:
    found = table
    for name, value in where.items():
        found = found[found[name] == value]
    assert len(found) == 1, found
    return found.iloc[0][column]


def test_a_tells_the_steps_of_the_day(facts: Facts) -> None:
    table = ledger("A", MONDAY, facts, scope=ONE)
    assert len(table) == 10 + 4 + 2 + 2 + 2 + 1
    row = table[table["case_no"] == "N11"].iloc[0].to_dict()
    assert row == {
        "no": 11,
        "time": "09:00",
        "place": "1-1-1号院 3幢",
        "channel": "12345热线",
        "problem": "N11暴露垃圾",
        "found_by": "王堃",
        "steps": "09:00 上报；09:30 立案；10:00 派遣（城管中队）；10:30 签收",
        "case_no": "N11",
        "state": "处置中",
        "due": "03-04 18:00",
    }
    # At the end of the day it was not closed, regardless of later steps; on Thursday it was.
    assert cell(ledger("A", THURSDAY, facts, scope=ONE), {"case_no": "N11"}, "state") == "结案（实质性办结）"
    explained = ledger("A", TUESDAY, facts, scope=f"{STREET}002")
    assert cell(explained, {"case_no": "N25"}, "state") == "结案（解释备案）"


def test_b_counts_patrols_and_deadlines(facts: Facts) -> None:
    table = ledger("B", dt.date(2026, 3, 4), facts, scope=ONE)
    first = table.iloc[0].to_dict()
    assert first["grid"] == f"1社区第1网格 {GRID}"
    assert (first["required"], first["visits"], first["verdict"]) == (2, 2, "达标")
    # Due on the 4th: 10 + 4 + 2 + 2 + 1 of the groups, all but the four late ones in time.
    assert (first["due_today"], first["in_time"]) == (19, 15)
    assert (first["return_visits"], first["visits_solved"]) == (7, 5)
    assert ledger("B", dt.date(2026, 3, 4), facts, scope=ONE).iloc[1]["verdict"] == "次数不足"
    assert ledger("B", MONDAY, facts, scope=f"{STREET}002").iloc[0]["returned"] == 3
    assert ledger("B", THURSDAY, facts, scope=ONE).iloc[0]["leader"] == "李喆（代王堃）"
    written = dataclasses.replace(facts, typed={("B", f"2026-03-04/{GRID}", "remark"): "学校开学"})
    assert ledger("B", dt.date(2026, 3, 4), written, scope=ONE).iloc[0]["remark"] == "学校开学"


def test_c_sums_up_a_week(facts: Facts) -> None:
    table = ledger("C", THURSDAY, facts)
    figures = {row["item"]: (row["count"], row["before"]) for row in table.to_dict("records")}
    assert figures["上报"] == (42, 0)
    assert figures["立案"] == (32, 0)
    assert figures["网格自办"] == (5, 0)
    assert figures["结案"] == (25, 0)
    assert figures["其中解释备案"] == (2, 0)
    assert figures["在办"] == (11, 0)
    assert figures["逾期"] == (3, 0)
    assert figures["挂账"] == (2, 0)
    assert figures["3至7天"][0] == 11
    assert figures["暴露垃圾"][0] == 42
    ages = table[table["part"] == "在办时长"]["count"].sum()
    assert ages == figures["在办"][0]
    assert cell(table, {"item": "挂账"}, "cases") == "N27、N28"
    after = ledger("C", dt.date(2026, 3, 12), dataclasses.replace(facts, as_of=moment(16, "00:00")))
    assert {row["item"]: row["before"] for row in after.to_dict("records")}["上报"] == 42


def test_c_counts_notices_and_empty_shifts_of_the_week(facts: Facts) -> None:
    told = pd.DataFrame(
        [
            ("T1", moment(2, "09:00"), "G1", GRID, moment(2, "10:00")),
            ("T1", moment(2, "09:00"), "S1", ONE, None),
            # Reached after the week had ended, and another community.
            ("T2", moment(8, "23:59"), "G1", GRID, moment(9, "00:00")),
            ("T2", moment(8, "23:59"), "S2", f"{STREET}002", moment(8, "23:59")),
            ("T3", moment(9, "00:00"), "G1", GRID, None),
        ],
        columns=["number", "at", "person", "cell", "reached_at"],
        dtype=object,
    )
    empty = pd.DataFrame(
        [
            ("一社区", ONE, moment(8, "17:30"), moment(9, "08:30")),
            ("街道", "", moment(2, "08:30"), moment(2, "17:30")),
            ("一社区", ONE, moment(9, "08:30"), moment(9, "17:30")),
        ],
        columns=["place", "cell", "start", "end"],
    )
    with_staff = dataclasses.replace(facts, notices=told, empty_shifts=empty)

    def figures(scope: str, day: dt.date = THURSDAY) -> dict[str, tuple[int, int]]:
        rows = ledger("C", day, with_staff, scope=scope).to_dict("records")
        return {row["item"]: (row["count"], row["before"]) for row in rows if row["part"] in ("上情下达", "值班")}

    assert figures(ONE) == {
        "通知应告知（人次）": (3, 0),
        "已告知": (1, 0),
        "未告知": (2, 0),
        "空班（段）": (1, 0),
    }
    assert figures("") == {
        "通知应告知（人次）": (4, 0),
        "已告知": (2, 0),
        "未告知": (2, 0),
        "空班（段）": (2, 0),
    }
    assert figures(ONE, dt.date(2026, 3, 12))["空班（段）"] == (1, 1)
    assert figures(f"{STREET}003") == {}
    table = ledger("C", THURSDAY, with_staff, scope=ONE)
    assert cell(table, {"item": "未告知"}, "cases") == "T1、T2"


def test_d_plans_what_is_open(street: Street) -> None:
    facts = street.facts(dt.datetime(2026, 4, 20, 8, tzinfo=dt.UTC), decisions=(decision(),))
    table = ledger("D", dt.date(2026, 4, 3), facts)
    rows = {(row["why"], row["linked"]): row for row in table.to_dict("records")}
    assert rows[("议定事项未办结", "2026-03-03-1")]["owner"] == "城管中队"
    assert rows[("月初已逾期", "N15")]["result"] == "处置中"
    busy = [row for (why, _), row in rows.items() if why.startswith("前30天")]
    assert {row["item"] for row in busy} == {"1-1-1号院 多发问题", "2-1-1号院 多发问题"}
    review = ledger("D", dt.date(2026, 6, 1), street.facts(dt.datetime(2026, 6, 20, tzinfo=dt.UTC)))
    assert set(review[review["why"] == "挂账到复核日"]["linked"]) == {"N27", "N28"}
    short = pd.concat([verdicts(), verdicts().assign(day=lambda t: t["day"] + dt.timedelta(days=1))])
    facts = street.facts(dt.datetime(2026, 4, 20, tzinfo=dt.UTC), verdicts=short)
    assert "1社区第2网格 巡查" in ledger("D", dt.date(2026, 4, 1), facts)["item"].tolist()


def test_e_joins_meetings_and_decisions_on_cases(facts: Facts) -> None:
    table = ledger("E", MONDAY, facts)
    row = table[table["decision"] == "核对消防通道清单"].iloc[0].to_dict()
    assert (row["meeting"], row["day"], row["chair"], row["present"]) == (
        "2026-03-03",
        "03-03",
        "书记",
        "李喆、城管中队",
    )
    assert (row["lead"], row["helpers"], row["due"], row["done"]) == ("城管中队", "物业", "03-04", "")
    explained = table[table["decision"] == "政策不支持"]
    assert len(explained) == 2
    assert explained.iloc[0]["item"] == "暴露垃圾（N25）"
    assert explained.iloc[0]["done"] == "03-03"
    done = dataclasses.replace(facts, decisions=(decision(done_at=moment(4, "09:00")),))
    assert cell(ledger("E", MONDAY, done), {"decision": "核对消防通道清单"}, "done") == "03-04"


def test_f_is_the_diary_of_a_grid(facts: Facts) -> None:
    table = ledger("F", TUESDAY, facts, scope=GRID)
    first, second = (table[table["stay"] != ""].iloc[k].to_dict() for k in (0, 1))
    assert (first["session"], first["stay"], first["counted"], first["why"]) == ("09:00–09:20", 20, "计入", "")
    assert (second["session"], second["counted"], second["why"]) == ("14:00–14:02", "不计", "停留过短")
    on_spot = ledger("F", dt.date(2026, 3, 4), facts, scope=GRID)
    assert cell(on_spot, {"case_no": "N20"}, "on_spot") == "是"
    with pytest.raises(InputError, match="second-level grid"):
        ledger("F", TUESDAY, facts, scope=ONE)


def test_g_h_and_the_public_papers(facts: Facts) -> None:
    row = ledger("G", MONDAY, facts).iloc[0].to_dict()
    assert (row["found_on"], row["problem"], row["limit"], row["progress"], row["closed"]) == (
        "03-03",
        "消防通道占用",
        "03-10",
        "整改中",
        "",
    )
    table = ledger("H", MONDAY, dataclasses.replace(facts, as_of=moment(31, "23:00")))
    assert cell(table, {"area": "万寿村社区", "indicator": "立案率"}, "numerator") == 19
    assert not {"rank", "score", "points"} & set(table.columns)
    letters = ledger("I", MONDAY, facts, scope=ONE)
    assert letters["audience"].tolist() == ["居民", "经营户", "企事业单位"] * 2
    assert letters.iloc[0]["phone"] == "025-85550101"
    cards = ledger("J", MONDAY, facts, scope=ONE)
    assert cards.iloc[0].to_dict()["police"] == "钱警官 025-85550110"
    boards = ledger("K", MONDAY, facts, scope=ONE)
    assert (boards.iloc[0]["leader"], boards.iloc[0]["post"], boards.iloc[0]["pledge"]) == (
        "王堃",
        "街道干部",
        "有事找我",
    )


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_columns_are_those_of_the_table_in_order(kind: LedgerKind, facts: Facts) -> None:
    if kind is LedgerKind.D:
        facts = dataclasses.replace(facts, as_of=moment(31, "23:00"))
    day = dt.date(2026, 4, 1) if kind is LedgerKind.D else TUESDAY
    table = ledger(kind, day, facts, scope=GRID if kind is LedgerKind.F else "")
    assert table.columns.tolist() == [column.name for column in columns_of(kind)]
    assert len(table) > 0
    assert table.attrs["start"] == span_of(kind, day)[0].isoformat()
    assert len({column.name for column in columns_of(kind)}) == len(table.columns)


def less(kind: LedgerKind, street: Street, facts: Facts) -> Facts:
    """The facts without one of the inputs of the ledger."""
    events = {"A": ("N11", 4), "B": ("N11", 7), "C": ("N20", 2), "D": ("N15", 3), "E": ("N25", 6), "H": ("N03", 7)}
    if kind.value in events:
        taken = without(street, *events[kind.value])
        return dataclasses.replace(facts, events={name: tuple(log) for name, log in taken.book.logs.items()})
    if kind is LedgerKind.F:
        return dataclasses.replace(facts, visits=visits().iloc[:1])
    if kind is LedgerKind.G:
        return dataclasses.replace(facts, rectifications=facts.rectifications.iloc[:0])
    return dataclasses.replace(facts, roster=Roster([], cells=facts.roster.cells))


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_without_one_source_event_a_ledger_is_another(kind: LedgerKind, street: Street, facts: Facts) -> None:
    days = {"A": MONDAY, "B": THURSDAY, "D": dt.date(2026, 4, 1)}
    known = dataclasses.replace(facts, as_of=dt.datetime(2026, 4, 20, tzinfo=dt.UTC))
    scope = GRID if kind is LedgerKind.F else ""

    def made(given: Facts) -> pd.DataFrame:
        return ledger(kind, days.get(kind.value, TUESDAY), given, scope=scope)

    assert made(known).equals(made(known))
    assert not made(known).equals(made(less(kind, street, known)))


def test_an_old_ledger_comes_out_as_it_was(street: Street) -> None:
    early = ledger("A", MONDAY, street.facts(moment(3, "00:00")), scope=ONE)
    late = ledger("A", MONDAY, street.facts(moment(30, "00:00")), scope=ONE)
    assert early.equals(late)
    assert ledger_text(early) == ledger_text(late)


def test_no_cell_is_typed_twice() -> None:
    table = proof()
    assert [row["ledger"] for row in table] == list("ABCDEFGHIJK")
    assert not any(row["typed_twice"] for row in table)
    assert {str(row["ledger"]): row["typed"] for row in table if row["typed"]} == {"B": 1, "C": 1, "D": 1, "H": 2}
    owners = {"events", "reports", "cases", "verdicts", "visits", "cells", "roster", "meetings", "decisions"}
    owners |= {"rectifications", "definitions", "duties", "services", "street", "rule", "row", "typed"}
    assert {column.source.split(".")[0] for column in all_columns()} <= owners
    assert all(column.title.zh and column.title.en and column.source for column in all_columns())


def test_signed_ledgers_keep_their_text_and_get_corrections(street: Street, facts: Facts) -> None:
    signed = ledger("A", MONDAY, facts, scope=ONE)
    text = ledger_text(signed)
    again = signed_table(text)
    assert again.equals(signed)
    assert len(digest_of(text)) == 64
    assert corrections(again, signed) == []
    # A row that is no longer there moves the numbers of the others, which is no correction of theirs.
    shorter = signed.iloc[1:].assign(no=range(1, len(signed)))
    shorter.attrs = signed.attrs
    (gone,) = corrections(signed, shorter)
    assert gone.endswith("：已不在此簿")
    changed = signed.copy()
    changed.loc[changed["case_no"] == "N11", "state"] = "已立案"
    changed.attrs = signed.attrs
    assert corrections(signed, changed) == ["N11：状态“处置中”更正为“已立案”"]
    gone = signed[signed["case_no"] != "N11"]
    gone.attrs = signed.attrs
    assert corrections(signed, gone) == ["N11：已不在此簿"]
    assert corrections(gone, signed)[0].startswith("补记：")
    with pytest.raises(InputError):
        corrections(signed, ledger("A", TUESDAY, facts, scope=ONE))
    with pytest.raises(InputError):
        corrections(signed, ledger("A", MONDAY, facts, scope=f"{STREET}002"))
    with pytest.raises(InputError):
        signed_table("{}")


def test_a_report_that_was_stored_late_comes_as_a_correction(street: Street) -> None:
    before = ledger("A", TUESDAY, street.facts(moment(4, "00:00")), scope=ONE)
    late = forty()
    late.add("N41", 1, "5 08:00 report", report={"happened_at": moment(3, "19:30").isoformat()})
    after = ledger("A", TUESDAY, late.facts(), scope=ONE)
    lines = corrections(before, after)
    assert len(lines) == 1
    assert lines[0].startswith("补记：时间19:30")


def test_contacts_of_reporters_are_in_no_ledger(street: Street) -> None:
    from geo.duty import Reporter

    contact, name = "13812345678", "举报人甲"
    reports = {
        number: dataclasses.replace(report, reporter=Reporter(name, contact))
        for number, report in street.reports.items()
    }
    facts = street.facts(reports=reports, meetings=(meeting(),), decisions=(decision(),), rectifications=items())
    for kind in LedgerKind:
        for day in (MONDAY, TUESDAY, THURSDAY):
            text = ledger(kind, day, facts, scope=GRID if kind is LedgerKind.F else "").to_json(force_ascii=False)
            assert contact not in text
            assert name not in text


#: Words forbidden by the rules of 2026, in headings, titles, texts and column names.
FORBIDDEN = ("排名", "名次表", "积分", "打卡", "签到", "在线时长", "点赞", "得分", "扣分", "红牌", "黄牌")
FORBIDDEN_NAMES = ("rank", "score", "points", "checkin", "check_in", "online_time", "online_hours", "league")


def test_no_ranking_points_check_ins_or_online_hours() -> None:
    from api.database.models import Base

    words = [column.title.zh + column.rule for column in all_columns()] + [form.title.zh for form in FORMS.values()]
    for path in ("geo/duty", "maps/prints", "maps/pages", "maps/templates"):
        root = files("geo").joinpath("..", path)
        kinds = (".py", ".typ", ".html", ".csv")
        words += [found.read_text(encoding="utf-8") for found in root.rglob("*") if found.suffix in kinds]  # type: ignore[attr-defined]
    assert not [word for word in FORBIDDEN for text in words if word in text]
    names = [f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns]
    names += [column.name for column in all_columns()]
    assert not [name for name in names if any(word in name.lower() for word in FORBIDDEN_NAMES)]


def test_burden_is_counted_by_person_and_day(facts: Facts) -> None:
    table = burden(facts)
    clerk = table[(table["person"] == "中心") & (table["day"] == MONDAY)].iloc[0]
    events = [
        event
        for log in facts.known.values()
        for event in log
        if event.actor == "中心" and event.role != "system" and facts.happened(event).date() == MONDAY
    ]
    assert clerk["things"] == len(events)
    # A filing has no typed text; a merge, a rejection, and added reports have.
    assert clerk["typed"] == 2 + 1 + 2
    assert table["typed"].sum() <= table["things"].sum()


def test_the_table_of_columns_is_what_it_is_read_as() -> None:
    rows = list(csv.DictReader((files("geo.duty.ledgers") / "data" / "ledger_columns.csv").read_text().splitlines()))
    assert len(rows) == len(all_columns())
    assert {row["align"] for row in rows} <= {"left", "center", "right"}
    assert json.dumps(rows[0])
    with pytest.raises(InputError):
        LedgerKind.parse("Z")


def test_what_is_chosen_from_a_list_is_not_typed() -> None:
    at = moment(2, "09:00")
    chosen = {"not_told": "匿名上报", "opinion_by": "department", "detail": "other"}
    event = Event("A", 2, at, "李喆", "level1", "explain_file", "涉及权属", chosen)
    assert typed_fields(event) == 1
    assert typed_fields(dataclasses.replace(event, payload={**chosen, "not_told": "住院，联系不上"})) == 2
    assert typed_fields(dataclasses.replace(event, payload={**chosen, "opinion": "暂无条件"})) == 2
    assert typed_fields(dataclasses.replace(event, reason=" ")) == 0


def test_f_says_that_a_visit_was_going_on(facts: Facts) -> None:
    table = ledger("F", TUESDAY, facts, scope=GRID)
    assert table.iloc[0][["session", "stay", "counted"]].tolist() == ["09:00–09:20", 20, "计入"]
    going_on = dataclasses.replace(facts, visits=visits().assign(going_on=[True, False]))
    first = ledger("F", TUESDAY, going_on, scope=GRID).iloc[0]
    assert first[["session", "stay"]].tolist() == ["09:00起", "至少20"]
