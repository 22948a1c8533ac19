"""Attributes of the cells of a draft: rows over an immutable base, codes in use, retired and free, and locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import RefusedEdit
from geo.layers.codes import MOST_CHILDREN, SEGMENT, level_of
from geo.layers.columns import AREA_M2, CODE, LEVEL, NAME, PARENT, Level
from geo.layers.division import Division

Row = dict[str, Any]


class Amend(NamedTuple):
    """A stored change of one row: the columns with their old and new values; None for a row that does not exist."""

    code: str
    before: Row | None
    after: Row | None

    def inverse(self) -> Amend:
        """The change that undoes this one."""
        return Amend(self.code, self.after, self.before)


class Rows:
    """Rows of all levels by code.

    Parameters
    ----------
    division
        The base, not changed.
    """

    def __init__(self, division: Division) -> None:
        self._frames = {level: pd.DataFrame(division.layer(level)).drop(columns="geometry") for level in Level}
        self._place = {
            str(code): (level, k) for level, frame in self._frames.items() for k, code in enumerate(frame[CODE])
        }
        # Sequences of Python's own values, because a frame lookup takes microseconds and an edit makes hundreds.
        self._columns = {
            level: {str(column): _values(frame[column].to_numpy()) for column in frame.columns}
            for level, frame in self._frames.items()
        }
        self._children: dict[str, list[str]] = {}
        for code, (level, k) in self._place.items():
            if level is not Level.STREET:
                self._children.setdefault(str(self._columns[level][PARENT][k]), []).append(code)
        # The changed values of a cell of the base; the row of a new cell; None for a retired cell.
        self._changed: dict[str, Row | None] = {}
        self._moved: dict[str, set[str]] = {}
        self._used: dict[str, set[int]] = {}
        for code in self._place:
            self._segments(code).add(_segment(code))
        self._born: set[str] = set()
        self.retired: set[str] = set()
        self.locked: set[str] = set()
        self.shared_columns = _shared_columns(self._frames)

    def _segments(self, code: str) -> set[int]:
        """Suffixes of codes that are or were used under the parent with the prefix of a code."""
        return self._used.setdefault(code[:-SEGMENT], set())

    # Lookup

    def __contains__(self, code: str) -> bool:
        if code in self._changed:
            return self._changed[code] is not None
        return code in self._place

    def row(self, code: str) -> Row:
        """The row of a cell."""
        changed = self._changed.get(code)
        if changed is None and code in self._changed:
            raise KeyError(code)
        return {**self._base_row(code), **(changed or {})} if code in self._place else dict(changed or {})

    def get(self, code: str, column: str) -> Any:
        """One value of a row, without building the row."""
        changed = self._changed.get(code)
        if changed is not None and column in changed:
            return changed[column]
        place = self._place.get(code)
        if place is None:
            if changed is None:
                raise KeyError(code)
            return None
        values = self._columns[place[0]].get(column)
        return None if values is None else values[place[1]]

    def shares(self, code: str) -> Row:
        """The values of the shared columns of a third-level cell."""
        place, changed = self._place.get(code), self._changed.get(code)
        if place is None:
            return {column: self.get(code, column) for column in self.shared_columns}
        columns, k = self._columns[place[0]], place[1]
        values = {column: columns[column][k] for column in self.shared_columns}
        if changed:
            values.update((column, value) for column, value in changed.items() if column in values)
        return values

    def parent(self, code: str) -> str:
        """Code of the parent of a cell."""
        return str(self.get(code, PARENT))

    def level(self, code: str) -> Level:
        """Level of a cell."""
        place = self._place.get(code)
        return place[0] if place is not None else Level(int(self.get(code, LEVEL)))

    def ancestor(self, code: str, level: Level) -> str:
        """The ancestor of a cell at a level, or the cell itself."""
        while self.level(code) > level:
            code = self.parent(code)
        return code

    def children(self, code: str) -> list[str]:
        """Codes of the children of a cell, sorted."""
        if code in self._moved:
            return sorted(self._moved[code])
        return sorted(self._children.get(code, ()))

    def third(self, code: str) -> list[str]:
        """Codes of the third-level descendants of a cell; the cell itself if it is one."""
        level = self.level(code)
        if level is Level.THIRD:
            return [code]
        if level is Level.SECOND:
            return self.children(code)
        return [third for child in self.children(code) for third in self.third(child)]

    def require(self, code: str) -> None:
        """Refuse a code that is not in use."""
        if code in self:
            return
        if code in self.retired:
            raise RefusedEdit("retired", f"网格 {code} 已撤销，编码不再使用", f"cell {code} was retired", cells=[code])
        raise RefusedEdit("misses", f"没有编码为 {code} 的网格", f"no cell has the code {code}", cells=[code])

    def require_unlocked(self, codes: Iterable[str]) -> None:
        """Refuse a change of cells that are locked themselves or by an ancestor."""
        if not self.locked:
            return
        held = sorted({code for code in codes if any(code.startswith(lock) for lock in self.locked)})
        if held:
            names = "、".join(held[:3])
            raise RefusedEdit("locked", f"网格 {names} 已锁定", f"locked: {', '.join(held[:3])}", cells=held)

    def free_code(self, parent: str, reserved: Iterable[str] = ()) -> str:
        """The next never used code under a parent."""
        number = max(self._used.get(parent, ()), default=0)
        for code in reserved:
            if code.startswith(parent) and len(code) == len(parent) + SEGMENT:
                number = max(number, int(code[-SEGMENT:]))
        if number >= MOST_CHILDREN:
            raise RefusedEdit(
                "retired",
                f"{parent} 下的编码已用完（最多 {MOST_CHILDREN} 个）",
                f"all {MOST_CHILDREN} codes under {parent} have been used",
                cells=[parent],
            )
        return f"{parent}{number + 1:0{SEGMENT}d}"

    def was_used(self, code: str) -> bool:
        """Whether a code is or was in use."""
        return code in self or code in self.retired or code in self._place or code in self._born

    # Changes

    def amend(self, change: Amend, *, undo: bool = False) -> None:
        """Apply a stored change. An undone creation frees its code; a retired code remains used."""
        if change.after is None:
            self._drop(change.code)
            if undo:
                self._born.discard(change.code)
                self._segments(change.code).discard(_segment(change.code))
            else:
                self.retired.add(change.code)
            return
        if change.before is None:
            if undo:
                self.retired.discard(change.code)
            else:
                self._born.add(change.code)
                self._segments(change.code).add(_segment(change.code))
        self._put(change.code, change.after)

    def _drop(self, code: str) -> None:
        self._siblings(self.parent(code)).discard(code)
        if code in self._place:
            self._changed[code] = None
        else:
            del self._changed[code]

    def _put(self, code: str, values: Row) -> None:
        """Set values of a row; for a cell of the base, only differing values are stored."""
        relink = PARENT in values
        if relink and code in self and self.level(code) is not Level.STREET:
            self._siblings(self.parent(code)).discard(code)
        row = {**(self._changed.get(code) or {}), **values}
        if code in self._place:
            level, k = self._place[code]
            base = self._columns[level]
            row = {c: v for c, v in row.items() if not _same(v, base[c][k] if c in base else None)}
        if row or code not in self._place:
            self._changed[code] = row
        else:
            self._changed.pop(code, None)
        if relink and self.level(code) is not Level.STREET:
            self._siblings(self.parent(code)).add(code)

    def _base_row(self, code: str) -> Row:
        level, k = self._place[code]
        return {column: values[k] for column, values in self._columns[level].items()}

    def _siblings(self, parent: str) -> set[str]:
        if parent not in self._moved:
            self._moved[parent] = set(self._children.get(parent, ()))
        return self._moved[parent]

    # Frames

    def changed_codes(self, level: Level) -> dict[str, bool]:
        """Codes of a level whose rows differ from the base, and whether the cell still exists."""
        return {
            code: row is not None
            for code, row in self._changed.items()
            if (self._place[code][0] if row is None else self.level(code)) is level
        }

    def changed(self, level: Level) -> Mapping[str, Row | None]:
        """Rows of a level that differ from the base; None for retired cells."""
        return {code: self.row(code) if there else None for code, there in self.changed_codes(level).items()}

    def frame(self, level: Level) -> pd.DataFrame:
        """Rows of a level sorted by code; the base's frame if nothing was changed."""
        base, changed = self._frames[level], self.changed(level)
        if not changed:
            return base
        codes = base[CODE].astype(str)
        kept = base[~codes.isin(list(changed))]
        rows = [row for row in changed.values() if row is not None]
        more = [c for c in dict.fromkeys(c for row in rows for c in row) if c not in base.columns]
        added = pd.DataFrame(rows, columns=[*base.columns, *more]).astype(base.dtypes.to_dict())
        frame = pd.concat([kept, added], ignore_index=True) if rows else kept.reset_index(drop=True)
        order = frame[CODE].astype(str).argsort(kind="stable")
        return frame.iloc[order].reset_index(drop=True)


def _segment(code: str) -> int:
    return int(code[-SEGMENT:]) if code[-SEGMENT:].isdigit() else 0


def _shared_columns(frames: Mapping[Level, pd.DataFrame]) -> tuple[str, ...]:
    """Additive numeric columns, which are apportioned and summed; the area is excluded."""
    third, second = frames[Level.THIRD], frames[Level.SECOND]
    found = []
    for column in third.columns:
        if column in (LEVEL, AREA_M2) or column not in second or not pd.api.types.is_numeric_dtype(third[column]):
            continue
        sums = third.groupby(third[PARENT].astype(str))[column].sum().reindex(second[CODE].astype(str)).to_numpy(float)
        if np.allclose(sums, second[column].to_numpy(float), rtol=1e-6, atol=1e-6, equal_nan=True):
            found.append(column)
    return tuple(found)


def _values(column: npt.NDArray[Any]) -> Sequence[Any]:
    """The values of a column as Python's own; numbers stay in the array."""
    if column.dtype in (np.int64, np.float64):
        return np.ascontiguousarray(column).data
    return [_plain(value) for value in column]


def _plain(value: Any) -> Any:
    """A NumPy scalar as a Python value; missing values as None, but NaN of a number column as NaN."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal; NaN is equal to NaN."""
    return one == other or (isinstance(one, float) and isinstance(other, float) and one != one and other != other)


def new_name(rows: Rows, code: str, parent: str) -> str:
    """Name of a new cell in the usual style: 长营社区第12网格, 长营社区第3网格-14."""
    number = int(code[-SEGMENT:])
    base = str(rows.get(parent, NAME) or parent)
    return f"{base}-{number:02d}" if level_of(code) is Level.THIRD else f"{base}第{number}网格"


def values_changed(rows: Rows, code: str, values: Row) -> Amend:
    """The change of a row to new values, without unchanged columns."""
    changed = {c: v for c, v in values.items() if v != rows.get(code, c) and v == v}
    return Amend(code, {c: rows.get(code, c) for c in changed}, changed)
