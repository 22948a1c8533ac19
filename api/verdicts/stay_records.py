"""The stays behind a verdict as they are stored with it: what the daily patrol record of a grid shows. No device is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from api.json_values import plain_rows
from geo.patrols.stays.reasons import REASONS

_COLUMNS = ["start", "end", "stay_s", "counted", "reason"]


def stay_records(made: pd.DataFrame, last_seen: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Stays of each grid, by its code and in order.

    Parameters
    ----------
    made
        As :func:`geo.patrols.visits` gives them, of one day.
    last_seen
        When each device was last seen. A stay that lasts until then is marked as going on: it may be longer than known so far.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    if not len(made):
        return found
    ordered = made.sort_values(["code", "start", "end"], kind="stable")
    going_on = [
        bool(end >= last_seen[str(device)]) if str(device) in last_seen else False
        for device, end in zip(ordered["device"], ordered["end"], strict=True)
    ]
    rows = plain_rows(ordered[_COLUMNS])
    for code, row, unfinished in zip(ordered["code"], rows, going_on, strict=True):
        why = REASONS.get(str(row["reason"]), (str(row["reason"] or ""), ""))[0]
        found.setdefault(str(code), []).append({**row, "reason_zh": why, "going_on": unfinished})
    return found


def newest_ends(presences: pd.DataFrame) -> dict[str, Any]:
    """When each device was last seen, from a table of presences."""
    return {str(device): end for device, end in presences.groupby("device", sort=False)["end"].max().items()}
