"""The roster by dates, absences, hand-over, shifts, notices, and tables with faulty rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from geo.duty import (
    Absence,
    Action,
    Assignment,
    Case,
    Duty,
    DutyPost,
    Notice,
    Person,
    Receipt,
    Roster,
    Shift,
    ShiftPlan,
    advance,
    not_reached,
    read_hours,
    read_roster,
    read_shifts_sheet,
    recipients,
    required_hours,
    spans_to_hold,
)
from geo.duty.events import Event, Role
from geo.duty.rosters.shift_sheets import Known
from geo.errors import ColumnError, ImpossibleError, InputError

D = dt.date
ZONE = dt.timezone(dt.timedelta(hours=8))
ONE, TWO, COMMUNITY, THIRD = "320113003001001", "320113003001002", "320113003001", "320113003001001007"
CELLS = {COMMUNITY: 1, ONE: 2, TWO: 2, THIRD: 3}


def roster(*extra: Assignment, absences: tuple[Absence, ...] = ()) -> Roster:
    since = D(2026, 1, 1)
    fixed = (
        Assignment(COMMUNITY, "书记", Duty.RESPONSIBLE, since),
        Assignment(ONE, "张三", Duty.LEADER, since, D(2026, 3, 31)),
        Assignment(ONE, "王五", Duty.LEADER, D(2026, 4, 1)),
        Assignment(ONE, "李四", Duty.DEPUTY, since),
        Assignment(TWO, "赵六", Duty.LEADER, since),
        Assignment(THIRD, "店主", Duty.RESPONSIBLE, since),
    )
    return Roster([*fixed, *extra], absences=absences, cells=CELLS)


def found(roster: Roster, first: D, last: D) -> list[tuple[object, ...]]:
    return [
        tuple(row) for row in roster.findings(first, last)[["kind", "cell", "first", "last"]].itertuples(index=False)
    ]


def test_every_day_has_one_answerable_person_and_days_are_inclusive() -> None:
    whole = roster()
    assert whole.findings(D(2026, 1, 1), D(2026, 12, 31)).empty
    assert whole.answerable(ONE, D(2026, 3, 31)).person == "张三"  # type: ignore[union-attr]
    assert whole.answerable(ONE, D(2026, 4, 1)).person == "王五"  # type: ignore[union-attr]
    assert found(whole, D(2025, 12, 30), D(2026, 1, 1)) == [
        ("gap", cell, D(2025, 12, 30), D(2025, 12, 31)) for cell in sorted(CELLS)
    ]


def test_gaps_overlaps_and_strangers_are_findings() -> None:
    broken = Roster(
        [
            Assignment(ONE, "张三", Duty.LEADER, D(2026, 1, 1), D(2026, 1, 10)),
            Assignment(ONE, "王五", Duty.LEADER, D(2026, 1, 13), D(2026, 1, 20)),
            Assignment(ONE, "赵六", Duty.LEADER, D(2026, 1, 20)),
            Assignment(TWO, "赵六", Duty.LEADER, D(2026, 1, 1)),
            Assignment("999", "赵六", Duty.LEADER, D(2026, 1, 1), D(2026, 1, 2)),
            Assignment(TWO, "无名", Duty.HELPER, D(2026, 1, 1), D(2026, 1, 2)),
            # Changes of other duties do not divide a gap.
            Assignment(ONE, "王五", Duty.HELPER, D(2026, 1, 12)),
        ],
        persons=[Person("张三", "张三"), Person("王五", "王五"), Person("赵六", "赵六")],
        cells={ONE: 2, TWO: 2},
    )
    assert found(broken, D(2026, 1, 1), D(2026, 1, 31)) == [
        ("gap", ONE, D(2026, 1, 11), D(2026, 1, 12)),
        ("overlap", ONE, D(2026, 1, 20), D(2026, 1, 20)),
        ("several_cells", ONE, D(2026, 1, 20), D(2026, 1, 31)),
        ("unknown_person", TWO, D(2026, 1, 1), D(2026, 1, 2)),
        ("unknown_cell", "999", D(2026, 1, 1), D(2026, 1, 2)),
    ]
    one_day = Assignment(ONE, "赵六", Duty.LEADER, D(2026, 2, 3), D(2026, 2, 3))
    both = Roster([one_day, Assignment(TWO, "赵六", Duty.LEADER, D(2026, 2, 1))], cells={ONE: 2, TWO: 2})
    assert ("several_cells", ONE, D(2026, 2, 3), D(2026, 2, 3)) in found(both, D(2026, 2, 3), D(2026, 2, 28))
    with pytest.raises(InputError, match="wrong order"):
        broken.findings(D(2026, 2, 1), D(2026, 1, 1))


def test_findings_agree_with_looking_at_every_day() -> None:
    away = (Absence("张三", D(2026, 2, 2), D(2026, 2, 6), "赵六"), Absence("赵六", D(2026, 2, 5), D(2026, 2, 9)))
    some = roster(absences=(*away, Absence("李四", D(2026, 2, 4), D(2026, 2, 8))))
    slow = [
        (cell, day)
        for cell in sorted(CELLS)
        for day in (D(2026, 1, 1) + dt.timedelta(days=k) for k in range(120))
        if some.answerable(cell, day) is None
    ]
    fast = [
        (row.cell, row.first + dt.timedelta(days=k))
        for row in some.findings(D(2026, 1, 1), D(2026, 4, 30)).itertuples()
        for k in range((row.last - row.first).days + 1)
    ]
    assert fast == slow
    assert (ONE, D(2026, 2, 5)) in slow, "leader, deputy of the leave and deputy of the grid are away"
    assert (TWO, D(2026, 2, 9)) in slow
    assert (ONE, D(2026, 2, 4)) not in slow


def test_the_deputy_of_an_absence_comes_before_that_of_the_grid() -> None:
    day = D(2026, 2, 2)
    assert roster(absences=(Absence("张三", day, day, "赵六"),)).answerable(ONE, day) == ("赵六", "张三")
    assert roster(absences=(Absence("张三", day, day),)).answerable(ONE, day) == ("李四", "张三")


def test_leaders_and_deputies_for_patrol_verdicts() -> None:
    table = roster(absences=(Absence("张三", D(2026, 2, 2), D(2026, 2, 6), "赵六"),)).leaders(D(2026, 2, 2))
    assert table.loc[ONE].to_dict() == {"leader": "张三", "deputies": ("李四", "赵六")}
    assert list(table.index) == [ONE, TWO]


def test_staff_of_the_street_are_counted() -> None:
    persons = [Person(f"O{k}", f"O{k}", "official") for k in range(111)]
    persons += [Person(f"W{k}", f"W{k}", "community_worker") for k in range(144)]
    cells = {f"320113003001{k:03d}": 2 for k in range(255)}
    street = Roster(
        [Assignment(c, p.code, Duty.LEADER, D(2026, 1, 1)) for c, p in zip(cells, persons, strict=True)],
        persons=persons,
        cells=cells,
    )
    assert street.staff(D(2026, 3, 2)) == {"official": 111, "community_worker": 144, "": 0}
    assert street.findings(D(2026, 1, 1), D(2026, 12, 31)).empty


def case(name: str, owner: str, second: str = ONE) -> Case:
    at = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    payload = {"report": name, "owner": owner, "second": second, "community": COMMUNITY}
    return advance(None, Event(name, 1, at, "甲", Role.OFFICER, Action.REPORT, payload=payload))


def test_open_cases_are_handed_over_in_one_step() -> None:
    mine = [case("A", "张三"), case("B", "张三", TWO), case("C", "赵六")]
    at = dt.datetime(2026, 2, 2, tzinfo=dt.UTC)
    plan = roster(absences=(Absence("张三", D(2026, 2, 2), D(2026, 2, 6)),))
    events = plan.hand_over(mine, "张三", at=at, day=D(2026, 2, 2), by="书记")
    assert [(e.case_id, e.payload["to"]) for e in events] == [("A", "李四"), ("B", "赵六")]
    after = [advance(c, e) for c, e in zip(mine, events, strict=False)]
    assert [c.owner for c in after] == ["李四", "赵六"]
    assert all(c.state == m.state for c, m in zip(after, mine, strict=False))
    later = at + dt.timedelta(days=1)
    taken = advance(after[1], Event("B", after[1].seq + 1, later, "赵六", Role.CLERK, Action.ASK_CHECK, "请核实"))
    other = advance(mine[2], plan.hand_over(mine, "赵六", at=at, day=D(2026, 2, 2), by="书记", to="李四")[0])
    back = plan.hand_back([after[0], taken, other], "张三", at=later, by="书记")
    assert [(e.case_id, e.payload["to"], e.payload["from"]) for e in back] == [("A", "张三", "李四")]
    with pytest.raises(ImpossibleError, match="no successor"):
        Roster([], cells={}).hand_over(mine, "张三", at=at, day=D(2026, 2, 2), by="书记")


def moment(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, tzinfo=ZONE)


def test_no_empty_shift_and_nobody_twice() -> None:
    shifts = (
        Shift("街道", moment(2, 8), moment(2, 18), "张三"),
        Shift("街道", moment(2, 19), moment(3, 8), "李四"),
        Shift("万寿村", moment(2, 17), moment(2, 20), "张三"),
    )
    required = required_hours(["街道"], [D(2026, 3, 2)], [(dt.time(8), dt.time(8))], ZONE)
    assert required == [("街道", moment(2, 8), moment(3, 8))]
    plan = ShiftPlan(shifts)
    assert [plan.on_duty("街道", moment(2, hour)) for hour in (7, 8, 17, 18, 19)] == [
        (),
        ("张三",),
        ("张三",),
        (),
        ("李四",),
    ]
    follows = Shift("万寿村", moment(2, 18), moment(2, 20), "张三")
    assert ShiftPlan((shifts[0], follows)).doubles("张三") == []
    within = Shift("街道", moment(2, 9), moment(2, 10), "王五")
    assert ShiftPlan((*shifts[:2], within)).findings(required)["start"].tolist() == [moment(2, 18)]
    rows = plan.findings(required)
    assert rows[["kind", "start", "end"]].values.tolist() == [
        ["empty", moment(2, 18), moment(2, 19)],
        ["double", moment(2, 17), moment(2, 18)],
    ]


def test_swaps_keep_who_was_planned() -> None:
    one, two = (Shift("街道", moment(d, 8), moment(d, 18), p) for d, p in ((2, "张三"), (3, "李四")))
    plan = ShiftPlan((one, two)).swapped(one, two, reason="家事")
    assert [(s.person, s.swapped_from) for s in plan.shifts] == [("李四", "张三"), ("张三", "李四")]
    with pytest.raises(InputError, match="reason"):
        ShiftPlan((one, two)).swapped(one, two, reason=" ")
    with pytest.raises(InputError, match="not in the plan"):
        plan.swapped(one, two, reason="家事")
    other = Shift("万寿村", moment(2, 10), moment(2, 12), "李四")
    with pytest.raises(ImpossibleError, match="twice"):
        ShiftPlan((one, two, other)).swapped(one, two, reason="家事")


def test_who_has_not_been_reached_is_seen() -> None:
    some = roster(absences=(Absence("张三", D(2026, 2, 2), D(2026, 2, 6)),))
    notice = Notice("N1", moment(2, 8), "街道", "防汛", "雨前清沟", cells=(COMMUNITY,))
    assert recipients(notice, some, D(2026, 2, 2))["person"].tolist() == ["书记", "李四", "赵六", "店主"]
    left = not_reached(
        notice, [Receipt("N1", "李四", moment(2, 9), "phone"), Receipt("N2", "赵六", moment(2, 9))], some, D(2026, 2, 2)
    )
    assert left["person"].tolist() == ["书记", "赵六", "店主"]
    bodies = Notice("N3", moment(2, 8), "街道", "防汛", "雨前清沟", levels=(1, 3))
    assert recipients(bodies, some, D(2026, 2, 2))["person"].tolist() == ["书记", "店主"]
    only = Notice("N2", moment(2, 8), "街道", "防汛", "雨前清沟", cells=(ONE,), duties=("deputy",))  # type: ignore[arg-type]
    assert recipients(only, some, D(2026, 2, 2))["person"].tolist() == ["李四"]
    with pytest.raises(InputError, match="not a channel of notices"):
        Receipt("N1", "李四", moment(2, 9), "app")


def sheet(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    book.save(path)
    return path


HEADING: list[object] = ["网格编码", "姓名", "工号", "职责", "开始日期", "结束日期", "人员类别", "身份证号"]


def test_each_faulty_row_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        HEADING,
        [ONE, "张三", "G001", "格长", "2026-01-01", "2026-06-30", "机关干部", "320102198001011234"],
        [ONE, "李四", "G002", "格长", "2026-06-30", None, "社区工作者", None],
        [ONE, "李四", "G002", "格长", dt.date(2026, 7, 1), None, "社区工作者", None],
        [int(THIRD), "店主", "B001", "责任人", None, None, None, None],
        ["3.20113E+17", "店主", "B001", "责任人", None, None, None, None],
        ["320113003001001000", "店主", "B001", "责任人", None, None, None, None],
        [THIRD, "店主", "B001", "", "2026年1月1日", "至今", None, None],
        ["320113003099", "王五", "G003", "责任人", None, None, None, None],
        [TWO, "王五", "G003", "队长", None, None, None, None],
        [TWO, None, None, "格长", None, None, None, None],
        [TWO, "王五", "G003", "格长", "2026-13-01", None, None, None],
        [TWO, "王五", "G003", "格长", "2026-05-01", "2026-04-01", None, None],
        [TWO, "王五", "G003", "副格长", 46082, None, None, None],
        [None, "王五", "G003", "格长", None, None, None, None],
        [int(ONE), "赵六", "G004", "协管员", None, None, None, None],
    ]
    read = read_roster(sheet(tmp_path / "名册.xlsx", rows), cells=CELLS, since=D(2026, 1, 1))
    refused = {row["row"]: row["reason"] for row in read.refused}
    assert {number: reason.split(";")[0] for number, reason in refused.items()} == {
        3: "overlaps row 2 (G001) for the same cell",
        5: "a long code was cut by Excel",
        6: "a long code was cut by Excel",
        7: "a long code was cut by Excel",
        9: "there is no cell with this code",
        10: "is not a known duty",
        11: "names nobody",
        12: "is not a day",
        13: "ends on 2026-04-01, before it begins on 2026-05-01",
        15: "has no cell code",
    }
    assert all(row["reason_zh"] for row in read.refused)
    kept = [(a.cell, a.person, a.duty, a.valid_from, a.valid_to) for a in read.roster.assignments]
    assert sorted(kept) == sorted(
        [
            (ONE, "G001", Duty.LEADER, D(2026, 1, 1), D(2026, 6, 30)),
            (ONE, "G002", Duty.LEADER, D(2026, 7, 1), None),
            (THIRD, "B001", Duty.RESPONSIBLE, D(2026, 1, 1), None),
            (TWO, "G003", Duty.DEPUTY, D(2026, 3, 1), None),
            (ONE, "G004", Duty.HELPER, D(2026, 1, 1), None),
        ]
    )
    assert read.rows == 15
    assert read.roster.persons["G001"].kind == "official"
    assert "320102198001011234" not in repr(read.roster.persons)
    assert any("身份证号" in text.zh for text in read.notices)
    gaps = read.roster.findings(D(2026, 1, 1), D(2026, 12, 31))
    assert set(gaps.loc[gaps["kind"] == "gap", "cell"]) == {COMMUNITY, TWO}


def test_a_sheet_without_cells_or_persons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="网格编码"):
        read_roster(sheet(tmp_path / "a.xlsx", [["姓名", "职责"], ["张三", "格长"]]), cells=CELLS, since=D(2026, 1, 1))


@pytest.mark.parametrize("change", [{"valid_to": D(2025, 12, 31)}, {"duty": "king"}])
def test_assignments_that_cannot_be(change: dict[str, object]) -> None:
    values: dict[str, object] = {
        "cell": ONE,
        "person": "张三",
        "duty": Duty.LEADER,
        "valid_from": D(2026, 1, 1),
        **change,
    }
    with pytest.raises(InputError):
        Assignment(**values)  # type: ignore[arg-type]


def test_posts_say_which_hours_are_held() -> None:
    posts = [
        DutyPost("街道总值班室", read_hours("08:30-17:30、17:30-08:30")),
        DutyPost("万寿村社区", read_hours("9：00 — 17：00"), COMMUNITY, "working"),
        DutyPost("党群服务中心", read_hours("09:00-24:00"), days="resting"),
    ]

    def working(day: dt.date) -> bool:
        return day.weekday() < 5

    spans = spans_to_hold(posts, D(2026, 3, 6), D(2026, 3, 7), working=working, zone=ZONE)
    assert [(place, f"{start:%d %H:%M}", f"{end:%d %H:%M}") for place, start, end in spans] == [
        ("街道总值班室", "06 08:30", "06 17:30"),
        ("街道总值班室", "06 17:30", "07 08:30"),
        ("街道总值班室", "07 08:30", "07 17:30"),
        ("街道总值班室", "07 17:30", "08 08:30"),
        ("万寿村社区", "06 09:00", "06 17:00"),
        ("党群服务中心", "07 09:00", "08 00:00"),
    ]
    assert posts[0].hours_text == "08:30-17:30、17:30-08:30"
    for wrong in ("", "全天", "25:00-26:00", "08:30", "09:00-24:30"):
        with pytest.raises(InputError):
            read_hours(wrong)
    with pytest.raises(InputError):
        DutyPost("万寿村", read_hours("9:00-17:00"), days="sometimes")


def test_a_sheet_of_shifts_with_faulty_rows(tmp_path: Path) -> None:
    rows = [
        ["值班点", "日期", "班次", "值班人员"],
        ["街道总值班室", "2026-03-02", "夜班 17:30-次日08:30", "张三、李四"],
        ["万寿村社区", dt.datetime(2026, 3, 2), "20:00-22:00", "张三"],
        ["万寿村社区", "2026-03-02", "20:00-22:00", "王五"],
        ["万寿村社区", "2026-03-03", "全天", "王五"],
        ["万寿村社区", "2026-03-03", "8:30-17:30", None],
        [None, "2026-03-03", "8:30-17:30", "王五"],
        ["万寿村社区", "某日", "8:30-17:30", "王五"],
    ]
    path = tmp_path / "值班表.xlsx"
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    read = read_shifts_sheet(path, zone=ZONE, known=Known({"G3": "王五", "G1": "张三"}, ["万寿村社区"]))
    assert [(s.place, f"{s.start:%d %H:%M}", f"{s.end:%d %H:%M}", s.person) for s in read.plan.shifts] == [
        ("街道总值班室", "02 17:30", "03 08:30", "G1"),
        ("街道总值班室", "02 17:30", "03 08:30", "李四"),
        ("万寿村社区", "02 20:00", "02 22:00", "G3"),
    ]
    assert [row["row"] for row in read.refused] == [3, 5, 6, 7, 8]
    assert read.refused[0]["reason_zh"] == "张三同时在街道总值班室值班"
    assert read.rows == 7
    assert [text.zh for text in read.notices] == [
        "第2行的李四不在名册中，已按姓名登记",
        "第2行的值班点街道总值班室不是已设的值班点、社区或以前排过班的地点，已登记，请核对名称",
    ]


def test_days_of_a_plan_have_the_year_of_its_title(tmp_path: Path) -> None:
    rows = [
        ["2026年3月值班表", None, None, None],
        ["值班点", "日期", "班次", "值班人员"],
        ["万寿村社区", "3月3日", "8:30-17:30", "张三"],
        ["万寿村社区", "3月4日（周三）", "8:30-17:30", "张三"],
        ["万寿村社区", "2月30日", "8:30-17:30", "张三"],
        ["万寿村社区", "昨天", "8:30-17:30", "张三"],
        ["万寿村社区", "周五", "8:30-17:30", "张三"],
    ]
    read = read_shifts_sheet(sheet(tmp_path / "值班表.xlsx", rows), zone=ZONE)
    assert [f"{shift.start:%Y-%m-%d}" for shift in read.plan.shifts] == ["2026-03-03", "2026-03-04"]
    assert [row["row"] for row in read.refused] == [5, 6, 7]
    assert "须按填表日期推算" in read.refused[1]["reason_zh"]
    bare = read_shifts_sheet(sheet(tmp_path / "值班.xlsx", rows[1:3]), zone=ZONE)
    assert bare.refused[0]["reason_zh"] == "日期没有年份，表内标题和文件名也没有，请写作2026-03-02"
    both = [["2025年12月至2026年1月值班表", None, None, None], *rows[1:3]]
    assert len(read_shifts_sheet(sheet(tmp_path / "跨年.xlsx", both), zone=ZONE).refused) == 1
    named = read_shifts_sheet(sheet(tmp_path / "值班表202603.xlsx", rows[1:3]), zone=ZONE)
    assert [f"{shift.start:%Y-%m-%d}" for shift in named.plan.shifts] == ["2026-03-03"]


def test_a_staff_number_with_two_names_is_refused(tmp_path: Path) -> None:
    rows = [
        ["网格编码", "姓名", "工号", "职责"],
        [ONE, "王堃", "W1", "格长"],
        [TWO, "李喆", "W1", "格长"],
        [TWO, None, "W1", "格长"],
    ]
    read = read_roster(sheet(tmp_path / "名册.xlsx", rows), cells=CELLS, since=D(2026, 1, 1))
    assert [(row["row"], row["reason_zh"]) for row in read.refused] == [(3, "工号W1在前面的行是王堃，不是李喆")]
    assert {(a.cell, a.person) for a in read.roster.assignments} == {(ONE, "W1"), (TWO, "W1")}


def test_a_name_of_two_persons_needs_the_staff_number(tmp_path: Path) -> None:
    rows = [
        ["值班点", "日期", "班次", "值班人员", "工号"],
        ["万寿村社区", "2026-03-02", "8:30-17:30", "李四", None],
        ["万寿村社区", "2026-03-03", "8:30-17:30", "李四", "G2"],
    ]
    known = Known({"G1": "李四", "G2": "李四"})
    read = read_shifts_sheet(sheet(tmp_path / "值班表.xlsx", rows), zone=ZONE, known=known)
    assert [shift.person for shift in read.plan.shifts] == ["G2"]
    assert [row["reason_zh"] for row in read.refused] == ["名册中有2人叫李四，请填工号（G1、G2）"]
    assert read.notices == []


def test_pledges_and_rare_characters_of_names_are_read(tmp_path: Path) -> None:
    rows = [
        ["网格编码", "姓名", "职责", "职务", "值班电话", "岗位承诺"],
        [ONE, "李堃喆", "格长", "网格员", "025-0000-0000", "当日事当日毕"],
    ]
    read = read_roster(sheet(tmp_path / "名册.xlsx", rows), cells=CELLS, since=D(2026, 1, 1))
    assert read.refused == []
    (person,) = read.roster.persons.values()
    assert (person.name, person.post, person.pledge) == ("李堃喆", "网格员", "当日事当日毕")
