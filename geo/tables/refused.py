"""Records of rows that could not be used, stored in the ``attrs`` of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, overload

import numpy as np
import pandas as pd

from geo.arrays import Bools, Objects
from geo.texts import Text

#: Maximum length of a value quoted in a message or a list, characters.
SHOWN = 80


class RefusedRow(TypedDict):
    """A row, or a complete file, that could not be used.

    `source` is the file name; `row` the row number in the file (None for a complete file); `column` and `value` the header and
    text of the error (None if the error concerns the complete row); `reason` and `reason_zh` continue the sentence "row 7 …";
    `values`, if present, contains the complete row by header.
    """

    source: str
    row: int | None
    column: str | None
    value: str | None
    reason: str
    reason_zh: str
    values: NotRequired[Mapping[str, str | None]]


def refuse(
    source: str,
    row: int | None,
    reason: Text,
    *,
    column: str | None = None,
    value: object = None,
    values: Mapping[str, str | None] | None = None,
) -> RefusedRow:
    """Create the record of a refused row; `value` is truncated to :data:`SHOWN` characters.

    >>> refuse("a.csv", 7, Text("没有时间", "has no time"))["reason"]
    'has no time'
    """
    shown = None if value is None else str(value)[:SHOWN]
    record = RefusedRow(source=source, row=row, column=column, value=shown, reason=reason.en, reason_zh=reason.zh)
    if values is not None:
        record["values"] = values
    return record


class Records(Sequence[Any]):
    """Records for ``frame.attrs``: read-only, equal to any list or tuple with the same records.

    pandas deep-copies ``attrs`` in every operation, and there can be a million records; a copy of this class is the same object.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = tuple(items)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return self._items[at]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Records | list | tuple):
            return self._items == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Records({list(self._items)!r})"

    def __deepcopy__(self, _memo: dict[int, Any]) -> Records:
        return self


def mark(reasons: Objects, rows: Bools, reason: Text) -> None:
    """Set the reason of rows that have none yet; `reasons` is changed in place.

    Parameters
    ----------
    reasons
        Text or None for each row, shape (n,).
    rows
        Whether each row gets the reason, shape (n,).
    """
    if not np.any(rows):
        return
    one = np.empty(1, dtype=object)
    one[0] = reason  # numpy would assign the two entries of a Text, which is a tuple, separately
    reasons[rows & are_good(reasons)] = one


def are_good(reasons: Objects) -> Bools:
    """Rows without a reason, shape (n,)."""
    return np.asarray(pd.isna(reasons), dtype=np.bool_)
