"""Every error and notice of the program has a complete Chinese sentence."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from api.translations import FALLBACK, in_chinese, known, phrase_in_chinese, text_of
from api.translations.messages import rows_of
from geo.errors import FileError, RefusedEdit

ROOT = Path(__file__).resolve().parents[2]
FIELD = re.compile(r"\{(\d+)(?::[wms])?\}")
#: Words with two forms, after one and after several things; and a plural after a number without them.
FORMS = re.compile(r"\[([^][|]+)\|([^][|]+)\]")
COUNTED = re.compile(r"\{\d+\} (?:of (?:the )?\{\d+\} )?(?:[a-z-]+ )?([a-z]+s)\b")
#: Plurals after numbers that are never one: limits of the program, and errors about several things.
NEVER_ONE = (
    "a filter has at most",
    "a password has",
    "is no name of a",
    "requires {1} arguments",
    "should have at most",
    "--from {0} --to {1}: at most",
    "a mesh of {0} cells",
    "ask for at most",
    "calendar has no working day within",
    "density: {0} values",
    "field names were cut to",
    "is cut off, {1} of {2} bytes",
    "is kept for at least",
    "no header row was found in the first",
    "not over after {1} days",
    "rows, more than {2}",
    "takes periods",
    "the body is larger than",
    "the last {0} days",
    "the track has {0} devices",
    "the {1} header lines",
    "were] cut to {3} bytes",
    "working days: a whole number",
)
TABLES = ("errors.csv", "notices.csv", "phrases.csv")
HAN = re.compile(r"[\u4e00-\u9fff]")

#: Errors that contain their own Chinese reason.
OWN_CHINESE = {"RefusedEdit", "RefusedStep"}
#: Composed or passed-on messages, by module and the beginning of the expression. Their forms are in phrases.csv, in errors.csv
#: at the place of their creation, or they are the reason of a refused edit or step.
COMPOSED = {
    ("api/duty/desk.py", "str(refusal)"),
    ("api/ingest/phones.py", "reason.en"),
    ("api/ingest/writer.py", "reason"),
    ("api/commands/patrols/run.py", "'the tracks have no usable fix: ' + _refusals(tracks)"),
    ("api/plans/conflicts.py", "str(refused)"),
    ("api/plans/editing.py", "str(refused)"),
    ("api/plans/examining.py", "str(refused)"),
    ("api/plans/merging.py", "str(refused)"),
    ("api/plans/publishing.py", "str(error)"),
    ("geo/divide/blocks/street_blocks.py", "'communities: ' + "),
    ("geo/layers/alignment/plausibility.py", "f'{name}: coordinates such as "),
    ("geo/layers/division.py", "'the layers of a division must share one CRS: ' + "),
    ("geo/layers/files/reading.py", "f'{name}: declares no ' + "),
    ("geo/layers/files/shapefile.py", "_cannot(name, text, text[error.start], encoding)"),
    ("geo/patrols/rules.py", "f'rules {self.name}: ' + "),
    ("geo/tracks/reading/formats/gpx.py", "f'{name}: has no track point' + "),
}
#: Notices that are passed on, or bilingual at the place of their creation.
BILINGUAL_NOTICES = {
    ("api/files/reading_notices.py", "f'{source}: {text}'"),
    ("api/files/reading_notices.py", "f'{head}{text}'"),
    ("api/commands/locate.py", "text"),
    ("api/commands/locate.py", "f'{points.name}: {_OWN_CELL"),
    ("geo/layers/files/reading.py", "text if text.startswith(source.name)"),
}


@cache
def nodes() -> tuple[dict[str, set[str]], list[tuple[str, ast.Call]]]:
    """Bases of every class of the program by its name, and every call with an argument with the path of its module."""
    classes: dict[str, set[str]] = {}
    found: list[tuple[str, ast.Call]] = []
    for path in (path for room in ("geo", "maps", "api") for path in sorted((ROOT / room).rglob("*.py"))):
        module = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                classes[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
            elif isinstance(node, ast.Call) and node.args:
                found.append((module, node))
    return classes, found


@cache
def error_names() -> frozenset[str]:
    """Names of WanggeError and all its subclasses."""
    bases, _ = nodes()
    found = {"WanggeError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return frozenset(found)


def template(node: ast.expr) -> str | None:
    """An English message with numbered fields; None if it is composed in another way."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        numbers = iter(range(99))
        return "".join(
            str(part.value)
            if isinstance(part, ast.Constant)
            else words_with_forms(part, numbers) or f"{{{next(numbers)}}}"
            for part in node.values
        )
    return None


def words_with_forms(part: ast.expr, numbers: Iterator[int]) -> str | None:
    """The field of ``counted(n, "cell has", "cells have")`` or ``form(n, "is", "are")`` as the tables write it."""
    call = part.value if isinstance(part, ast.FormattedValue) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) not in ("counted", "form"):
        return None
    words = [argument.value for argument in call.args[1:] if isinstance(argument, ast.Constant)]
    if not words:
        return None
    pair = f"[{words[0]}|{words[1] if len(words) > 1 else f'{words[0]}s'}]"
    return f"{{{next(numbers)}}} {pair}" if ast.unparse(call.func) == "counted" else pair


def calls(names: frozenset[str]) -> Iterator[tuple[str, int, ast.expr]]:
    """Module, line and first argument of every call of these names."""
    for module, node in nodes()[1]:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in names:
            yield module, node.lineno, node.args[0]


def listed(module: str, node: ast.expr, known_places: set[tuple[str, str]]) -> tuple[str, str] | None:
    text = ast.unparse(node)
    return next((place for place in known_places if place[0] == module and text.startswith(place[1])), None)


def check_table(name: str, names: frozenset[str], exceptions: set[tuple[str, str]]) -> None:
    rows = rows_of(name)
    missing, used, met = [], set(), set()
    for module, line, node in calls(names):
        place = listed(module, node, exceptions)
        if place is not None:
            met.add(place)
            continue
        text = template(node)
        if text is not None and HAN.search(text) and name == "notices.csv":
            continue
        if text is None or text not in rows:
            missing.append(f"{module}:{line}: {text or ast.unparse(node)}")
        else:
            used.add(text)
    assert missing == [], f"no Chinese sentence in api/translations/{name}"
    assert sorted(set(rows) - used) == [], f"rows of api/translations/{name} that nothing says any longer"
    assert exceptions - met == set()


def test_every_error_has_a_chinese_sentence() -> None:
    check_table("errors.csv", error_names() - OWN_CHINESE, COMPOSED)


def test_errors_of_libraries_and_chosen_classes_have_a_chinese_sentence() -> None:
    """Command line usage errors, and error classes chosen at the time of raising."""
    raised = {
        text
        for names in (frozenset({"BadParameter"}), frozenset({"kind", "what"}))
        for module, _, node in calls(names)
        if module.startswith(("api/cli/", "api/commands/locate", "geo/locate/batches/points"))
        and (text := template(node)) is not None
    }
    assert len(raised) > 12
    rows = {re.sub(r"\{\d+\}", "{}", english) for english in rows_of("phrases.csv")}
    assert {text for text in raised if not known(_samples(text)[0])} == set()
    assert {text for text in raised if "--" in text and re.sub(r"\{\d+\}", "{}", text) not in rows} == set()


def test_every_reason_to_refuse_a_filter_has_a_chinese_sentence() -> None:
    reasons = [
        text
        for module, _, node in calls(frozenset({"refuse", "_refuse"}))
        if module.startswith("api/ogc/filters/") and not isinstance(node, ast.Name)
        for text in _forms(module, node)
    ]
    assert len(reasons) > 40
    missing = []
    for text in reasons:
        chinese = in_chinese(f"filter, at position 7: {_samples(text)[0]}")
        unquoted = re.sub("“[^”]*”", "", chinese)
        if not chinese.startswith("filter，第7个字符处：") or re.search("[a-z]+ [a-z]+", unquoted):
            missing.append((text, chinese))
    assert missing == [], "no Chinese sentence in api/translations/phrases.csv"


def _forms(module: str, node: ast.expr) -> list[str]:
    """Complete English reasons of one call: both of an alternative, and with the found word where the text parser adds it."""
    if isinstance(node, ast.IfExp):
        return [form for part in (node.body, node.orelse) for form in _forms(module, part)]
    text = template(node)
    if text is None or text == "{0}, not {1}":
        return []
    if isinstance(node, ast.JoinedStr) and any(
        isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp) for part in node.values
    ):
        return []
    if module.endswith("text_parser.py") and text.endswith("is expected") and text != "a number is expected":
        number = len(FIELD.findall(text))
        return [f"{text}, not '{{{number}}}'", f"{text}, not the end"]
    return [text]


def test_every_notice_has_a_chinese_sentence() -> None:
    check_table("notices.csv", frozenset({"notice"}), BILINGUAL_NOTICES)


@pytest.mark.parametrize("name", ["errors.csv", "notices.csv", "phrases.csv"])
def test_chinese_sentences_are_chinese_and_use_fields_of_the_english_ones(name: str) -> None:
    for english, chinese in rows_of(name).items():
        fields = set(FIELD.findall(english))
        assert set(FIELD.findall(chinese)) <= fields, english
        assert HAN.search(chinese) or fields or chinese == english, english
        assert not chinese.endswith("。"), english
        assert not re.search("[\u4e00-\u9fff][;:?!]", chinese), chinese


def _samples(english: str, form: int = 1) -> tuple[str, list[str]]:
    """The message with sample values and its words after one (0) or several things (1), and the values."""
    count = len(FIELD.findall(english))
    english = FORMS.sub(lambda words: words[1 + form], english)
    values = [f"<{letter}{number}>" for number, letter in zip(range(count), string.ascii_uppercase, strict=False)]
    return FIELD.sub(lambda field: values[int(field[1])], english), values


@pytest.mark.parametrize("name", ["errors.csv", "notices.csv"])
def test_every_message_is_found_under_its_own_row(name: str) -> None:
    wrong = []
    for english, chinese in rows_of(name).items():
        if not any(letter.isalpha() for letter in FIELD.sub("", english)):
            continue
        for form in (0, 1) if FORMS.search(english) else (1,):
            message, values = _samples(english, form)
            own = FIELD.sub(lambda field, values=values: values[int(field[1])], chinese)
            if in_chinese(message) != own:
                wrong.append((message, in_chinese(message)))
    assert wrong == []


def test_a_number_is_followed_by_both_forms_of_its_words() -> None:
    """``{0} cells`` would be said of one cell, too; numbers that are never one are listed."""
    pairs = [pair for name in TABLES for english in rows_of(name) for pair in FORMS.findall(english)]
    words = {word for pair in pairs for word in zip(*map(str.split, pair), strict=False)}
    nouns = {several for one, several in words if one != several and several.endswith("s")}
    assert len(nouns) > 20
    bare = [
        english
        for name in TABLES
        for english in rows_of(name)
        if any(noun in nouns for noun in COUNTED.findall(english)) and not any(part in english for part in NEVER_ONE)
    ]
    assert bare == []


def test_values_are_kept_as_they_are() -> None:
    assert in_chinese("a.csv: has no layer 'device'; it has date, text") == "a.csv：没有图层“device”；现有 date、text"
    assert in_chinese("'x' is no name of a device: 1 to 50 printable characters").startswith("“x”不能作设备的名称")
    assert phrase_in_chinese("迈皋桥.csv") == "迈皋桥.csv"


def test_several_problems_are_translated_one_by_one() -> None:
    text = in_chinese("rules r@1: max_gap_s is -1, it must be above 0; reach_m is -2, it must not be negative")
    assert text == "规则 r@1：max_gap_s 为 -1，应大于0；reach_m 为 -2，不能为负数"


def test_a_message_without_a_row_is_quoted_in_a_chinese_sentence() -> None:
    assert in_chinese("no such thing") == FALLBACK.format("no such thing")
    assert not known("no such thing")


def test_a_refused_edit_brings_its_own_reason() -> None:
    assert text_of(RefusedEdit("locked", "网格已锁定", "the cell is locked")).zh == "网格已锁定"
    assert text_of(FileError("no file given", give={"datum": "WGS-84"})) == ("没有提供文件", "no file given")
