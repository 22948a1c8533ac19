"""The officer's page, the desk and the board in Debian's Chromium against the real server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest
from PIL import Image

from api.access import Grant, Role
from api.database import open_store, session
from api.database.events import add_event
from api.database.verdicts import add_verdict
from tests.browser.planning import CHROMIUM, ROOT, model_division, start_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]
GRID = str(sorted(model_division().second["code"])[0])
#: Shown by a page that is ready.
READY = "#cases > li, section[data-stage] li"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Clients of an officer of one grid, a clerk of the centre, and a community."""
    grants = {
        "officer": Grant(Role.OFFICER, GRID),
        "clerk": Grant(Role.CLERK),
        "community": Grant(Role.COMMUNITY, GRID[:12]),
    }
    with start_server(tmp_path_factory.mktemp("cases"), tuple(grants), tuple(grants.values())) as clients:
        yield dict(zip(grants, clients, strict=True))


def report(people: dict[str, Any], name: str, **change: Any) -> SimpleNamespace:
    body = {"client_id": name, "channel": "phone", "text": "楼道堆物", "kind": "06036", "second": GRID, **change}
    return SimpleNamespace(**people["clerk"].post("/api/reports", json=body).raise_for_status().json())


def do(page: Any, action: str, **fields: str) -> None:
    """Take a step of the open case, and wait for the answer of the server."""
    page.click(f"[data-action={action}]")
    for name, value in fields.items():
        page.fill(f"[data-step={action}] [name={name}]", value)
    # The page still shows the result of the previous step until the answer is there.
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.click(f"[data-step={action}] button")
    assert answered.value.ok
    page.wait_for_selector("#detail output.good")


def test_three_taps_then_the_desk_then_the_officer(people, see):
    """Reported with three taps on a phone, filed and dispatched at the desk, signed for on the phone."""
    phone = see("officer", "/me", PHONE)
    phone.tap("#begin")
    phone.tap(".tile:has-text('占用消防通道')")
    phone.tap("#send")
    phone.wait_for_selector("#sent.good")
    (row,) = people["clerk"].get("/api/cases", params={"kind": "09012"}).json()["cases"]
    number = row["number"]
    assert (row["state"], row["second"], row["channel"]) == ("reported", GRID, "patrol")
    assert number in phone.inner_text("#sent")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    desk = see("clerk", "/desk")
    desk.click(f"#cases [data-number='{number}']")
    desk.wait_for_selector("[data-action=file]")
    assert "占用消防通道" in desk.inner_text("#detail .told")
    desk.click("[data-action=file]")
    assert desk.input_value("[data-step=file] [name=kind]") == "09012", "as it was reported"
    do(desk, "file")
    do(desk, "assign", unit="城管中队")
    found = people["clerk"].get(f"/api/cases/{number}").json()
    assert (found["state"], found["owner"]) == ("assigned", "城管中队")

    phone.reload()
    phone.wait_for_selector(f"#cases [data-number='{number}']")
    card = phone.locator(f"#cases [data-number='{number}']")
    assert "已派遣待签收" in card.inner_text()
    assert "城管中队" in card.inner_text()
    assert "剩" in card.locator("[data-clock]").inner_text()
    card.tap()
    phone.wait_for_selector("[data-action=sign]")
    do(phone, "sign")
    assert people["clerk"].get(f"/api/cases/{number}").json()["state"] == "handling"


def test_the_officer_hears_of_the_verdict_while_it_changes(tmp_path, browser):
    """Names and verdicts are those of the other pages, and a stay is told second by second without a reload."""
    name, code = "street-default", GRID
    with start_server(tmp_path, ("officer",), (Grant(Role.OFFICER, GRID[:12]),)) as (client,):
        context = browser.new_context(
            viewport=PHONE, extra_http_headers={"Authorization": client.headers["Authorization"]}
        )
        phone = context.new_page()
        phone.goto(f"{client.base_url}/me")
        day = date.fromisoformat(phone.get_attribute("#verdict", "data-day"))
        first = phone.locator("#verdicts li").first
        phone.locator(f"#verdicts [data-code='{code}']").wait_for()
        grids = model_division().second.set_index("code")
        assert f"未巡查 {grids['name'][code]} 当日" in " ".join(first.inner_text().split())
        assert "当日尚无该网格的定位记录" in first.inner_text()
        assert phone.locator("#verdicts li").count() == 9, "eight grids and the number of all of them"

        engine = open_store(str(tmp_path / "store.sqlite"))
        now, other = datetime.now(UTC), str(sorted(grids.index)[3])

        def tell(kind: str, **news: Any) -> None:
            with session(engine, write=True) as opened:
                add_event(opened, 1, kind, other, {"day": day.isoformat(), **news}, at=now)

        tell("visit", counts=False, needs_s=40, reason="too_short")
        phone.locator(f"#verdicts li:first-child[data-code='{other}'] .stay:has-text('还差40秒')").wait_for()
        row = {
            "code": other,
            "verdict": "met",
            "visits": 2,
            "required": 2,
            "reason_zh": "上下午各一次。",
            "reason_en": "Twice.",
        }
        with session(engine, write=True) as opened:
            key = {"street": 1, "day": day, "code": other, "rules": name, "version_id": 1}
            add_verdict(opened, None, at=now, restated=False, key=key, row=row)
        tell("verdict", state="met")
        tell("visit", counts=True, needs_s=0, reason="")
        changed = phone.locator(f"#verdicts [data-code='{other}'][data-verdict=met]:has-text('本次巡查已计入')")
        changed.wait_for()
        assert f"达标 {grids['name'][other]} 2/2 上下午各一次。" in " ".join(changed.inner_text().split())
        assert "未巡查" in phone.locator("#verdicts li").nth(1).inner_text()
        assert "0/2" not in phone.locator("#verdicts li").nth(1).inner_text(), "no rule is stated without a verdict"
        engine.dispose()
        context.close()


def test_photos_of_a_telephone_are_seen_at_the_desk(people, see):
    phone = see("officer", "/me", PHONE)
    phone.tap("#begin")
    phone.tap(".tile:has-text('占用消防通道')")
    photos = [{"name": f"{k}.png", "mimeType": "image/png", "buffer": picture(k)} for k in (1, 2)]
    phone.set_input_files(
        "[name=photos]", [*photos, {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}]
    )
    phone.tap("#send")
    phone.wait_for_selector("#sent [data-left='1']")
    assert "1张照片未上传" in phone.inner_text("#sent"), (
        "what is no photo is told, the report and the others are stored"
    )
    number = phone.inner_text("#sent").split("编号")[1].split("；")[0].split()[0]
    desk = see("clerk", f"/desk?case={number}")
    desk.wait_for_selector("#detail .photos img")
    desk.evaluate("Promise.all([...document.querySelectorAll('.photos img')].map((image) => image.decode()))")
    sizes = desk.evaluate("[...document.querySelectorAll('.photos img')].map((image) => image.naturalWidth)")
    assert sizes == [1, 2]


def picture(width: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, 3), "red").save(content, "PNG")
    return content.getvalue()


def test_the_desk_takes_a_report_in_and_merges_it_into_the_first(people, see):
    first = report(people, "same-1", text="合班村12幢楼道堆放杂物", address="合班村12幢")
    desk = see("clerk", "/desk")
    desk.click("#intake summary")
    assert desk.input_value("#new-report [name=channel]") == "12345", (
        "most of what the desk takes in comes by the hotline"
    )
    desk.select_option("#new-report [name=kind]", "06036")
    desk.select_option("#new-report [name=second]", GRID)
    desk.fill("#new-report [name=address]", "合班村12幢")
    desk.fill("#new-report [name=text]", "<b>12幢</b>楼道堆放杂物")
    desk.click("#new-report button")
    desk.wait_for_selector(f"[data-same='{first.case['number']}']")
    assert desk.inner_text("#detail .told").startswith("<b>12幢</b>")
    number = desk.inner_text("#detail h2").split()[0]
    desk.click(f"[data-same='{first.case['number']}'] button")
    desk.click("[data-step=merge] button")
    desk.wait_for_selector("#detail output.good")
    assert people["clerk"].get(f"/api/cases/{number}").json()["merged_into"] == first.case["number"]


def test_who_comes_second_is_shown_the_new_state(people, see):
    number = report(people, "second-1").case["number"]
    desk = see("clerk", f"/desk?case={number}")
    desk.click("[data-action=reject]")
    desk.fill("[data-step=reject] [name=reason]", "不属于街道")
    people["clerk"].post(f"/api/cases/{number}/events", json={"seq": 2, "action": "file"}).raise_for_status()
    desk.click("[data-step=reject] button")
    desk.wait_for_selector("#detail output.fault")
    desk.wait_for_selector("#detail h2:has-text('已立案')")
    assert "他人可能已先办理" in desk.inner_text("#detail output.fault")
    assert people["clerk"].get(f"/api/cases/{number}").json()["seq"] == 2


def test_a_long_list_begins_on_the_first_page_of_a_print(people, see):
    """A list longer than a page of paper is printed from the first page on, without choices, buttons and the header's links."""
    numbers = [report(people, f"print-{k}", text=f"楼道堆物第{k}处").case["number"] for k in range(40)]
    for who, path in (("community", "/board"), ("clerk", "/desk"), ("officer", "/me")):
        page = see(who, path, DESK)
        printed = [
            sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
        ]
        assert all(any(number in text for number in numbers) for text in printed[:2]), path
        assert not any(word in text for word in ("上报问题", "登记来件", "English") for text in printed)


def test_the_board_sorts_by_stage_and_service(people, see):
    number = report(people, "board-1", kind="09006", text="占道经营").case["number"]
    board = see("community", "/board")
    board.wait_for_selector(f"[data-stage=intake] [data-number='{number}']")
    people["clerk"].post(f"/api/cases/{number}/events", json={"seq": 2, "action": "file"}).raise_for_status()
    service = people["clerk"].get("/api/cases", params={"kind": "09006"}).json()["cases"][0]["service"]
    board.select_option("[name=service]", service)
    board.wait_for_selector(f"[data-stage=dispatch] [data-number='{number}']")
    other = next(name for name in ("population", "harmony") if name != service)
    board.select_option("[name=service]", other)
    board.wait_for_selector(f"[data-number='{number}']", state="detached")


@pytest.mark.parametrize(
    ("who", "path", "size"), [("officer", "/me", PHONE), ("clerk", "/desk", DESK), ("community", "/board", DESK)]
)
@pytest.mark.parametrize("look", ["", "lang=en&theme=dark"])
def test_nothing_is_wrong_for_a_screen_reader(people, see, who, path, size, look):
    number = report(people, f"axe{path}{look}").case["number"]
    page = see(who, f"{path}?{look}", size)
    page.focus(f"[data-number='{number}']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail .acts")
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = page.evaluate(axe + "; axe.run()")
    assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_clocks_by_level_and_word(people, see):
    page = see("clerk", "/desk")
    told = page.evaluate(
        """async () => {
          const { clockOf, serverNow } = await import("/static/pages/cases.js");
          const due = (seconds) => new Date(serverNow() + seconds * 1000).toISOString();
          const rows = [
            { state: "handling", step_due: due(-86_430) }, { state: "handling", step_due: due(-5) },
            { state: "handling", step_due: due(60 * 239 + 50) }, { state: "handling", step_due: due(60 * 240 + 30) },
            { state: "handling", step_due: due(10 * 86_400 + 30), late: true }, { state: "handling", due: due(-90) },
            { state: "shelved", step_due: due(-90) }, { state: "closed", step_due: due(-90) }, { state: "handling" },
          ].map(clockOf);
          return rows.map((row) => `${row.level} ${row.zh}`);
        }"""
    )
    assert told == [
        "late 超期24小时",
        "late 超期0分钟",
        "soon 临期 剩3小时",
        "fine 在期 剩4小时",
        "fine 在期 剩10天（曾超期）",
        "late 超期1分钟",
        "still 挂账停表",
        "still 已办结",
        "still 不计时",
    ]
