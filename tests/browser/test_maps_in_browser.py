"""The maps in Debian's Chromium without network: drawn, clickable, bilingual, and without errors."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from PIL import Image, ImageFilter

from geo.coverage import check
from geo.incidents import density
from geo.layers import Level
from geo.patrols import route_match
from maps import check_map, coverage_map, fairness_map, heat_map, print_sheet, render_first_page, route_map, save
from maps.assets import STATIC
from maps.pages.served_map import with_navigation
from tests.browser.mixed_languages import misplaced_texts

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def files(small_street, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both maps of the small division, with a background and a hostile reason."""
    folder = tmp_path_factory.mktemp("maps")
    division = small_street.division()
    west, south, east, north = division.street.total_bounds
    roads = gpd.GeoDataFrame(
        {"name": ["和燕路"], "highway": ["primary"]},
        geometry=[shapely.LineString([(west, south + 700), (east, south + 700)])],
        crs=division.crs,
    )
    water = gpd.GeoDataFrame(geometry=[shapely.box(west + 100, south + 100, west + 300, south + 300)], crs=division.crs)
    verdicts = small_street.verdicts(division).assign(reason_zh=HOSTILE)
    start = pd.Timestamp("2026-03-02 01:00", tz="UTC")
    visits = pd.DataFrame(
        {
            "code": verdicts["code"],
            "start": start,
            "end": start + pd.Timedelta(minutes=9),
            "stay_s": 540.0,
            "counted": True,
            "reason": "",
        }
    )
    backdrop = {"roads": roads, "water": water, "note": ("模型数据", "Model data")}
    save(coverage_map(division, verdicts, day="2026-03-02", visits=visits, **backdrop), folder / "coverage.html")
    before = pd.Timestamp("2026-03-01").date()
    week = pd.concat(
        [
            verdicts,
            verdicts.assign(day=before, verdict="short"),
            verdicts.assign(day=before - pd.Timedelta(days=1), verdict="met"),
        ]
    )
    save(coverage_map(division, week, day="2026-03-02", **backdrop), folder / "days.html")

    codes = division.third["code"].to_numpy(dtype=object)[np.arange(60) % 9]
    incidents = gpd.GeoDataFrame(
        {
            "cell": codes,
            "kind_name": ["暴露垃圾", "占道经营", "占道经营"] * 20,
            "service": ["appearance", "business", "business"] * 20,
            "reported_at": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(np.arange(60) * 12, unit="h"),
        },
        geometry=division.third.geometry.iloc[np.arange(60) % 9].centroid.reset_index(drop=True),
    )
    rows = [
        {"code": code, "incidents": sum(third.startswith(code) for third in codes), "per_km2": 1.0}
        for level in Level
        for code in division.layer(level)["code"]
    ]
    x, y = np.arange(west, east, 20.0), np.arange(south, north, 20.0)
    density = SimpleNamespace(x=x, y=y, values=np.add.outer(y - south, x - west), bandwidth_m=150.0)
    hot = pd.DataFrame({"code": division.second["code"].iloc[:1], "hot": [True], "p": [0.001]})
    some = pd.DataFrame({"code": division.second["code"].iloc[1:4], "hot": [True] * 3, "core": [True, False, False]})
    some.attrs = {"notes": {2: ("本周说明", "note of the week")}}
    periods = [(date(2026, 3, 23), date(2026, 3, 29), some)]
    heat = heat_map(division, incidents, density, pd.DataFrame(rows), hotspots=hot, hot_periods=periods, **backdrop)
    save(heat, folder / "heat.html")
    shapes = division.third.geometry.copy()
    shapes.iloc[[10, 40]] = shapes.iloc[[10, 40]].buffer(-3, join_style="mitre")
    faulty = division.third.set_geometry(shapes).assign(code=[HOSTILE, *division.third["code"].iloc[1:]])
    report = check(faulty, outline=division.street, expected=97)
    save(check_map(report, faulty, outline=division.street, source="a.gpkg"), folder / "check.html")
    shares = np.linspace(-0.3, 0.3, len(division.second))
    compared = {Level.SECOND: {"workload": pd.DataFrame({"code": division.second["code"], "off": shares})}}
    bounds = pd.DataFrame({"code": division.community["code"], "bound": 0.04, "reason": "heavy", "cell": ""})
    fair = fairness_map(
        division,
        compared,
        tolerances={Level(k): 0.05 for k in (1, 2, 3)},
        bounds=bounds,
        old=(division, compared),
        **backdrop,
    )
    save(fair, folder / "fairness.html")
    drawn = route_map(division, walked_route(division), day=date(2026, 3, 2), **backdrop)
    save(drawn, folder / "route.html")
    return {name: folder / f"{name}.html" for name in ("coverage", "days", "heat", "check", "fairness", "route")}


def walked_route(division):  # type: ignore[no-untyped-def]
    """A planned way through the street with a named checkpoint, of which the second half was missed."""
    west, south, east, north = division.street.total_bounds
    line = shapely.LineString([(west + 100, south + 650), (east - 100, south + 650), (east - 100, north - 100)])
    way = shapely.line_interpolate_point(line, np.arange(0, line.length / 2, 12.0))
    time = pd.Timestamp("2026-03-02T01:00:00Z") + pd.to_timedelta(np.arange(len(way)) * 10.0, unit="s")
    track = gpd.GeoDataFrame({"device": "A", "time": time}, geometry=way, crs=division.crs).to_crs(4326)
    gate = gpd.GeoSeries([way[40]], index=["小区东门"], crs=division.crs)
    return route_match(track, gpd.GeoSeries([line], crs=division.crs), checkpoints=gate)


@pytest.fixture
def page(browser) -> Iterator:  # type: ignore[no-untyped-def,type-arg]
    """A page without network; on closing, its errors and requests fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True, reduced_motion="reduce")
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else faults.append(request.url)
    )
    opened.on("requestfailed", lambda request: faults.append(f"failed: {request.url[:80]}"))
    yield opened
    context.close()
    assert faults == []


def show(page, file: Path, address: str = "") -> None:  # type: ignore[no-untyped-def]
    page.goto(f"{file.as_uri()}#{address}")
    page.wait_for_selector("html[data-ready=yes]")


def cells(page) -> int:  # type: ignore[no-untyped-def]
    return page.evaluate("wangge.page.shapes.length")


def fills(page) -> list[str]:  # type: ignore[no-untyped-def]
    """Fills of the cells in view: colours, or names of patterns."""
    return page.evaluate("wangge.page.shapes.map(([cell]) => wangge.page.theme.style(cell, false).fillColor)")


def click_cell(page, code: str) -> None:  # type: ignore[no-untyped-def]
    """Click on the map inside a cell."""
    at = page.evaluate("code => wangge.page.map.latLngToContainerPoint(wangge.page.byCode.get(code).centre)", code)
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])


def painted(page, code: str) -> list[int]:  # type: ignore[no-untyped-def]
    """Red, green, blue and opacity of the canvas of the cells, slightly off the middle of a cell."""
    return page.evaluate(
        """code => {
            const { map, byCode, painters } = wangge.page, canvas = painters.of("cells")._container;
            const at = map.latLngToContainerPoint(byCode.get(code).centre), from = canvas.getBoundingClientRect();
            const box = map.getContainer().getBoundingClientRect(), fine = canvas.width / from.width;
            const [x, y] = [(at.x + 9 + box.left - from.left) * fine, (at.y + 5 + box.top - from.top) * fine];
            const one = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
            const pen = one.getContext("2d", { willReadFrequently: true });
            pen.drawImage(canvas, -x, -y);
            return [...pen.getImageData(0, 0, 1, 1).data];
        }""",
        code,
    )


def soon(holds, seconds: float = 15.0) -> bool:  # type: ignore[no-untyped-def]
    """Whether a condition becomes true within the time: a canvas is painted in one of the next frames."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def heading(page) -> str:  # type: ignore[no-untyped-def]
    return page.locator("#panel .heading h2").inner_text()


def test_clicking_goes_down_and_the_trail_leads_up(page, files) -> None:
    show(page, files["coverage"], "level=1")
    assert cells(page) == 4
    click_cell(page, "320113003001")
    assert (heading(page), cells(page)) == ("长营社区", 6)
    click_cell(page, "320113003001002")
    assert (heading(page), cells(page)) == ("长营社区第2网格", 4)
    click_cell(page, "320113003001002003")
    assert heading(page) == "长营社区第2网格-03"
    page.get_by_role("button", name="长营社区").first.click()
    assert (heading(page), cells(page)) == ("长营社区", 6)
    page.locator(".trail .up").click()
    assert (heading(page), cells(page)) == ("示例街道", 4)


def test_levels_can_be_shown_for_the_whole_street(page, files) -> None:
    show(page, files["coverage"])
    assert page.locator(".switcher button").nth(1).get_attribute("aria-pressed") == "true"
    assert cells(page) == 24
    found = fills(page)
    assert {fill: found.count(fill) for fill in found} == {"#a9cfe5": 6, "short": 6, "not_visited": 6, "unknown": 6}
    assert np.abs(np.subtract(painted(page, "320113003001001")[:3], (0xA9, 0xCF, 0xE5))).max() <= 3  # met
    red, green, blue, opacity = painted(page, "320113003001003")  # not visited
    assert red > green + 50
    assert red > blue + 50
    assert opacity > 200
    page.locator(".switcher button").nth(2).click()
    assert cells(page) == 96
    codes = page.evaluate("wangge.page.levels[3].map((cell) => cell.code)")
    assert min(painted(page, code)[3] for code in codes[::7]) > 200


def test_legend_counts_the_states(page, files) -> None:
    show(page, files["coverage"])
    rows = page.locator(".counts tbody tr").all_inner_texts()
    assert [row.split("\t")[-2:] for row in rows] == [["6", "25%"]] * 4
    assert page.locator(".counts .swatch").count() == 4


def test_why_tells_the_evidence_as_text(page, files) -> None:
    show(page, files["coverage"], "at=320113003001002")
    why = page.locator(".why").inner_text()
    assert "次数不足" in why
    assert "street-1" in why
    assert HOSTILE in why  # Shown as text, not executed.
    assert page.locator(".why img").count() == 0
    assert "09:00–09:09" in page.locator(".evidence").inner_text()
    assert page.title() == "示例街道网格巡查覆盖图 · 2026年3月2日 · 每日应巡查 2 次"


def test_language_switches_and_stays_in_the_address(page, files) -> None:
    show(page, files["coverage"])
    assert "未巡查" in page.locator("#panel").inner_text()
    page.get_by_role("button", name="English").click()
    panel = page.locator("#panel").inner_text()
    assert "Not visited" in panel
    assert "未巡查" not in panel
    assert page.locator("html").get_attribute("lang") == "en"
    assert "Model data" in panel
    assert page.url.endswith("#lang=en")
    page.reload()
    assert page.locator("#top h1").inner_text().startswith("Patrol coverage")


def test_an_english_page_has_no_chinese_word(page, files) -> None:
    """Names of places are romanised, grids have their names; the language button is the only Chinese text."""
    for address in ("lang=en", "lang=en&level=3", "lang=en&at=320113003001"):
        show(page, files["coverage"], address)
        page.wait_for_timeout(300)
        text = page.locator("body").inner_text().replace("中文", "")
        assert re.findall("[\u4e00-\u9fff]+", text) == []
    assert "Changying Community" in text
    page.get_by_role("button", name="中文").click()
    assert "长营社区" in page.locator("body").inner_text()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["coverage", "days", "heat", "check", "fairness", "route"])
def test_no_map_mixes_languages(page, files, name, language) -> None:
    show(page, files[name], f"lang={language}")
    page.wait_for_timeout(300)
    # The reason of the verdicts and the name of the checkpoint are those of the test.
    assert misplaced_texts(page, names=(HOSTILE, "小区东门")) == []


def test_list_of_grids_that_need_attention_leads_to_them(page, files) -> None:
    show(page, files["coverage"])
    entries = page.locator(".attention li button")
    assert entries.count() == 18
    entries.first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".why .verdict").inner_text() == "未巡查"


def test_phone_has_the_map_above_the_panel_and_no_sideways_scroll(page, files) -> None:
    page.set_viewport_size({"width": 375, "height": 720})
    show(page, files["coverage"])
    drawing, panel = page.locator(".folium-map").bounding_box(), page.locator("#panel").bounding_box()
    assert drawing["width"] == panel["width"] == 375
    assert panel["y"] >= drawing["y"] + drawing["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert cells(page) == 24
    assert painted(page, "320113003001001")[3] > 0


def test_prints_on_one_sheet(page, files) -> None:
    show(page, files["coverage"])
    sheet = page.pdf(prefer_css_page_size=True, print_background=True)
    assert sheet.count(b"/Type /Page\n") == 1
    assert not page.evaluate("document.documentElement.classList.contains('printing')")


def test_heat_map_draws_density_then_counts(page, files) -> None:
    show(page, files["heat"], "span=all")
    picture = page.locator("img.density")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 50")
    assert "件 / 平方公里" in page.locator(".legend").inner_text()
    kinds = page.locator(".kinds tr").all_inner_texts()
    assert [row.replace("\n", "").split("\t")[0::2] for row in kinds] == [["占道经营", "40"], ["暴露垃圾", "20"]]
    page.locator("#mode").select_option("incidents")
    assert picture.count() == 0
    page.locator(".switcher button").nth(1).click()
    assert cells(page) == 24
    # Sixty incidents lie in nine third-level grids, which belong to three second-level ones.
    assert fills(page).count("#f6f4ef") == 24 - 3
    assert page.url.endswith("#level=2&by=incidents&span=all")


def test_hot_spots_can_be_hidden(page, files) -> None:
    show(page, files["heat"], "span=all")
    outlines = page.locator('path[stroke="#0a4f8f"]')
    assert outlines.count() == 1
    page.locator("#hot").select_option("none")
    assert outlines.count() == 0
    # The choice can be sent, and is undone by the browser's Back button.
    assert page.url.endswith("#marks=none&span=all")
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert (outlines.count(), page.locator("#hot").input_value()) == (0, "none")
    page.go_back()
    assert soon(lambda: (outlines.count(), page.locator("#hot").input_value()) == (1, "core"))


def test_the_map_is_cut_by_a_service(page, files) -> None:
    show(page, files["heat"], "level=2&by=incidents&span=all")
    page.locator("#kind").select_option(label="商业网点服务")
    assert page.locator(".big b").inner_text() == "40"
    assert page.locator(".kinds").inner_text().count("件") == 0
    assert "占道经营" in page.locator(".kinds").inner_text()
    assert "暴露垃圾" not in page.locator(".kinds").inner_text()
    assert page.url.endswith("by=incidents&service=business&span=all")
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert page.locator(".big b").inner_text() == "40"


def test_hot_spots_are_those_of_the_period_shown(page, files) -> None:
    show(page, files["heat"])
    core, around = (
        page.locator('path[stroke="#0a4f8f"][stroke-width="3.6"]'),
        page.locator('path[stroke-dasharray="5 4"]'),
    )
    assert (core.count(), around.count()) == (1, 0)  # the latest whole week, without a choice
    page.locator("#hot").select_option("all")
    assert (core.count(), around.count()) == (1, 2)
    assert "本周说明" in page.locator(".legend").inner_text()
    first = page.locator(".attention li").first.inner_text()
    assert "热点核心" in first
    assert "热点外围" not in first
    page.locator("#when").focus()
    page.keyboard.press("ArrowLeft")
    assert (core.count(), around.count()) == (0, 0)
    assert "未作判断" in page.locator(".legend").inner_text()
    page.locator("#time [data-span=day]").click()
    assert "单日案件过少" in page.locator(".legend").inner_text()
    page.locator("#time [data-span=all]").click()
    assert (core.count(), around.count()) == (1, 0)


def test_a_kind_and_a_week_are_counted_anew(page, files) -> None:
    show(page, files["heat"], "level=2&by=incidents&span=all")
    big = page.locator(".big b")
    assert big.inner_text() == "60"
    page.locator("#kind").select_option(label="暴露垃圾")
    assert big.inner_text() == "20"
    assert "占全部 33%" in page.locator(".big").inner_text()
    page.locator("#time [data-span=week]").click()
    assert page.locator("#hot").is_disabled()  # hot spots are not found for one kind
    # The latest whole week comes first; 1 March 2026 is a Sunday: the first week has that day alone, with one incident.
    assert page.locator("#time output b").inner_text() == "2026年3月23日至3月29日"
    page.locator("#when").focus()
    page.keyboard.press("Home")
    assert page.locator("#time output").inner_text().split("\n") == ["2026年3月1日 周日（时段数据不完整）", "1 件"]
    assert (
        page.evaluate(
            "wangge.page.shapes.reduce((n, [cell]) => n + Number(wangge.page.theme.tip(cell)[0].split(' ')[1]), 0)"
        )
        == 1
    )
    page.locator("#when").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#time output b").inner_text() == "2026年3月2日至3月8日"
    assert page.url.endswith("#level=2&by=incidents&kind=1&span=week&window=1")
    page.reload()
    assert page.locator("#time output b").inner_text() == "2026年3月2日至3月8日"
    page.locator("#time [data-span=all]").click()
    page.locator(".kinds tr.chosen button").click()
    assert big.inner_text() == "60"
    # Each choice in the bar of time is undone by the browser's Back button, and a drag as one.
    for address in ("&kind=1&span=all", "&kind=1&span=week&window=1"):
        page.go_back()
        page.wait_for_url(f"**{address}")
    page.wait_for_selector("#time output b:text('2026年3月2日至3月8日')")
    before = page.evaluate("history.length")
    slider = page.locator("#when").bounding_box()
    page.mouse.move(slider["x"] + 3, slider["y"] + slider["height"] / 2)
    page.mouse.down()
    page.mouse.move(slider["x"] + slider["width"] - 3, slider["y"] + slider["height"] / 2, steps=8)
    page.mouse.up()
    assert page.locator("#when").input_value() == page.locator("#when").get_attribute("max")
    assert page.evaluate("history.length") <= before
    page.go_back()
    page.wait_for_selector("#time output b:text('2026年3月2日至3月8日')")


def test_incidents_open_on_the_latest_whole_week_and_half_weeks_look_so(page, files) -> None:
    show(page, files["heat"])
    assert page.locator("#time output b").inner_text() == "2026年3月23日至3月29日"
    bars = page.locator("#time .series rect:not([fill=transparent])")
    assert [bars.nth(i).get_attribute("class") for i in range(bars.count())] == ["partial", "", "", "", "", "partial"]
    assert page.locator("#time .dates span").all_inner_texts() == ["3/1", "3/2", "3/9", "3/16", "3/23", "3/30"]
    assert page.url.split("#")[1] == ""  # The default view has the plain address.
    page.locator("#time [data-span=all]").click()
    assert page.url.endswith("#span=all")


def test_a_window_stands_against_the_one_before_it(page, files) -> None:
    show(page, files["heat"])
    rows = page.locator(".before tbody tr")
    text = [[cell.strip() for cell in row.split("\t")] for row in rows.all_inner_texts()]
    # Two a day; a third of them of one kind, whatever the week.
    assert text[0] == ["合计", "14", "14", "0%"]
    assert {row[0] for row in text[1:]} == {"暴露垃圾", "占道经营"}
    for k in (1, 2):
        assert sum(int(row[k]) for row in text[1:]) == 14
    assert page.locator(".before > p").count() == 0
    # The first week consists of a Sunday only: the change is that of incidents per day.
    show(page, files["heat"], "span=week&window=1")
    assert rows.first.inner_text().split("\t") == ["合计", "14", "2", "0%"]
    assert "按日均比较" in page.locator(".before > p").inner_text()
    show(page, files["heat"], "span=week&window=0")
    assert page.locator(".before").count() == 0
    show(page, files["heat"], "span=day&window=3&lang=en")
    assert page.locator(".before h2").inner_text().startswith("Against the day before")
    page.locator("#kind").select_option("0")
    assert rows.count() == 1


def test_a_day_of_the_calendar_is_the_day_of_the_map(page, files) -> None:
    show(page, files["heat"])
    days = page.locator(".calendar .day")
    assert days.count() == 30
    days.nth(3).click()
    assert page.locator("#time output").inner_text().split("\n") == ["2026年3月4日 周三", "2 件"]
    assert page.locator("#time [data-span=day]").get_attribute("aria-pressed") == "true"
    days.nth(3).click()
    assert page.locator("#time output b").inner_text() == "全部时间"


def test_time_plays_to_its_end(page, files) -> None:
    show(page, files["heat"], "span=week&window=3")
    page.locator("#time .play").click()
    expect = playwright.expect
    expect(page.locator("#time output b")).to_contain_text("3月30日", timeout=20_000)
    expect(page.locator("#time .play")).to_have_text("▶", timeout=5_000)


def test_density_of_a_part_is_that_of_the_program(page, files, tmp_path, small_street) -> None:
    """The page computes the density of the incidents of a kind itself; the expected values come from
    geo.incidents.surface.kernel_density.
    """
    division = small_street.division()
    rng = np.random.default_rng(8)
    west, south, east, north = division.street.total_bounds
    n = 400
    spot = np.where(rng.random(n) < 0.5, 1, 0)[:, None]
    xy = spot * rng.normal((west + 400, south + 60), 70, (n, 2)) + (1 - spot) * rng.uniform(
        (west, south), (east, north), (n, 2)
    )
    inside = (xy > (west, south)).all(axis=1) & (xy < (east, north)).all(axis=1)
    points = gpd.GeoSeries(gpd.points_from_xy(*xy[inside].T), crs=division.crs)
    third = gpd.sjoin(gpd.GeoDataFrame(geometry=points), division.third, predicate="within")["code"]
    incidents = gpd.GeoDataFrame({"cell": third.reindex(points.index), "kind_name": "乙"}, geometry=points)
    incidents.loc[incidents.index % 3 == 0, "kind_name"] = "甲"
    wanted = density(incidents[incidents["kind_name"] == "乙"], outline=division.street, bandwidth_m=120.0, cell_m=20.0)
    counts = pd.DataFrame({"code": [c for level in Level for c in division.layer(level)["code"]], "incidents": 1})
    save(heat_map(division, incidents, wanted, counts), tmp_path / "part.html")
    show(page, tmp_path / "part.html", "kind=0")
    assert page.locator("canvas.part").count() == 1
    got = page.evaluate(
        """() => {
            const { data } = wangge.page, { lattice } = data.incident_counts, page = wangge.page;
            const counted = new wangge.IncidentCounts(data.incident_counts, page.levels);
            const surface = new wangge.Surface(lattice, data.bandwidth_m, data.ramp, data.fade, page.street.latlngs);
            surface.allow(counted.placeSquare);
            const sums = counted.tally(0, null, new Uint8Array(counted.sizes[3]), surface.size);
            const { bounds, columns, rows } = lattice;
            return { values: [...surface.density(sums.bySquare)], bounds, columns, rows, km2: surface.km2 };
        }"""
    )
    values = np.reshape(got["values"], (got["rows"], got["columns"]))
    assert values.sum() * got["km2"] == pytest.approx(wanted.used, rel=1e-9)  # Integrates to the number of incidents.
    (low_lat, low_lon), (high_lat, high_lon) = got["bounds"]
    lon = low_lon + (np.arange(got["columns"]) + 0.5) / got["columns"] * (high_lon - low_lon)
    lat = high_lat - (np.arange(got["rows"]) + 0.5) / got["rows"] * (high_lat - low_lat)
    centres = gpd.GeoSeries(gpd.points_from_xy(*(grid.ravel() for grid in np.meshgrid(lon, lat))), crs=4326).to_crs(
        division.crs
    )
    i = np.clip(np.searchsorted(wanted.x, centres.x + 10) - 1, 0, len(wanted.x) - 1)
    j = np.clip(np.searchsorted(wanted.y, centres.y + 10) - 1, 0, len(wanted.y) - 1)
    deep = division.street.geometry.iloc[0].buffer(-30).contains(centres)
    assert deep.sum() > 1000
    off = np.abs(values.ravel() - wanted.values[j, i])[deep.to_numpy()]
    assert off.max() < 0.08 * wanted.values.max()  # the nearest raster cell is up to 14 m away, on a slope of 120 m
    assert np.median(off) < 0.01 * wanted.values.max()


def test_check_map_leads_to_each_finding(page, files) -> None:
    show(page, files["check"])
    entries = page.locator(".findings li button")
    n = entries.count()
    assert n == page.evaluate("wangge.page.data.total") > 3
    assert page.locator(".sign").count() == n - 1  # The wrong count has no place.
    before = page.evaluate("wangge.page.map.getZoom()")
    entries.first.click()
    assert page.evaluate("wangge.page.map.getZoom()") > before + 2
    west, south, east, north = page.evaluate("wangge.page.data.findings.bounds[0]")
    seen = page.evaluate("wangge.page.map.getBounds().toBBoxString()").split(",")
    assert float(seen[0]) < west < east < float(seen[2])
    assert float(seen[1]) < south < north < float(seen[3])
    assert page.url.endswith("#finding=1")
    page.locator("#next").click()
    assert page.url.endswith("#finding=2")
    page.go_back()
    page.wait_for_url("**/check.html#finding=1")
    page.go_forward()
    page.wait_for_url("**/check.html#finding=2")
    assert page.locator(".findings .chosen").count() == 1
    page.locator("#whole").click()
    assert page.evaluate("wangge.page.map.getZoom()") == before


def test_findings_are_a_table_with_names(page, files) -> None:
    show(page, files["check"])
    with page.expect_download() as workbook:
        page.get_by_role("button", name="Excel").click()
    sheet = openpyxl.load_workbook(io.BytesIO(Path(workbook.value.path()).read_bytes())).active
    assert sheet is not None
    head, *rows = sheet.iter_rows(values_only=True)
    assert head[:5] == ("问题", "等级", "图层", "涉及网格", "网格名称")
    assert len(rows) == page.evaluate("wangge.payload().findings.kind.length")
    names = page.evaluate("wangge.payload().names")
    told = [(str(row[3]).split(), row[4]) for row in rows if row[3]]
    assert any(names.get(code) for codes, _ in told for code in codes)
    assert all((text or "") == " ".join(filter(None, (names.get(code) for code in codes))) for codes, text in told)
    code = next(code for codes, _ in told for code in codes if code in names)
    assert code not in page.locator("#panel").inner_text()
    assert names[code] in page.locator("#panel").inner_text()


def test_check_map_hides_kinds_and_speaks_english(page, files) -> None:
    show(page, files["check"])
    n = page.locator(".findings li").count()
    page.locator("#kind-gap").uncheck()
    left = page.locator(".findings li").count()
    assert left < n
    assert "空洞" not in page.locator(".findings ul").inner_text()
    # The choice can be sent, and is undone by the browser's Back button.
    assert page.url.endswith("#hide=gap")
    page.go_back()
    page.wait_for_selector("#kind-gap:checked")
    assert soon(lambda: page.locator(".findings li").count() == n)
    page.go_forward()
    page.wait_for_selector("#kind-gap:not(:checked)")
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert not page.locator("#kind-gap").is_checked()
    assert page.locator(".findings li").count() == left
    page.get_by_role("button", name="English").click()
    panel = page.locator("#panel").inner_text()
    assert "Wrong count" in panel
    assert "数量不符" not in panel
    assert HOSTILE not in page.content().split('id="payload"')[0]
    assert page.locator("#panel img").count() == 0


@pytest.mark.parametrize("ending", [".pdf", ".png"])
def test_sheets_are_written_by_chromium_alone(tmp_path, small_street, ending) -> None:
    division = small_street.division()
    drawn = coverage_map(division, small_street.verdicts(division), day="2026-03-02")
    target = tmp_path / f"sheet{ending}"
    print_sheet(drawn, target, view="level=2")
    data = target.read_bytes()
    if ending == ".pdf":
        assert data.count(b"/Type /Page\n") == 1
        assert b"/MediaBox [0 0 1191" in data  # A3, landscape: 1,191 by 842 points
    else:
        assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (3020, 2080)
    print_sheet(drawn, target, view="level=2&paper=A4")
    data = target.read_bytes()
    if ending == ".pdf":
        assert data.count(b"/Type /Page\n") == 1
        assert b"/MediaBox [0 0 841.9" in data  # A4, landscape: 842 by 595 points
    else:
        assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (2120, 1460)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("name", ["coverage", "heat", "check"])
def test_a_sheet_holds_its_panel_and_its_whole_legend(page, files, name) -> None:
    page.set_viewport_size({"width": 1510, "height": 1040})
    show(page, files[name], "level=2&sheet=1")
    panel = page.locator("#panel")
    assert panel.evaluate("node => node.scrollHeight <= node.clientHeight + 1")
    assert page.locator("#top nav button").first.is_hidden()
    bottom = page.locator(".legend, .counts").last.bounding_box()
    assert bottom["y"] + bottom["height"] <= 1040


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844), (1920, 1080)])
@pytest.mark.parametrize(
    ("name", "address"), [("coverage", ""), ("coverage", "level=1"), ("coverage", "level=3"), ("heat", "")]
)
def test_the_legend_is_in_the_first_view(page, files, name, address, width, height) -> None:
    page.set_viewport_size({"width": width, "height": height})
    show(page, files[name], address)
    box = page.locator("#panel .legend, #panel .counts").first.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= height


def test_nobody_without_a_failing_grid_is_coloured_as_failing(page, small_street, tmp_path) -> None:
    """Of four communities one has failing and unknown grids, one only unknown ones, and two none."""
    division = small_street.division()
    parent = division.second["parent"].to_numpy()
    verdict = np.full(len(parent), "met", dtype=object)
    first, second = division.community["code"].iloc[:2]
    verdict[np.flatnonzero(parent == first)[:4]] = ["not_visited", "not_visited", "short", "unknown"]
    verdict[parent == second] = "unknown"
    verdicts = small_street.verdicts(division).assign(verdict=verdict)
    save(coverage_map(division, verdicts, day="2026-03-02"), tmp_path / "c.html")
    show(page, tmp_path / "c.html", "level=1")
    none, some = page.evaluate("[wangge.page.data.colours.failing[0], wangge.page.data.colours.failing[2]]")
    assert fills(page) == [some, none, none, none]
    labels = page.locator(".label").all_inner_texts()
    told = {text.split("\n")[0]: text.split("\n")[1:] for text in labels}
    assert told == {
        "长营社区": ["2 未巡查 · 1 次数不足", "1 无法确认"],
        "晓庄社区": ["6 无法确认"],
        "万寿村社区": ["全部达标"],
        "创业园": ["全部达标"],
    }


@pytest.mark.parametrize(
    "parts", [[197, 2, 3, 53], [254, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 7], [996, 1, 1, 2], [85, 85, 85, 0]]
)
def test_percentages_add_up_and_no_part_vanishes(page, files, parts) -> None:
    show(page, files["coverage"])
    percents = page.evaluate("parts => wangge.wholePercents(parts)", parts)
    assert sum(percents) == 100
    assert all((percent > 0) == (part > 0) for percent, part in zip(percents, parts, strict=True))
    assert all(abs(percent - 100 * part / sum(parts)) < 3 for percent, part in zip(percents, parts, strict=True))
    assert page.evaluate("wangge.wholePercents([0, 0])") == [None, None]


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
@pytest.mark.parametrize("address", ["", "level=1", "level=3"])
def test_names_neither_collide_nor_are_cut_and_are_there(page, files, address, width, height) -> None:
    page.set_viewport_size({"width": width, "height": height})
    show(page, files["coverage"], address)
    frame = page.locator(".folium-map").bounding_box()
    boxes = page.evaluate(
        "[...document.querySelectorAll('.label > div')].map((n) => n.getBoundingClientRect().toJSON())"
    )
    for i, a in enumerate(boxes):
        assert a["left"] >= frame["x"] - 1
        assert a["top"] >= frame["y"] - 1
        assert a["right"] <= frame["x"] + frame["width"] + 1
        assert a["bottom"] <= frame["y"] + frame["height"] + 1
        for b in boxes[:i]:
            apart = (
                a["left"] >= b["right"] or b["left"] >= a["right"] or a["top"] >= b["bottom"] or b["top"] >= a["bottom"]
            )
            assert apart, (a, b)
    named = " ".join(page.locator(".label").all_inner_texts())
    if address != "level=3":
        assert all(name in named for name in ("长营社区", "晓庄社区", "万寿村社区", "创业园"))


def test_a_turn_of_the_wheel_makes_the_labels_on_the_screen_once(page, files) -> None:
    show(page, files["heat"], "level=3&by=incidents&span=all")
    page.evaluate(
        """() => {
            const { theme, map } = wangge.page, { label } = theme;
            window.labelled = [];
            theme.label = (cell, room) => { window.labelled.push(cell); return label(cell, room); };
            map.once("moveend", () => { document.documentElement.dataset.turned = "yes"; });
        }"""
    )
    street = page.locator(".folium-map").bounding_box()
    page.mouse.move(street["x"] + street["width"] / 2, street["y"] + street["height"] / 2)
    page.mouse.wheel(0, -240)
    page.wait_for_selector("html[data-turned=yes]")
    shown, made, once = page.evaluate(
        """() => {
            const { inView, map } = wangge.page, { x: width, y: height } = map.getSize();
            const inside = inView.filter((cell) => {
                const { x, y } = map.latLngToContainerPoint(cell.centre);
                return x > 0 && y > 0 && x < width && y < height;
            });
            return [inside.length, window.labelled.length, new Set(window.labelled).size];
        }"""
    )
    assert 0 < shown < page.evaluate("wangge.page.inView.length") / 2
    assert (made, once) == (shown, shown)


def in_print(page, tmp_path) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Pixels of the browser's print, 96 per inch."""
    (tmp_path / "print.pdf").write_bytes(page.pdf(prefer_css_page_size=True, print_background=True))
    command = ["pdftoppm", "-r", "96", "-png", "-singlefile", str(tmp_path / "print.pdf"), str(tmp_path / "print")]
    subprocess.run(command, check=True, timeout=120)
    return np.asarray(Image.open(tmp_path / "print.png").convert("RGB")).astype(int)


def close_to(pixels: np.ndarray, colour: tuple[int, int, int], most: int = 14) -> int:
    return int((np.abs(pixels - colour).max(axis=2) <= most).sum())


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm (poppler-utils) is not installed")
def test_a_print_of_the_browser_keeps_density_water_roads_and_grid_lines(page, files, tmp_path) -> None:
    """Inside the street of the sheet: the panel next to it is excluded."""
    show(page, files["heat"], "span=all")
    sheet = in_print(page, tmp_path)[120:900, 40:1150]
    assert close_to(sheet, (181, 214, 234)) > 500  # water
    warm = (sheet[..., 0] > sheet[..., 2] + 60) & (sheet[..., 0] > 120)
    assert warm.sum() > 20_000  # density
    show(page, files["coverage"])
    sheet = in_print(page, tmp_path)[120:900, 40:1150]
    lines = (sheet.max(axis=2) < 150) & (np.ptp(sheet, axis=2) < 40)
    assert lines.sum() > 3_000  # borders of the grids
    met = close_to(sheet, (186, 216, 234), most=20)
    assert met > 20_000
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    road = page.locator(".leaflet-lines-pane svg path").count()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".leaflet-ground-pane canvas").count() == 1  # The screen has its canvas again.
    assert soon(lambda: painted(page, "320113003001001")[3] > 200)  # in one of the next frames
    assert road > 0
    show(page, files["check"])
    sheet = in_print(page, tmp_path)[120:900, 40:1150]
    lines = (sheet.max(axis=2) < 190) & (np.ptp(sheet, axis=2) < 40)
    assert lines.sum() > 2_000


@pytest.mark.parametrize("name", ["coverage", "heat", "check", "fairness", "route"])
def test_a_sheet_has_north_scale_maker_date_and_page_and_no_instruction(page, files, name) -> None:
    page.set_viewport_size({"width": 1510, "height": 1040})
    show(page, files[name], "level=2&sheet=1")
    foot = page.locator("#imprint").inner_text()
    scale = int(foot.split("1:")[1].split("\n")[0].replace(" ", ""))
    assert "北" in foot
    assert "制图：网格 wangge" in foot
    assert "制图日期 20" in foot
    assert "第 1 页，共 1 页" in foot
    assert scale % 100 == 0
    # A pixel of the sheet is 1/96 inch, which gives the scale on the ground.
    width_m = page.evaluate(
        """() => { const { map } = wangge.page, c = map.getContainer().getBoundingClientRect(), y = c.height / 2;
            return map.distance(map.containerPointToLatLng([0, y]), map.containerPointToLatLng([100, y])); }"""
    )
    assert width_m / (100 * 0.0254 / 96) == pytest.approx(scale, rel=0.005)
    text = page.locator("#panel").inner_text()
    assert "请点击" not in text
    assert "显示其余" not in text


AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed (make setup)")
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("coverage", ""),
        ("coverage", "level=1"),
        ("coverage", "at=320113003001002"),
        ("coverage", "lang=en"),
        ("heat", ""),
        ("heat", "span=all&lang=en"),
        ("check", ""),
        ("fairness", ""),
        ("days", "span=week&day=2026-03-01"),
        ("route", ""),
    ],
)
def test_axe_finds_nothing(browser, files, name, address) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True, bypass_csp=True)
    opened = context.new_page()
    show(opened, files[name], address)
    opened.evaluate(AXE.read_text(encoding="utf-8"))
    found = opened.evaluate(
        "axe.run().then((all) => all.violations.map((v) => [v.id, v.nodes.map((node) => node.html.slice(0, 120))]))"
    )
    context.close()
    assert found == []


def test_the_keyboard_reaches_the_lists_and_keeps_its_place(page, files) -> None:
    show(page, files["coverage"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.locator(".attention li button").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H2"  # Not the body.
    page.keyboard.press("Escape")
    assert heading(page) == "长营社区"
    page.keyboard.press("Escape")
    assert heading(page) == "示例街道"


def test_days_weeks_and_steps_back(page, files) -> None:
    show(page, files["days"])
    n = page.evaluate("wangge.page.levels[2].length")
    page.locator("#earlier").click()
    assert page.locator(".counts td").all_inner_texts()[4] == str(n)  # all of them short on the first of March
    assert "day=2026-03-01" in page.url
    page.locator("#span-week").click()
    assert page.locator(".counts .big span").inner_text() == f"达标 {n} / {2 * n}"
    assert page.locator(".attention small").all_inner_texts()[:2] == [str(n), "1 / 2 天未达标"]
    assert "（2 天有数据）" in page.locator("#top p").inner_text()
    page.go_back()
    page.wait_for_selector("#span-day[aria-pressed=true]")
    page.go_back()
    page.wait_for_selector("#top p:has-text('3月2日')")
    page.go_forward()
    page.wait_for_selector("#top p:has-text('3月1日')")
    show(page, files["days"], "day=2026-02-28&at=320113003001002")
    assert page.locator(".why .verdict b").inner_text() == "达标"
    assert page.locator(".attention li").count() == 3


LIVE = """
globalThis.EventSource = class extends EventTarget {
  constructor(address) { super(); this.address = address; globalThis.source = this; }
};
globalThis.tell = (news) => globalThis.source.dispatchEvent(new MessageEvent("verdict", { data: JSON.stringify(news) }));
"""


def test_the_map_of_a_server_follows_the_verdicts(page, files, tmp_path) -> None:
    served = with_navigation(files["days"].read_text(encoding="utf-8"), [], events_after=7)
    (tmp_path / "live.html").write_text(served, encoding="utf-8")
    page.add_init_script(LIVE)
    show(page, tmp_path / "live.html")
    assert page.evaluate("source.address") == "/api/events?last=7"
    state = "wangge.page.theme.record(wangge.page.levels[2][1])"
    before = page.evaluate(f"Object.values({state})[0]")
    news = {"code": "320113003001002", "visits": 2, "required": 2, "at": "2026-03-02T04:00:00+00:00"}
    news |= {"reason_zh": "巡查两次。", "reason_en": "Two visits."}
    page.evaluate("(news) => tell(news)", {**news, "day": "2026-03-01", "state": "met"})
    page.evaluate("(news) => tell(news)", {**news, "day": "2026-03-02", "state": "nonsense"})
    page.evaluate("(news) => tell(news)", {**news, "day": "2026-03-02", "code": "9", "state": "met"})
    assert page.evaluate(f"Object.values({state})[0]") == before != "达标"
    page.evaluate("(news) => tell(news)", {**news, "day": "2026-03-02", "state": "met"})
    assert soon(lambda: page.locator("#top .live").count() == 1)
    assert page.evaluate(f"Object.values({state})[0]") == "达标"
    assert page.evaluate(
        "Number(document.querySelector('.counts tbody tr td:nth-child(3)').textContent)"
    ) == page.evaluate(
        "wangge.page.levels[2].filter((cell) => wangge.page.theme.record(cell)['结论'] === '达标').length"
    )
    page.evaluate("wangge.page.go(wangge.page.levels[2][1])")
    assert page.locator(".why .reason").inner_text() == "巡查两次。"
    # A file, and the page of a user without the right to events, send no requests.
    page.add_init_script("globalThis.source = undefined")
    for live in (False, None):
        text = files["days"].read_text(encoding="utf-8")
        (tmp_path / "still.html").write_text(text if live is None else with_navigation(text, []), encoding="utf-8")
        show(page, tmp_path / "still.html")
        assert page.evaluate("globalThis.source === undefined")


def test_a_view_is_shared_as_table_and_picture(page, files) -> None:
    show(page, files["coverage"])
    page.locator("#top .share").click()
    assert page.locator("#share input").input_value() == page.url
    # A text that begins like a formula remains text.
    page.evaluate("wangge.page.levels[2][0].chinese = '=1+1'")
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    rows = Path(table.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 1 + page.evaluate("wangge.page.levels[2].length")
    assert rows[1].startswith('"320113003001001","\'=1+1",')
    with page.expect_download() as workbook:
        page.get_by_role("button", name="Excel").click()
    sheet = openpyxl.load_workbook(io.BytesIO(Path(workbook.value.path()).read_bytes())).active
    assert sheet is not None
    head, *values = sheet.iter_rows()
    assert [cell.value for cell in head][:5] == ["网格编码", "名称", "所属", "结论", "计入巡查"]
    assert [(cell.value, cell.data_type) for cell in values[0][:2]] == [("320113003001001", "s"), ("=1+1", "s")]
    assert [cell.data_type for cell in values[0][4:6]] == ["n", "n"]
    assert [[str(cell.value) for cell in row if cell.value is not None] for row in values] == [
        [text.removeprefix("'") for text in line if text] for line in csv.reader(rows[1:])
    ]
    with page.expect_download() as drawing:
        page.get_by_role("button", name="SVG").click()
    assert Path(drawing.value.path()).read_text(encoding="utf-8").count("<path d=") >= len(rows) - 1
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes()[:4] == b"\x89PNG"
    page.keyboard.press("Escape")
    page.locator("#share").wait_for(state="detached")


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("coverage", "", ("示例街道网格巡查覆盖图", "次数不足 6 25%", "和燕路", "长营社区")),
        ("coverage", "level=1", ("社区按未达标网格数着色", "≥ 7")),
        ("heat", "", ("2026年3月23日至3月29日", "件 / 平方公里", "0 – 25 – 50", "热点核心")),
        ("heat", "by=incidents&level=3", ("案件数", "无案件")),
        ("fairness", "", ("旧方案", "±5%")),
        ("check", "", ("网格检查结果", "空洞")),
        ("route", "", ("图例", "未走", "1")),
    ],
)
def test_a_saved_picture_has_every_layer_of_the_view_its_names_and_its_legend(page, files, name, address, words):
    show(page, files[name], address)
    if name != "check":
        page.locator("#top .share").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG").click()
    picture = Image.open(io.BytesIO(Path(saved.value.path()).read_bytes())).convert("RGB").reduce(2)
    with page.expect_download() as saved:
        page.get_by_role("button", name="SVG").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []
    assert "undefined" not in text
    assert "NaN" not in text
    page.keyboard.press("Escape")
    page.add_style_tag(
        content=".leaflet-control-container { visibility: hidden } .leaflet-container { background: #fff !important }"
    )
    box = page.locator(".folium-map").bounding_box()
    left, top, width, height = (round(box[key]) for key in ("x", "y", "width", "height"))
    screen = Image.open(io.BytesIO(page.screenshot())).convert("RGB").crop((left, top, left + width, top + height))
    # Blurred, because patterns and letters may be shifted by part of a pixel.
    seen, ours = (
        np.asarray(one.filter(ImageFilter.GaussianBlur(3))).astype(int)[2:-2, 2:-2]
        for one in (screen, picture.crop((0, 34, width, 34 + height)))
    )
    inside = seen.min(axis=2) < 235
    assert inside.sum() > 2_000
    assert (np.abs(ours - seen)[inside].max(axis=1) > 40).mean() < 0.02


def test_a_move_during_the_animation_of_another_one_is_not_lost(browser, files) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True)
    opened = context.new_page()
    show(opened, files["coverage"], "level=1")
    before = opened.evaluate("wangge.page.map.getZoom()")
    opened.evaluate("wangge.page.go(wangge.page.levels[1][0])")
    assert soon(lambda: opened.evaluate("wangge.page.map._animatingZoom"))
    opened.keyboard.press("Escape")
    assert soon(lambda: not opened.evaluate("wangge.page.map._animatingZoom"))
    opened.wait_for_timeout(400)
    after = opened.evaluate("wangge.page.map.getZoom()")
    context.close()
    assert after == before


def test_the_page_of_a_route_lists_what_was_missed_and_leads_there(page, files) -> None:
    show(page, files["route"])
    said = page.locator("#panel").inner_text()
    assert re.search(r"51%\s*已走 1\.\d km / 3\.\d km", said)
    assert "09:00–09:22" in said
    assert page.locator("#stop-0").inner_text().split("\n")[-2:] == ["小区东门", "09:06"]
    centre = "wangge.page.map.getCenter().lng"
    before = page.evaluate(centre)
    page.locator("#missed-0").click()
    assert soon(lambda: page.evaluate(centre) > before + 1e-3)  # The second half of the route is in the east.
    page.locator("#route-view").click()
    assert soon(lambda: abs(page.evaluate(centre) - before) < 1e-4), (before, page.evaluate(centre))
    page.locator("#top .language").click()
    assert "The planned route, as walked" in page.locator("#panel").inner_text()
    rows = page.evaluate("wangge.share.table(wangge.page)")
    assert [row[:2] for row in rows] == [["Kind", "Name"], ["Checkpoints", "小区东门"], ["missed", None]]


@pytest.mark.parametrize(
    ("name", "address", "level"),
    [("days", "span=month", 2), ("heat", "", 1), ("heat", "by=incidents&span=all&level=3", 3), ("fairness", "", 2)],
)
def test_every_view_gives_its_cells_as_a_table(page, files, name, address, level) -> None:
    show(page, files[name], address)
    rows = page.evaluate("wangge.share.table(wangge.page)")
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [row[0] for row in rows[1:]] == page.evaluate(f"wangge.page.levels[{level}].map((cell) => cell.code)")
    assert all(isinstance(value, int | float | str) or value is None for row in rows for value in row)
    assert all("undefined" not in str(value) for row in rows for value in row)
    if name == "heat":
        column = rows[0].index("案件数")
        assert sum(row[column] for row in rows[1:]) == page.evaluate(
            "(() => { const cell = wangge.page.street; return Number(wangge.page.theme.record(cell)['案件数']); })()"
        )
    if name == "days":
        assert {sum(row[3:7]) for row in rows[1:]} == {2}  # the first and second of March


def test_fairness_tells_what_is_within_tolerance_and_shows_the_old_division(page, files) -> None:
    show(page, files["fairness"])
    n = page.evaluate("wangge.page.levels[2].length")
    shares = np.linspace(-0.3, 0.3, n)
    fine = int((np.abs(shares) <= 0.05 + 1e-9).sum())
    assert page.locator(".evenness tbody td").first.inner_text() == f"{fine} / {n}"
    assert page.locator(".spread .dot").count() == 2 * n
    assert page.locator(".spread .bound").count() == 2 * page.evaluate("wangge.page.levels[1].length")
    listed = page.locator(".attention small").all_inner_texts()
    assert listed[0] == str(n - fine)
    assert listed[1] in ("−30%", "+30%")
    # Names are whole.
    long = "wangge.page.levels[1][0]"
    page.evaluate(f"(() => {{ {long}.name = '名字很长很长的红山南路第一社区'; wangge.page.show(false); }})()")
    names = page.locator(".spread g > text").all_text_contents()
    assert set(page.evaluate("wangge.page.levels[1].map((cell) => wangge.shortName(cell))")) <= set(names)
    boxes = "[...document.querySelectorAll('.spread g > text')].map((text) => text.getBBox())"
    assert all(0 <= left < right <= 150 for left, right in page.evaluate(f"{boxes}.map((b) => [b.x, b.x + b.width])"))
    # The second map shows the same place.
    assert page.locator("#old canvas").count() == 1
    zoom = "wangge.page.besides.getZoom()"
    before = page.evaluate(zoom)
    page.locator(".leaflet-control-zoom-in").click()
    page.wait_for_timeout(600)
    assert page.evaluate(zoom) == page.evaluate("wangge.page.map.getZoom()") == before + 0.5


def test_first_page_answers_where_a_point_is(browser) -> None:
    """Served by mocked routes; nothing else may be requested."""
    context = browser.new_context()
    page = context.new_page()
    asked, faults = [], []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)

    def answer(route) -> None:  # type: ignore[no-untyped-def]
        path = route.request.url.removeprefix("http://wangge.test")
        asked.append(path)
        if path == "/":
            route.fulfill(content_type="text/html", body=render_first_page({"street_name": "示例街道", "seconds": 24}))
        elif path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/").split("?")[0])
        elif path == "/locate?lon=118.8&lat=32.1&datum=GCJ-02":
            cell = {"code": "320113003001", "name": "<b>长营社区</b>", "leader": None}
            route.fulfill(json={"inside": True, "community": cell, "second": {**cell, "leader": "G001"}, "third": None})
        else:
            route.abort()

    page.route("**/*", answer)
    page.goto("http://wangge.test/")
    page.fill("input[name=lon]", "118.8")
    page.fill("input[name=lat]", "32.1")
    page.select_option("select[name=datum]", "GCJ-02")
    page.click("form button")
    page.wait_for_selector("#answer dl")
    text = page.locator("#answer").inner_text()
    assert "<b>长营社区</b>" in text
    assert "G001" in text
    page.fill("input[name=lat]", "north")
    page.click("form button")
    assert "118.81" in page.locator("#answer .fault").inner_text()
    page.click("button[data-act=language]")
    assert page.locator("#locate button").inner_text() == "Find"
    page.click("button[data-act=theme]")
    page.reload()  # Both are stored.
    assert page.locator("#locate button").inner_text() == "Find"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert {path.split("?")[0] for path in asked} == {
        "/",
        "/locate",
        "/static/pages/frame.css",
        "/static/pages/frame.js",
        "/static/pages/first_page.css",
        "/static/pages/first_page.js",
    }
    assert faults == []
    context.close()


_SQUARES = """() => {
    const { map, painters } = wangge.page, { lat, lng } = map.getCenter(), step = 0.002;
    const ring = (west, south, size) => [[south, west], [south, west + size], [south + size, west + size], [south + size, west]];
    const reversed = (places) => [...places].reverse();
    const style = painters.style("outline", { stroke: false, fillOpacity: 1, fillColor: "#112233" });
    // A square with a hole, each ring in either direction, and two that overlap.
    const shapes = [
        [ring(lng - step, lat - step, 2 * step), ring(lng - step / 4, lat - step / 4, step / 2)],
        [reversed(ring(lng - step, lat - step, 2 * step)), ring(lng - step / 4, lat - step / 4, step / 2)],
        [ring(lng - step, lat - step, 2 * step), reversed(ring(lng - step / 4, lat - step / 4, step / 2))],
    ];
    window.colour = (dx, dy) => {
        const canvas = painters.of("outline")._container, from = canvas.getBoundingClientRect();
        const box = map.getContainer().getBoundingClientRect();
        const at = map.latLngToContainerPoint([lat + dy * step, lng + dx * step]), fine = canvas.width / from.width;
        const one = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const pen = one.getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, -(at.x + box.left - from.left) * fine, -(at.y + box.top - from.top) * fine);
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).join();
    };
    window.draw = (k) => {
        window.drawn?.forEach((one) => one.remove());
        const other = reversed(ring(lng - step / 2, lat - step / 2, 2 * step));
        const overlapping = [[ring(lng - step, lat - step, 2 * step)], [other]];
        const many = k < 3 ? [shapes[k]] : overlapping;
        window.drawn = many.map((rings) => wangge.polygon(rings, style).addTo(map));
        painters.of("outline")._redraw();
    };
}"""


def test_holes_stay_open_and_overlaps_are_filled(page, files) -> None:
    """Shapes of one style are one path, whose rings therefore turn as the winding rule asks."""
    show(page, files["coverage"])
    page.evaluate(_SQUARES)
    for zoom in (15, 17.25):
        page.evaluate("zoom => wangge.page.map.setZoom(zoom, { animate: false })", zoom)
        for k in range(3):
            page.evaluate("k => draw(k)", k)
            assert page.evaluate("colour(0.6, 0.6)") == "17,34,51"
            assert page.evaluate("colour(0, 0)") != "17,34,51"
            assert page.evaluate("colour(1.1, 0)") != "17,34,51"
        page.evaluate("draw(3)")
        assert page.evaluate("[colour(-0.7, -0.7), colour(0, 0), colour(0.7, 0.7)]") == ["17,34,51"] * 3


def test_a_zoom_projects_no_vertex_again(page, files) -> None:
    """The canvas gets another transform, and the pointer still finds the cell that is painted."""
    show(page, files["coverage"], "level=3")
    page.evaluate(
        """() => {
            window.projected = 0;
            const before = L.Polyline.prototype._projectLatlngs;
            L.Polyline.prototype._projectLatlngs = function (...given) {
                window.projected += 1;
                return before.apply(this, given);
            };
        }"""
    )
    codes = page.evaluate("wangge.page.shapes.map(([cell]) => cell.code)")
    for step in (0.5, 0.75, -1.0):
        page.evaluate(
            "step => { const { map } = wangge.page; map.setZoom(map.getZoom() + step, { animate: false }); }", step
        )
        assert page.evaluate("window.projected") == 0
        # What the pointer finds and what is painted are the cell at this place.
        for code in codes[::7]:
            at = page.evaluate(
                "code => wangge.page.map.latLngToContainerPoint(wangge.page.byCode.get(code).centre)", code
            )
            box = page.locator(".folium-map").bounding_box()
            if not (40 < at["x"] < box["width"] - 40 and 90 < at["y"] < box["height"] - 40):
                continue
            found = page.evaluate(
                """code => {
                    const { map, byCode, shapes } = wangge.page, point = map.latLngToLayerPoint(byCode.get(code).centre);
                    return shapes.filter(([, shape]) => shape._containsPoint(point)).map(([cell]) => cell.code);
                }""",
                code,
            )
            assert found == [code]
            state = page.evaluate("code => wangge.page.theme.style(wangge.page.byCode.get(code)).fillColor", code)
            if state.startswith("#"):
                red, green, blue, opacity = painted(page, code)
                wanted = [int(state[i : i + 2], 16) for i in (1, 3, 5)]
                assert opacity > 150
                assert max(abs(a - b) for a, b in zip((red, green, blue), wanted, strict=True)) <= 6


def test_patterns_keep_their_size_at_every_zoom(page, files) -> None:
    """Counted as changes from ground to ink and back along the rows of a small square."""
    show(page, files["coverage"])
    code = page.evaluate(
        """() => wangge.page.shapes.map(([cell]) => cell)
            .find((cell) => !wangge.page.theme.style(cell, false).fillColor.startsWith("#")).code"""
    )
    changes = {}
    for zoom in (14.5, 16, 18.25):
        page.evaluate(
            """([code, zoom]) => {
                const { map, byCode } = wangge.page;
                map.setView(byCode.get(code).centre, zoom, { animate: false });
            }""",
            [code, zoom],
        )
        changes[zoom] = page.evaluate(
            """code => {
                const { map, byCode, painters, data, theme } = wangge.page, canvas = painters.of("cells")._container;
                const at = map.latLngToContainerPoint(byCode.get(code).centre), from = canvas.getBoundingClientRect();
                const box = map.getContainer().getBoundingClientRect(), fine = canvas.width / from.width, size = 24;
                const part = Object.assign(document.createElement("canvas"), { width: size, height: size });
                const pen = part.getContext("2d", { willReadFrequently: true });
                const [x, y] = [(at.x + box.left - from.left) * fine, (at.y + box.top - from.top) * fine];
                pen.drawImage(canvas, size / 2 - x, size / 2 - y);
                const { data: pixels } = pen.getImageData(0, 0, size, size);
                // Share of the way from the ground of the pattern to its ink.
                const [ground, ink] = data.colours.states[theme.style(byCode.get(code), false).fillColor].map((colour) =>
                    [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
                const way = ink.map((value, k) => value - ground[k]), length = way.reduce((sum, d) => sum + d * d, 0);
                let changes = 0, before = 0;
                for (let i = 0; i < pixels.length; i += 4) {
                    const part = way.reduce((sum, d, k) => sum + d * (pixels[i + k] - ground[k]), 0) / length > 0.3;
                    if (part !== before && i % (4 * size)) changes += 1;
                    before = part;
                }
                return changes;
            }""",
            code,
        )
    assert min(changes.values()) > 10
    assert max(changes.values()) < 1.7 * min(changes.values()), changes
