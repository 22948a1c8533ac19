"""Pages of the data service in Debian's Chromium: tiles and features are drawn, nothing is loaded from another host."""

from __future__ import annotations

import io
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api.app import create_app
from api.database import add_version, open_store, publish, session, upgrade
from api.ogc.publication.preparation import Preparation
from api.settings import Settings
from tests.browser.mixed_languages import misplaced_texts
from tests.browser.planner import PATIENCE_MS
from tests.integration.api.serving import serving

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_ANY_PIXEL = """[...document.querySelectorAll('.map canvas')].some(
    (c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0))"""
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def address(small_street, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ogc")
    engine = open_store(folder / "store.sqlite", must_exist=False)
    upgrade(engine)
    with session(engine, write=True) as opened:
        stored = add_version(opened, small_street.division(), valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, stored.id, published_at=NOW)
    engine.dispose()
    app = create_app(Settings(database=str(folder / "store.sqlite"), pages=folder, follow=False), clock=lambda: NOW)
    # Done by the server before it serves a version.
    assert Preparation(app.state.ogc).step()
    with serving(app) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def page(browser, address):
    """A page that records errors and requests to other hosts."""
    opened = browser.new_page(viewport={"width": 1366, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    faults, foreign = [], []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on(
        "request",
        lambda request: foreign.append(request.url) if not request.url.startswith((address, "data:")) else None,
    )
    yield opened
    assert faults == []
    assert foreign == []
    opened.close()


def drawn_share(page, selector):
    """Share of the pixels of an element that differ from its most frequent colour."""
    image = np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB"), dtype=np.int64)
    codes = image[..., 0] << 16 | image[..., 1] << 8 | image[..., 2]
    _, counts = np.unique(codes, return_counts=True)
    return 1 - counts.max() / codes.size


@pytest.mark.parametrize("name", ["street", "community", "second", "third"])
def test_tiles_of_a_layer_are_drawn(page, address, name):
    with page.expect_response(lambda answer: "/tiles/WebMercatorQuad/" in answer.url and answer.status == 200):
        page.goto(f"{address}/ogc/collections/{name}")
    page.wait_for_selector(".map[data-ready=tiles] canvas", state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_function(_ANY_PIXEL)
    assert drawn_share(page, ".map") > 0.02


def test_features_are_drawn_and_listed(page, address):
    page.goto(f"{address}/ogc/collections/third/items")
    page.wait_for_selector(".map[data-ready]")
    rows = page.locator("table.list tbody tr").count()
    assert page.locator(".map").get_attribute("data-ready") == str(rows)
    assert rows > 5
    page.locator("table.list tbody a").first.click()
    page.wait_for_selector(".map[data-ready='1']")
    assert drawn_share(page, ".map") > 0.02


def test_tiles_are_drawn_on_their_page(page, address):
    page.goto(f"{address}/ogc/tiles")
    page.wait_for_selector(".map[data-ready='tiles']")
    page.wait_for_load_state("networkidle")
    assert drawn_share(page, ".map") > 0.02


@pytest.mark.parametrize("name", ["schema", "queryables"])
def test_properties_have_one_language_at_a_time(page, address, name):
    page.goto(f"{address}/ogc/collections/third/{name}")
    shown = page.locator("main table").inner_text()
    assert "上级编码" in shown
    assert "code of the parent" not in shown
    page.locator("[data-act=language]").click()
    assert not re.search("[\u4e00-\u9fff]", page.locator("main table").inner_text())


SECOND = "/collections/second"
PATHS = ["", "/conformance", "/collections", "/tiles", "/help", SECOND]
PATHS += [f"{SECOND}/{name}" for name in ("items", "items/{code}", "schema", "queryables", "tiles")]
#: Of QGIS's own menu, and the command that the reader's administrator types.
NAMES = ("OGC API - Features", "wangge user token 名称", "WFS / OGC API - 要素")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed (make setup)")
@pytest.mark.parametrize("path", [*PATHS, "/api", "/collections/third/items"])
def test_a_page_fits_is_accessible_and_does_not_mix_languages(page, address, path):
    """Each page is opened once: its width and axe's findings in several sizes, and its texts in both languages."""
    code = page.request.get(f"{address}/ogc{SECOND}/items?limit=1").json()["features"][0]["id"]
    page.goto(f"{address}/ogc{path.format(code=code)}")
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width in (1920, 1366, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width < 1920 and path in PATHS:
            found = page.evaluate("axe.run()")
            assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found["violations"]] == [], width
    if path not in PATHS:
        return  # Summaries of the interface are English, and values are data.
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert misplaced_texts(page, names=NAMES) == []
    page.locator("[data-act=language]").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert misplaced_texts(page, names=NAMES) == []


def test_both_languages(page, address):
    page.goto(f"{address}/ogc")
    assert "数据集" in page.locator("main").inner_text()
    page.locator("[data-act=language]").click()
    assert "Collections" in page.locator("main").inner_text()
    assert "数据集" not in page.locator("main").inner_text()
