"""Values given for the rows of a frame: checked against its index before use."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geo.errors import ColumnError, first_labels


def values_of_rows(
    values: pd.Series, rows: pd.Index, name: str, *, what: str = "cells", partial: bool = False
) -> pd.Series:
    """Align values with the rows of a frame.

    Parameters
    ----------
    values
        One value per row, by label, in any order; further labels are ignored.
    rows
        Index of the frame.
    name
        Name of the argument, for messages.
    what
        Name of the rows in messages.
    partial
        Whether rows may lack a value, which is then missing. Labels that the frame does not have are refused.

    Returns
    -------
    Series
        On the index of the frame.

    Raises
    ------
    ColumnError
        If `values` is not a Series, its labels are not those of the rows, or a label occurs twice.

    >>> values_of_rows(pd.Series({"b": 2, "a": 1}), pd.Index(["a", "b"]), "workload").tolist()
    [1, 2]
    >>> values_of_rows(pd.Series([1, 2]), pd.Index(["a", "b"]), "workload")
    Traceback (most recent call last):
    geo.errors.ColumnError: workload: no value for 2 of 2 cells (a, b); its index has 0, 1: give it on the index of the cells
    """
    if not isinstance(values, pd.Series):
        raise ColumnError(
            f"{name}: a pandas Series on the index of the {what} is expected, not {type(values).__name__}; "
            f"give pd.Series(values, index={what}.index)"
        )
    if values.index.equals(rows):
        return values
    for index, owner in ((values.index, name), (rows, what)):
        if index.has_duplicates:
            twice = list(index[index.duplicated()].unique())
            raise ColumnError(
                f"{owner}: index labels {first_labels(twice)} occur more than once; give unique labels", ids=twice
            )
    asked, known = (values.index, rows) if partial else (rows, values.index)
    lost = list(asked[~asked.isin(known)])
    if lost and partial:
        raise ColumnError(
            f"{name}: labels {first_labels(lost)} are not in the index of the {what} ({first_labels(list(rows), 2)}); "
            f"give it on the index of the {what}",
            ids=lost,
        )
    if lost:
        raise ColumnError(
            f"{name}: no value for {len(lost)} of {len(rows)} {what} ({first_labels(lost)}); its index has "
            f"{first_labels(list(values.index), 2)}: give it on the index of the {what}",
            ids=lost,
        )
    return values.reindex(rows)


def require_columns(table: object, names: Sequence[str], name: str) -> None:
    """Refuse an argument that is no table, or has none of the columns.

    Raises
    ------
    ColumnError
        Names the argument and the columns.

    >>> require_columns(pd.Series([1, 2]), ["second", "third"], "current")
    Traceback (most recent call last):
    geo.errors.ColumnError: current: a table with columns second, third is expected, not Series
    """
    if not isinstance(table, pd.DataFrame):
        raise ColumnError(f"{name}: a table with columns {', '.join(names)} is expected, not {type(table).__name__}")
    if not set(names) & set(table.columns):
        raise ColumnError(
            f"{name}: a table with columns {', '.join(names)} is expected; it has {first_labels(list(table.columns), 20)}"
        )
