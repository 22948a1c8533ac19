"""Take screenshots of all pages of the demonstration in three sizes: ``python -m tools.page_pictures LINK [NAME ...]``.

LINK is what `wangge demo` prints when it serves; it logs the viewer in. Without names all pictures are taken. They are used by
docs/pages.md and the manuals, and are half as large as the window. Needs Chromium and playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

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
    ("checker", "/checker"),
    ("plan", "/plan"),
    ("me", "/me"),
    ("desk", "/desk"),
    ("board", "/board"),
    ("roster", "/roster"),
    ("notices", "/notices"),
    ("rectification", "/rectification"),
    ("meeting", "/meeting"),
    ("ledgers", "/ledgers"),
    ("brief", "/brief"),
    ("ogc", "/ogc"),
)
_WAIT_MS = 1500


def main(link: str, *names: str) -> int:
    """Take a screenshot of every page, or of those with these names, in every size."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    pages = [(name, address) for name, address in PAGES if not names or name in names]
    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        logged_in = browser.new_context()
        logged_in.new_page().goto(link, timeout=180_000)
        state = logged_in.storage_state()
        for width, height in SIZES:
            size = {"width": width, "height": height}
            context = browser.new_context(viewport=size, color_scheme="light", storage_state=state)
            for name, address in pages:
                page = context.new_page()
                page.goto(base + address, timeout=180_000)
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
    raise SystemExit(main(*sys.argv[1:]))
