"""The pages of the roster, of notices and of rectification in Debian's Chromium against the real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from api.access import Grant, Role
from api.database import open_store, session
from api.database.duty.rosters import Recorder, store_roster
from geo.sample import model_roster
from tests.browser.mixed_languages import misplaced_texts
from tests.browser.planning import CHROMIUM, ROOT, model_division, start_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]
COMMUNITY = str(sorted(model_division().community["code"])[0])
GRID = f"{COMMUNITY}001"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}
WIDE = {"width": 1920, "height": 1080}
#: Addresses that answer with the page of an error: a value that cannot be read, an unknown one, one without a right.
WRONG = ("/roster?day=x", "/ledgers?kind=Z", "/nowhere")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Clients of an administrator, a community, the discipline office and an officer, with a fictitious roster."""
    grants = {
        "admin": Grant(Role.ADMINISTRATOR),
        "community": Grant(Role.COMMUNITY, COMMUNITY),
        "supervisor": Grant(Role.SUPERVISOR),
        "officer": Grant(Role.OFFICER, GRID),
    }
    folder: Path = tmp_path_factory.mktemp("duty")
    with start_server(folder, tuple(grants), tuple(grants.values())) as clients:
        engine = open_store(str(folder / "store.sqlite"))
        with session(engine, write=True) as opened:
            roster = model_roster(model_division(), since=date(2026, 1, 1))
            store_roster(opened, 1, roster, Recorder("test", datetime(2026, 1, 1, tzinfo=UTC)))
        engine.dispose()
        yield dict(zip(grants, clients, strict=True))


def test_leave_is_written_down_and_hands_a_case_over(people, see):
    leader = next(
        row["person"]
        for row in people["admin"].get("/api/roster", params={"day": "2026-04-06", "cell": GRID}).json()
        if row["cell"] == GRID
    )
    report = {"client_id": "leave-1", "channel": "phone", "text": "楼道堆物", "kind": "06036", "second": GRID}
    number = people["admin"].post("/api/reports", json=report).raise_for_status().json()["case"]["number"]
    step = {"seq": 2, "action": "hand_over", "reason": "请格长处理", "payload": {"to": leader}}
    people["admin"].post(f"/api/cases/{number}/events", json=step).raise_for_status()
    page = see("community", "/roster?day=2026-04-06", PHONE)
    page.click("#leave summary >> nth=0")
    form = "#leave form >> nth=0 >> "
    page.fill(f"{form}[name=person]", leader)
    page.fill(f"{form}[name=deputy]", f"L{COMMUNITY[-3:]}")
    page.fill(f"{form}[name=reason]", "年休假")
    page.click(f"{form}button")
    page.wait_for_selector("#done:has-text('移交在办件1件')")
    assert "年休假" in page.inner_text("#leave table")
    assert people["admin"].get(f"/api/cases/{number}").json()["owner"] == f"L{COMMUNITY[-3:]}"
    page.click("#leave summary >> nth=0")
    page.fill(f"{form}[name=person]", "没有这个人")
    page.click(f"{form}button")
    page.wait_for_selector("#leave form output.fault")


def test_an_empty_shift_is_seen_filled_and_swapped(people, see):
    page = see("community", "/roster?day=2026-04-06")
    page.click("summary:has-text('值班点和时段')")
    page.fill("form[data-post='/api/shifts/posts'] [name=place]", "长营工作站")
    page.fill("form[data-post='/api/shifts/posts'] [name=hours]", "08:30-17:30、17:30-08:30")
    page.click("form[data-post='/api/shifts/posts'] button")
    page.wait_for_selector("[data-empty-shifts='14']")
    for day, person, left in (("2026-04-06", "S001", 13), ("2026-04-07", "L001", 12)):
        page.click("summary:has-text('排班')")
        page.fill("form[data-offset] [name=place]", "长营工作站")
        page.fill("form[data-offset] [name=day]", day)
        page.fill("form[data-offset] [name=begin]", "17:30")
        page.fill("form[data-offset] [name=finish]", "08:30")
        page.fill("form[data-offset] [name=person]", person)
        page.click("form[data-offset] button")
        page.wait_for_selector(f"[data-empty-shifts='{left}']")
    assert page.inner_text("#done") == "已保存"
    page.click("summary:has-text('换班')")
    page.select_option("[name=one]", index=0)
    page.select_option("[name=two]", index=1)
    page.fill("form[data-post='/api/shifts/swaps'] [name=reason]", "家中有事")
    page.click("form[data-post='/api/shifts/swaps'] button")
    page.wait_for_selector(".swapped")
    found = people["admin"].get("/api/shifts", params={"first": "2026-04-06", "last": "2026-04-07"}).json()["shifts"]
    assert [(one["start"][11:16], one["end"][8:16], one["person"]) for one in found] == [
        ("17:30", "07T08:30", "L001"),
        ("17:30", "08T08:30", "S001"),
    ]
    page.click("button[data-delete^='/api/shifts/'] >> nth=0")
    page.wait_for_selector("[data-empty-shifts='13']")


def test_a_notice_is_sent_and_whoever_tells_somebody_ticks_the_name(people, see):
    page = see("community", "/notices")
    page.click("summary")
    page.fill("[name=title]", "防汛准备")
    page.fill("[name=text]", "雨前清理雨水口")
    page.uncheck("[name=levels][value='1']")
    page.click("form[data-post='/api/notices'] button")
    page.wait_for_selector("[data-notice] [data-left]")
    (notice,) = people["community"].get("/api/notices").json()["notices"]
    assert {len(one["cells"][0]) for one in notice["recipients"]} == {15}, "grids alone"
    count = len(notice["recipients"])
    summary = page.locator("[data-notice] summary")
    if count > 12:
        summary.first.click()
    page.check("[data-notice] .people input >> nth=0")
    page.click("[data-notice] button[value=phone]")
    page.wait_for_selector(f"[data-left='{count - 1}']")
    if count - 1 > 12:
        page.click("[data-notice] summary >> nth=0")
    page.click("[data-all]")
    page.click("[data-notice] button[value=meeting]")
    page.wait_for_selector("[data-notice] .badge.good")
    (notice,) = people["community"].get("/api/notices").json()["notices"]
    ways = [one["way"] for one in notice["recipients"]]
    assert (ways.count("phone"), ways.count("meeting")) == (1, count - 1)


def test_an_item_runs_to_its_striking_off(people, see):
    page = see("supervisor", "/rectification")
    page.click("summary")
    page.select_option("[name=cell]", COMMUNITY)
    page.fill("[name=text]", "<b>消防通道</b>堆物")
    page.fill("[name=unit]", "长营社区")
    page.fill("[name=due]", (datetime.now(UTC) + timedelta(days=9)).date().isoformat())
    page.click("form[data-item] button")
    page.wait_for_selector("[data-state=open] [data-item]")
    assert page.inner_text("[data-state=open] h3").startswith("<b>消防通道</b>堆物")
    own = see("community", "/rectification", PHONE)
    own.click("[data-state=open] [data-item] summary")
    own.fill("[data-state=open] textarea", "已清理完毕")
    own.click("[data-state=open] button[value=self_check]")
    own.wait_for_selector("[data-state=put_right] [data-item]")
    assert own.locator("[data-state=put_right] button").count() == 0, "not by who put it right"
    page.reload()
    page.click("[data-state=put_right] [data-item] summary")
    page.fill("[data-state=put_right] textarea", "现场复核通过")
    page.click("[data-state=put_right] button[value=recheck_ok]")
    page.wait_for_selector("[data-state=struck_off] [data-item]")
    (item,) = people["supervisor"].get("/api/rectifications").json()["items"]
    assert [step["action"] for step in item["steps"]] == ["find", "self_check", "recheck_ok"]


@pytest.mark.parametrize("path", ["/roster", "/notices", "/rectification"])
@pytest.mark.parametrize(("look", "size"), [("", PHONE), ("lang=en&theme=dark", DESK)])
def test_nothing_is_wrong_for_a_screen_reader(people, see, path, look, size):
    page = see("admin", f"{path}?{look}", size)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = page.evaluate(axe + "; axe.run()")
    assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize(("who", "path"), [*(("admin", path) for path in WRONG), ("officer", "/checker")])
def test_nothing_is_wrong_with_the_page_of_an_error(people, see, who, path):
    """At three sizes, light and dark, in both languages and on paper."""
    page = see(who, path, WIDE)
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)
    for size in (WIDE, DESK, PHONE):
        page.set_viewport_size(size)
        page.locator("[data-act=language]").click()
        page.locator("[data-act=theme]").click()
        found = page.evaluate("axe.run()")
        assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        lines = [one.bounding_box() for one in page.locator("[role=alert] > p").all()]
        gaps = [below["y"] - above["y"] - above["height"] for above, below in pairwise(lines)]
        assert min(gaps) >= 10, "the buttons stand off the lines"
    page.emulate_media(media="print")
    assert not page.locator(".ways").is_visible(), "nothing to click on paper"
    assert page.locator("[role=alert] > p").first.is_visible()


PAGES = {
    "officer": ("/me", "/checker"),
    "admin": ("/", "/me", "/desk", "/board", "/roster", "/notices", *WRONG),
    "community": ("/desk", "/board"),
    "supervisor": (
        "/rectification",
        "/meeting",
        "/brief",
        *(f"/ledgers?kind={kind}&scope={COMMUNITY}" for kind in "ABCDEGHIJK"),
    ),
}


@pytest.mark.parametrize("who", PAGES)
def test_no_page_mixes_languages(people, see, who):
    for path in PAGES[who]:
        page = see(who, path)
        page.wait_for_load_state("networkidle")
        for language in ("zh-CN", "en"):
            assert page.locator("html").get_attribute("lang") == language
            assert misplaced_texts(page) == [], path
            page.locator("[data-act=language]").click()


def test_on_paper_a_table_keeps_its_columns(people, see):
    """A page is narrower than a small window: 688 pixels of A4 upright without its margins."""
    page = see("community", "/roster?day=2026-04-06", {"width": 688, "height": 970})
    styles = """() => {
        const of = (what, name) => getComputedStyle(document.querySelector(what))[name];
        const cell = document.createElement('table');
        cell.className = 'grid';
        cell.innerHTML = '<tr><td>1</td></tr>';
        document.body.append(cell);
        const least = getComputedStyle(cell.querySelector('td')).minWidth;
        cell.remove();
        return [of('table.week tr', 'display'), of('table.week thead', 'display'), of('table.week th', 'whiteSpace'), least];
    }"""
    assert page.evaluate(styles)[:2] == ["block", "none"]
    page.emulate_media(media="print")
    assert page.evaluate(styles) == ["table-row", "table-header-group", "normal", "0px"]
