"""Messages of a JSON file: one object, a list of them, an object that holds a list, or one object per line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.reading.format import FixTable

_NO_OBJECT = Text("不是 JSON 对象", "is not an object")


def messages_of(raw: bytes, name: str) -> list[Any]:
    """Messages of a file, in order.

    Raises
    ------
    FileError
        If it is not UTF-8 or not JSON.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name}: is not UTF-8, as JSON must be ({error})") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise FileError(f"{name}: is not JSON ({error})") from error
    if isinstance(content, dict):
        content = next((content[key] for key in ("data", "positions") if isinstance(content.get(key), list)), [content])
    return content if isinstance(content, list) else []


def fixes_of(messages: list[Any], read: Callable[[dict[str, Any]], dict[str, Any] | Text], name: str) -> FixTable:
    """Read each message by `read`, which gives a row of our columns or the reason why there is none."""
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, message in enumerate(messages, start=1):
        row = read(message) if isinstance(message, dict) else _NO_OBJECT
        if isinstance(row, Text):
            refused.append(refuse(name, number, row))
        else:
            rows.append({key: None if value is None else str(value) for key, value in row.items()})
            numbers.append(number)
    return FixTable(pd.DataFrame(rows), np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")
