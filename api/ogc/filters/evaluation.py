"""Evaluation of a filter on the columns of a table, with the three-valued logic of SQL: missing values are unknown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from api.ogc.feature_table import FeatureTable
from api.ogc.filters.temporal import relate_times
from api.ogc.filters.tree import ARITHMETIC, COMPARISONS, GEOMETRY, SPATIAL, TEMPORAL, TEXT_FUNCTIONS, Node
from geo.arrays import Bools
from geo.prepared import prepared_copy


@dataclass(frozen=True)
class Column:
    """Value of a node for each feature, and a mask of missing values; both of shape (n,)."""

    values: Any
    missing: Bools


def matching(node: Node, table: FeatureTable) -> Bools:
    """Which features satisfy a filter; shape (n,). Unknown results do not match.

    Cost: O(nodes x features); a spatial operation tests every geometry found by its index.
    """
    found = _evaluate(node, table)
    chosen: Bools = found.values.astype(bool) & ~found.missing
    return chosen


def _evaluate(node: Node, table: FeatureTable) -> Column:
    if node.op == "property":
        return _property(node, table)
    if node.op == "value":
        return _constant(node.value, len(table))
    if node.op in SPATIAL:
        return _spatial(node, table)
    if node.op in TEMPORAL:
        return relate_times(node, table, _evaluate)
    if node.op == "isnull":
        return _is_null(node.parts[0], table)
    parts = [_evaluate(part, table) for part in node.parts]
    if node.op in ("and", "or"):
        return _joined(node.op, parts)
    if node.op == "not":
        return Column(~parts[0].values.astype(bool), parts[0].missing)
    missing = np.logical_or.reduce([part.missing for part in parts])
    if node.op in COMPARISONS:
        return Column(compare(node.op, parts[0].values, parts[1].values), missing)
    if node.op == "between":
        value, low, high = (part.values for part in parts)
        return Column((value >= low) & (value <= high), missing)
    if node.op == "in":
        return _among(parts)
    if node.op == "like":
        return Column(_like(parts[0].values, parts[1].values), missing)
    if node.op in TEXT_FUNCTIONS:
        fold = str.casefold if node.op == "casei" else _without_accents
        return Column(_mapped(fold, parts[0].values), missing)
    assert node.op in ARITHMETIC
    return _arithmetic(node.op, parts, missing)


def _property(node: Node, table: FeatureTable) -> Column:
    return Column(*table.comparable(node.value))


def _constant(value: Any, count: int) -> Column:
    kind = object if isinstance(value, str) else None
    return Column(np.full(count, value, dtype=kind), np.zeros(count, dtype=bool))


def _is_null(node: Node, table: FeatureTable) -> Column:
    if node.gives == "geometry":
        missing = shapely.is_missing(table.geometry) if node.op == "property" else np.zeros(len(table), dtype=bool)
    else:
        missing = _evaluate(node, table).missing
    return Column(missing, np.zeros(len(table), dtype=bool))


def compare(op: str, left: Any, right: Any) -> Bools:
    """Compare values of the same kind elementwise."""
    with np.errstate(invalid="ignore"):
        found = {
            "=": np.equal,
            "<>": np.not_equal,
            "<": np.less,
            ">": np.greater,
            "<=": np.less_equal,
            ">=": np.greater_equal,
        }[op](left, right)
    return np.asarray(found, dtype=bool)


def _joined(op: str, parts: list[Column]) -> Column:
    """AND is false if a part is false, OR true if a part is true; otherwise unknown if a part is unknown."""
    decisive = op == "or"
    settled = np.logical_or.reduce([(part.values.astype(bool) == decisive) & ~part.missing for part in parts])
    missing = np.logical_or.reduce([part.missing for part in parts]) & ~settled
    return Column(settled if decisive else ~settled, missing)


def _among(parts: list[Column]) -> Column:
    """Whether the first value equals one of the others; unknown if none is equal and one is missing."""
    value = parts[0]
    found = np.logical_or.reduce([(value.values == part.values) & ~part.missing for part in parts[1:]])
    missing = value.missing | (np.logical_or.reduce([part.missing for part in parts[1:]]) & ~found)
    return Column(np.asarray(found, dtype=bool), missing)


def _mapped(function: Any, values: Any) -> Any:
    found = np.empty(len(values), dtype=object)
    found[:] = [function(value) for value in values]
    return found


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _like(values: Any, patterns: Any) -> Bools:
    return np.fromiter((is_like(v, p) for v, p in zip(values, patterns, strict=True)), dtype=bool, count=len(values))


def is_like(text: str, pattern: str) -> bool:
    r"""Whether a text matches a pattern: ``%`` matches any characters, ``_`` one character; ``\`` escapes the next one.

    Cost: O(len(text) x len(pattern)) at most, whatever the pattern.

    >>> is_like("迈皋桥一格", "迈%_格"), is_like("a%", r"a\%"), is_like("ab", r"a\%")
    (True, True, False)
    """
    signs: list[tuple[bool, str]] = []
    escaped = False
    for letter in pattern:
        if letter == "\\" and not escaped:
            escaped = True
            continue
        signs.append((not escaped and letter in "%_", letter))
        escaped = False
    here = there = 0
    star, kept = -1, 0
    while here < len(text):
        special, sign = signs[there] if there < len(signs) else (False, "")
        if special and sign == "%":
            star, kept = there, here
            there += 1
        elif there < len(signs) and (special or sign == text[here]):
            here, there = here + 1, there + 1
        elif star >= 0:
            kept += 1
            here, there = kept, star + 1
        else:
            return False
    return all(special and sign == "%" for special, sign in signs[there:])


def _arithmetic(op: str, parts: list[Column], missing: Bools) -> Column:
    """Arithmetic on numbers; undefined results (division by zero, overflow of float64) are missing."""
    left, right = (part.values for part in parts)
    with np.errstate(all="ignore"):
        if op == "div":
            values = np.trunc(left / right)
        elif op == "^":
            values = np.power(left, right)
        else:
            values = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod}[op](left, right)
    return Column(values, missing | ~np.isfinite(values))


def _spatial(node: Node, table: FeatureTable) -> Column:
    """Spatial relation of the geometry and a constant, or of two constants, in the space of the constant."""
    one, other = node.parts
    space = next((part.space for part in node.parts if part.op == "value"), 0) or table.native
    left, right = (_shapes(part, table, space) for part in (one, other))
    relation = getattr(shapely, node.op.removeprefix("s_"))
    if one.op == "value" and other.op == "value":
        return _constant(bool(relation(one.value, other.value)), len(table))
    missing = shapely.is_missing(table.geometry)
    return Column(np.asarray(relation(left, right), dtype=bool), missing)


def _shapes(node: Node, table: FeatureTable, space: int) -> Any:
    assert node.op == "value" or node.value == GEOMETRY
    return prepared_copy(node.value) if node.op == "value" else table.shapes(space)
