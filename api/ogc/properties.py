"""Properties of features: kinds, titles, values and JSON schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geo.arrays import Objects

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["string", "integer", "number", "boolean", "date", "datetime"]

_TYPES: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}

#: Names of the kinds for people.
KIND_NAMES: dict[Kind, tuple[str, str]] = {
    "string": ("文字", "text"),
    "integer": ("整数", "integer"),
    "number": ("数字", "number"),
    "boolean": ("是或否", "yes or no"),
    "date": ("日期", "date"),
    "datetime": ("时间", "time"),
}


@dataclass(frozen=True)
class Property:
    """A property of a collection; `unit` is a UCUM code, `role` the role defined by part 5, `editable` whether part 4 may
    change it.
    """

    name: str
    kind: Kind
    zh: str
    en: str
    unit: str | None = None
    role: str | None = None
    editable: bool = False

    @property
    def title(self) -> str:
        """Title in both languages."""
        return f"{self.zh} {self.en}"

    def schema(self) -> dict[str, Any]:
        """JSON schema of its values."""
        found: dict[str, Any] = {"title": self.title, **_TYPES[self.kind]}
        if self.unit:
            found["x-ogc-unit"] = self.unit
        if self.role:
            found["x-ogc-role"] = self.role
        return found


def plain_values(values: Sequence[Any] | pd.Series[Any], kind: Kind) -> list[Any]:
    """JSON values; missing values are None, dates and times ISO texts, times in UTC."""
    return [_plain(value, kind) for value in values]


def comparable(values: Sequence[Any], kind: Kind) -> tuple[Objects, Any]:
    """Values of :func:`plain_values` as a comparable array, and a mask of missing values.

    Returns
    -------
    (array, missing)
        Texts as objects, numbers as float64, booleans as bool, dates and times as datetime64[us] in UTC; both shape (n,).
    """
    missing = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    if kind == "string":
        array = np.empty(len(values), dtype=object)
        array[:] = ["" if value is None else value for value in values]
        return array, missing
    if kind in ("integer", "number"):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64), missing
    if kind == "boolean":
        return np.array([bool(value) for value in values], dtype=bool), missing
    times = [np.datetime64("NaT", "us") if v is None else np.datetime64(str(v).removesuffix("Z"), "us") for v in values]
    return np.array(times, dtype="datetime64[us]"), missing


def _plain(value: Any, kind: Kind) -> Any:
    # NaN and NaT differ from themselves; pandas' NA is detected by name, because importing pandas takes a second.
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if kind == "string":
        return str(value)
    if kind == "datetime":
        return instant_text(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
    if kind == "date":
        return value.isoformat()[:10] if isinstance(value, date) else str(value)[:10]
    if kind == "integer":
        return int(value)
    return bool(value) if kind == "boolean" else float(value)


def instant_text(moment: datetime) -> str:
    """A time as ISO text in UTC; a naive time is interpreted as UTC.

    >>> instant_text(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))
    '2026-03-02T04:00:00Z'
    """
    aware = moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.replace(tzinfo=None).isoformat() + "Z"
