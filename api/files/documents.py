"""Writes JSON documents."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any


def jsonable(value: Any) -> Any:
    """Convert a value to JSON types: NaN becomes null, dates and times ISO text, NumPy numbers plain numbers.

    >>> jsonable({"a": float("nan"), "b": (1, 2)})
    {'a': None, 'b': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        return jsonable(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def write_json(document: dict[str, Any], path: Path) -> None:
    """Write one JSON document with indentation."""
    from api.files.outputs import write_text

    write_text(json.dumps(jsonable(document), ensure_ascii=False, indent=2, allow_nan=False) + "\n", path)
