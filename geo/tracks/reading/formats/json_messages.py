"""Messages of a JSON file: one object, a list of them, an object with a list, or one object per line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import DEVICE
from geo.tracks.reading.format import FixTable

#: Names under which services return their records.
_LISTS = ("data", "positions", "result", "rows", "records", "list", "items", "points", "track", "tracks", "locations")

NO_OBJECT = Text("不是 JSON 对象", "is not an object")


def content_of(raw: bytes, name: str) -> Any:
    """Content of a JSON file.

    Raises
    ------
    FileError
        If it is not UTF-8, not JSON, or nested too deeply.
    """
    return _parsed(_text(raw, name), name)


def messages_of(raw: bytes, name: str) -> list[Any]:
    """Messages of a file, in order.

    Raises
    ------
    FileError
        If it is not UTF-8 or not JSON.
    """
    text = _text(raw, name)
    try:
        content = _parsed(text, name)
    except FileError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        try:
            return [json.loads(line) for line in lines]
        except (ValueError, RecursionError):
            raise error from None
    if isinstance(content, dict):
        content = listed_in(content) or [content]
    return content if isinstance(content, list) else []


def listed_in(content: dict[str, Any]) -> list[Any] | None:
    """The list of records in an answer of a service: ``{"data": [...]}``, ``{"data": {"list": [...]}}``; None if it has none."""
    for key in _LISTS:
        if isinstance(content.get(key), list):
            return list(content[key])
    for key in _LISTS:
        if isinstance(content.get(key), dict) and (inner := listed_in(content[key])) is not None:
            return inner
    return None


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name}: is not UTF-8, as JSON must be ({error})") from error


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # also for numbers with thousands of digits
        raise FileError(f"{name}: is not JSON ({error})") from error
    except RecursionError as error:
        raise FileError(f"{name}: is JSON that is nested too deeply to be a track") from error


def fixes_of(
    messages: list[Any],
    read: Callable[[dict[str, Any]], dict[str, Any] | Text],
    name: str,
    *,
    numbers: list[int] | None = None,
) -> FixTable:
    """Read each message with `read`, which returns a row of our columns or the reason why there is none.

    `numbers` are the numbers of the messages in the file; from 1 by default.
    """
    rows: list[dict[str, Any]] = []
    used: list[int] = []
    refused: list[RefusedRow] = []
    for number, message in zip(numbers or range(1, len(messages) + 1), messages, strict=True):
        row = read(message) if isinstance(message, dict) else NO_OBJECT
        if isinstance(row, Text):
            refused.append(refuse(name, number, row))
        else:
            rows.append({key: None if value is None else str(value) for key, value in row.items()})
            used.append(number)
    return FixTable(with_devices(rows), np.array(used, dtype=np.int64), refused=refused, datum="WGS-84")


def with_devices(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame of the rows; without the device column if no row names a device, which is then the file."""
    table = pd.DataFrame(rows)
    if DEVICE in table and table[DEVICE].isna().all():
        return table.drop(columns=DEVICE)
    return table
