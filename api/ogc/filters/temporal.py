"""Temporal relations of CQL2 between instants, dates and intervals.

An instant is an interval of length zero. A date compared with times is the local day, so ``T_DURING`` and ``T_INTERSECTS`` of
a time and a date test whether the time falls on that day.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from api.ogc.filters.tree import Node, is_open_end

if TYPE_CHECKING:
    from api.ogc.feature_table import FeatureTable
    from api.ogc.filters.evaluation import Column


def relate_times(node: Node, table: FeatureTable, evaluate: Callable[[Node, FeatureTable], Column]) -> Column:
    """Evaluate a temporal relation for each feature."""
    from api.ogc.filters.evaluation import Column

    days = all(_only_days(part) for part in node.parts)
    (start, end, missing), (other_start, other_end, other_missing) = (
        _period(part, table, evaluate, days=days) for part in node.parts
    )
    found = RELATIONS[node.op](start, end, other_start, other_end)
    return Column(np.asarray(found, dtype=bool), missing | other_missing)


#: Each relation of the closed intervals [a, b] and [c, d].
RELATIONS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "t_after": lambda a, _b, _c, d: a > d,
    "t_before": lambda _a, b, c, _d: b < c,
    "t_contains": lambda a, b, c, d: (a < c) & (b > d),
    "t_disjoint": lambda a, b, c, d: (b < c) | (a > d),
    "t_during": lambda a, b, c, d: (a > c) & (b < d),
    "t_equals": lambda a, b, c, d: (a == c) & (b == d),
    "t_finishedby": lambda a, b, c, d: (a < c) & (b == d),
    "t_finishes": lambda a, b, c, d: (a > c) & (b == d),
    "t_intersects": lambda a, b, c, d: (a <= d) & (b >= c),
    "t_meets": lambda _a, b, c, _d: b == c,
    "t_metby": lambda a, _b, _c, d: a == d,
    "t_overlappedby": lambda a, b, c, d: (a > c) & (a < d) & (b > d),
    "t_overlaps": lambda a, b, c, d: (a < c) & (b > c) & (b < d),
    "t_startedby": lambda a, b, c, d: (a == c) & (b > d),
    "t_starts": lambda a, b, c, d: (a == c) & (b < d),
}


def _only_days(node: Node) -> bool:
    """Whether a node consists of dates only; open ends are compatible with dates and times."""
    if node.gives == "period":
        return all(part.gives == "date" or is_open_end(part) for part in node.parts)
    return node.gives == "date"


def _period(
    node: Node, table: FeatureTable, evaluate: Callable[[Node, FeatureTable], Column], *, days: bool
) -> tuple[Any, Any, Any]:
    first, last = node.parts if node.gives == "period" else (node, node)
    start, end = evaluate(first, table), evaluate(last, table)
    if days:
        return start.values, end.values, start.missing | end.missing
    since = start.values if first.span is None else np.full(len(table), first.span[0])
    until = end.values if last.span is None else np.full(len(table), last.span[1])
    return since, until, start.missing | end.missing
