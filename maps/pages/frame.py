"""The frame of a page of the server: title, navigation, language and dark mode; the templates are in ``maps/templates``.

A template extends ``frame.html`` and fills the blocks ``main``, ``head`` (more styles and scripts) and ``tools`` (buttons of the
header). A bilingual text is written ``{{ both("社区", "Community") }}``; a bilingual attribute has ``data-zh`` and ``data-en``,
and the name of the attribute in ``data-text``. Templates escape all values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from maps import assets
from maps.english_names import english_name
from maps.pages.navigation import Entry

_HAN = re.compile("[\u3400-\u9fff]")


def render_page(template: str, *, title: tuple[str, str], navigation: Sequence[Entry], here: str, **values: Any) -> str:
    """HTML of a page.

    Parameters
    ----------
    template
        Name of a template that extends ``frame.html``.
    title
        Title in Chinese and English.
    navigation
        Entries that the reader may open.
    here
        Path of the page, marked in the navigation.
    values
        Values of the template.

    Raises
    ------
    FileError
        If a script or style of the page is missing.
    """
    page = _environment().get_template(template)
    return page.render(title=title, navigation=list(navigation), here=here, **values)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("maps"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(both=_both, named=_named, own_text=_own_text, asset=assets.address)
    made.filters["whole"] = lambda value: f"{int(value):,}"
    made.filters["shown"] = _shown
    made.filters["english"] = english_name
    made.filters["place"] = _place
    return made


def _both(zh: Any, en: Any) -> Markup:
    """A bilingual text, of which the style sheet shows one language."""
    return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(zh, en)


def _own_text(column: str, value: Any) -> Markup | str:
    """A value of a feature: names of cells in both languages, other texts as they are, marked as Chinese if they are."""
    if value is None:
        return ""
    text = _shown(value)
    if not isinstance(value, str) or not _HAN.search(text):
        return text
    english = english_name(text) if column == "name" else text
    return Markup('<span lang="zh">{}</span>').format(text) if english == text else _both(text, english)


def _named(name: str) -> Markup:
    """Attributes of an option that is called after a place, so that its text is in the language of the page."""
    return Markup(' data-text="textContent" data-zh="{}" data-en="{}"').format(name, _place(name))


def _place(name: str) -> str:
    """English name of a place that may be followed by its code."""
    place, _, code = name.partition(" ")
    return "Whole street" if place == "全街道" else f"{english_name(place)} {code}".strip()


def _shown(value: Any) -> str:
    """A table value: numbers with one decimal, small ones with four; booleans as signs."""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, float):
        return f"{value:,.{1 if abs(value) >= 10 else 4}f}".rstrip("0").rstrip(".")
    return str(value)


def plain_json(value: Any) -> str:
    """Data for a script of a page, as JSON for a ``data-`` attribute, escaped by the template."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
