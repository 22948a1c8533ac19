"""The first page computed from the database: figures of the day, changes, grids that need attention, and data hidden from the
public.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pandas as pd
import pytest

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.database.events import add_event, events_after
from api.database.incidents import add_incident, correct, incident_places
from api.overview import drawn_pages
from api.overview.day_figures import day_figures
from api.overview.days import judged_days
from api.overview.week_cases import View
from api.settings import Settings
from api.verdicts.storing import store_verdicts
from tests.integration.api.conftest import NOW
from tests.integration.api.serving import serving

TODAY = date(2026, 3, 9)
LATER = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)  # one o'clock of the next day in Shanghai
RULES = "street-twice-a-day@2"


def _verdicts(codes, day, states):
    visits = {"met": 2, "short": 1, "not_visited": 0, "unknown": 1}
    return pd.DataFrame(
        {
            "code": codes,
            "day": day,
            "verdict": states,
            "visits": [visits[state] for state in states],
            "required": 2,
            "uncounted": 0,
            "reason_zh": "因",
            "reason_en": "why",
            "settle_zh": "核对甲；核对乙",
            "settle_en": "the fixes of A; the fixes of B",
        }
    )


@pytest.fixture
def filled(published, division):
    """Verdicts of eight days; on the last one the grids are short, met, not visited, unknown."""
    codes = list(division.second["code"])
    assert len(codes) == 4
    days = {
        TODAY - timedelta(days=7): ["met", "met", "met", "met"],
        TODAY - timedelta(days=2): ["short", "met", "met", "met"],
        TODAY - timedelta(days=1): ["not_visited", "unknown", "met", "unknown"],
        TODAY: ["short", "met", "not_visited", "unknown"],
    }
    for day, states in days.items():
        store_verdicts(published, 1, _verdicts(codes, day, states), version=1, rules=RULES, at=LATER)
    return published, codes


ALL = View(1, "Asia/Shanghai", persons=True)


def _figures(engine, view=ALL, now=LATER, day=None):
    with session(engine) as opened:
        return day_figures(opened, view, communities={"320113003001": "甲社区"}, now=now, day=day)


def test_counts_and_changes(filled):
    engine, _ = filled
    found = _figures(engine)
    assert found["day"] == TODAY
    assert found["counts"] == {"met": 1, "short": 1, "not_visited": 1, "unknown": 1}
    assert found["changes"]["yesterday"] == {"met": 0, "short": 1, "not_visited": 0, "unknown": -1}
    assert found["changes"]["last_week"] == {"met": -3, "short": 1, "not_visited": 1, "unknown": 1}
    earlier = _figures(engine, day=TODAY - timedelta(days=1))
    assert earlier["changes"]["yesterday"] == {"met": -2, "short": -1, "not_visited": 1, "unknown": 2}
    assert earlier["changes"]["last_week"] is None
    assert (earlier["before"], earlier["after"]) == (TODAY - timedelta(days=2), TODAY)
    assert _figures(engine, day=TODAY - timedelta(days=20)) is None


def test_needs_come_by_state_then_by_days_in_a_row(filled):
    engine, codes = filled
    needs = _figures(engine)["needs"]
    assert [entry["code"] for entry in needs] == [codes[2], codes[0], codes[3]]
    assert [entry["in_a_row"] for entry in needs] == [1, 3, 0]
    assert needs[0]["todo_zh"] == "还差2次巡查，请格长说明原因，次日优先巡查。"
    assert needs[1]["todo_zh"].startswith("已连续3天未达标")
    assert needs[2]["todo_en"] == "To be settled by the fixes of A."
    running = _figures(engine, now=datetime(2026, 3, 9, 8, 0, tzinfo=UTC))
    assert running["running"]
    assert running["needs"][1]["todo_zh"] == "还差1次巡查，请今日内完成。"


def test_a_grid_without_a_verdict_was_not_visited(published, division):
    codes = list(division.second["code"])
    store_verdicts(published, 1, _verdicts(codes[:1], TODAY, ["met"]), version=1, rules=RULES, at=LATER)
    found = _figures(published)
    assert found["counts"] == {"met": 1, "short": 0, "not_visited": 3, "unknown": 0}
    assert found["needs"][0]["todo_en"].startswith("Not visited yet")


def test_the_latest_rules_and_the_latest_revision_hold(filled):
    engine, codes = filled
    with session(engine) as opened:
        before = judged_days(opened, 1, TODAY)[TODAY].counts()
    assert (
        store_verdicts(
            engine,
            1,
            _verdicts(codes, TODAY, ["met", "met", "not_visited", "unknown"]),
            version=1,
            rules=RULES,
            at=LATER,
        )
        == 1
    )
    with session(engine) as opened:
        assert judged_days(opened, 1, TODAY)[TODAY].counts() == {**before, "met": 2, "short": 0}
    store_verdicts(engine, 1, _verdicts(codes[:1], TODAY, ["unknown"]), version=1, rules="other@1", at=LATER)
    with session(engine) as opened:
        judged = judged_days(opened, 1, TODAY)[TODAY]
    assert (judged.rules, judged.counts()["unknown"], judged.counts()["met"]) == ("other@1", 1, 0)


def _incident(number, at, second, kind="暴露垃圾"):
    place = {"third": None if second is None else second + "001", "second": second, "community": second and second[:12]}
    return {
        "street": 1, "number": number, "reported_at": at, "received_at": LATER, "lon": 118.8, "lat": 32.1, "datum": "WGS-84",
        "kind": kind, "text": kind, "address": None, "version_id": 1, "account_id": None, **place,
    }  # fmt: skip


def test_incidents_of_seven_local_days(filled):
    engine, codes = filled
    end = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    moments = [end - timedelta(seconds=1), end - timedelta(days=7), end - timedelta(days=7, seconds=1), end]
    with session(engine, write=True) as opened:
        for k, at in enumerate(moments):
            add_incident(opened, _incident(f"N{k}", at, codes[2] if k else None))
        correct(opened, 1, 2, {"kind": "乱堆物料"}, at=LATER, actor="session:a", reason="kind")
        assert [row["kind"] for row in incident_places(opened, 1, moments[1], end)] == ["乱堆物料", "暴露垃圾"]
    week = _figures(engine)["incidents"]
    assert (week["week"], week["before"], week["outside"]) == (2, 1, 1)
    assert week["by_grid"] == {codes[2]: 1}
    assert [entry["n"] for entry in week["daily"]][6:9] == [1, 1, 0]
    assert _figures(engine, View(1, "Asia/Shanghai", incidents=False))["incidents"] is None


def test_who_sees_what(filled, tmp_path):
    engine, codes = filled
    address = engine.url.render_as_string(hide_password=False)
    with session(engine, write=True) as opened:
        tokens = {}
        for name, grant in {
            "all": Grant(Role.LEADER),
            "one": Grant(Role.OFFICER, codes[0]),
            "none": Grant(Role.RESIDENT),
        }.items():
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            tokens[name] = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOW).text}"}

    def figures(page):
        return dict(re.findall(r'data-state="(\w+)">(\d+)<', page))

    with serving(create_app(Settings(database=address, pages=tmp_path, follow=False), clock=lambda: LATER)) as client:
        assert figures(client.get("/").text) == {}
        assert figures(client.get("/", headers=tokens["none"]).text) == {}
        whole = client.get("/", headers=tokens["all"]).text
        assert figures(whole) == {"met": "1", "short": "1", "not_visited": "1", "unknown": "1"}
        part = client.get("/", headers=tokens["one"]).text
        assert figures(part) == {"met": "0", "short": "1", "not_visited": "0", "unknown": "0"}
        assert codes[2] not in re.sub(r"<svg.*?</svg>", "", part, flags=re.DOTALL)
        assert client.get("/?day=2026-13-01", headers=tokens["all"]).status_code == 422
    opened_settings = Settings(database=address, pages=tmp_path, follow=False, public_pages=True)
    with serving(create_app(opened_settings, clock=lambda: LATER)) as client:
        page = client.get("/").text
        assert figures(page)["met"] == "1"
        assert "格长 " not in page  # Persons are not public.


def test_the_day_is_a_table_for_those_who_may_see_it(filled, tmp_path):
    engine, codes = filled
    address = engine.url.render_as_string(hide_password=False)
    # A text that begins like a formula remains text.
    risky = _verdicts(codes, TODAY, ["short", "met", "not_visited", "unknown"]).assign(
        reason_zh="=1+1", visits=[1, 3, 0, 1]
    )
    store_verdicts(engine, 1, risky, version=1, rules=RULES, at=LATER)
    with session(engine, write=True) as opened:
        account = add_account(opened, 1, "one", [Grant(Role.OFFICER, codes[0])], at=NOW, by="test")
        one = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOW).text}"}
        add_incident(opened, _incident("N1", LATER - timedelta(days=2), codes[2]))
    settings = Settings(database=address, pages=tmp_path, follow=False, public_pages=True)
    with serving(create_app(settings, clock=lambda: LATER)) as client:
        sheet = openpyxl.load_workbook(io.BytesIO(client.get("/today.xlsx").content)).active
        head, *rows = sheet.iter_rows(values_only=True)
        assert head == (
            "网格编码",
            "名称",
            "所属社区",
            "结论",
            "计入巡查",
            "规定次数",
            "连续未达标天数",
            "近七日案件",
            "判定依据",
        )
        assert [(row[0], row[3], row[4], row[6], row[7]) for row in rows] == [
            (codes[0], "次数不足", 1, 3, 0),
            (codes[1], "达标", 3, 0, 0),
            (codes[2], "未巡查", 0, 1, 1),
            (codes[3], "无法确认", 1, 0, 0),
        ]
        assert sheet["I3"].data_type == "s"
        assert sheet["I3"].value == "=1+1"
        text = list(csv.reader(client.get("/today.csv?lang=en").content.decode("utf-8-sig").splitlines()))
        assert text[0][:4] == ["Grid code", "Name", "Community", "Verdict"]
        assert [line[-1] for line in text[1:]] == ["why"] * 4
        assert "'=1+1" in client.get("/today.csv").content.decode("utf-8-sig")
        own = client.get("/today.csv", headers=one).content.decode("utf-8-sig").splitlines()
        assert len(own) == 2
        assert "格长" in own[0]
        assert client.get("/today.csv?day=2020-01-01").status_code == 404
        assert client.get("/today.pdf").status_code == 422
        assert f"/today.xlsx?day={TODAY}" in client.get("/").text


def test_the_coverage_map_is_that_of_the_stored_verdicts(filled, tmp_path, monkeypatch):
    engine, codes = filled
    address = engine.url.render_as_string(hide_password=False)
    settings = Settings(database=address, pages=tmp_path, follow=False, public_pages=True)
    with serving(create_app(settings, clock=lambda: LATER)) as client:
        data = _payload(client.get("/coverage").text)
        assert data["day"] == TODAY.isoformat()
        assert [data["states"][k] for k in data["verdicts"]["second"]["state"]] == [
            "short",
            "met",
            "not_visited",
            "unknown",
        ]
        assert sorted(data["days"]) == [(TODAY - timedelta(days=k)).isoformat() for k in (7, 2, 1)]
        assert data["reasons"]["zh"] == ["因"]
        earlier = _payload(client.get(f"/coverage?day={TODAY - timedelta(days=1)}").text)
        assert next(data["states"][k] for k in earlier["verdicts"]["second"]["state"]) == "not_visited"
        store_verdicts(engine, 1, _verdicts(codes, TODAY, ["met"] * 4), version=1, rules=RULES, at=LATER)
        # A page that was drawn a moment ago is sent again: who may see verdicts hears the events since.
        with session(engine, write=True) as opened:
            account = add_account(opened, 1, "C", [Grant(Role.CHECKER)], at=NOW, by="test")
            checker = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOW).text}"}
            for code in codes:
                add_event(opened, 1, "verdict", code, {"state": "met"}, at=LATER)
        assert _payload(client.get("/coverage").text) == data
        after = re.search(r'data-events-after="(\d+)"', client.get("/coverage", headers=checker).text)
        assert after is not None
        with session(engine) as opened:
            missed = events_after(opened, 1, int(after[1]))
        assert [event.scope for event in missed] == codes
        assert "data-events-after" not in client.get("/coverage").text
        monkeypatch.setattr(drawn_pages, "REDRAW_AFTER_S", 0.0)
        again = _payload(client.get("/coverage").text)
        assert f'data-events-after="{missed[-1].id}"' in client.get("/coverage", headers=checker).text
        assert [data["states"][k] for k in again["verdicts"]["second"]["state"]] == ["met"] * 4
        navigation = re.search(r'id="navigation">(.*?)</script>', client.get("/coverage").text)
        assert navigation is not None
        assert {"/", "/coverage", "/fairness"} <= {entry["path"] for entry in json.loads(navigation[1])}
        assert client.get("/fairness").status_code == 200
        code = client.get("/qr", params={"to": "/coverage?day=2026-03-09#at=1"})
        assert code.headers["content-type"].startswith("image/svg+xml")
        assert code.content != client.get("/qr", params={"to": "/coverage"}).content
        assert client.get("/qr", params={"to": "//elsewhere.test/"}).status_code == 422
        assert client.get("/qr", params={"to": "https://elsewhere.test/"}).status_code == 422
        assert client.get("/fairness?old=1").status_code == 200
        assert client.get("/fairness?old=99").status_code == 404


def _payload(page):
    return json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
