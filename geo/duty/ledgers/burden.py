"""Counts the fields people have to type, by person and day."""

from __future__ import annotations

from typing import Any

import pandas as pd

from geo.duty.events import Event, Role
from geo.duty.facts import Facts
from geo.duty.wording import CHOICES

#: Payload values that are typed as text; selected codes, dates and names do not count.
TYPED_KEYS = (
    "summary",
    "text",
    "what_done",
    "how",
    "question",
    "explanation",
    "opinion",
    "plan",
    "decision",
    "not_told",
    "note",
)

BURDEN_COLUMNS = ("person", "day", "things", "typed", "typed_per_thing")


def typed_fields(event: Event) -> int:
    """Number of typed fields of a step: the reason, and texts of the payload.

    A reason equal to a text of the payload counts once; a text that is one of the values to choose from does not count.
    """
    chosen = CHOICES.get(event.action, {})
    words = {
        str(event.payload[key]).strip()
        for key in TYPED_KEYS
        if event.payload.get(key) and event.payload[key] not in chosen.get(key, {})
    }
    words.add(event.reason.strip())
    return len(words - {""})


def burden(facts: Facts) -> pd.DataFrame:
    """Recorded steps and typed fields, by person and local day.

    Returns
    -------
    DataFrame
        `person, day, things, typed, typed_per_thing`, by day and person. Steps of the program do not count.
    """
    tally: dict[tuple[Any, str], list[int]] = {}
    for events in facts.known.values():
        for event in events:
            if event.role is Role.SYSTEM:
                continue
            count = tally.setdefault((facts.happened(event).date(), event.actor), [0, 0])
            count[0] += 1
            count[1] += typed_fields(event)
    rows = [(person, day, things, typed, typed / things) for (day, person), (things, typed) in sorted(tally.items())]
    return pd.DataFrame(rows, columns=list(BURDEN_COLUMNS))


def burden_by_day(table: pd.DataFrame) -> pd.DataFrame:
    """Totals of :func:`burden` by day, without persons.

    Returns
    -------
    DataFrame
        `day, persons, things, typed, typed_per_thing, most_typed`; the last is the maximum typed by one person on the day.

    >>> import datetime as dt
    >>> rows = [("A", dt.date(2026, 3, 2), 4, 1, 0.25), ("B", dt.date(2026, 3, 2), 4, 3, 0.75)]
    >>> burden_by_day(pd.DataFrame(rows, columns=list(BURDEN_COLUMNS))).iloc[0, 1:].astype(float).tolist()
    [2.0, 8.0, 4.0, 0.5, 3.0]
    """
    groups = table.groupby("day", sort=True)
    days = groups.agg(
        persons=("person", "nunique"), things=("things", "sum"), typed=("typed", "sum"), most_typed=("typed", "max")
    ).reset_index()
    days.insert(4, "typed_per_thing", days["typed"] / days["things"])
    return days.astype({"day": object})
