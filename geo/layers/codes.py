"""Grid codes: their format, parents derived from them, and assignment of new codes.

A street has the 9 digits of its administrative division (6 district, 3 street), a community 12, a second-level grid 15
(the standard length of a unit grid) and a third-level grid 18: each level appends three digits to its parent's code.
Numbers run from west to east and from north to south inside the parent (Beijing DB11 unit-grid rules, 5.4; CJ/T 349-2010,
5.7), read in rows like a page: the rows are bands of the parent's height. Merged communities and parks take 601 and up
in the community segment (CJ/T 349-2010, 5.6).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import CodeError, ImpossibleError, first_labels
from geo.layers.columns import Level

#: Number of digits of a code at each level.
CODE_LENGTH = {Level.STREET: 9, Level.COMMUNITY: 12, Level.SECOND: 15, Level.THIRD: 18}

#: Digits that one level appends to its parent's code; three digits number at most 999 children.
SEGMENT = 3
MOST_CHILDREN = 10**SEGMENT - 1


def is_code(code: object, level: Level | None = None) -> bool:
    """Whether `code` is a well-formed grid code, of `level` if one is given.

    >>> is_code("320113003001"), is_code("320113003001", Level.SECOND), is_code("32O113003")
    (True, False, False)
    """
    if not isinstance(code, str) or not (code.isascii() and code.isdigit()):
        return False
    lengths = CODE_LENGTH.values() if level is None else (CODE_LENGTH[level],)
    return len(code) in lengths and code[-SEGMENT:] != "0" * SEGMENT


def level_of(code: str) -> Level:
    """Level of a code, from its length.

    Raises
    ------
    CodeError
        If the code is not well formed.

    >>> level_of("320113003001002").name
    'SECOND'
    """
    if not is_code(code):
        raise CodeError(f"'{code}' is not a grid code: 9, 12, 15 or 18 digits are expected", ids=[code])
    return next(level for level, length in CODE_LENGTH.items() if length == len(code))


def parent_of(code: str) -> str | None:
    """Code of the parent, or None for a street.

    >>> parent_of("320113003001002")
    '320113003001'
    """
    return None if level_of(code) is Level.STREET else code[:-SEGMENT]


def ancestor_codes(codes: pd.Series, level: Level) -> pd.Series:
    """Code of the ancestor at `level` of each cell, from the prefix of its code.

    All conversions to higher levels by code use this function; :meth:`geo.layers.Division.ancestors` uses the column
    ``parent``.

    Parameters
    ----------
    codes
        Well-formed codes of `level` or of levels below it.
    level
        A level at or above that of every code.

    Returns
    -------
    Series
        With the index of `codes`.

    Raises
    ------
    CodeError
        If a code is shorter than a code of `level`.

    >>> ancestor_codes(pd.Series(["320113003001002", "320113003002001"]), Level.COMMUNITY).tolist()
    ['320113003001', '320113003002']
    """
    text = codes.astype(str)
    short = text[text.str.len() < CODE_LENGTH[level]]
    if len(short):
        raise CodeError(
            f"codes shorter than the {CODE_LENGTH[level]} digits of a {level.layer} code have no ancestor there "
            f"({first_labels(list(short))})",
            ids=list(short),
        )
    return text.str[: CODE_LENGTH[level]]


def reading_order(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], *, row_height_m: float | None = None
) -> npt.NDArray[np.intp]:
    """Order places in rows from north to south, and from west to east within a row.

    Parameters
    ----------
    x, y
        Easting and northing in metres, shape (n,).
    row_height_m
        Height of a row. By default the extent is divided into ``sqrt(n * height / width)`` rows, so that places in a row are
        about as far apart as the rows.

    Returns
    -------
    ndarray of intp, shape (n,)
        Positions of the places in reading order. Ties are broken by y, then by the position given.
    """
    n = len(x)
    if n == 0:
        return np.empty(0, dtype=np.intp)
    width, height = float(np.ptp(x)), float(np.ptp(y))
    if row_height_m is None:
        rows = max(1, round((n * height / width) ** 0.5)) if width > 0 else n
        row_height_m = height / rows if height > 0 else 1.0
    row = np.floor((np.max(y) - y) / row_height_m + 1e-9).astype(np.int64)
    row = np.minimum(row, max(0, int(np.ceil(height / row_height_m)) - 1))
    return np.lexsort((-y, x, row))


def child_codes(parent: str, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> list[str]:
    """Assign codes to the children of one parent, numbered in reading order.

    Parameters
    ----------
    parent
        Code of the parent.
    x, y
        A point inside each child, metres, shape (n,).

    Returns
    -------
    list of str
        The codes, in the order of the input.

    Raises
    ------
    ImpossibleError
        If there are more than 999 children.

    >>> child_codes("320113003001", np.array([5.0, 0.0]), np.array([0.0, 0.0]))
    ['320113003001002', '320113003001001']
    """
    if len(x) > MOST_CHILDREN:
        raise ImpossibleError(f"{parent} would have {len(x)} children, but three digits allow at most {MOST_CHILDREN}")
    codes = [""] * len(x)
    for number, position in enumerate(reading_order(x, y), start=1):
        codes[position] = f"{parent}{number:0{SEGMENT}d}"
    return codes


def require_unique(codes: Iterable[str], what: str) -> None:
    """Raise CodeError that names all codes that occur more than once, if there are any."""
    counts = Counter(codes)
    double = [code for code, count in counts.items() if count > 1]
    if double:
        raise CodeError(
            f"{what}: codes that occur more than once: {first_labels(double)}; give each cell its own", ids=double
        )
