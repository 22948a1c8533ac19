"""Computes a ledger: its rows, with the columns of the table of ledgers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd

from geo.duty.facts import Facts
from geo.duty.ledgers.columns import FORMS, LedgerKind, columns_of
from geo.duty.ledgers.daily import inspection_rows, patrol_rows, review_rows
from geo.duty.ledgers.periodic import plan_rows, summary_rows
from geo.duty.ledgers.street import (
    assessment_rows,
    board_rows,
    card_rows,
    letter_rows,
    meeting_rows,
    rectification_rows,
)
from geo.errors import InputError

_MAKERS: dict[LedgerKind, Callable[[Facts, dt.date, str], list[dict[str, Any]]]] = {
    LedgerKind.A: inspection_rows,
    LedgerKind.B: review_rows,
    LedgerKind.C: summary_rows,
    LedgerKind.D: plan_rows,
    LedgerKind.E: meeting_rows,
    LedgerKind.F: patrol_rows,
    LedgerKind.G: rectification_rows,
    LedgerKind.H: assessment_rows,
    LedgerKind.I: letter_rows,
    LedgerKind.J: card_rows,
    LedgerKind.K: board_rows,
}


def ledger(kind: LedgerKind | str, day_or_month: dt.date, facts: Facts, *, scope: str = "") -> pd.DataFrame:
    """Compute a ledger from facts; only remarks, plans and statements are typed and stored.

    Parameters
    ----------
    kind
        ``A`` to ``K``.
    day_or_month
        The local day; any day of the week (beginning on Monday) or month for weekly and monthly ledgers.
    facts
        The facts.
    scope
        Code of the community or grid; empty for the whole street. F needs a second-level grid.

    Returns
    -------
    DataFrame
        One row per entry, with the columns of the table of ledgers in order, as text or whole numbers; missing values are empty
        texts. ``attrs``: `kind`, `scope`, `start` and `end` (first day, and the day after the last), `keys` (for each row the key
        of its typed columns; empty if it has none).

    Raises
    ------
    InputError
        If there is no such ledger, or F is requested without a grid.

    Notes
    -----
    Cost: O(events in the facts): a day of a street (some 170 cases) takes about 20 ms, a month some seconds, because all cases
    are folded. Pass the facts of the period, not of the year.
    """
    kind = LedgerKind.parse(str(kind))
    start, end = span_of(kind, day_or_month)
    if kind is LedgerKind.F and scope not in set(facts.cells_of(2)):
        raise InputError(f"ledger F is one of a second-level grid; '{scope}' is none")
    rows = _MAKERS[kind](facts, start, scope)
    columns = [column.name for column in columns_of(kind)]
    table = pd.DataFrame(
        [
            [number if name == "no" else _plain(row.get(name)) for name in columns]
            for number, row in enumerate(rows, start=1)
        ],
        columns=columns,
        dtype=object,
    )
    table.attrs = {
        "kind": kind.value,
        "scope": scope,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "keys": [str(row.get("key", "")) for row in rows],
    }
    return table


def span_of(kind: LedgerKind, day: dt.date) -> tuple[dt.date, dt.date]:
    """First day that a ledger covers, and the day after the last.

    >>> span_of(LedgerKind.C, dt.date(2026, 3, 5))
    (datetime.date(2026, 3, 2), datetime.date(2026, 3, 9))
    """
    period = FORMS[kind].period
    if period == "day":
        return day, day + dt.timedelta(days=1)
    if period == "week":
        monday = day - dt.timedelta(days=day.weekday())
        return monday, monday + dt.timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def _plain(value: Any) -> Any:
    """Text or an integer; missing values become an empty text."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    return int(value) if isinstance(value, bool | int | float) and float(value).is_integer() else str(value)
