"""The manuals in docs/zh and docs/pages.md: every link and picture leads somewhere, and every command is one of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from api.cli import app

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
        command, words = typer.main.get_command(app), shlex.split(line)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert not hasattr(command, "commands"), line
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= known | {"--help"}, line


def test_manuals_hold_what_their_readers_need() -> None:
    names = {path.stem for path in PAGES}
    assert {"installation", "patrols", "incidents", "leaders", "pages"} <= names
