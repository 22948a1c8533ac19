"""Finds the Chinese sentence of an English message.

A message is compared with the templates of three tables. A template has numbered fields, and words with two forms, after one and
after several (:mod:`geo.wording`): ``{0}: the file is empty ({1} [byte|bytes])``. If several templates match, the one with most
literal letters is used. The values of its fields are inserted in the Chinese template; a value that is itself a message, a known
phrase or a list of words is translated first. No decision of the program depends on the result.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from geo.errors import WanggeError
from geo.texts import Text

#: Sentence for a message without a row in the tables; contains the message.
FALLBACK = "操作没有完成，原因如下（原文）：{0}"

_FOLDER = Path(__file__).parent
#: A field of an English template, or a word with two forms.
_PART = re.compile(r"\{(?P<field>\d+)\}|\[(?P<one>[^][|]+)\|(?P<several>[^][|]+)\]")
#: A field of a Chinese template. With ``:w`` its value is a word of the vocabulary ("device"), not a name or header that only
#: looks like one; with ``:m`` it is a message, with ``:s`` several messages separated by semicolons.
_CHINESE_FIELD = re.compile(r"\{(\d+)(?::([wms]))?\}")
_HAS_MESSAGE = re.compile(r":[ms]\}")
_WORD = r"[\w.:/@+\-]+"
#: Two or more words separated by commas, such as names of columns.
_LISTED = re.compile(rf"{_WORD}(?:, {_WORD})+")
_ALTERNATIVES = re.compile(rf"({_WORD}(?:, {_WORD})*) (or|and) ({_WORD})")
_JOINED = {"or": "或", "and": "和"}
#: Maximum nesting: a value may contain a message with a phrase with a list.
_DEEPEST = 5


@dataclass(frozen=True)
class Template:
    """One row of a table, prepared for comparisons."""

    english: str
    chinese: str
    literals: tuple[str, ...]
    weight: int
    "Number of literal letters of the template, with the longer form of words with two."

    @property
    def generic(self) -> bool:
        """Whether the template has no literal words, only fields and punctuation."""
        return not any(letter.isalpha() for literal in self.literals for letter in literal)

    def values(self, message: str) -> tuple[str, ...] | None:
        """Values of the fields if the message matches the template."""
        if not (message.startswith(self.literals[0]) and message.endswith(self.literals[-1])):
            return None
        if not all(literal in message for literal in self.literals):
            return None
        found = _pattern(self.english).fullmatch(message)
        return None if found is None else found.groups()


def template_of(english: str, chinese: str) -> Template:
    """Prepare a row for comparisons.

    >>> template_of("{0}: has no layer '{1}'", "").values("a.gpkg: has no layer 'third'")
    ('a.gpkg', 'third')
    """
    parts = list(_PART.finditer(english))
    ends = [(0, 0), *(part.span() for part in parts), (len(english),) * 2]
    literals = tuple(english[end:start] for (_, end), (start, _) in pairwise(ends))
    forms = sum(max(len(part["one"]), len(part["several"])) for part in parts if part["one"])
    return Template(english, chinese, literals, sum(map(len, literals)) + forms)


@cache
def _pattern(english: str) -> re.Pattern[str]:
    made = ""
    end = 0
    for part in _PART.finditer(english):
        made += re.escape(english[end : part.start()])
        made += "(.*?)" if part["field"] else f"(?:{re.escape(part['one'])}|{re.escape(part['several'])})"
        end = part.end()
    return re.compile(made + re.escape(english[end:]), re.DOTALL)


def rows_of(name: str) -> dict[str, str]:
    """English templates of a table with their Chinese ones."""
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return {row["english"]: row["chinese"] for row in csv.DictReader(file)}


@cache
def _templates() -> tuple[Template, ...]:
    """All templates: first those that contain messages, then by number of literal letters."""
    rows = {**rows_of("phrases.csv"), **rows_of("notices.csv"), **rows_of("errors.csv")}
    return tuple(
        sorted(
            (template_of(*row) for row in rows.items()),
            key=lambda one: (not _HAS_MESSAGE.search(one.chinese), -one.weight),
        )
    )


@lru_cache(maxsize=1024)
def in_chinese(message: str) -> str:
    """The Chinese sentence for an error message.

    Returns
    -------
    str
        The sentence without a full stop; :data:`FALLBACK` with the message if the tables have no row.

    Notes
    -----
    The templates are compared one by one, about 1 ms for a new message.

    Examples
    --------
    >>> in_chinese("a.gpkg: the folder out cannot be written to (Permission denied)")
    'a.gpkg：不能写入文件夹 out（没有权限）'
    """
    return _translated(message, 0) or FALLBACK.format(message)


def known(message: str) -> bool:
    """Whether the tables have a row for a message."""
    return _translated(message, 0) is not None


def text_of(error: WanggeError) -> Text:
    """The message of an error in both languages, without its example. Refused edits and steps contain their own Chinese reason.

    >>> from geo.errors import FileError
    >>> text_of(FileError("no file given"))
    Text(zh='没有提供文件', en='no file given')
    """
    own = getattr(error, "zh", None) or getattr(error, "members", {}).get("zh")
    return Text(own or in_chinese(error.message), error.message)


def phrase_in_chinese(text: str) -> str:
    """A part of a message in Chinese; unchanged if it is a name, a number or the text of a library.

    >>> phrase_in_chinese("Field required"), phrase_in_chinese("a.csv")
    ('必须填写', 'a.csv')
    """
    return _translated(text, 1) or text


def _translated(text: str, depth: int) -> str | None:
    """The text in Chinese, or None if no template matches."""
    if depth > _DEEPEST or not text:
        return None
    for template in _templates():
        values = template.values(text)
        made = None if values is None else _filled(template, values, depth)
        if made is not None:
            return made
    return None


def _filled(template: Template, values: tuple[str, ...], depth: int) -> str | None:
    """The Chinese template with its values; None if it has no words of its own and no value has a translation."""
    changed = False

    def insert(field: re.Match[str]) -> str:
        nonlocal changed
        value = values[int(field[1])]
        if field[2] == "s":
            made = "；".join(_value(one, depth + 1) for one in value.split("; "))
        else:
            made = _value(value, depth + 1, word=field[2] == "w")
        changed = changed or made != value
        return made

    made = _CHINESE_FIELD.sub(insert, template.chinese)
    return None if template.generic and not changed else made


def _value(value: str, depth: int, *, word: bool = False) -> str:
    """The value of a field, converted for a Chinese sentence."""
    if _LISTED.fullmatch(value):
        return value.replace(", ", "、")
    if found := _ALTERNATIVES.fullmatch(value):
        first, joint, last = (found[1].split(", "), found[2], found[3])
        shown = [_value(one, depth, word=word) for one in (*first, last)]
        blank = " " if value[0].isascii() and shown[-1].isascii() else ""
        return "、".join(shown[:-1]) + f"{blank}{_JOINED[joint]}{blank}" + shown[-1]
    if value.isalpha() and value.isascii() and not word:
        return value
    return _translated(value, depth) or value
