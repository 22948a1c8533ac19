"""The editor's page and its modules: complete, from this server alone, and without any text becoming markup."""

from __future__ import annotations

import re

from maps.assets import STATIC
from maps.pages.plan import render_plan

MODULES = {path.relative_to(STATIC / "plan").as_posix(): path for path in sorted((STATIC / "plan").rglob("*.js"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}
MODULE_LINES = 400


def test_everything_comes_from_the_server_itself() -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', render_plan())
    assert "/static/plan/main.js" in " ".join(addresses)
    assert all(address.startswith(("/", "data:", "#")) and not address.startswith("//") for address in addresses)
    for name, text in TEXTS.items():
        assert set(re.findall(r"https?://[^\"'\s)]+", text)) <= {"http://www.w3.org/2000/svg"}, name


def test_every_import_is_a_module_with_that_name_and_all_modules_are_reached() -> None:
    open_names, seen = ["main.js"], set()
    while open_names:
        name = open_names.pop()
        if name in seen:
            continue
        seen.add(name)
        for names, path in re.findall(r'^import \{([^}]*)\} from "([^"]+)";', TEXTS[name], re.MULTILINE):
            target = (MODULES[name].parent / path).resolve().relative_to((STATIC / "plan").resolve()).as_posix()
            for wanted in (one.strip() for one in names.split(",")):
                declared = rf"^export (?:async )?(?:function\*?|class|const|let) {wanted}\b"
                assert re.search(declared, TEXTS[target], re.MULTILINE), (name, wanted, target)
                assert len(re.findall(rf"\b{wanted}\b", TEXTS[name])) > 1, (name, wanted)
            open_names.append(target)
    assert seen == set(MODULES)


def test_no_text_becomes_markup() -> None:
    for name, text in TEXTS.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )


def test_every_text_stands_in_both_languages_and_is_known() -> None:
    entries = re.findall(r'("?[\w.]+"?): \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\]', TEXTS["words.js"])
    known = {key.strip('"') for key, _, _ in entries}
    assert len(known) == len(entries)
    assert all(zh and en for _, zh, en in entries)
    for name, text in TEXTS.items():
        used = set(re.findall(r'\bsay\("([\w.]+)"', text))
        assert used <= known, (name, used - known)


def test_modules_fit_in_the_head() -> None:
    assert {name: n for name, text in TEXTS.items() if (n := text.count("\n")) > MODULE_LINES} == {}
