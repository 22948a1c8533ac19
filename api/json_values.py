"""Conversion of frames to JSON values."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values; missing values become None."""
    rows = []
    for record in frame.to_dict("records"):
        plain: dict[str, Any] = {}
        for key, value in record.items():
            if isinstance(value, np.generic):
                value = value.item()
            if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
                plain[str(key)] = None
            elif isinstance(value, date):
                plain[str(key)] = value.isoformat()
            else:
                plain[str(key)] = value
        rows.append(plain)
    return rows
