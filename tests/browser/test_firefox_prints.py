"""Prints of Debian's Firefox contain the same layers as the sheets written by Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from tests.browser.firefox import NAMES, Firefox, started
from tests.browser.test_maps_in_browser import files  # noqa: F401 - a fixture

PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="Firefox is not installed (apt install firefox-esr)"),
    pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm (poppler-utils) is not installed"),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (apt install chromium)"),
]
#: Position of the map on the sheet at 48 pixels per inch, without header, panel and footer.
MAP = (slice(60, 450), slice(20, 570))


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="wangge-firefox-") as folder, started(PROGRAM, Path(folder)) as opened:
        yield opened


def pixels(pdf: Path) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The first page at 48 pixels per inch, slightly blurred so that lines may differ by a pixel, and its facts."""
    told = subprocess.run(["pdfinfo", str(pdf)], check=True, capture_output=True, text=True, timeout=60).stdout
    picture = pdf.with_suffix("")
    command = ["pdftoppm", "-r", "48", "-png", "-singlefile", str(pdf), str(picture)]
    subprocess.run(command, check=True, timeout=120)
    blurred = Image.open(picture.with_suffix(".png")).convert("RGB").filter(ImageFilter.GaussianBlur(3))
    return np.asarray(blurred).astype(np.int64), told.splitlines()


def by_chromium(page: Path, target: Path, view: str) -> Path:
    """The sheet as written by the command line."""
    address = f"{page.as_uri()}#{view}{'&' if view else ''}sheet=1"
    with tempfile.TemporaryDirectory(prefix="wangge-chromium-") as profile:
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--virtual-time-budget=10000", "--no-pdf-header-footer", f"--print-to-pdf={target}", address]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target


def nearest(printed: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The part of a print most similar to the map of the sheet: the height of the header varies by some pixels with the fonts."""
    top, left = MAP[0].start, MAP[1].start
    height, width = wanted.shape[:2]
    parts = (
        printed[top + down : top + down + height, left + right : left + right + width]
        for down in range(-14, 15)
        for right in range(-4, 5)
    )
    return min(parts, key=lambda part: float(np.abs(part - wanted)[::4, ::4].mean()))


@pytest.mark.parametrize(
    ("name", "view"),
    [("coverage", ""), ("coverage", "level=1"), ("heat", "span=all"), ("check", ""), ("fairness", ""), ("route", "")],
)
def test_a_print_of_firefox_is_the_sheet(firefox: Firefox, files, tmp_path, name, view) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    firefox.open(f"{files[name].as_uri()}#{view}")
    (tmp_path / "firefox.pdf").write_bytes(firefox.print())
    printed, told = pixels(tmp_path / "firefox.pdf")
    sheet, _ = pixels(by_chromium(files[name], tmp_path / "chromium.pdf", view))
    assert "Pages:           1" in told
    assert any("(A3)" in line for line in told)
    assert np.abs(np.subtract(printed.shape, sheet.shape)).max() <= 1  # Sizes in points are rounded.
    theirs = sheet[MAP]
    ours = nearest(printed, theirs)
    inside = (theirs.min(axis=2) < 235) & (np.ptp(theirs, axis=2) + 255 - theirs.max(axis=2) > 12)
    assert inside.sum() > 10_000
    off = np.abs(ours - theirs).max(axis=2)
    assert (
        off[inside] > 60
    ).mean() < 0.1  # Labels and patterns may differ in position; a missing layer differs far more.
    assert off[inside].mean() < 25


def test_firefox_prints_on_a4_where_it_is_chosen(firefox: Firefox, files, tmp_path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    firefox.open(f"{files['coverage'].as_uri()}#paper=A4")
    (tmp_path / "firefox.pdf").write_bytes(firefox.print(width_cm=29.7, height_cm=21.0))
    _, told = pixels(tmp_path / "firefox.pdf")
    assert "Pages:           1" in told
    assert any("(A4)" in line for line in told)


def test_no_instruction_of_the_screen_is_printed(firefox: Firefox, files) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    firefox.open(files["heat"].as_uri())
    shown = firefox.evaluate(
        "dispatchEvent(new Event('beforeprint')); const text = document.getElementById('panel').innerText;"
        "dispatchEvent(new Event('afterprint')); return text;"
    )
    assert "请点击" not in shown
    assert "显示其余" not in shown
