"""Texts of a column: numbers, kinds, sources and addresses of incidents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def texts_of(values: pd.Series[Any]) -> pd.Series[Any]:
    """Text of each value, None if missing; integers stored in a sheet as 5.0 lose the decimal point."""
    if isinstance(values.dtype, pd.StringDtype):
        # Sources, kinds and streets repeat, so each distinct text is converted once.
        codes, different = pd.factorize(values, use_na_sentinel=True)
        stripped = pd.Series(different, dtype=values.dtype).str.strip()
        texts = np.full(len(different) + 1, None, dtype=object)  # the last entry is for missing values
        texts[:-1] = stripped.to_numpy(dtype=object)
        texts[:-1][(stripped == "").to_numpy(dtype=bool)] = None
        return pd.Series(texts[codes], index=values.index, dtype=object)
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    texts = np.array([_one_text(value) for value in different] + [None], dtype=object)
    return pd.Series(texts[codes], index=values.index, dtype=object)


def _one_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None
