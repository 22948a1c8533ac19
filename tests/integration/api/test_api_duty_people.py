"""Shifts, notices, rectification items, absences and departments of units over HTTP, on both databases."""

from __future__ import annotations

import io
import itertools
import shutil
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import ClassVar

import openpyxl
import pytest
from PIL import Image

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.duty.rosters import Recorder, store_roster
from api.database.people import person_of
from api.settings import Settings
from geo.duty import Assignment, Duty, Person, Roster, levels_of
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ONE, TWO = "320113003001", "320113003002"
SINCE = date(2026, 1, 1)


def roster(division) -> Roster:
    """Every cell has a responsible person, except the second grid of the first community, whose leader ends on 3 March."""
    persons = [
        Person("S1", "书记甲", unit="万寿村社区", office_phone="025-1"),
        Person("S2", "书记乙", unit="奋斗社区"),
        Person("G1", "张三", unit="万寿村社区"),
        Person("G2", "李四", unit="万寿村社区"),
        Person("G3", "王堃", unit="奋斗社区"),
        Person("H1", "环卫工", unit="环卫所"),
    ]
    assignments = [
        Assignment(ONE, "S1", Duty.RESPONSIBLE, SINCE),
        Assignment(TWO, "S2", Duty.RESPONSIBLE, SINCE),
        Assignment(f"{ONE}001", "G1", Duty.LEADER, SINCE),
        Assignment(f"{ONE}001", "G2", Duty.DEPUTY, SINCE),
        Assignment(f"{ONE}002", "G2", Duty.LEADER, SINCE, date(2026, 3, 3)),
        Assignment(f"{TWO}001", "G3", Duty.LEADER, SINCE),
        Assignment(f"{TWO}002", "G3", Duty.LEADER, SINCE),
        Assignment(f"{ONE}001", "H1", Duty.CLEANER, SINCE),
    ]
    return Roster(assignments, persons=persons, cells=levels_of(division))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory, division):
    folder = tmp_path_factory.mktemp("duty-people")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("dutypeople", template="template")
    engine = open_store(address)
    people = {
        "clerk": (Grant(Role.CLERK), None),
        "secretary": (Grant(Role.COMMUNITY, ONE), "S1"),
        "stranger": (Grant(Role.COMMUNITY, TWO), "S2"),
        "officer": (Grant(Role.OFFICER, f"{ONE}001"), "G1"),
        "cleaning": (Grant(Role.OFFICER), "H1"),
        "leader": (Grant(Role.LEADER), None),
        "supervisor": (Grant(Role.SUPERVISOR), None),
        "admin": (Grant(Role.ADMINISTRATOR), None),
    }
    tokens = {}
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=NOW.date(), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        store_roster(opened, 1, roster(division), Recorder("test", NOW))
        for name, (grant, code) in people.items():
            person = None if code is None else person_of(opened, 1, code, at=NOW)
            account = add_account(opened, 1, name, [grant], at=NOW, by="test", person=person)
            tokens[name] = add_token(opened, "program", account=account, at=NOW).text
    settings = Settings(database=address, pages=folder, follow=False, contact_key=str(folder / "key"))
    minutes = itertools.count()
    clock = SimpleNamespace(now=NOW)
    app = create_app(settings, clock=lambda: clock.now + timedelta(seconds=next(minutes)))
    with serving(app) as client:

        def ask(who, method, path, body=None, **params):
            headers = {"Authorization": f"Bearer {tokens[who]}"}
            return client.request(method, path, json=body, params=params, headers=headers)

        def send(who, path, content, name="值班表.xlsx"):
            headers = {"Authorization": f"Bearer {tokens[who]}"}
            return client.post(path, files={"file": (name, content)}, headers=headers)

        yield SimpleNamespace(
            ask=ask, send=send, client=client, clock=clock, engine=engine, address=address, folder=folder
        )
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("dutypeople")


def shift(place, day, begin, end, person, **more):
    last = day + timedelta(days=end <= begin)
    return {
        "place": place,
        "start": f"{day}T{begin}:00+08:00",
        "end": f"{last}T{end}:00+08:00",
        "person": person,
        **more,
    }


def plan(service, first, last):
    return service.ask("officer", "GET", "/api/shifts", first=first, last=last).json()


class TestShifts:
    MONDAY = date(2026, 3, 2)

    def test_hours_without_anybody_are_a_finding(self, service):
        post = {"place": "万寿村社区工作站", "hours": "08:30-17:30、17:30-08:30", "cell": ONE}
        assert service.ask("stranger", "POST", "/api/shifts/posts", post).status_code == 403
        assert service.ask("officer", "POST", "/api/shifts/posts", post).status_code == 403
        assert service.ask("secretary", "POST", "/api/shifts/posts", {**post, "hours": "全天"}).status_code == 422
        assert service.ask("secretary", "POST", "/api/shifts/posts", {**post, "cell": f"{ONE}001"}).status_code == 422
        assert service.ask("secretary", "POST", "/api/shifts/posts", post).status_code == 201
        found = plan(service, self.MONDAY, self.MONDAY)
        assert [(one["kind"], one["start"][11:16], one["end"][8:16]) for one in found["findings"]] == [
            ("empty", "08:30", "02T17:30"),
            ("empty", "17:30", "03T08:30"),
        ]
        day = shift("万寿村社区工作站", self.MONDAY, "08:30", "12:00", "G1")
        assert service.ask("stranger", "POST", "/api/shifts", day).status_code == 403
        assert service.ask("secretary", "POST", "/api/shifts", day).status_code == 201
        found = plan(service, self.MONDAY, self.MONDAY)
        assert [(one["start"][11:16], one["end"][11:16]) for one in found["findings"]] == [
            ("12:00", "17:30"),
            ("17:30", "08:30"),
        ]
        assert "无人值班" in found["findings"][0]["explanation_zh"]
        assert [(one["person"], one["name"], one["start"][11:16]) for one in found["shifts"]] == [
            ("G1", "张三", "08:30")
        ]
        twice = shift("万寿村社区工作站", self.MONDAY, "11:59", "13:00", "G1")
        assert service.ask("secretary", "POST", "/api/shifts", twice).status_code == 422
        assert service.ask("secretary", "POST", "/api/shifts", {**day, "start": day["end"]}).status_code == 422
        naive = {**day, "start": "2026-03-02T08:30:00", "person": "G2"}
        assert service.ask("secretary", "POST", "/api/shifts", naive).status_code == 422

    def test_offices_belong_to_the_street(self, service):
        office = shift("街道总值班室", self.MONDAY, "08:30", "17:30", "科长")
        assert service.ask("secretary", "POST", "/api/shifts", office).status_code == 403
        answer = service.ask("admin", "POST", "/api/shifts", office)
        assert answer.status_code == 201
        assert [told["zh"] for told in answer.json()["notices"]] == [
            "科长不在名册中，已按姓名登记",
            "街道总值班室不是已设的值班点、社区或以前排过班的地点，请核对名称",
        ]
        again = shift("街道总值班室", self.MONDAY + timedelta(days=1), "08:30", "17:30", "张三")
        assert service.ask("admin", "POST", "/api/shifts", again).json()["notices"] == []
        taken = {"place": "街道总值班室", "hours": "08:30-17:30", "cell": ""}
        assert service.ask("admin", "POST", "/api/shifts/posts", taken).status_code == 201
        other = {**taken, "cell": ONE}
        assert service.ask("secretary", "POST", "/api/shifts/posts", other).status_code == 403, "no taking over"

    def test_a_swap_keeps_who_was_planned_and_the_second_of_two_is_refused(self, service):
        day = date(2026, 4, 6)
        place = "万寿村社区工作站"
        numbers = [
            service.ask("secretary", "POST", "/api/shifts", body).json()["ids"][0]
            for body in (
                shift(place, day, "08:30", "17:30", "G1"),
                shift(place, day + timedelta(days=1), "08:30", "17:30", "G2"),
            )
        ]
        body = {"one": numbers[0], "two": numbers[1], "reason": "家中有事"}
        assert service.ask("stranger", "POST", "/api/shifts/swaps", body).status_code == 403
        assert service.ask("secretary", "POST", "/api/shifts/swaps", {**body, "reason": ""}).status_code == 422
        answer = service.ask("secretary", "POST", "/api/shifts/swaps", body)
        assert answer.status_code == 201, answer.text
        assert service.ask("secretary", "POST", "/api/shifts/swaps", body).status_code == 409
        found = plan(service, day, day + timedelta(days=1))["shifts"]
        assert [(one["person"], one["swapped_from"], one["reason"]) for one in found] == [
            ("G2", "张三", "家中有事"),
            ("G1", "李四", "家中有事"),
        ]
        first = answer.json()["ids"][0]
        assert service.ask("secretary", "DELETE", f"/api/shifts/{first}").status_code == 204
        assert service.ask("secretary", "DELETE", f"/api/shifts/{first}").status_code == 404
        assert len(plan(service, day, day + timedelta(days=1))["shifts"]) == 1

    def test_a_sheet_replaces_its_places_and_days(self, service, wangge):
        rows = [
            ["值班点", "日期", "时段", "值班人员"],
            ["万寿村社区工作站", "2026-05-04", "08:30-17:30", "张三"],
            ["万寿村社区工作站", "2026-05-04", "17:30-08:30", "李四"],
            ["万寿村社区工作站", "2026-05-05", "全天", "李四"],
        ]
        content = workbook(rows)
        assert service.send("stranger", "/api/shifts/files", content).status_code == 403
        answer = service.send("secretary", "/api/shifts/files", content)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert (told["rows"], told["added"], told["withdrawn"]) == (3, 2, 0)
        assert [row["row"] for row in told["refused"]] == [4]
        assert service.send("secretary", "/api/shifts/files", content).json()["withdrawn"] == 2
        found = plan(service, "2026-05-04", "2026-05-04")
        assert [one["person"] for one in found["shifts"]] == ["G1", "G2"]
        assert {one["place"] for one in found["findings"]} == {"街道总值班室"}
        assert service.send("secretary", "/api/shifts/files", b"x").status_code in (404, 422)
        path = service.folder / "值班表.xlsx"
        path.write_bytes(content)
        code, out, err = wangge("duty", "import", path, "--as", "shifts", "--database", service.address, "--json")
        assert (code, '"added": 2' in out) == (1, True), err

    def test_a_post_that_is_not_held_any_more(self, service):
        body = {"place": "信息点", "hours": "09:00-11:00", "cell": ONE, "days": "working"}
        number = service.ask("secretary", "POST", "/api/shifts/posts", body).json()["ids"][0]
        weekend = plan(service, "2026-03-07", "2026-03-08")["findings"]
        assert "信息点" not in {one["place"] for one in weekend}
        workday = plan(service, "2026-03-06", "2026-03-06")["findings"]
        assert "信息点" in {one["place"] for one in workday}
        assert service.ask("stranger", "DELETE", f"/api/shifts/posts/{number}").status_code == 403
        assert service.ask("secretary", "DELETE", f"/api/shifts/posts/{number}").status_code == 204
        assert service.ask("secretary", "DELETE", f"/api/shifts/posts/{number}").status_code == 404
        assert service.ask("officer", "GET", "/api/shifts", first="2026-03-08", last="2026-03-07").status_code == 422


class TestNotices:
    BODY: ClassVar[dict[str, object]] = {"title": "防汛准备", "text": "雨前清理雨水口", "cells": [ONE]}

    def test_who_has_not_been_reached_is_seen_and_nobody_logs_in(self, service):
        assert service.ask("secretary", "POST", "/api/notices", {**self.BODY, "cells": []}).status_code == 403
        assert service.ask("secretary", "POST", "/api/notices", {**self.BODY, "cells": [TWO]}).status_code == 403
        assert service.ask("officer", "POST", "/api/notices", self.BODY).status_code == 403
        assert service.ask("leader", "POST", "/api/notices", {**self.BODY, "cells": ["9"]}).status_code == 422
        assert service.ask("leader", "POST", "/api/notices", {**self.BODY, "title": " "}).status_code == 422
        answer = service.ask("leader", "POST", "/api/notices", self.BODY)
        assert answer.status_code == 201, answer.text
        number = answer.json()["number"]
        assert number.startswith("T20260302-")
        assert [(one["person"], one["cells"]) for one in answer.json()["recipients"]] == [
            ("S1", [ONE]),
            ("G1", [f"{ONE}001"]),
            ("G2", [f"{ONE}002"]),
        ]
        address = f"/api/notices/{number}/receipts"
        told = {"persons": ["S1", "G1"], "way": "meeting"}
        assert service.ask("stranger", "POST", address, told).status_code == 403
        assert service.ask("officer", "POST", address, told).status_code == 403, "not for others"
        assert service.ask("officer", "POST", address, {"persons": ["G1"], "way": "page"}).status_code == 201
        answer = service.ask("secretary", "POST", address, told)
        assert answer.status_code == 201, answer.text
        left = [one["person"] for one in answer.json()["recipients"] if one["reached_at"] is None]
        assert left == ["G2"]
        ways = {one["person"]: one["way"] for one in answer.json()["recipients"]}
        assert ways == {"S1": "meeting", "G1": "page", "G2": ""}, "what was written down first stays"
        nobody = {"persons": ["G3"], "way": "phone"}
        assert service.ask("leader", "POST", address, nobody).status_code == 403, "not among the recipients"
        assert service.ask("leader", "POST", "/api/notices/T1/receipts", told).status_code == 404
        shown = service.ask("officer", "GET", "/api/notices").json()["notices"]
        assert [[one["person"] for one in notice["recipients"]] for notice in shown] == [["G1"]], "own cells alone"
        assert service.ask("stranger", "GET", "/api/notices").json()["notices"] == []

    def test_by_duty_and_level(self, service):
        body = {**self.BODY, "cells": [], "duties": ["cleaner", "deputy"], "levels": [2]}
        answer = service.ask("clerk", "POST", "/api/notices", body).json()
        assert [one["person"] for one in answer["recipients"]] == ["H1", "G2"]
        first, second = (int(one.rsplit("-", 1)[1]) for one in (answer["number"], "T20260302-001"))
        assert first > second
        empty = {**self.BODY, "duties": ["police"]}
        before = service.ask("leader", "GET", "/api/notices").json()["notices"]
        assert service.ask("leader", "POST", "/api/notices", empty).status_code == 422, "for nobody"
        assert service.ask("leader", "GET", "/api/notices").json()["notices"] == before


def picture(shade):
    """A small PNG; another shade, another file."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


class TestRectification:
    ITEM: ClassVar[dict[str, object]] = {
        "text": "消防通道堆物",
        "due": "2026-03-06",
        "unit": "万寿村社区",
        "place": "12幢",
        "cell": f"{ONE}001",
    }

    def note(self, service, who="supervisor", **change):
        items = [{**self.ITEM, **change}, {**self.ITEM, "text": "灭火器过期", **change}]
        return service.ask(who, "POST", "/api/rectifications", {"items": items})

    def step(self, service, who, number, seq, action, text="已清理完毕"):
        body = {"seq": seq, "action": action, "text": text}
        return service.ask(who, "POST", f"/api/rectifications/{number}/steps", body)

    def test_from_the_note_to_striking_off(self, service):
        answer = self.note(service)
        assert answer.status_code == 201, answer.text
        one, two = answer.json()["items"]
        assert (one["note"], one["number"]) == ("DB20260302-01", "DB20260302-01-01")
        assert two["number"] == "DB20260302-01-02"
        number = one["number"]
        assert self.step(service, "stranger", number, 2, "self_check").status_code == 403
        assert self.step(service, "secretary", number, 2, "recheck_ok").status_code == 409, "not put right yet"
        assert self.step(service, "officer", number, 2, "progress", "正在清理").status_code == 201
        assert self.step(service, "secretary", number, 2, "self_check").status_code == 409, "somebody acted before"
        assert self.step(service, "secretary", number, 3, "self_check", "").status_code == 422
        done = self.step(service, "secretary", number, 3, "self_check")
        assert (done.json()["state"], done.json()["allowed"]) == ("put_right", [])
        assert self.step(service, "secretary", number, 4, "recheck_ok").status_code == 403, "own work"
        assert self.step(service, "officer", number, 4, "recheck_ok").status_code == 403, "not an officer's part"
        back = self.step(service, "supervisor", number, 4, "recheck_bad", "仍有杂物")
        assert (back.json()["state"], back.json()["rounds"]) == ("open", 2)
        service.clock.now = NOW + timedelta(days=5)
        assert self.step(service, "secretary", number, 5, "self_check").json()["overdue"], "put right after the limit"
        service.clock.now = NOW
        struck = self.step(service, "supervisor", number, 6, "recheck_ok", "现场复核通过").json()
        assert (struck["state_zh"], struck["allowed"], struck["overdue"]) == ("已销号", [], True)
        assert [one["action"] for one in struck["steps"]][:3] == ["find", "progress", "self_check"]
        shown = service.ask("secretary", "GET", "/api/rectifications").json()["items"]
        assert {one["number"] for one in shown} >= {one["number"], two["number"]}
        assert service.ask("stranger", "GET", "/api/rectifications").json()["items"] == []
        assert self.step(service, "supervisor", "none", 2, "progress").status_code == 404

    def photo(self, service, who, number, seq, content):
        path = f"/api/rectifications/{number}/steps/{seq}/photos"
        return service.send(who, path, content, name="../照片.exe")

    def test_photos_before_and_after_belong_to_their_steps(self, service):
        number = self.note(service, text="楼道堆物").json()["items"][0]["number"]
        before, after = picture(1), picture(2)
        key = self.photo(service, "supervisor", number, 1, before)
        assert key.status_code == 201, key.text
        assert self.photo(service, "supervisor", number, 1, before).json() == key.json(), "sent twice, kept once"
        assert self.photo(service, "secretary", number, 1, after).status_code == 403, "somebody else's finding"
        assert self.photo(service, "stranger", number, 1, after).status_code == 403
        assert self.photo(service, "supervisor", number, 2, after).status_code == 404, "no such step"
        assert self.photo(service, "supervisor", "none", 1, after).status_code == 404
        assert self.photo(service, "supervisor", number, 1, b"%PDF-1.7").status_code in (415, 422)
        assert self.step(service, "secretary", number, 2, "self_check").status_code == 201
        second = self.photo(service, "secretary", number, 2, after).json()["sha256"]
        shown = service.ask("supervisor", "GET", "/api/rectifications").json()["items"]
        item = next(one for one in shown if one["number"] == number)
        assert [step["photos"] for step in item["steps"]] == [[key.json()["sha256"]], [second]]
        where = f"/api/rectifications/{number}/photos/{second}"
        answer = service.ask("secretary", "GET", where)
        assert (answer.content, answer.headers["content-type"]) == (after, "image/png")
        assert service.ask("stranger", "GET", where).status_code == 403
        assert service.ask("supervisor", "GET", where[:-1] + "0").status_code == 404
        page = service.ask("secretary", "GET", "/rectification").text
        assert page.index("整改前") < page.index(where)
        assert page.count(f'src="{where}"') == 1
        ledger = service.ask("secretary", "GET", "/ledgers", kind="G", day="2026-03-02", scope=ONE).text
        assert "照片2张" in ledger

    def test_the_ledger_of_the_community_has_it(self, service):
        number = self.note(service, text="井盖破损").json()["items"][0]["number"]
        own = service.ask("secretary", "GET", "/ledgers", kind="G", day="2026-03-02", scope=ONE).text
        assert "井盖破损" in own
        other = service.ask("stranger", "GET", "/ledgers", kind="G", day="2026-03-02", scope=TWO).text
        assert "井盖破损" not in other
        assert number

    def test_the_weekly_summary_counts_notices_and_empty_shifts(self, service):
        body = {"place": "周报值班点", "hours": "08:30-17:30", "cell": ONE, "days": "working"}
        assert service.ask("secretary", "POST", "/api/shifts/posts", body).status_code == 201
        page = service.ask("secretary", "GET", "/ledgers", kind="C", day="2026-03-02", scope=ONE).text
        assert "空班（段）" in page
        other = service.ask("stranger", "GET", "/ledgers", kind="C", day="2026-03-02", scope=TWO).text
        assert "空班（段）" not in other
        assert "上情下达" not in other
        notice = {"title": "周报", "text": "雨前清沟", "cells": [ONE]}
        number = service.ask("secretary", "POST", "/api/notices", notice).json()["number"]
        page = service.ask("secretary", "GET", "/ledgers", kind="C", day="2026-03-02", scope=ONE).text
        assert "未告知" in page
        assert number in page

    def test_who_may_find_what(self, service):
        assert self.note(service, "officer").status_code == 403, "officers do not supervise"
        assert self.note(service, "stranger").status_code == 403
        assert self.note(service, due="2026-03-01").status_code == 422, "a limit in the past"
        assert self.note(service, unit="", person="").status_code == 422, "nobody who puts it right"
        assert self.note(service, cell="9").status_code == 422
        assert self.note(service, case_id="none").status_code == 404
        body = {"items": [self.ITEM], "self_found": True}
        own = service.ask("officer", "POST", "/api/rectifications", body)
        assert own.status_code == 201, own.text
        assert own.json()["items"][0]["note"].startswith("ZC20260302-")


class TestDepartments:
    def case_of(self, service, client_id, unit):
        body = {"client_id": client_id, "channel": "phone", "text": "垃圾满溢", "kind": "06010", "second": f"{ONE}001"}
        number = service.ask("clerk", "POST", "/api/reports", body).json()["case"]["number"]
        for seq, action, payload in ((2, "file", {}), (3, "assign", {"unit": unit})):
            answer = self.do(service, "clerk", number, seq, action, payload=payload)
            assert answer.status_code == 201, answer.text
        return number

    def do(self, service, who, number, seq, action, **more):
        return service.ask(who, "POST", f"/api/cases/{number}/events", {"seq": seq, "action": action, **more})

    def test_a_department_does_its_own_cases_alone(self, service):
        number = self.case_of(service, "d-1", "城管中队")
        refused = self.do(service, "cleaning", number, 4, "sign", role="unit")
        assert refused.status_code == 403
        assert "环卫所" in refused.json()["detail"]
        own = self.case_of(service, "d-2", "环卫所")
        assert self.do(service, "officer", own, 4, "sign").status_code == 403, "of the community, not of the department"
        assert self.do(service, "cleaning", own, 4, "sign").status_code == 201
        mine = self.case_of(service, "d-3", "G1")
        assert self.do(service, "officer", mine, 4, "sign").status_code == 201, "who owns a case acts on it"

    def test_a_cell_without_anybody_is_told_on_its_day(self, service):
        assert service.ask("secretary", "GET", "/api/roster/gaps", cell=ONE).json()["cells"] == []
        service.clock.now = NOW + timedelta(days=2)
        own = service.ask("secretary", "GET", "/api/roster/gaps", cell=ONE).json()
        assert own["cells"] == [f"{ONE}002"], "led until the third"
        assert own["empty_shifts"] > 0
        assert service.ask("stranger", "GET", "/api/roster/gaps", cell=ONE).status_code == 403
        assert service.ask("stranger", "GET", "/api/roster/gaps").json()["cells"] == []
        page = service.ask("leader", "GET", "/roster", day="2026-03-04").text
        assert 'data-empty="1"' in page
        assert 'data-empty="' not in service.ask("leader", "GET", "/roster", day="2026-03-03").text
        service.clock.now = NOW

    def test_leave_is_written_down_by_who_manages_the_cells(self, service):
        away = {"person": "G1", "first": "2026-03-10", "last": "2026-03-12", "deputy": "G2", "reason": "年休假"}
        assert service.ask("stranger", "POST", "/api/roster/absences", away).status_code == 403
        nobody = {**away, "person": "H9"}
        assert service.ask("secretary", "POST", "/api/roster/absences", nobody).status_code == 403
        number = self.case_of(service, "d-4", "G1")
        answer = service.ask("secretary", "POST", "/api/roster/absences", away)
        assert answer.json()["cases"][number] == "G2"

    def test_leave_that_is_withdrawn_gives_the_cases_back_that_nobody_worked_on(self, service):
        away = {"person": "G1", "first": "2026-04-10", "last": "2026-04-12", "deputy": "G2", "reason": "出差"}
        kept, moved = self.case_of(service, "d-6", "G1"), self.case_of(service, "d-7", "G1")
        answer = service.ask("secretary", "POST", "/api/roster/absences", away).json()
        assert {answer["cases"][kept], answer["cases"][moved]} == {"G2"}
        where = f"/api/roster/absences/{answer['absence']}"
        assert f'data-delete="{where}"' in service.ask("secretary", "GET", "/roster", day="2026-04-01").text
        assert f'data-delete="{where}"' not in service.ask("officer", "GET", "/roster", day="2026-04-01").text
        # Since then the one who stood in passed one of them on.
        seq = service.ask("clerk", "GET", f"/api/cases/{moved}").json()["seq"]
        passed = {"seq": seq + 1, "action": "hand_over", "reason": "请站长接手", "payload": {"to": "S1"}}
        assert service.ask("clerk", "POST", f"/api/cases/{moved}/events", passed).status_code == 201
        assert service.ask("stranger", "DELETE", where).status_code == 403
        assert service.ask("officer", "DELETE", where).status_code == 403
        withdrawn = service.ask("secretary", "DELETE", where)
        assert withdrawn.status_code == 200, withdrawn.text
        assert withdrawn.json()["cases"][kept] == "G1"
        assert moved not in withdrawn.json()["cases"]
        owners = {case: service.ask("clerk", "GET", f"/api/cases/{case}").json()["owner"] for case in (kept, moved)}
        assert owners == {kept: "G1", moved: "S1"}
        assert where not in service.ask("secretary", "GET", "/roster", day="2026-04-01").text
        rows = service.ask("secretary", "GET", "/api/roster", day="2026-04-11", cell=ONE).json()
        assert all(row["instead_of"] != "G1" for row in rows)
        assert service.ask("secretary", "DELETE", where).status_code == 404
        # The days are free again.
        assert service.ask("secretary", "POST", "/api/roster/absences", away).status_code == 201

    def test_who_leaves_hands_duties_and_cases_over_in_one_step(self, service):
        number = self.case_of(service, "d-5", "G3")
        body = {"person": "G3", "last": "2026-03-31", "successor": "S2"}
        assert service.ask("secretary", "POST", "/api/roster/departures", body).status_code == 403
        wrong = {**body, "successor": "G3"}
        assert service.ask("stranger", "POST", "/api/roster/departures", wrong).status_code == 422
        unknown = {**body, "successor": "G9"}
        assert service.ask("stranger", "POST", "/api/roster/departures", unknown).status_code == 404
        answer = service.ask("stranger", "POST", "/api/roster/departures", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["cases"] == {number: "S2"}
        for day, person in (("2026-03-31", "G3"), ("2026-04-01", "S2")):
            rows = service.ask("stranger", "GET", "/api/roster", day=day, cell=TWO).json()
            assert {row["person"] for row in rows if row["level"] == 2} == {person}


@pytest.mark.parametrize("path", ["/roster", "/notices", "/rectification"])
def test_pages_show_what_the_reader_may_do(service, path):
    for who in ("admin", "secretary", "officer"):
        answer = service.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        manages = {"/roster": 'data-post="/api/shifts"', "/notices": 'data-post="/api/notices"'}.get(path)
        if manages:
            assert (manages in answer.text) == (who != "officer")
    refused = service.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (refused.status_code, refused.headers["location"]) == (303, "/login")


def workbook(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
