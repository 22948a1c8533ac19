"""Finds the heading of a table, one or two rows, and derives the column names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from geo.tables.headers import plain_header, reference_of
from geo.tables.merged import Span, fill_right

#: Number of rows searched for the heading. Exports write title, period and office above it, never more rows than this so far.
WITHIN = 20


class Heading(NamedTuple):
    """Position and content of the heading of a table.

    Attributes
    ----------
    last
        Position of its last row, from 0; the data begin below.
    names
        Column names: unique texts, one per column.
    unnamed
        Whether a column has no heading.
    known
        Number of columns with a known name.
    """

    last: int
    names: list[str]
    unnamed: list[bool]
    known: int


def find_heading(
    rows: Sequence[Sequence[Any]], known: Collection[str], *, wanted: Collection[str] = (), spans: Sequence[Span] = ()
) -> Heading | None:
    """Find the heading among the first rows of a table.

    Parameters
    ----------
    rows
        The first rows, at least :data:`WITHIN` if the table has as many.
    known
        Known headers, folded by :func:`geo.tables.headers.plain_header`.
    wanted
        Headers given by the user; if a row contains any, it is the heading.
    spans
        Merged cells.

    Returns
    -------
    Heading or None
        The row with most of the wanted headers, otherwise the one with most known headers (at least two), otherwise the first
        with two texts; together with the row below if both form one heading. None if there is no such row.
    """
    kept = [list(row) for row in rows[:WITHIN]]
    width = max(map(len, kept), default=0)
    kept = [row + [None] * (width - len(row)) for row in kept]
    singles = [_single(kept, at, known) for at in range(len(kept))]
    doubles = [_double(kept, at, known, spans) for at in range(len(kept) - 1)]
    if wanted:
        by_name = [sum(str(value).strip() in wanted for value in row) for row in kept]
        if max(by_name, default=0):
            return singles[by_name.index(max(by_name))]
    best = max(singles, key=lambda heading: heading.known, default=None)
    pairs = [heading for heading in doubles if heading is not None]
    double = max(pairs, key=lambda heading: heading.known, default=None)
    if double is not None and double.known > max(best.known if best else 0, 1):
        return double
    if best is not None and best.known >= 2:
        return best
    first = next((at for at, row in enumerate(kept) if _texts(row) >= 2), None)
    if first is None:
        return None
    below = doubles[first] if first < len(doubles) else None
    return below if below is not None and _texts(kept[first + 1]) == width else singles[first]


def _single(rows: list[list[Any]], at: int, known: Collection[str]) -> Heading:
    return _heading(at, rows[at], known)


def _double(rows: list[list[Any]], at: int, known: Collection[str], spans: Sequence[Span]) -> Heading | None:
    """Combine two rows into one heading; None if they are not one: only columns of a group have a text in the lower row."""
    upper, lower = rows[at], rows[at + 1]
    if not any(value is not None for value in lower) or any(isinstance(value, int | float) for value in lower):
        return None
    if any(value is not None and re.fullmatch(r"[-+\d.,:/\s]+", str(value)) for value in lower):
        return None
    groups = fill_right(upper, spans, at)
    under = [column for column, value in enumerate(lower) if _there(value)]
    if not under:
        return None
    if len(under) == len(lower):
        return _full_double(rows, at, groups, known)
    for column in range(
        1, len(groups)
    ):  # in a CSV saved from merged cells, only the first column of a group has the group's heading
        if not _there(groups[column]) and column in under and column - 1 in under:
            groups[column] = groups[column - 1]
    if not all(_there(groups[column]) for column in under):
        return None
    names = [_joined(groups[column], lower[column], lower) for column in range(len(upper))]
    found = _heading(at + 1, names, known)
    # 坐标(GCJ02)_经度 is recognised by its second half.
    halves = [_is_known(name, known) or _is_known(below, known) for name, below in zip(names, lower, strict=True)]
    return found._replace(known=sum(halves))


def _full_double(rows: list[list[Any]], at: int, groups: list[Any], known: Collection[str]) -> Heading | None:
    """Combine headings of groups with a complete row of headings below; None if the lower row may be data.

    It is a heading if the upper row has a gap after a group's heading, the texts of the lower row differ, and the row below it
    has numbers in at least a third of the columns.
    """
    upper, lower = rows[at], rows[at + 1]
    below = rows[at + 2] if at + 2 < len(rows) else []
    gaps = [column for column in range(1, len(upper)) if not _there(upper[column])]
    numbers = sum(_there(value) and re.fullmatch(r"[-+\d.,:/\sTZ]+", str(value)) is not None for value in below)
    texts = {plain_header(value) for value in lower}
    if not gaps or not _there(upper[0]) or len(texts) < len(lower) or 3 * numbers < len(lower):
        return None
    filled = list(groups)
    for column in gaps:
        if not _there(filled[column]):
            filled[column] = filled[column - 1]
    names = [_joined(group, value, lower) for group, value in zip(filled, lower, strict=True)]
    found = _heading(at + 1, names, known)
    halves = [_is_known(name, known) or _is_known(value, known) for name, value in zip(names, lower, strict=True)]
    return found._replace(known=sum(halves))


def _is_known(value: Any, known: Collection[str]) -> bool:
    return _there(value) and plain_header(value) in known


def _joined(group: Any, below: Any, lower: list[Any]) -> Any:
    """Header of a column in a group: its own, prefixed by the group's if necessary for uniqueness or for a datum."""
    if not _there(below) or not _there(group):
        return below if _there(below) else group
    alone = sum(_there(value) and plain_header(value) == plain_header(below) for value in lower) == 1
    reference = reference_of(group)
    plain = reference.datum is None and reference.crs is None and not re.search(r"[A-Za-z0-9]", str(group))
    return str(below) if alone and plain else f"{group}_{below}"


def _heading(last: int, header: list[Any], known: Collection[str]) -> Heading:
    unnamed = [not _there(value) for value in header]
    plain = [plain_header(value) for value in header if _there(value)]
    return Heading(last, distinct(header), unnamed, sum(name in known for name in plain))


def distinct(header: Sequence[Any]) -> list[str]:
    """Convert headers to unique texts; a missing header is replaced by the column number.

    >>> distinct(["id", None, "id"])
    ['id', 'column_2', 'id_3']
    """
    names: list[str] = []
    for number, value in enumerate(header, start=1):
        text = str(value).strip() if _there(value) else f"column_{number}"
        while text in names:
            text = f"{text}_{number}"
        names.append(text)
    return names


def _there(value: Any) -> bool:
    return value is not None and value == value and bool(str(value).strip())


def _texts(row: Sequence[Any]) -> int:
    return sum(_there(value) for value in row)
