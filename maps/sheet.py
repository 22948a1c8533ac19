"""A map as an A3 or A4 sheet, in a PDF or a picture, printed by Chromium.

A page of ours lays itself out as a sheet when its address asks for it, so paper, file and screen are drawn by one program.
Chromium is not part of wangge: where it is missing, the HTML page can be opened and printed with any browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl

import folium

from geo.errors import FileError, ImpossibleError, InputError
from geo.layers import aside
from maps.document import render

#: Kinds of file that a sheet can be, by ending.
ENDINGS = (".pdf", ".png")

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Sizes of sheets on the screen in CSS pixels (maps/static/maps/page.css), and pixels of the picture to one of them: 3,020 by
# 2,080 pixels are 190 to the inch on A3.
_SHEETS_PX = {"A3": (1510, 1040), "A4": (1060, 730)}
_FINE = 2

#: Sizes of paper that a sheet can have.
PAPERS = tuple(_SHEETS_PX)

# Time on the page's own clock until its timers have run, and on ours until Chromium is given up.
_VIRTUAL_MS = 10_000
_PATIENCE_S = 120

_INSTEAD = "write .html and print it with a browser"


def is_sheet(path: str | os.PathLike[str]) -> bool:
    """Whether a file of this name is a sheet, and not a page.

    >>> is_sheet("a.PDF"), is_sheet("a.html")
    (True, False)
    """
    return Path(path).suffix.lower() in ENDINGS


def find_chromium() -> str:
    """Path of the program.

    Raises
    ------
    ImpossibleError
        If there is none.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise ImpossibleError(
            "a sheet needs Chromium, which is not installed: run 'apt install chromium', or write .html and print it "
            "with any browser"
        )
    return found


def print_sheet(drawing: folium.Map, path: str | os.PathLike[str], *, view: str = "") -> None:
    """Write a map as one sheet, landscape; an existing file is replaced when the new one is complete.

    Parameters
    ----------
    drawing
        A map of this package.
    path
        File that ends in ``.pdf`` (paths stay paths, so it is sharp at any size) or ``.png`` (3,020 by 2,080 pixels on A3).
    view
        What is shown, as it stands in the address of the page after ``#``: ``level=2&by=incidents``; with ``paper=A4`` on A4
        in place of A3.

    Raises
    ------
    InputError
        If the paper is neither.
    ImpossibleError
        If Chromium is missing or does not print.
    FileError
        If the ending is neither, or the folder does not exist.
    """
    paper = dict(parse_qsl(view)).get("paper", "A3")
    if paper not in PAPERS:
        raise InputError(f"a sheet is printed on {' or '.join(PAPERS)}, not '{paper}'")
    if not is_sheet(path):
        raise FileError(f"{path}: a sheet is a file that ends in {' or '.join(ENDINGS)}")
    photograph(render(drawing), path, size_px=_SHEETS_PX[paper], fine=_FINE, view=f"{view}&sheet=1".lstrip("&"))


def photograph(
    page: str, path: str | os.PathLike[str], *, size_px: tuple[int, int], fine: float = 1.0, view: str = ""
) -> None:
    """Write what Chromium shows of an HTML page: a picture of the window, or a PDF on the paper that the page asks for.

    Parameters
    ----------
    page
        Text of a self-contained page.
    path
        File that ends in ``.pdf`` or ``.png``.
    size_px
        Width and height of the window in CSS pixels; a PDF does not depend on it.
    fine
        Pixels of the picture to one of the window.
    view
        Fragment of the address, after ``#``.

    Raises
    ------
    ImpossibleError
        If Chromium is missing or does not write the file.
    """
    program = find_chromium()
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder, aside(Path(path)) as target:
        # Chromium may have no access to the target's folder or reject its temporary name, so it uses its own folder.
        source, written = Path(folder, "page.html"), Path(folder, "written" + Path(path).suffix.lower())
        source.write_text(page, encoding="utf-8")
        if written.suffix == ".pdf":
            wanted = [f"--print-to-pdf={written}", "--no-pdf-header-footer"]
        else:
            wanted = [
                f"--screenshot={written}",
                f"--window-size={size_px[0]},{size_px[1]}",
                f"--force-device-scale-factor={fine:g}",
                "--hide-scrollbars",
            ]
        # Chromium refuses its sandbox for root; the page is ours, and its policy allows no requests.
        alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [
            program,
            "--headless",
            *alone,
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
            "--no-first-run",
            f"--virtual-time-budget={_VIRTUAL_MS}",
            *wanted,
            f"{source.as_uri()}#{view}",
        ]
        _run(command)
        if not written.is_file() or not written.stat().st_size:
            raise ImpossibleError(f"{path}: Chromium ({program}) wrote nothing; {_INSTEAD}")
        shutil.copyfile(written, target)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise ImpossibleError(f"Chromium did not finish within {_PATIENCE_S} s; {_INSTEAD}") from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise ImpossibleError(f"Chromium could not be run ({error}); {_INSTEAD}") from error
