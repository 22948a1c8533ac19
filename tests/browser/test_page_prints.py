"""Pages of the server as people print them: the prints of Debian's Firefox and of Chromium.

Firefox has no way to send the token of a reader, so Chromium opens each page, and both print the same document from a file.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.database import session
from api.database.duty.rosters import Recorder
from api.database.duty.shifts import set_post
from geo.duty import DutyPost, read_hours
from tests.browser.planning import quiet_page
from tests.browser.test_firefox_prints import firefox, pytestmark  # noqa: F401 - a fixture and conditions
from tests.integration.api.conftest import division, empty_store  # noqa: F401 - fixtures
from tests.integration.api.test_api_duty_pages import NOW, service  # noqa: F401 - a fixture

LINK = re.compile(r'<link rel="stylesheet" href="([^"]+)">')


class Word(NamedTuple):
    """A printed word: its page from 0, and its left, top and right as shares of the page."""

    text: str
    page: int
    left: float
    top: float
    right: float


class Print(NamedTuple):
    """A printed document."""

    pages: int
    words: list[Word]

    def find(self, text: str) -> Word:
        """The first word that contains a text."""
        return next(word for word in self.words if text in word.text)


def read(pdf: Path) -> Print:
    """Pages and words of a PDF."""
    command = ["pdftotext", "-bbox", str(pdf), "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    sizes: list[tuple[float, float]] = []
    words = []
    for line in told.splitlines():
        values = [float(value) for value in re.findall(r'="(-?[\d.]+)"', line)]
        if "<page " in line:
            sizes.append((values[0], values[1]))
        elif found := re.search(r">(.*)</word>", line):
            width, height = sizes[-1]
            words.append(Word(found[1], len(sizes) - 1, values[0] / width, values[1] / height, values[2] / width))
    return Print(len(sizes), words)


@pytest.fixture(scope="module")
def prints(browser: Any, firefox: Any, service: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: F811
    """Print a page of a service with forty cases and eight duty posts: ``prints(path)`` gives Firefox's and Chromium's."""
    folder = tmp_path_factory.mktemp("prints")
    with session(service.engine, write=True) as opened:
        for number, name in enumerate(("一", "二", "三", "四", "五", "六", "七", "八")):
            place = f"长营社区第{name}党群服务站" if number else "值守站"
            set_post(opened, 1, DutyPost(place, read_hours("08:30-17:30、17:30-08:30")), Recorder("test", NOW))
    base = str(service.client.base_url).rstrip("/")

    def made(path: str) -> tuple[Print, Print]:
        target = folder / re.sub("[^a-z]+", "_", path)
        headers = {"Authorization": f"Bearer {service.tokens['supervisor']}"}
        with browser.new_context(extra_http_headers=headers, viewport={"width": 1366, "height": 768}) as context:
            faults: list[str] = []
            page = quiet_page(context, service.client, faults)
            page.goto(f"{base}{path}")
            if path == "/board":
                page.wait_for_selector("[data-stage] .case")
            text = re.sub(r"<script\b.*?</script>", "", page.content(), flags=re.DOTALL)
            assert faults == []
        styles = {href: service.ask("supervisor", "GET", href).text for href in LINK.findall(text)}
        document = target.with_suffix(".html")
        document.write_text(LINK.sub(lambda link: f"<style>{styles[link[1]]}</style>", text), encoding="utf-8")
        own = browser.new_page()
        own.goto(document.as_uri())
        own.pdf(path=target.with_suffix(".chromium.pdf"), prefer_css_page_size=True)
        own.close()
        firefox.open(document.as_uri())
        target.with_suffix(".firefox.pdf").write_bytes(firefox.print(width_cm=21.0, height_cm=29.7))
        return read(target.with_suffix(".firefox.pdf")), read(target.with_suffix(".chromium.pdf"))

    return made


@pytest.mark.parametrize(
    ("path", "most_pages", "first", "last"),
    [
        ("/roster?day=2026-03-03", 2, "值班点", "03-08"),
        ("/brief?day=2026-03-09", 2, "序号", "逾期"),
        ("/board", 2, "待受理", "待回访"),
        ("/ledgers?kind=A&day=2026-03-03", 2, "序号", "时限"),
        ("/desk", 2, "受理", "受理"),
        ("/notices", 1, "通知", "通知"),
        ("/rectification", 1, "整改", "整改"),
    ],
)
def test_firefox_prints_what_chromium_prints(prints: Any, path: str, most_pages: int, first: str, last: str) -> None:
    """The first and the last column of a page's table stand on the first sheet, and no sheet is empty."""
    theirs, ours = prints(path)
    assert abs(theirs.pages - ours.pages) <= 1
    for made in (theirs, ours):
        assert made.pages <= most_pages
        assert {word.page for word in made.words} == set(range(made.pages)), "an empty sheet"
        assert max(word.right for word in made.words) < 0.97, "cut at the right"
    for text in (first, last):
        wanted = ours.find(text)
        assert wanted.page == 0
        # Firefox embeds Chinese glyphs without their characters: a word at this place is the heading or a value below it.
        assert any(
            word.page == 0 and abs(word.left - wanted.left) < 0.04 and abs(word.top - wanted.top) < 0.15
            for word in theirs.words
        )
