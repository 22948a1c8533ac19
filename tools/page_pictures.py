"""Take screenshots of the pages of a running server in three sizes: ``python -m tools.page_pictures http://127.0.0.1:8000``.

The pictures are used by docs/pages.md and the manuals; they are half as large as the window. Needs Chromium and playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZES = ((1920, 1080), (1366, 768), (390, 844))
#: Name of the picture, and address of the page.
PAGES = (
    ("first", "/"),
    ("screen", "/?screen=1"),
    ("coverage", "/coverage"),
    ("coverage-week", "/coverage#day=2026-03-01&span=week"),
    ("heat", "/heat"),
    ("fairness", "/fairness#by=population"),
)
_WAIT_MS = 1500


def main(base: str) -> int:
    """Take a screenshot of every page in every size."""
    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, height in SIZES:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
            for name, address in PAGES:
                page = context.new_page()
                page.goto(base.rstrip("/") + address, timeout=180_000)
                page.wait_for_timeout(_WAIT_MS)
                path = IMAGES / f"page-{name}-{width}.png"
                page.screenshot(path=str(path))
                page.close()
                picture = Image.open(path).convert("RGB")
                half = picture.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
                half.quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
