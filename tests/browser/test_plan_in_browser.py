"""The editor's page in Debian's Chromium against the real server: each tool by mouse and keyboard, verified on the server."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import geopandas as gpd
import pytest
import shapely
from PIL import Image
from pyproj import Transformer

from geo.layers import Level
from tests.browser.mixed_languages import misplaced_texts
from tests.browser.planner import PATIENCE_MS, Planner
from tests.browser.planning import CHROMIUM, ROOT, model_division, quiet_page, start_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

#: Cells used by the tests, selected by their properties: a grid in the middle of a community of the model street.
COMMUNITY = "合班村社区"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Clients of two planners of one server."""
    with start_server(tmp_path_factory.mktemp("plan")) as clients:
        yield clients


@pytest.fixture
def server(servers: Any) -> Any:
    return servers[0]


def window(browser: Any, client: Any, **options: Any) -> Any:
    """A browser context that is logged in as a planner."""
    headers = {"Authorization": client.headers["Authorization"]}
    return browser.new_context(extra_http_headers=headers, reduced_motion="reduce", **options)


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def context(browser: Any, server: Any) -> Iterator[Any]:
    made = window(browser, server, viewport={"width": 1366, "height": 768})
    yield made
    made.close()


def begin(server: Any) -> int:
    answer = server.post("/api/drafts", json={"id": str(uuid4()), "name": "调整"})
    return int(answer.raise_for_status().json()["id"])


@pytest.fixture
def planner(context: Any, server: Any, faults: list[str]) -> Iterator[Planner]:
    yield Planner(quiet_page(context, server, faults), server, begin(server))
    assert faults == []


@pytest.fixture
def pair(planner: Planner) -> tuple[str, str]:
    """Two neighbouring cells of one second-level grid whose border has inner vertices."""
    state = planner.state()
    for one in state.codes:
        if not state.rows[one]["name"].startswith(COMMUNITY):
            continue
        for other in sorted(state.neighbours(one)):
            if state.rows[other]["parent"] == state.rows[one]["parent"] and len(state.border(one, other)) > 8:
                return one, other
    raise AssertionError("no such pair")


def look_at(planner: Planner, *codes: str, metres_per_pixel: float = 0.25, more: str = "") -> None:
    """Open the page at the centre of cells."""
    state = planner.state()
    middle = shapely.union_all([state.shape(code) for code in codes]).centroid
    planner.open((middle.x, middle.y), metres_per_pixel, more)


def middle_of(line: list[tuple[float, float]]) -> tuple[float, float]:
    return line[len(line) // 2]


def moved(place: tuple[float, float], dx: float, dy: float) -> tuple[float, float]:
    return place[0] + dx, place[1] + dy


def drag_without_snapping(planner: Planner, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, turn snapping off, and move."""
    page = planner.page
    page.mouse.move(*planner.pixel(start))
    page.mouse.down()
    page.keyboard.down("Alt")
    page.mouse.move(*planner.pixel(end), steps=4)


def release(planner: Planner) -> None:
    planner.page.mouse.up()
    planner.page.keyboard.up("Alt")


def free_vertex(planner: Planner, one: str, other: str) -> tuple[float, float]:
    """The vertex of the border between two cells that is farthest from all others, so that the pointer selects it."""
    state = planner.state()
    all_places = [place for line in state.arcs.values() for place in line]
    tree = shapely.STRtree(shapely.points(all_places))

    def room(place: tuple[float, float]) -> float:
        near = [all_places[k] for k in tree.query(shapely.Point(place).buffer(30))]
        return min((math.dist(place, p) for p in near if p != place), default=30.0)

    return max(state.border(one, other)[1:-1], key=room)


class TestVertices:
    def test_a_vertex_follows_the_mouse_in_both_cells_and_undo_is_exact(self, planner, pair):
        look_at(planner, *pair)
        before = planner.state()
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 2.0, 1.5))
        planner.wait_panel("换格长")  # Shown while the button is still down.
        assert planner.revision() == 0
        release(planner)
        after = planner.wait_revision(1)
        assert vertex not in after.border(*pair)
        moved_to = min(after.border(*pair), key=lambda place: math.dist(place, moved(vertex, 2.0, 1.5)))
        assert math.dist(moved_to, moved(vertex, 2.0, 1.5)) < 0.5  # two pixels
        assert after.shape(pair[0]).area != before.shape(pair[0]).area
        total = sum(after.shape(code).area for code in pair)
        assert total == pytest.approx(sum(before.shape(code).area for code in pair), abs=1e-6)
        planner.key("Control+z")
        undone = planner.wait_revision(2)
        assert undone.lines == before.lines
        assert undone.rows == before.rows
        planner.key("Control+Shift+Z")
        redone = planner.wait_revision(3)
        assert redone.border(*pair) == after.border(*pair)
        assert redone.rows == after.rows

    def test_an_impossible_place_is_refused_with_the_reason_before_the_server_is_asked(self, planner, pair):
        look_at(planner, *pair)
        vertex = free_vertex(planner, *pair)
        asked: list[str] = []
        planner.page.on("request", lambda request: asked.append(request.url) if "/edits" in request.url else None)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 150.0, 60.0))
        planner.wait_panel("不能这样修改")
        assert "相交" in planner.page.locator("#hint").inner_text()
        release(planner)
        planner.page.wait_for_timeout(300)
        assert asked == []
        assert planner.revision() == 0

    def test_arrow_keys_move_the_focused_handle_by_exactly_a_decimetre(self, planner, pair):
        look_at(planner, *pair, more=f"&cells={','.join(pair)}&tool=drag")
        planner.page.locator("circle[role=button].vertex").first.wait_for()
        planner.click(free_vertex(planner, *pair))
        focused = planner.page.locator("circle:focus")
        assert focused.get_attribute("aria-label").startswith("折点：")
        planner.key("ArrowRight")
        planner.key("ArrowRight")
        planner.key("Shift+ArrowUp")
        before = planner.state()
        planner.key("Enter")
        after = planner.wait_revision(1)
        gone = {p for line in before.arcs.values() for p in line} - {p for line in after.arcs.values() for p in line}
        new = {p for line in after.arcs.values() for p in line} - {p for line in before.arcs.values() for p in line}
        assert len(gone) == len(new) == 1
        (x, y), (u, v) = gone.pop(), new.pop()
        assert (round((u - x) * 1000), round((v - y) * 1000)) == (200, 1000)


class TestLines:
    def test_the_new_border_replaces_the_old_one(self, planner, pair):
        look_at(planner, *pair)
        before = planner.state()
        line = before.border(*pair)
        target = moved(middle_of(line), 3.0, 2.0)
        planner.key("e")
        planner.click(line[0])
        planner.page.keyboard.down("Alt")
        planner.page.mouse.move(*planner.pixel(target), steps=3)
        planner.click(target)
        planner.page.keyboard.up("Alt")
        planner.page.mouse.move(*planner.pixel(line[-1]), steps=3)
        planner.click(line[-1])
        planner.wait_panel("更换格长的居民")
        assert planner.revision() == 0  # Shown before the edit is made.
        reason = planner.page.locator("#reason")
        if reason.count():
            reason.fill("试验")
            planner.page.locator("#commit").click()
        else:
            planner.key("Enter")
        after = planner.wait_revision(1)
        drawn = after.border(*pair)
        assert len(drawn) == 3
        assert {drawn[0], drawn[-1]} == {line[0], line[-1]}
        assert math.dist(drawn[1], target) < 0.5
        assert sum(after.rows[c]["population"] for c in pair) == sum(before.rows[c]["population"] for c in pair)

    def test_escape_gives_a_line_up(self, planner, pair):
        look_at(planner, *pair)
        line = planner.state().border(*pair)
        planner.key("e")
        planner.click(line[0])
        planner.click(moved(middle_of(line), 3.0, 2.0))
        planner.key("Escape")
        planner.key("Enter")
        planner.page.wait_for_timeout(300)
        assert planner.revision() == 0
        assert "尚无改动" in planner.panel()

    def test_a_line_splits_a_cell_and_shares_its_people(self, planner, pair):
        code = pair[0]
        look_at(planner, code)
        before = planner.state()
        west, south, east, north = before.shape(code).bounds
        x = before.shape(code).representative_point().x
        planner.click(planner.inside(code))
        planner.key("s")
        planner.page.keyboard.down("Alt")
        planner.click((x, north + 6))
        planner.click((x + 0.7, south - 6))
        planner.page.keyboard.up("Alt")
        planner.key("Enter")
        planner.wait_panel("更换格长的居民")
        reason = planner.page.locator("#reason")
        if reason.count():
            assert planner.page.locator("#commit").is_disabled()
            reason.fill("试验")
        planner.page.locator("#commit").click()
        after = planner.wait_revision(1)
        born = set(after.codes) - set(before.codes)
        assert len(born) == 1
        parts = [code, *born]
        assert sum(after.rows[c]["population"] for c in parts) == before.rows[code]["population"]
        assert shapely.union_all([after.shape(c) for c in parts]).symmetric_difference(before.shape(code)).area < 0.1
        assert west < x < east
        planner.key("Control+z")
        assert planner.wait_revision(2).lines == before.lines

    def test_the_server_draws_a_line_between_the_buildings(self, planner):
        before = planner.state()
        for code in before.codes:
            asked = planner.client.post(f"{planner.address}/proposals/split", json={"code": code, "parts": 2})
            if asked.is_success:
                break
        look_at(planner, code, metres_per_pixel=0.5)
        planner.click(planner.inside(code))
        planner.key("s")
        planner.page.locator("#by-buildings").click()
        planner.wait_panel("更换格长的居民")
        assert planner.revision() == 0
        planner.page.locator("#commit").click()
        after = planner.wait_revision(1)
        (born,) = set(after.codes) - set(before.codes)
        assert after.rows[code]["population"] + after.rows[born]["population"] == before.rows[code]["population"]
        cut = asked.json()["edits"][0]["line"]
        assert shapely.LineString(cut).hausdorff_distance(shapely.LineString(after.border(code, born))) < 0.1


class TestGroups:
    def test_two_cells_are_merged(self, planner, pair):
        look_at(planner, *pair)
        before = planner.state()
        planner.key("m")
        for code in pair:
            planner.click(planner.inside(code))
        planner.wait_panel("更换格长的居民")
        planner.key("Enter")
        after = planner.wait_revision(1)
        kept = set(pair) & set(after.codes)
        assert len(kept) == 1
        assert len(after.codes) == len(before.codes) - 1
        code = kept.pop()
        assert after.rows[code]["population"] == sum(before.rows[c]["population"] for c in pair)
        assert after.shape(code).area == pytest.approx(sum(before.shape(c).area for c in pair), abs=1e-6)

    def test_a_cell_is_given_to_the_neighbouring_grid(self, planner):
        before = planner.state()
        found = [
            (one, other)
            for one in before.codes
            if before.rows[one]["name"].startswith(COMMUNITY)
            for other in sorted(before.neighbours(one))
            if before.rows[other]["parent"] != before.rows[one]["parent"]
            and before.rows[other]["name"].startswith(COMMUNITY)
        ]
        for one, other in found[:12]:
            look_at(planner, one, other, metres_per_pixel=0.4)
            planner.click(planner.inside(one))
            planner.key("t")
            planner.click(planner.inside(other))
            planner.page.locator("#commit").wait_for(timeout=PATIENCE_MS)
            planner.page.locator("#panel .sentence, #panel .fault").first.wait_for(timeout=PATIENCE_MS)
            if "不能这样修改" not in planner.panel():
                break
        grid = before.rows[other]["parent"]
        people = before.rows[one]["population"]
        assert f"{people} 人" in planner.panel() or people == 0
        planner.key("Enter")
        after = planner.wait_revision(1)
        assert one not in after.codes
        assert after.grids[grid]["population"] == before.grids[grid]["population"] + people


class TestSelecting:
    def test_lasso_brush_and_search_select_what_they_mean(self, planner, pair):
        look_at(planner, *pair, metres_per_pixel=0.5)
        planner.page.get_by_role("tab", name="网格表").click()
        selected = planner.page.locator("[data-what=selected]")
        planner.key("b")
        planner.drag([planner.inside(pair[0]), planner.inside(pair[1])], steps=12)
        assert int("".join(filter(str.isdigit, selected.inner_text()))) >= 2
        x, y = planner.inside(pair[0])
        planner.key("l")
        planner.drag([(x - 90, y - 90), (x + 90, y - 90), (x + 90, y + 90), (x - 90, y + 90), (x - 90, y - 80)])
        chosen = set(planner.page.url.split("cells=")[1].split("&")[0].split(","))
        assert pair[0] in chosen
        assert len(chosen) > 1
        planner.page.locator("#find").fill(pair[1])
        planner.key("Enter")
        selected.filter(has_text=re.compile(r"^\s*已选 1 个\s*$")).wait_for()
        assert planner.page.url.split("cells=")[1].split("&")[0] == pair[1]

    def test_letters_are_text_in_a_field_and_tools_elsewhere(self, planner, pair):
        look_at(planner, *pair)
        tool = planner.page.locator("#map")
        planner.page.locator("#find").focus()
        planner.page.keyboard.type("d")
        assert tool.get_attribute("data-tool") == "select"
        planner.key("Escape")
        planner.key("d")
        assert tool.get_attribute("data-tool") == "drag"
        planner.page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 's', isComposing: true, bubbles: true}))"
        )
        assert tool.get_attribute("data-tool") == "drag"


class TestLocksAndRemarks:
    def test_a_locked_cell_is_not_changed(self, planner, pair):
        look_at(planner, *pair)
        planner.key("k")
        planner.click(planner.inside(pair[0]))
        assert planner.wait_revision(1).snapshot["locked"] == [pair[0]]
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 1.0, 1.0))
        assert "已锁定" in planner.wait_panel("不能这样修改")
        release(planner)
        planner.key("k")
        planner.click(planner.inside(pair[0]))
        assert planner.wait_revision(2).snapshot["locked"] == []

    def test_a_remark_stands_at_its_place_and_is_text(self, planner, pair):
        look_at(planner, *pair)
        place = planner.inside(pair[0])
        planner.key("c")
        planner.click(place)
        planner.page.locator("#remark").fill("<b>墙</b>要不要跟着走？")
        planner.page.get_by_role("button", name="发送").click()
        planner.page.locator("#panel li", has_text="<b>墙</b>要不要跟着走？").wait_for(timeout=PATIENCE_MS)
        (kept,) = planner.client.get(f"{planner.address}/comments").json()
        assert kept["text"] == "<b>墙</b>要不要跟着走？"
        assert math.dist(kept["at"], place) < 0.5


class TestKeeping:
    def test_edits_survive_a_lost_network_and_a_closed_tab(self, planner, pair, context, server, faults):
        look_at(planner, *pair)
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        context.set_offline(True)
        drag_without_snapping(planner, vertex, moved(vertex, 1.0, 1.0))
        release(planner)
        planner.page.locator("#saved[data-state=offline]").wait_for(timeout=PATIENCE_MS)
        assert "1 步尚未发送" in planner.page.locator("#saved").inner_text()
        planner.page.close()
        context.set_offline(False)
        assert planner.revision() == 0
        again = Planner(quiet_page(context, server, faults), server, planner.draft)
        again.open(vertex, 0.25)
        after = again.wait_revision(1)
        assert vertex not in after.border(*pair)

    def test_the_back_button_and_links_lead_to_what_was_shown(self, planner, pair):
        look_at(planner, *pair)
        planner.click(planner.inside(pair[0]))
        planner.page.wait_for_url(f"**cells={pair[0]}**")
        planner.page.get_by_role("tab", name="历史").click()
        planner.page.wait_for_url("**panel=history**")
        planner.page.go_back()
        planner.page.wait_for_function("document.querySelector('#tab-change').getAttribute('aria-selected') === 'true'")
        planner.page.go_back()
        planner.page.wait_for_function("!location.hash.includes('cells=')")

    def test_a_second_planner_sees_the_edit_and_who_is_here(self, planner, pair, browser, servers, faults):
        look_at(planner, *pair)
        second = window(browser, servers[1], viewport={"width": 1100, "height": 700})
        other = Planner(quiet_page(second, servers[1], faults), servers[1], planner.draft)
        other.open(planner.at, 0.25, more=f"&cells={pair[0]}")
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 1.0, 1.0))
        release(planner)
        planner.wait_revision(1)
        other.page.locator("#said", has_text="王工：").wait_for(timeout=PATIENCE_MS)
        planner.page.locator("#here .who").wait_for(timeout=PATIENCE_MS)
        second.close()


def test_the_table_is_a_full_way_in(planner, pair):
    look_at(planner, *pair, more=f"&cells={','.join(pair)}&panel=cells")
    planner.page.get_by_role("button", name="合并选中的 2 个").press("Enter")
    planner.wait_panel("更换格长的居民")
    planner.page.locator("#commit").press("Enter")
    after = planner.wait_revision(1)
    (code,) = set(pair) & set(after.codes)
    planner.page.get_by_role("tab", name="网格表").click()
    planner.page.locator(f"tr[data-code='{code}'] input").check()
    name = planner.page.get_by_label("名称", exact=True)
    name.fill("合并后的网格")
    name.press("Enter")
    assert planner.wait_revision(2).rows[code]["name"] == "合并后的网格"


def test_the_focus_stays_where_it_is_when_the_table_is_drawn_anew(planner, pair):
    look_at(planner, *pair, more=f"&cells={','.join(pair)}&panel=cells")
    planner.page.get_by_role("button", name="合并选中的 2 个").focus()
    edit = {"edit": "Rename", "code": pair[0], "name": "他人改名"}
    sent = {"id": str(uuid4()), "client": "other", "base": 0, "edits": [edit]}
    planner.client.post(f"{planner.address}/edits", json=sent).raise_for_status()
    planner.wait_panel("他人改名")
    planner.key("Enter")
    planner.wait_panel("更换格长的居民")


class TestPanels:
    def test_each_panel_shows_what_the_server_answers_after_an_edit(self, planner, pair, tmp_path):
        look_at(planner, *pair)
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 2.0, 1.5))
        release(planner)
        planner.wait_revision(1)
        self.history(planner)
        self.findings(planner)
        self.compare(planner)
        self.proposals(planner)
        self.files(planner, pair[0], tmp_path / "back.gpkg")

    @staticmethod
    def opened(planner: Planner, tab: str) -> Any:
        planner.page.get_by_role("tab", name=tab, exact=True).click()
        return planner.page.locator("#panel")

    @staticmethod
    def told(planner: Planner, path: str) -> Any:
        return planner.client.get(f"{planner.address}{path}").raise_for_status().json()

    def history(self, planner: Planner) -> None:
        panel, (step,) = self.opened(planner, "历史"), self.told(planner, "/history")
        row = panel.locator("li[data-revision='1']")
        row.wait_for(timeout=PATIENCE_MS)
        assert f"1. {step['words']['zh']}" in row.inner_text()
        assert "王工" in row.inner_text()

    def findings(self, planner: Planner) -> None:
        panel, told = self.opened(planner, "检查"), self.told(planner, "/findings")
        panel.get_by_role("button", name="检查草案").wait_for(timeout=PATIENCE_MS)
        rows = panel.locator("ol.list li")
        assert rows.count() == len(told["findings"])
        if told["findings"]:
            assert told["findings"][0]["explanation"] in rows.first.inner_text()
        else:
            assert "没有发现" in panel.inner_text()

    def compare(self, planner: Planner) -> None:
        panel, told = self.opened(planner, "比较"), self.told(planner, "/compare")
        rows = panel.locator("ol.list li")
        rows.first.wait_for(timeout=PATIENCE_MS)
        assert rows.all_inner_texts() == [line["zh"] for line in told["words"]]
        assert panel.locator("table tbody tr").count() == len(told["leaders"])

    def proposals(self, planner: Planner) -> None:
        panel = self.opened(planner, "均衡")
        panel.locator("#propose").wait_for(timeout=PATIENCE_MS)
        community = panel.locator("#community").input_value()
        assert panel.locator(".bar").count() == sum(g["parent"] == community for g in planner.state().grids.values())
        body = {"code": community, "tolerance": 0.05}
        told = planner.client.post(f"{planner.address}/proposals", json=body).json()
        panel.locator("#propose").click()
        said = panel.locator("#proposal .sentence, #proposal .notice")
        said.wait_for(timeout=PATIENCE_MS)
        assert said.inner_text() == (told["consequences"]["zh"] if "edits" in told else told["zh"])

    def files(self, planner: Planner, code: str, path: Path) -> None:
        panel = self.opened(planner, "导入导出")
        # By the client: a download of Chromium has no header of the context, hence no token.
        link = panel.get_by_role("link", name="导出 GeoPackage").get_attribute("href")
        path.write_bytes(planner.client.get(link).raise_for_status().content)
        third = gpd.read_file(path, layer="third")
        assert set(third["code"]) == set(planner.state().codes)
        third.loc[third["code"] == code, "name"] = "从文件改名"
        third.to_file(path, layer="third", driver="GPKG")
        panel.locator("#file").set_input_files(path)
        planner.wait_panel("导入预览：1 处修改")
        panel.get_by_role("button", name="确认修改").click()
        assert planner.wait_revision(2).rows[code]["name"] == "从文件改名"


def test_it_speaks_english(planner, pair):
    look_at(planner, *pair)
    planner.page.get_by_role("button", name="English").click()
    planner.page.get_by_role("tab", name="History").wait_for(timeout=PATIENCE_MS)
    planner.key("m")
    assert "Click the cells to merge" in planner.page.locator("#hint").inner_text()
    planner.page.get_by_role("button", name="中文").click()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_panel_and_no_hint_mixes_languages(planner, pair, language):
    look_at(planner, *pair)
    page = planner.page
    if language == "en":
        page.get_by_role("button", name="English").click()
    page.locator(f"html[lang={'en' if language == 'en' else 'zh-CN'}]").wait_for(timeout=PATIENCE_MS)
    # Names of cells, drafts and people are data.
    division = model_division()
    cells = {name for level in Level for name in division.layer(level)["name"]}
    short = {name[name.index("第") :] for name in division.second["name"] if "第" in name}
    names = [*sorted(cells, key=len, reverse=True), *sorted(short, key=len, reverse=True), "调整", "王工", "李工"]
    wrong = {}
    for key in "vdesmtlbrkc":
        planner.key(key)
        wrong[key] = misplaced_texts(page, names=names)
        planner.key("Escape")
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_load_state("networkidle")
        wrong[tab.inner_text()] = misplaced_texts(page, names=names)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for(timeout=PATIENCE_MS)
    wrong["keys"] = misplaced_texts(page, names=names)
    assert {view: texts for view, texts in wrong.items() if texts} == {}


class Fingers:
    """Touches of a real touch screen, sent to Chromium through its driver."""

    def __init__(self, planner: Planner) -> None:
        self.session = planner.page.context.new_cdp_session(planner.page)

    def put(self, kind: str, *pixels: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(pixels)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, *ways: tuple[tuple[float, float], tuple[float, float]], steps: int = 6) -> None:
        """Move fingers along straight lines at the same time."""
        self.put("touchStart", *(start for start, _ in ways))
        for k in range(1, steps + 1):
            f = k / steps
            self.put("touchMove", *((a + (c - a) * f, b + (d - b) * f) for (a, b), (c, d) in ways))
        self.put("touchEnd")


def seen_at(planner: Planner) -> list[float]:
    """Place and metres per pixel in the address."""
    text = planner.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('at')")
    return [float(part) for part in text.split(",")]


def settled_at(planner: Planner, expected: float, position: int) -> list[float]:
    """Place and metres per pixel in the address once one of them is near the expected value: the address follows a touch with a
    delay, in steps.
    """
    read = "new URLSearchParams(location.hash.slice(1)).get('at').split(',')[k]"
    within = 0.5 if position < 2 else 0.02 * expected
    planner.page.wait_for_function(
        f"([to, k, within]) => Math.abs({read} - to) < within", arg=[expected, position, within]
    )
    return seen_at(planner)


def test_fingers_select_drag_a_vertex_move_the_map_and_zoom(planner, pair, browser, server, faults):
    touch = window(browser, server, viewport={"width": 820, "height": 1180}, has_touch=True)
    tablet = Planner(quiet_page(touch, server, faults), server, planner.draft)
    middle = shapely.union_all([tablet.state().shape(code) for code in pair]).centroid
    tablet.open((middle.x, middle.y), 0.25, more="&panel=cells")
    fingers = Fingers(tablet)
    inside = tablet.pixel(tablet.inside(pair[0]))
    fingers.drag((inside, inside), steps=1)
    tablet.page.wait_for_url(f"**cells={pair[0]}**")
    # One finger moves the map: the place under it stays under it.
    before = seen_at(tablet)
    fingers.drag((inside, (inside[0] + 60, inside[1] - 40)))
    after = settled_at(tablet, before[0] - 60 * 0.25, 0)
    assert after[0] == pytest.approx(before[0] - 60 * 0.25, abs=0.5)
    assert after[1] == pytest.approx(before[1] - 40 * 0.25, abs=0.5)
    # Two fingers zoom by the ratio of their distances.
    x, y = tablet.pixel(tablet.at)
    fingers.drag(((x - 50, y), (x - 100, y)), ((x + 50, y), (x + 100, y)))
    assert settled_at(tablet, 0.125, 2)[2] == pytest.approx(0.125, rel=0.02)
    assert tablet.revision() == 0
    # A finger drags a vertex; nothing else moves.
    tablet.open((middle.x, middle.y), 0.25)
    tablet.page.locator("button[data-tool=drag]").tap()
    vertex = free_vertex(tablet, *pair)
    goal = moved(vertex, 3.0, 2.0)
    fingers.drag((tablet.pixel(vertex), tablet.pixel(goal)))
    state = tablet.wait_revision(1)
    assert vertex not in state.border(*pair)
    assert min(math.dist(place, goal) for place in state.border(*pair)) < 4.0  # it may snap to a corner or a road
    touch.close()


def tab_to(planner: Planner, wanted: str, *, back: bool = False, most: int = 80) -> None:
    """Press Tab until the focused element matches a selector."""
    for _ in range(most):
        planner.key("Shift+Tab" if back else "Tab")
        if planner.page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(
        f"Tab does not come to {wanted}: {planner.page.evaluate('document.activeElement.outerHTML')[:300]}"
    )


def test_the_keyboard_alone_is_enough(planner, pair):
    """Search, select in the table, merge, read the consequences, accept, rename, undo: without mouse and without calls of page
    functions.
    """
    look_at(planner, *pair)
    before = planner.state()
    planner.key("/")
    planner.page.keyboard.type(before.rows[pair[0]]["parent"])
    planner.page.locator(f"tr[data-code='{pair[0]}']").wait_for(timeout=PATIENCE_MS)
    for code in pair:
        back = code != pair[0] and list(before.rows).index(code) < list(before.rows).index(pair[0])
        tab_to(planner, f"tr[data-code='{code}'] input", back=back, most=200)
        planner.key("Space")
        planner.page.wait_for_url(f"**{code}**")
        # The table is redrawn, and the focus is kept.
        assert planner.page.evaluate("document.activeElement.closest('tr')?.dataset.code") == code
    tab_to(planner, ".actions button", back=True, most=200)
    while "合并" not in planner.page.evaluate("document.activeElement.textContent"):
        tab_to(planner, ".actions button", back=True)
    planner.key("Enter")
    planner.wait_panel("换格长的居民")
    tab_to(planner, "#commit", most=200)
    planner.key("Enter")
    after = planner.wait_revision(1)
    assert len(set(pair) & set(after.codes)) == 1
    planner.key("Control+z")
    assert planner.wait_revision(2).lines == before.lines


TILE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63285890000002"
    "f40171f7d8107d0000000049454e44ae426082"
)


class Tiles(BaseHTTPRequestHandler):
    """A server of tiles on another port, which is another host for a browser."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(TILE)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_base_map_is_off_until_it_is_turned_on(browser, tmp_path):
    other = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{other.server_port}"
    with start_server(tmp_path, base_map=host + "/{z}/{x}/{y}.png", base_map_credit="街道测绘") as clients:
        context = window(browser, clients[0], viewport={"width": 1366, "height": 768})
        planner = Planner(context.new_page(), clients[0], begin(clients[0]))
        code = planner.state().codes[100]
        look_at(planner, code)
        planner.page.locator("summary", has_text="图层").click()
        turn = planner.page.get_by_label("底图")
        turn.wait_for(timeout=PATIENCE_MS)
        planner.page.wait_for_timeout(500)
        assert (turn.is_checked(), Tiles.asked) == (False, [])
        turn.check()
        planner.page.locator(".legend", has_text="街道测绘").wait_for(timeout=PATIENCE_MS)
        planner.page.wait_for_timeout(2000)
        crs = planner.state().snapshot["crs"]
        context.close()
    other.shutdown()
    other.server_close()
    # The tile at the centre of the window is among them, at a zoom that fits 0.25 m per pixel.
    x, y = Transformer.from_crs(crs, 3857, always_xy=True).transform(*planner.at)
    side = 2 * 20037508.342789244 / 2**18
    assert f"/18/{int((x + side * 2**17) // side)}/{int((side * 2**17 - y) // side)}.png" in Tiles.asked
    assert 4 <= len(set(Tiles.asked)) <= 120


def test_dark_mode_reaches_the_map(planner, pair):
    look_at(planner, *pair)
    colours = []
    for theme in ("light", "dark"):
        planner.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        planner.page.wait_for_timeout(1500)
        picture = Image.open(BytesIO(planner.page.locator("#map").screenshot())).convert("L")
        colours.append(sum(k * n for k, n in enumerate(picture.histogram())) / (picture.width * picture.height))
    assert colours[0] > 180
    assert colours[1] < 90


def test_nothing_is_wrong_for_a_screen_reader(planner, pair):
    look_at(planner, *pair, more=f"&cells={pair[0]}&tool=drag")
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    for tab in ("影响", "网格表", "均衡", "历史", "意见", "导入导出"):
        planner.page.get_by_role("tab", name=tab).click()
        planner.page.wait_for_timeout(300)
        found = planner.page.evaluate(axe + "; axe.run()")
        assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == []


def other_edits(planner: Planner, *edits: dict[str, Any], words: str) -> None:
    """Edits of another client; returns when the page has told them."""
    base = planner.revision()
    sent = {"id": str(uuid4()), "client": "other", "base": base, "edits": list(edits)}
    planner.client.post(f"{planner.address}/edits", json=sent).raise_for_status()
    planner.page.locator("#said", has_text=words).wait_for(state="attached", timeout=PATIENCE_MS)


def picked(page: Any) -> str:
    """What the panel of cells says about the selection."""
    return str(page.locator("[data-what=selected]").inner_text())


class TestHostilePlanner:
    """Interruptions in the middle of what a planner does: by keys, by other planners, by the network, by addresses."""

    def test_a_typed_name_is_kept_when_another_planner_edits(self, planner, pair):
        look_at(planner, *pair, more=f"&cells={pair[0]}&panel=cells")
        planner.page.get_by_label("名称", exact=True).click()
        planner.key("Control+a")
        planner.page.keyboard.type("半个名")
        other_edits(planner, {"edit": "Rename", "code": pair[1], "name": "他人改名"}, words="更名")
        planner.page.keyboard.type("字")
        planner.key("Enter")
        assert planner.wait_revision(2).rows[pair[0]]["name"] == "半个名字"
        assert "他人改名" in planner.wait_panel("半个名字")

    def test_escape_takes_a_typed_name_back(self, planner, pair):
        look_at(planner, *pair, more=f"&cells={pair[0]}&panel=cells")
        field = planner.page.get_by_label("名称", exact=True)
        field.click()
        planner.key("Control+a")
        planner.page.keyboard.type("不要的名字")
        planner.key("Escape")
        assert field.input_value() == planner.state().rows[pair[0]]["name"]
        planner.key("k")
        planner.click(planner.inside(pair[1]))
        state = planner.wait_revision(1)
        assert (state.revision, state.rows[pair[0]]["name"]) == (1, field.input_value())

    def test_a_click_is_not_lost_when_another_planner_edits_between_press_and_release(self, planner, pair):
        look_at(planner, *pair, more=f"&cells={pair[0]}&panel=cells")
        box = planner.page.locator(".actions").get_by_role("button", name="锁定").bounding_box()
        planner.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        planner.page.mouse.down()
        other_edits(planner, {"edit": "Rename", "code": pair[1], "name": "他人改名"}, words="更名")
        planner.page.mouse.up()
        assert pair[0] in planner.wait_revision(2).snapshot["locked"]
        planner.wait_panel("他人改名")

    def test_a_vertex_that_another_planner_removes_is_no_longer_held(self, planner, pair):
        look_at(planner, *pair)
        vertex = free_vertex(planner, *pair)
        planner.key("d")
        drag_without_snapping(planner, vertex, moved(vertex, 1.0, 1.0))
        other_edits(planner, {"edit": "RemoveVertex", "at": vertex}, words="删")
        planner.page.mouse.move(*planner.pixel(moved(vertex, 2.0, 1.5)), steps=3)
        release(planner)
        again = free_vertex(planner, *pair)
        drag_without_snapping(planner, again, moved(again, 2.0, 1.5))
        release(planner)
        assert planner.wait_revision(2).revision == 2

    def test_escape_another_tool_and_undo_end_a_press(self, planner, pair):
        look_at(planner, *pair, more="&panel=cells")
        page, (one, other) = planner.page, map(planner.inside, pair)
        # Another tool between press and release: the release locks nothing.
        page.mouse.move(*planner.pixel(one))
        page.mouse.down()
        planner.key("k")
        page.mouse.up()
        # The brush paints nothing after Escape.
        planner.key("b")
        page.mouse.move(*planner.pixel(one))
        page.mouse.down()
        planner.key("Escape")
        page.mouse.move(*planner.pixel(other), steps=3)
        page.mouse.up()
        assert picked(page) == "已选 1 个"
        # Undo while a vertex is dragged: the drag is given up, the last edit is undone.
        planner.key("k")
        planner.click(other)
        planner.wait_revision(1)
        planner.key("d")
        vertex = free_vertex(planner, *pair)
        drag_without_snapping(planner, vertex, moved(vertex, 1.0, 1.0))
        planner.page.keyboard.up("Alt")
        planner.key("Control+z")
        page.mouse.move(*planner.pixel(moved(vertex, 3.0, 3.0)), steps=2)
        page.mouse.up()
        state = planner.wait_revision(2)
        assert (state.revision, state.snapshot["locked"]) == (2, [])

    def test_the_preview_of_a_plan_that_was_left_is_not_shown(self, planner, pair):
        look_at(planner, *pair, more=f"&cells={','.join(pair)}")
        planner.key("m")
        planner.wait_panel("更换格长的居民")
        planner.key("v")
        planner.wait_panel("尚无改动")
        planner.key("Enter")
        assert planner.revision() == 0

    def test_what_is_asked_without_a_network_is_told_and_can_be_asked_again(self, planner, pair, context):
        look_at(planner, *pair)
        context.set_offline(True)
        planner.key("c")
        planner.click(planner.inside(pair[0]))
        planner.page.locator("#remark").fill("没有网络时写的")
        planner.page.get_by_role("button", name="发送").click()
        planner.page.locator("#hint .fault", has_text="没有完成").wait_for(timeout=PATIENCE_MS)
        context.set_offline(False)
        planner.page.get_by_role("button", name="发送").click()
        planner.page.locator("#panel li", has_text="没有网络时写的").wait_for(timeout=PATIENCE_MS)
        assert [one["text"] for one in planner.client.get(f"{planner.address}/comments").json()] == ["没有网络时写的"]

    def test_an_address_with_foreign_words_opens_the_page(self, planner, pair):
        look_at(planner, *pair, more="&tool=constructor&panel=constructor&cells=__proto__,constructor,,%00")
        planner.key("k")
        planner.click(planner.inside(pair[0]))
        assert planner.wait_revision(1).snapshot["locked"] == [pair[0]]

    def test_two_tabs_with_one_session_keep_the_edits_of_both(self, planner, pair, context, server, faults):
        look_at(planner, *pair)
        session = planner.page.evaluate("JSON.stringify({...sessionStorage})")
        copy = quiet_page(context, server, faults)
        copy.add_init_script(
            f"if (location.host) for (const [k, v] of Object.entries({session})) sessionStorage[k] ??= v;"
        )
        second = Planner(copy, server, planner.draft)
        look_at(second, *pair)
        context.set_offline(True)
        for one, code in ((planner, pair[0]), (second, pair[1])):
            one.key("k")
            one.click(one.inside(code))
            one.page.locator("#saved[data-state=offline]").wait_for(timeout=PATIENCE_MS)
        for one in (planner, second):
            one.page.close()
        context.set_offline(False)
        third = Planner(quiet_page(context, server, faults), server, planner.draft)
        look_at(third, *pair)
        assert third.wait_revision(2).snapshot["locked"] == sorted(pair)
