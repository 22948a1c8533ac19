"""The checker's page in Debian's Chromium without network: the reason of a red grid in one click, and the replay of the day."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.patrols import REASONS
from maps import save
from maps.checker import checker_map
from tests.browser.mixed_languages import misplaced_texts

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
MIDNIGHT = pd.Timestamp("2026-03-01T16:00:00Z")


def tracks(division):  # type: ignore[no-untyped-def]
    """A walk from 05:30 to 06:00, a phone at one place from 23:00 to 23:20, and marks that do and do not exclude a fix."""
    x, y = shapely.get_coordinates(division.street.geometry.iloc[0].centroid)[0]
    walk = pd.DataFrame({"device": "A", "t": np.arange(19_800, 21_601, 60), "x": x + np.arange(31) * 30.0, "mark": ""})
    rest = pd.DataFrame({"device": "B", "t": np.arange(82_800, 84_001, 60), "x": x, "mark": "copied"})
    rest.loc[10:, "mark"] = "mock"
    table = pd.concat([walk, rest], ignore_index=True)
    points = gpd.GeoSeries(shapely.points(table["x"], y), crs=division.crs).to_crs(4326)
    time = MIDNIGHT + pd.to_timedelta(table["t"], unit="s")
    return gpd.GeoDataFrame(table[["device", "mark"]].assign(time=time), geometry=points, crs=4326)


@pytest.fixture(scope="module")
def page(small_street, tmp_path_factory):  # type: ignore[no-untyped-def]
    division = small_street.division()
    verdicts = small_street.verdicts(division)
    start = MIDNIGHT + pd.Timedelta(hours=9)
    visits = pd.DataFrame(
        {
            "code": verdicts["code"],
            "start": start,
            "end": start + pd.Timedelta(minutes=1),
            "stay_s": 40.0,
            "counted": False,
            "reason": "too_short",
        }
    )
    file = tmp_path_factory.mktemp("checker") / "checker.html"
    day = pd.Timestamp("2026-03-02").date()
    save(checker_map(division, verdicts, tracks(division), day=day, visits=visits, visit_reasons=REASONS), file)
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(offline=True, viewport={"width": 1300, "height": 850}).new_page()
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
        opened.goto(file.as_uri())
        opened.wait_for_selector("html[data-ready=yes]")
        yield opened
        browser.close()
        assert faults == []


def test_why_red_is_one_click_away(page) -> None:
    page.get_by_text("长营社区第3网格").first.click()
    said = page.locator("#panel").inner_text()
    assert "未巡查" in said
    assert "理由2" in said
    assert "停留时间不足" in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_does_not_mix_languages(page, language) -> None:
    page.evaluate("(language) => { location.hash = `lang=${language}`; }", language)
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    page.wait_for_timeout(300)
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
    # Reasons of verdicts are data of the test.
    reasons = set(page.evaluate("[...document.body.innerText.matchAll(/理由\\d+/g)].map((m) => m[0])"))
    assert misplaced_texts(page, names=sorted(reasons, key=len, reverse=True)) == []


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed (make setup)")
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_axe_finds_nothing(page, size) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(200)
    found = page.evaluate(AXE.read_text(encoding="utf-8") + "; axe.run()")
    page.set_viewport_size({"width": 1300, "height": 850})
    assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == []


def test_it_has_a_title_of_its_own(page) -> None:
    assert page.title().startswith("示例街道巡查核验与轨迹回放 · 2026年3月2日")


def test_a_click_on_a_visit_moves_the_replay_there(page) -> None:
    page.get_by_text("长营社区第3网格").first.click()
    visit = page.locator(".evidence .jump").first
    assert visit.inner_text() == "09:00–09:01"
    visit.click()
    assert page.evaluate("wangge.replay.second") == 9 * 3600
    assert page.locator(".replay output").inner_text().startswith("09:00")
    # The time can be sent.
    assert "time=09:00" in page.url
    sent = page.context.new_page()
    sent.goto(page.url.replace("09:00", "23:15"))
    sent.wait_for_selector("html[data-ready=yes]")
    assert sent.locator(".replay output").inner_text().startswith("23:15")
    sent.close()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.evaluate("wangge.page.fit(false)")  # Without the animation.


def test_of_a_day_few_points_are_kept_and_the_ends_of_every_rest(page) -> None:
    """A point is kept after 60 s and 25 m, after four minutes in any case, and the last of all."""
    paths = page.evaluate("wangge.read('replay-data').paths")
    walk, rest = (np.cumsum(path[0::4]).tolist() for path in paths)
    assert walk == list(range(19_800, 21_601, 60))  # 30 m in each minute
    assert rest == [*range(82_800, 84_000, 240), 84_000]  # at one place


def test_the_slider_covers_the_hours_with_fixes_and_moves_the_devices(page) -> None:
    slider, face = page.locator(".replay input"), page.locator(".replay output")
    assert (slider.get_attribute("min"), slider.get_attribute("max")) == (str(5 * 3600), str(24 * 3600))

    def at(hour: float) -> str:
        slider.evaluate("(slider, t) => { slider.value = t; slider.dispatchEvent(new Event('input')); }", hour * 3600)
        return face.inner_text()

    assert at(5.75) == "05:45　在线设备 1"
    assert at(12) == "12:00　在线设备 0"
    assert at(23.25) == "23:15　在线设备 1"
    assert slider.get_attribute("aria-label") == "时间"


def test_the_slider_hides_nothing_of_the_street(page) -> None:
    page.reload()  # In the initial state: earlier tests may have moved the map.
    page.wait_for_function("window.wangge?.page?.map?.getZoom() > 0")
    lowest = page.evaluate(
        """() => {
            const { map, focus } = wangge.page, top = map.getContainer().getBoundingClientRect().top;
            return top + Math.max(...focus.latlngs.flat(2).map((at) => map.latLngToContainerPoint(at).y));
        }"""
    )
    assert lowest < page.locator(".replay").bounding_box()["y"]


def test_only_fixes_that_are_not_used_are_hollow(page) -> None:
    paths = page.evaluate("wangge.read('replay-data').paths")
    assert set(paths[0][3::4]) == {0}
    assert paths[1][3] == 0  # Duplicate: marked, but used.
    assert paths[1][-1] == 1  # Simulated.


def test_it_speaks_english(page) -> None:
    page.get_by_role("button", name="English").click()
    assert "devices heard" in page.locator(".replay").inner_text()
    assert "Lines: the last ten minutes" in page.locator(".replay").inner_text()
    page.get_by_role("button", name="中文").click()


def test_cells_of_no_division_are_shown_at_one_level(page, small_street, tmp_path) -> None:
    division = small_street.division()
    verdicts = small_street.verdicts(division)
    day = pd.Timestamp("2026-03-02").date()
    save(
        checker_map(division.second, verdicts, tracks(division), day=day, visits=verdicts.iloc[:0]),
        tmp_path / "flat.html",
    )
    flat = page.context.new_page()
    faults: list[str] = []
    flat.on("pageerror", lambda error: faults.append(str(error)))
    flat.goto((tmp_path / "flat.html").as_uri())
    flat.wait_for_selector("html[data-ready=yes]")
    assert flat.locator(".switcher").count() == 0
    assert flat.locator(".heading h2").inner_text() == "全部网格"
    assert len(flat.evaluate("wangge.page.inView.map((cell) => cell.code)")) == len(division.second)
    flat.locator(".attention li button").first.click()
    assert flat.locator(".why .verdict").count() == 1
    assert flat.locator(".trail").inner_text().split() == [
        "↑",
        "全部网格",
        "›",
        flat.locator(".heading h2").inner_text(),
    ]
    flat.locator(".trail .up").click()
    assert flat.locator(".heading h2").inner_text() == "全部网格"
    flat.close()
    assert faults == []


def test_on_a_phone_the_bar_is_low_and_wholly_in_view(page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    bar, note = page.locator(".replay").bounding_box(), page.locator(".replay small").bounding_box()
    page.set_viewport_size({"width": 1300, "height": 850})
    assert bar["height"] < 130
    assert 0 <= bar["x"] < bar["x"] + bar["width"] <= 390
    assert bar["x"] <= note["x"] < note["x"] + note["width"] <= bar["x"] + bar["width"]
