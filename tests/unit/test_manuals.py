"""The manuals in docs/zh and docs/pages.md: all links and pictures exist, and all commands are those of the program."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer.main

from api.cli import application

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "pages.md", *sorted((DOCS / "zh").glob("*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_options_are_those_of_the_program(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"^\.venv/bin/wangge (.+)$", text, re.MULTILINE)
    for line in lines:
        command, words = typer.main.get_command(application()), shlex.split(line)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert not hasattr(command, "commands"), line
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= known | {"--help"}, line


#: Quoted words that are no texts of wangge: buttons of the browser and of QGIS, and a name with a number.
FOREIGN = {"后退", "图层 → 数据源管理器 → WFS / OGC API - 要素 → 新建", "草案 N"}


@pytest.mark.parametrize("path", sorted((DOCS / "zh").glob("*.md")), ids=lambda path: path.name)
def test_named_buttons_and_headings_are_those_of_the_pages(path: Path) -> None:
    """Quoted texts of a manual occur on a page or in a message, apart from numbers."""
    quoted = set(re.findall("“([^”]+)”", path.read_text(encoding="utf-8"))) - FOREIGN
    missing = [text for text in quoted if re.sub(r" \d+ ", " {n} ", text) not in _texts()]
    assert missing == []


@cache
def _texts() -> str:
    """All texts of the program."""
    files = (path for room in ("maps", "api", "geo") for path in (DOCS.parent / room).rglob("*"))
    kinds = {".py", ".js", ".html", ".csv"}
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.suffix in kinds)


@pytest.mark.parametrize("name", ["installation", "划分与调整", "patrols", "incidents", "leaders"])
def test_every_manual_has_a_picture(name: str) -> None:
    assert re.search(r"!\[[^\]]+\]\([^)]+\.png\)", (DOCS / "zh" / f"{name}.md").read_text(encoding="utf-8"))


def test_manuals_hold_what_their_readers_need() -> None:
    names = {path.stem for path in PAGES}
    assert {"installation", "patrols", "incidents", "leaders", "pages"} <= names
