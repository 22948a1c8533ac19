"""Expands merged cells of a sheet: values over several rows, headings over several columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Span(NamedTuple):
    """A merged cell: first and last row and column, from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


def fill_down(rows: Sequence[Sequence[Any]], spans: Iterable[Span], first: int) -> list[list[Any]]:
    """Repeat the value of vertically merged cells in each row they span, from row `first` on.

    Cells merged over several columns are filled in their first column only: they are headings or notes, not values.

    >>> fill_down([["a"], ["x"], [None]], [Span(1, 0, 2, 0)], 1)
    [['a'], ['x'], ['x']]
    """
    filled = [list(row) for row in rows]
    for span in spans:
        if span.top < first or span.bottom == span.top or span.top >= len(filled) or span.left >= len(filled[span.top]):
            continue
        value = filled[span.top][span.left]
        for row in filled[span.top + 1 : span.bottom + 1]:
            row += [None] * (span.left + 1 - len(row))  # rows end at their last value
            if row[span.left] is None:
                row[span.left] = value
    return filled


def fill_right(row: Sequence[Any], spans: Iterable[Span], at: int) -> list[Any]:
    """Repeat a heading merged over several columns in each of them.

    >>> fill_right(["id", "place", None], [Span(0, 1, 0, 2)], 0)
    ['id', 'place', 'place']
    """
    filled = list(row)
    for span in spans:
        if span.top <= at <= span.bottom and span.left < len(filled):
            for column in range(span.left + 1, min(span.right + 1, len(filled))):
                if filled[column] is None:
                    filled[column] = filled[span.left]
    return filled
