"""A sheet is selected by the file ending, and missing parts are reported in one line."""

from __future__ import annotations

from pathlib import Path

import folium
import pytest

from geo.errors import FileError, ImpossibleError
from maps import sheet


def test_endings() -> None:
    assert [sheet.is_sheet(name) for name in ("a.pdf", "b.PNG", "c.html", "png")] == [True, True, False, False]


def test_without_chromium_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet.shutil, "which", lambda name: None)
    with pytest.raises(ImpossibleError, match="apt install chromium") as told:
        sheet.print_sheet(folium.Map(location=[32.1, 118.8], tiles=None), tmp_path / "a.pdf")
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"ends in \.pdf or \.png"):
        sheet.print_sheet(folium.Map(location=[32.1, 118.8], tiles=None), tmp_path / "a.html")


@pytest.mark.parametrize("body", ["exit 3", "exit 0"])
def test_chromium_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(sheet.shutil, "which", lambda name: str(program))
    with pytest.raises(ImpossibleError, match=r"write \.html"):
        sheet.print_sheet(folium.Map(location=[32.1, 118.8], tiles=None), tmp_path / "out" / "a.png")
    assert list((tmp_path / "out").iterdir()) == []
