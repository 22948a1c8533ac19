"""Indicators of communities with intervals and with the values expected from their mix of cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pandas as pd

from geo.duty.briefs.indicators import DEFINITIONS, VERSION, Counted, Period, counted_cases
from geo.duty.briefs.proportions import funnel, wilson
from geo.duty.case import Case
from geo.duty.facts import Facts

#: Minimum number of cases in a group of similar cases; otherwise the next wider group is used.
LEAST_GROUP = 10

#: Columns of :func:`area_table`, in order.
AREA_COLUMNS = (
    "area",
    "indicator",
    "version",
    "numerator",
    "denominator",
    "value",
    "low",
    "high",
    "expected",
    "low_95",
    "high_95",
    "low_998",
    "high_998",
    "z",
    "phi",
    "band",
    "cases",
)


def area_table(
    facts: Facts | Period, start: dt.date, end: dt.date, *, indicators: Sequence[str] = tuple(DEFINITIONS)
) -> pd.DataFrame:
    """Indicators of every community in a period.

    Parameters
    ----------
    facts
        The facts, or the period if already computed.
    start, end
        First local day, and the day after the last.
    indicators
        Numbers of the indicators to compute.

    Returns
    -------
    DataFrame
        One row for each community and indicator, sorted by community code: :data:`AREA_COLUMNS`. `low` and `high` are the Wilson
        interval; `expected` is computed from the street's shares among similar cases (same matter, limit and channel) and the
        area's mix of cases; limits and `band` are those of the funnel around it; `cases` are the numbers of cases in the
        denominator but not in the numerator. Cases outside all communities are not counted.
    """
    period = facts if isinstance(facts, Period) else Period(facts, start, end)
    areas = period.facts.cells_of(1)
    parts = []
    for indicator in indicators:
        counted = counted_cases(period, indicator)
        parts.append(_compared(period, indicator, counted, areas))
    table = pd.concat(parts, ignore_index=True)
    order = {area: place for place, area in enumerate(areas)}
    return table.sort_values("area", key=lambda column: column.map(order), kind="stable", ignore_index=True)


def _compared(period: Period, indicator: str, counted: Counted, areas: Sequence[str]) -> pd.DataFrame:
    hits = frozenset(counted.numerator)
    shares = _expected_shares(period, counted, hits)
    by_area: dict[str, list[str]] = {area: [] for area in areas}
    for number in counted.denominator:
        if (community := period.cases[number].community) in by_area:
            by_area[community].append(number)
    rows = []
    for area, numbers in by_area.items():
        good = [number for number in numbers if number in hits]
        rows.append(
            {
                "area": area,
                "indicator": indicator,
                "version": VERSION,
                "numerator": len(good),
                "denominator": len(numbers),
                "hoped": sum(shares[number] for number in numbers),
                "spread": sum(shares[number] * (1 - shares[number]) for number in numbers),
                "cases": tuple(number for number in numbers if number not in hits),
            }
        )
    table = pd.DataFrame(rows)
    table["low"], table["high"] = wilson(table["numerator"], table["denominator"])
    compared = funnel(table["numerator"], table["denominator"], expected=table["hoped"], variance=table["spread"])
    return pd.concat([table, compared], axis=1)[list(AREA_COLUMNS)]


def _expected_shares(period: Period, counted: Counted, hits: frozenset[str]) -> dict[str, float]:
    """Share of the street among similar cases, for each case: same matter, limit and channel; else same limit; else all others.

    Each case is in one group, so the expected numbers of the communities add up to the number of the street.
    """
    keys: tuple[Callable[[Case], tuple[str, ...]], ...] = (
        lambda case: (case.kind, case.limit, case.channel),
        lambda case: (case.limit,),
        lambda _: (),
    )
    shares: dict[str, float] = {}
    left = list(counted.denominator)
    for place, key in enumerate(keys):
        groups: dict[tuple[str, ...], list[str]] = {}
        for number in left:
            groups.setdefault(key(period.cases[number]), []).append(number)
        large = [group for group in groups.values() if len(group) >= LEAST_GROUP or place == len(keys) - 1]
        for group in large:
            shares.update(dict.fromkeys(group, sum(number in hits for number in group) / len(group)))
        left = [number for number in left if number not in shares]
    return shares
