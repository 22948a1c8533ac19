"""Parser of CQL2 text: a tokeniser with positions and a recursive-descent parser limited to 50 levels."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import shapely

from api.ogc.filters.tree import (
    COMPARISONS,
    MOST_DEPTH,
    SPATIAL,
    TEMPORAL,
    TEXT_FUNCTIONS,
    Context,
    Node,
    Place,
    bbox_node,
    geometry_node,
    interval_node,
    operation_node,
    property_node,
    time_node,
    value_node,
)

MOST_CHARACTERS = 4096
_WORD = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d][\w.:]*)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<text>'(?:[^']|'')*')
    |(?P<sign><>|<=|>=|[=<>+\-*/%^(),])""",
    re.VERBOSE,
)
_GEOMETRIES = (
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
)
_WORDS = ("AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "TRUE", "FALSE", "DIV")
_RESERVED = frozenset((*_WORDS, "DATE", "TIMESTAMP", "INTERVAL", "BBOX", *_GEOMETRIES))


@dataclass(frozen=True)
class Word:
    """A token: its kind, text and position."""

    kind: str
    text: str
    position: int

    @property
    def upper(self) -> str:
        """The text in upper case if it is a keyword or sign."""
        return self.text.upper() if self.kind in ("name", "sign") else ""


def parse_text(text: str, context: Context) -> Node:
    """Parse a filter in CQL2 text.

    Raises
    ------
    QueryError
        With the position of the first error.
    """
    if len(text) > MOST_CHARACTERS:
        Place(MOST_CHARACTERS).refuse(f"a filter has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}")
    parser = _Parser(text, _words(text), context)
    found = parser.disjunction()
    parser.require_end()
    if found.gives not in ("truth", "boolean"):
        Place(found.position).refuse(f"a condition is expected, this is a {found.gives}")
    return found


def _words(text: str) -> list[Word]:
    words, position = [], 0
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            open_quote = text[position] in "'\""
            Place(position).refuse("the quote is not closed" if open_quote else f"'{text[position]}' is not expected")
        kind = str(found.lastgroup)
        if kind != "space":
            words.append(Word(kind, found.group(), position))
        position = found.end()
    return words


class _Parser:
    """Recursive-descent parser; each method implements one rule of the grammar."""

    def __init__(self, text: str, words: list[Word], context: Context) -> None:
        self._text = text
        self._words = words
        self._context = context
        self._at = 0
        self._depth = 0

    @property
    def _word(self) -> Word:
        return self._words[self._at] if self._at < len(self._words) else Word("end", "", len(self._text))

    def _next(self) -> Word:
        word = self._word
        self._at += 1
        return word

    def _take(self, *wanted: str) -> Word | None:
        return self._next() if self._word.upper in wanted and self._word.upper else None

    def _expect(self, sign: str) -> Word:
        word = self._take(sign)
        return word if word is not None else self._refuse(f"'{sign}' is expected")

    def _refuse(self, what: str) -> NoReturn:
        word = self._word
        shown = f"'{word.text[:30]}'" if word.kind != "end" else "the end"
        Place(word.position).refuse(f"{what}, not {shown}")

    def require_end(self) -> None:
        """Refuse tokens after the end of the filter."""
        if self._word.kind != "end":
            self._refuse("AND, OR or the end is expected")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            Place(self._word.position).refuse(f"a filter is nested at most {MOST_DEPTH} deep")

    def disjunction(self) -> Node:
        """Conditions joined by OR."""
        self._deeper()
        found = self._joined("OR", self._conjunction)
        self._depth -= 1
        return found

    def _conjunction(self) -> Node:
        return self._joined("AND", self._negation)

    def _joined(self, word: str, read: Callable[[], Node]) -> Node:
        first = read()
        parts, place = [first], Place(first.position)
        while self._take(word):
            parts.append(read())
        return first if len(parts) == 1 else operation_node(word.lower(), parts, place)

    def _negation(self) -> Node:
        word = self._take("NOT")
        if word is None:
            return self._predicate()
        self._deeper()
        found = operation_node("not", [self._negation()], Place(word.position))
        self._depth -= 1
        return found

    def _predicate(self) -> Node:
        left = self._sum()
        word = self._word
        place = Place(left.position)
        if self._take(*COMPARISONS):
            return operation_node(word.text, [left, self._sum()], place)
        if self._take("IS"):
            negated = self._take("NOT") is not None
            self._expect("NULL")
            return self._maybe_not(negated, operation_node("isnull", [left], place))
        negated = self._word.upper == "NOT"
        if negated:
            self._next()
        if self._take("LIKE"):
            return self._maybe_not(negated, operation_node("like", [left, self._sum()], place))
        if self._take("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            return self._maybe_not(negated, operation_node("between", [left, low, self._sum()], place))
        if self._take("IN"):
            self._expect("(")
            return self._maybe_not(negated, operation_node("in", [left, *self._arguments()], place))
        if negated:
            self._refuse("LIKE, BETWEEN or IN is expected")
        return left

    @staticmethod
    def _maybe_not(negated: bool, node: Node) -> Node:
        return operation_node("not", [node], Place(node.position)) if negated else node

    def _sum(self) -> Node:
        left = self._product()
        while word := self._take("+", "-"):
            left = operation_node(word.text, [left, self._product()], Place(left.position))
        return left

    def _product(self) -> Node:
        left = self._power()
        while word := self._take("*", "/", "%", "DIV"):
            left = operation_node(word.text.lower(), [left, self._power()], Place(left.position))
        return left

    def _power(self) -> Node:
        left = self._signed()
        if self._take("^"):
            return operation_node("^", [left, self._signed()], Place(left.position))
        return left

    def _signed(self) -> Node:
        word = self._take("-")
        if word is None:
            return self._primary()
        self._deeper()
        part = self._signed()
        self._depth -= 1
        if part.op == "value" and part.gives == "number":
            return value_node(-part.value, Place(word.position))
        return operation_node("*", [value_node(-1, Place(word.position)), part], Place(word.position))

    def _primary(self) -> Node:
        word = self._next()
        place = Place(word.position)
        if word.kind == "number":
            return value_node(float(word.text), place)
        if word.kind == "text":
            return value_node(_unquoted(word.text), place)
        if word.kind == "quoted":
            return property_node(_unquoted(word.text), self._context, place)
        if word.text == "(":
            found = self.disjunction()
            self._expect(")")
            return found
        if word.kind == "name":
            return self._named(word, place)
        self._at -= 1
        self._refuse("a property, a value or '(' is expected")

    def _named(self, word: Word, place: Place) -> Node:
        upper = word.upper
        if upper in ("TRUE", "FALSE"):
            return value_node(upper == "TRUE", place)
        if upper in _GEOMETRIES:
            return self._geometry(word)
        if self._word.text != "(":
            if upper in _RESERVED:
                place.refuse(f"'{word.text}' is not expected here")
            return property_node(word.text, self._context, place)
        self._next()
        self._deeper()
        found = self._called(upper, word, place)
        self._depth -= 1
        return found

    def _called(self, upper: str, word: Word, place: Place) -> Node:
        """A function-like expression, whose opening bracket has been read."""
        if upper in ("DATE", "TIMESTAMP"):
            text = self._text_value()
            self._expect(")")
            return time_node(
                "date" if upper == "DATE" else "timestamp", text.value, self._context, Place(text.position)
            )
        if upper == "INTERVAL":
            ends = self._arguments()
            texts = [end.value if end.gives == "string" and end.op == "value" else end for end in ends]
            return interval_node(texts, self._context, place)
        if upper == "BBOX":
            numbers = self._arguments()
            for node in numbers:
                if node.op != "value" or node.gives != "number":
                    Place(node.position).refuse("a number is expected")
            return bbox_node([node.value for node in numbers], self._context, place)
        op = word.text.lower()
        if op not in (*SPATIAL, *TEMPORAL, *TEXT_FUNCTIONS):
            place.refuse(f"there is no function '{word.text[:40]}'")
        return operation_node(op, self._arguments(), place)

    def _text_value(self) -> Node:
        if self._word.kind != "text":
            self._refuse("a text in single quotes is expected")
        word = self._next()
        return value_node(_unquoted(word.text), Place(word.position))

    def _arguments(self) -> list[Node]:
        """Arguments up to and including the closing bracket."""
        found = [self._sum()]
        while self._take(","):
            found.append(self._sum())
        self._expect(")")
        return found

    def _geometry(self, word: Word) -> Node:
        """Well-known text up to its last bracket."""
        self._take("Z")
        if self._word.text != "(":
            self._refuse("'(' is expected")
        depth, end = 0, word.position
        while self._word.kind != "end":
            part = self._next()
            depth += {"(": 1, ")": -1}.get(part.text, 0)
            end = part.position + len(part.text)
            if depth == 0:
                break
            if depth > MOST_DEPTH:
                Place(part.position).refuse(f"a filter is nested at most {MOST_DEPTH} deep")
        if depth != 0:
            Place(word.position).refuse("the brackets of the geometry are not closed")
        place = Place(word.position)
        try:
            geometry = shapely.force_2d(shapely.from_wkt(self._text[word.position : end]))
        except shapely.errors.ShapelyError as error:
            place.refuse(f"the geometry cannot be read ({str(error)[:80]})")
        return geometry_node(geometry, self._context, place)


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)
