"""Sorts millions of fixes and finds equal ones, in one or two passes."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Bools, Floats, Ints
from geo.kernels import kernel

A = TypeVar("A", bound=np.generic)

# Size of the counting table for keys: with six million fixes one in ten shares its entry with another by chance.
_TABLE_BITS = 26


def picked(values: npt.NDArray[A], rows: Ints) -> npt.NDArray[A]:
    """Values of strictly increasing row numbers; no copy is made if all rows are selected."""
    return values if len(rows) == len(values) else values[rows]


def by_time(owner: Ints, time: Ints, *ties: Floats | Ints) -> Ints:
    """Order of rows by owner, then time, then the further columns; fast if they are already sorted.

    Parameters
    ----------
    owner
        Numbers from 0.
    time
        Any integers.
    """
    if len(owner) == 0:
        return np.empty(0, dtype=np.int64)
    low = int(time.min())
    width = int(time.max()) - low + 1
    if width * (int(owner.max()) + 1) >= 1 << 62:
        return np.lexsort((*reversed(ties), time, owner)).astype(np.int64)
    if _in_order(owner, time, len(ties) > 0):
        return np.arange(len(owner))
    key = owner * width + (time - low)
    order = np.arange(len(key)) if (key[1:] >= key[:-1]).all() else np.argsort(key, kind="stable")
    if not ties:
        return order
    key = key[order]
    equal = np.r_[False, key[1:] == key[:-1]]
    tied = np.flatnonzero(equal | np.r_[equal[1:], False])
    if len(tied):
        some = order[tied]
        order[tied] = some[np.lexsort((*(column[some] for column in reversed(ties)), key[tied]))]
    return order


@kernel(nogil=True)
def _in_order(owner: Ints, time: Ints, apart: bool) -> bool:
    """Whether rows are already in order of owner, then time; optionally without equal times."""
    for k in range(1, len(owner)):
        if owner[k] < owner[k - 1] or (owner[k] == owner[k - 1] and time[k] < time[k - 1] + apart):
            return False
    return True


def numbered(names: pd.Series) -> tuple[Ints, npt.NDArray[np.object_]]:
    """Number of each name in sorted order, -1 for missing names, and the names.

    Names usually occur in long runs, of which only the first entry is looked up.
    """
    if isinstance(names.dtype, pd.CategoricalDtype):
        known = names.cat.categories.to_numpy(dtype=object)
        order = np.argsort(known)
        # One extra entry, so that the code -1 of a missing name is kept.
        rank = np.full(len(known) + 1, -1, dtype=np.int64)
        rank[order] = np.arange(len(known))
        return rank[names.cat.codes.to_numpy()], known[order]
    values = names.to_numpy(dtype=object)
    missing = pd.isna(values)
    if missing.any():
        values = values.copy()
        values[missing] = None
    changes = values[1:] != values[:-1]
    first = np.flatnonzero(np.r_[True, changes][: len(values)])
    code, known = pd.factorize(values[first], sort=True)
    number: Ints = np.repeat(code.astype(np.int64), np.diff(np.r_[first, len(values)]))
    return number, np.asarray(known, dtype=object)


def numbered_texts(names: pd.Series) -> tuple[Ints, npt.NDArray[np.object_]]:
    """Like :func:`numbered`, of the names as text. Only different names are converted, not those of millions of rows."""
    number, known = numbered(names)
    texts = np.array([str(name) for name in known], dtype=object)
    if all(a < b for a, b in pairwise(texts.tolist())):
        return number, texts
    different, rank = np.unique(texts, return_inverse=True)
    return np.r_[rank, -1][number], different


def maybe_equal(*columns: Ints | Floats) -> Ints:
    """Rows that may equal another row in all columns: all that do, and a few that do not."""
    key = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        _mix(key, np.ascontiguousarray(column).view(np.uint64))
    bits = max(10, min(_TABLE_BITS, len(key).bit_length() + 4))
    return np.flatnonzero(_shared((key * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(64 - bits), 1 << bits))


@kernel(nogil=True)
def _mix(key: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]) -> None:
    """Mix a column into the hash keys."""
    for k in range(len(key)):
        mixed = (key[k] ^ values[k]) * np.uint64(0x9E3779B97F4A7C15)
        key[k] = mixed ^ (mixed >> np.uint64(29))


@kernel(nogil=True)
def _shared(place: npt.NDArray[np.uint64], size: int) -> Bools:
    """Entries used more than once."""
    count = np.zeros(size, dtype=np.uint8)
    for p in place:
        if count[p] < 2:
            count[p] += 1
    shared = np.empty(len(place), dtype=np.bool_)
    for i in range(len(place)):
        shared[i] = count[place[i]] > 1
    return shared
