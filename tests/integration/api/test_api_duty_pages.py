"""Pages and routes of ledgers, brief and meeting in a service with the forty cases."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import itertools
import re
import shutil
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.duty.cases import Standing, add_step
from api.database.duty.overdue import overdue_cases
from api.database.duty.rosters import Recorder, store_roster
from api.overview.week_cases import View, overdue_figures
from api.settings import Settings
from api.verdicts.storing import store_verdicts
from geo.duty import CaseRules, State, fold
from geo.duty.intake.services import Service
from geo.incidents import Calendar
from tests.integration.api.serving import serving
from tests.unit.duty_cases import START, STREET, forty, moment, roster

NOW = moment(9, "08:00")
ONE, TWO = f"{STREET}001", f"{STREET}002"


@pytest.fixture(scope="module")
def service(tmp_path_factory, division, empty_store):
    folder = tmp_path_factory.mktemp("duty_pages")
    address = str(shutil.copy(empty_store, folder / "store.sqlite"))
    engine = open_store(address)
    tokens = {}
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=dt.date(2026, 1, 1), created_at=moment(1, "08:00"))
        publish(opened, version.id, published_at=moment(1, "08:00"))
        store_roster(opened, 1, roster(), Recorder("test", moment(1, "08:00")))
        standing = Standing(Calendar.china(), CaseRules())
        logs = forty().book.logs.values()
        for event in sorted((e for log in logs for e in log), key=lambda e: (e.at, e.case_id, e.seq)):
            if event.role != "system":
                add_step(opened, 1, dataclasses.replace(event, prev_hash=""), standing)
        grants = {
            "supervisor": Grant(Role.SUPERVISOR),
            "community": Grant(Role.COMMUNITY, ONE),
            "clerk": Grant(Role.CLERK),
        }
        for name, grant in grants.items():
            account = add_account(opened, 1, name, [grant], at=moment(1, "08:00"), by="test")
            tokens[name] = add_token(opened, "program", account=account, at=moment(1, "08:00")).text
    # The clock advances by a second with each call, so that records are known to the next request.
    seconds = itertools.count()
    settings = Settings(database=address, pages=folder, follow=False)
    app = create_app(settings, clock=lambda: NOW + dt.timedelta(seconds=next(seconds)))
    with serving(app) as client:

        def ask(who: str, method: str, path: str, **more: object):
            return client.request(method, path, headers={"Authorization": f"Bearer {tokens[who]}"}, **more)

        def browse(who: str, path: str, accept: str = BROWSER):
            return client.get(path, headers={"Authorization": f"Bearer {tokens[who]}", "Accept": accept})

        yield SimpleNamespace(ask=ask, browse=browse, client=client, engine=engine, tokens=tokens)
    engine.dispose()


@pytest.mark.parametrize("kind", list("ABCDEGHIJK"))
def test_every_ledger_is_a_page(service, kind) -> None:
    answer = service.ask("supervisor", "GET", "/ledgers", params={"kind": kind, "day": "2026-03-03"})
    assert answer.status_code == 200, answer.text
    assert 'data-ledger="' + kind in answer.text


@pytest.mark.parametrize("path", ["/ledgers", "/meeting", "/me", "/desk", "/board"])
def test_a_browser_without_a_login_goes_to_the_form(service, path) -> None:
    answer = service.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert f'href="{path}"' not in service.client.get("/").text, "the navigation shows what may be opened"


def test_the_brief_and_its_files(service) -> None:
    page = service.ask("supervisor", "GET", "/brief", params={"span": "week", "day": START.isoformat()})
    assert page.status_code == 200
    assert "本期受理40件" in page.text
    pdf = service.ask("supervisor", "GET", "/api/duty/brief.pdf", params={"span": "week", "day": START.isoformat()})
    assert pdf.content.startswith(b"%PDF")
    word = service.ask("supervisor", "GET", "/api/duty/brief.docx", params={"span": "week", "day": START.isoformat()})
    assert word.content.startswith(b"PK")
    assert service.ask("community", "GET", "/brief").status_code == 403


def test_a_community_sees_its_own_ledgers(service) -> None:
    own = service.ask("community", "GET", "/ledgers", params={"kind": "A", "day": "2026-03-02", "scope": ONE})
    assert '<a href="/desk?case=N11">N11</a>' in own.text
    assert "N15" not in own.text
    # The page falls back from a foreign place to the reader's own; the file is refused.
    other = service.ask("community", "GET", "/ledgers", params={"kind": "A", "day": "2026-03-02", "scope": TWO})
    assert "N15" not in other.text
    refused = service.ask("community", "GET", "/api/duty/ledgers/A.xlsx", params={"day": "2026-03-02", "scope": TWO})
    assert refused.status_code == 403
    whole = service.ask("community", "GET", "/api/duty/ledgers/A.pdf", params={"day": "2026-03-02"})
    assert whole.status_code == 403


def test_typed_texts_signatures_and_corrections(service) -> None:
    text = {"ledger": "B", "key": f"2026-03-04/{ONE}001", "column": "remark", "text": "学校<b>开学"}
    assert service.ask("community", "POST", "/api/duty/typed", json=text).status_code == 204
    page = service.ask("community", "GET", "/ledgers", params={"kind": "B", "day": "2026-03-04", "scope": ONE}).text
    assert "学校&lt;b&gt;开学" in page
    wrong = {**text, "column": "verdict"}
    assert service.ask("community", "POST", "/api/duty/typed", json=wrong).status_code == 422
    other = {**text, "key": f"2026-03-04/{TWO}001"}
    assert service.ask("community", "POST", "/api/duty/typed", json=other).status_code == 403
    assert service.ask("clerk", "POST", "/api/duty/typed", json=text).status_code == 403
    place = {"day": "2026-03-04", "scope": ONE}
    signed = service.ask("community", "POST", "/api/duty/ledgers/B/signature", params=place)
    assert signed.status_code == 201
    assert len(signed.json()["sha256"]) == 64
    assert service.ask("community", "POST", "/api/duty/ledgers/B/signature", params=place).status_code == 409
    kept = service.ask("community", "GET", "/api/duty/ledgers/B.pdf", params=place).content
    assert kept == service.ask("community", "GET", "/api/duty/ledgers/B.pdf", params=place).content
    assert service.ask("community", "POST", "/api/duty/typed", json={**text, "text": "更正说明"}).status_code == 204
    page = service.ask("community", "GET", "/ledgers", params={"kind": "B", **place}).text
    assert "更正为“更正说明”" in page
    assert service.ask("community", "GET", "/api/duty/ledgers/B.pdf", params=place).content != kept


def test_decisions_open_the_next_agenda(service) -> None:
    body = {"day": "2026-03-03", "text": "核对消防通道清单", "owner": "城管中队", "due": "2026-03-04"}
    made = service.ask("supervisor", "POST", "/api/duty/decisions", json=body)
    assert made.status_code == 201
    page = service.ask("supervisor", "GET", "/meeting", params={"day": "2026-03-10"})
    assert page.status_code == 200
    assert "核对消防通道清单" in page.text
    number = made.json()["decision_id"]
    assert service.ask("supervisor", "POST", f"/api/duty/decisions/{number}/done").status_code == 204
    assert service.ask("supervisor", "POST", "/api/duty/decisions/none/done").status_code == 404


def test_nothing_is_recorded_of_days_to_come_or_against_itself(service) -> None:
    decision = {"day": "2026-03-03", "text": "核对消防通道清单", "owner": "城管中队", "due": "2026-03-10"}
    for change, zh in (
        ({"due": "2026-03-01"}, "完成时限 2026-03-01 早于例会日期 2026-03-03"),
        ({"day": "2036-03-04", "due": "2036-03-10"}, "2036-03-04 尚未到"),
    ):
        refused = service.ask("supervisor", "POST", "/api/duty/decisions", json={**decision, **change})
        assert refused.status_code == 422
        assert zh in refused.json()["zh"]
    unknown = service.ask("supervisor", "POST", "/api/duty/decisions", json={**decision, "case_id": "20990101-0001"})
    assert unknown.status_code == 404
    body = {"day": "2026-03-05", "chair": "李喆", "present": ["综治办", "环卫所"], "absent": ["环卫所"]}
    refused = service.ask("supervisor", "POST", "/api/duty/meetings", json=body)
    assert (refused.status_code, refused.json()["zh"]) == (422, "“环卫所”既列入参加又列入缺席")
    for kind, status in (("A", 422), ("D", 201)):
        place = {"day": "2036-03-04", "scope": ONE}
        assert (
            service.ask("community", "POST", f"/api/duty/ledgers/{kind}/signature", params=place).status_code == status
        )


def test_a_meeting_is_recorded_once_and_stands_in_ledger_e(service) -> None:
    people = {"place": "二楼会议室", "chair": "李喆", "present": ["综治办", "城管中队"], "absent": ["环卫所"]}
    body = {"day": "2026-03-07", **people, "discussed": [1]}
    assert service.ask("clerk", "POST", "/api/duty/meetings", json=body).status_code == 403
    refused = service.ask("supervisor", "POST", "/api/duty/meetings", json={**body, "discussed": [40]})
    assert refused.status_code == 422
    assert "没有第40项" in refused.json()["zh"]
    made = service.ask("supervisor", "POST", "/api/duty/meetings", json=body)
    assert made.status_code == 201, made.text
    assert len(made.json()["items"]) == 1
    assert service.ask("supervisor", "POST", "/api/duty/meetings", json=body).status_code == 409
    decision = {
        "day": "2026-03-07",
        "text": "开展夜查",
        "owner": "城管中队",
        "due": "2026-03-12",
        "helpers": ["物业", "派出所"],
    }
    assert service.ask("supervisor", "POST", "/api/duty/decisions", json=decision).status_code == 201
    page = service.ask("supervisor", "GET", "/meeting", params={"day": "2026-03-07"}).text
    assert "李喆" in page
    assert 'data-post="/api/duty/meetings"' not in page
    ledger = service.ask("supervisor", "GET", "/ledgers", params={"kind": "E", "day": "2026-03-07"}).text
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", ledger, re.S) if "开展夜查" in row]
    for text in ("二楼会议室", "李喆", "综治办、城管中队", "环卫所", "物业、派出所", made.json()["items"][0]):
        assert text in row


def test_ledgers_and_the_brief_are_cut_by_service(service) -> None:
    place = {"kind": "A", "day": "2026-03-03"}
    whole, *parts = (
        set(re.findall(r'href="/desk\?case=([^"]+)"', service.ask("supervisor", "GET", "/ledgers", params=params).text))
        for params in (place, *({**place, "service": one.value} for one in Service))
    )
    assert whole
    # All forty cases are of one matter, which belongs to the appearance of the street.
    assert dict(zip(Service, parts, strict=True)) == {
        one: whole if one is Service.APPEARANCE else set() for one in Service
    }
    cut = service.ask("supervisor", "GET", "/ledgers", params={**place, "service": "business"}).text
    assert "data-sign" not in cut
    shown = service.ask("supervisor", "GET", "/brief", params={"day": "2026-03-03", "service": "business"}).text
    assert "（商业网点服务）" in shown
    same = service.ask("supervisor", "GET", "/brief", params={"day": "2026-03-03"}).text
    filed = [int(re.search(r"立案(\d+)件", text)[1]) for text in (shown, same)]
    assert filed[0] == 0 < filed[1]
    wrong = service.ask(
        "supervisor", "GET", "/api/duty/ledgers/J.pdf", params={"day": "2026-03-03", "service": "business"}
    )
    assert wrong.status_code == 422


def test_the_public_review_draws_closed_cases_by_a_published_seed(service) -> None:
    def drawn(**change: object) -> pd.DataFrame:
        params = {"span": "week", "day": "2026-03-03", "size": 4, "seed": 7, **change}
        answer = service.ask("supervisor", "GET", "/api/duty/review.xlsx", params=params)
        assert answer.status_code == 200, answer.text
        return pd.read_excel(io.BytesIO(answer.content), sheet_name=f"群众评议抽样 种子{params['seed']}", dtype=str)

    sample = drawn()
    closed = {number for number, log in forty().book.logs.items() if fold(log).closed_at is not None}
    assert set(sample["办件号"]) <= closed
    assert list(sample["办件号"]) == list(drawn()["办件号"])
    assert list(sample["办件号"]) != list(drawn(seed=8)["办件号"])
    assert (
        'action="/api/duty/review.xlsx"'
        in service.ask("supervisor", "GET", "/brief", params={"day": "2026-03-03"}).text
    )
    assert (
        service.ask(
            "community", "GET", "/api/duty/review.xlsx", params={"span": "week", "day": "2026-03-03"}
        ).status_code
        == 403
    )


def test_the_meeting_has_reasons(service) -> None:
    page = service.ask("supervisor", "GET", "/meeting", params={"day": "2026-03-07"}).text
    assert page.count("<li data-line") <= 12
    assert "提请原因" in page


def _standing(at: dt.datetime) -> list[str]:
    """Cases overdue at a given time, computed from the logs alone."""
    found = []
    for number, log in forty().book.logs.items():
        known = [event for event in log if event.at <= at]
        case = fold(known) if known else None
        if case is not None and case.open and case.state is not State.SHELVED and case.overdue(at):
            found.append(number)
    return sorted(found)


@pytest.mark.parametrize(
    ("day", "clock", "n"),
    [(4, "18:00", 0), (4, "18:01", 7), (5, "11:00", 7), (6, "09:00", 3), (9, "08:00", 3), (20, "08:00", 9)],
)
def test_what_was_overdue_at_a_moment(service, day, clock, n) -> None:
    at = moment(day, clock)
    with session(service.engine) as opened:
        found = [case.case_id for case in overdue_cases(opened, 1, at)]
        own = [case.case_id for case in overdue_cases(opened, 1, at, (ONE,))]
    assert sorted(found) == _standing(at)
    assert len(found) == n
    assert set(own) == {number for number in found if forty().book.cases[number].community == ONE}


def test_the_first_page_tells_what_is_overdue(service, division) -> None:
    codes = list(division.second["code"])
    day = dt.date(2026, 3, 8)
    row = {"verdict": "met", "visits": 2, "required": 2, "uncounted": 0}
    verdicts = pd.DataFrame([{"code": code, "day": day, **row} for code in codes])
    store_verdicts(service.engine, 1, verdicts, version=1, rules="street-twice-a-day@2", at=NOW)

    def overdue(page: str) -> int:
        return int(re.search(r"data-overdue>(\d+)<", page)[1])  # type: ignore[index]

    at = moment(9, "00:00")
    whole = service.ask("supervisor", "GET", "/").text
    assert overdue(whole) == len(_standing(at))
    assert "截至3月8日24时" in whole
    for number in _standing(at)[:5]:
        assert f'href="/desk?case={number}"' in whole
    assert "暴露垃圾" in whole
    own = service.ask("community", "GET", "/").text
    assert overdue(own) == sum(forty().book.cases[number].community == ONE for number in _standing(at))
    with session(service.engine) as opened:
        public = overdue_figures(opened, View(1, "Asia/Shanghai"), at, {}, ZoneInfo("Asia/Shanghai"))
    assert public == {"at": at, "n": len(_standing(at)), "cases": []}


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "status", "zh", "en"),
    [
        ("/roster?day=2026-13-99", 422, "day：应为日期或时间，例如 2026-03-02", "day: Input should be a valid date"),
        ("/ledgers?day=x", 422, "day：应为日期或时间，例如 2026-03-02", "day: Input should be a valid date"),
        ("/brief?span=decade", 422, "span：", "span: String should match pattern"),
        ("/meeting?day=2026-02-30", 422, "day：应为日期或时间，例如 2026-03-02", "day: Input should be a valid date"),
        ("/coverage?day=31.12.2026", 422, "day：应为日期或时间，例如 2026-03-02", "day: Input should be a valid date"),
        ("/ledgers?kind=Z", 422, "台账", "ledger"),
        ("/nowhere", 404, "没有", "Not Found"),
    ],
)
def test_a_browser_gets_a_page_for_an_address_that_cannot_be_read(service, path, status, zh, en):
    answer = service.ask("supervisor", "GET", path)
    assert answer.headers["content-type"] == "application/problem+json", "programs get JSON"
    page = service.browse("supervisor", path)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    texts = dict(
        zip(
            ("zh", "en"),
            re.search(
                r'<p><span class="zh">(.*?)</span><span class="en" lang="en">(.*?)</span></p>', page.text
            ).groups(),
            strict=True,
        )
    )
    assert zh in texts["zh"]
    assert en in texts["en"]
    assert not re.search("[\u3400-\u9fff]", texts["en"])
    assert ('href="/ledgers"' in page.text) is (path != "/nowhere"), "the navigation of the reader"
    plain = path.partition("?")[0]
    assert (f'class="button" href="{plain}"' in page.text) is (path != "/nowhere")


def test_who_may_not_see_a_page_is_told_so_on_a_page(service):
    page = service.browse("clerk", "/checker")
    assert page.status_code == 403
    assert "无权限" in page.text
    assert 'href="/checker"' not in page.text
    stranger = service.client.get("/login/used-link", headers={"Accept": BROWSER})
    assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer")
    assert "<nav" in stranger.text


def test_scripts_and_the_interface_get_json(service):
    for path, accept in (
        ("/api/cases?day=x&limit=y", BROWSER),
        ("/roster?day=x", "*/*"),
        ("/roster?day=x", "application/json, text/html"),
    ):
        answer = service.browse("supervisor", path, accept)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_parameter_of_an_error_page_is_never_markup(service):
    page = service.browse("supervisor", "/ledgers?kind=%3Cb%3E")
    assert "<b>" not in page.text
