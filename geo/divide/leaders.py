"""Assigns a leader to each second-level grid (staff numbers, not names) and computes the staff required."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from geo.divide.apportionment import apportion
from geo.errors import ImpossibleError, InputError
from geo.layers import Division, Level
from geo.wording import counted

#: Staff of the model street: street officials and community workers.
OFFICIALS, COMMUNITY_WORKERS = 111, 144


def assign_leaders(
    division: Division, *, officials: int | None = None, community_workers: int | None = None
) -> Division:
    """Assign one leader to every second-level grid.

    Community workers belong to their community, so each community gets its share of both kinds in proportion to its grids.
    Inside a community the officials, who have access to the street's offices, get the grids with the largest workload. Staff
    numbers follow the order of codes: G001, G002, ... for officials, S001, S002, ... for community workers.

    Parameters
    ----------
    division
        Numbers of staff, in total as many as second-level grids. By default in the proportion 111 to 144.
    officials, community_workers
        Staff; together as many as there are second-level grids. By default 111 to 144, in proportion.

    Returns
    -------
    Division
        A copy whose second level has ``leader`` and ``staff_kind`` ('official' or 'community_worker').

    Raises
    ------
    InputError
        If the staff does not match the number of grids.
    ImpossibleError
        If there is no grid.
    """
    second = division.second
    if not len(second):
        raise ImpossibleError("second: there are no grids to lead")
    officials = _officials(len(second), officials, community_workers)
    grids = second.groupby("parent").size()
    share = _officials_per_community(grids, officials)
    rank = second.assign(_order=-second["workload"].astype(float)).sort_values(["parent", "_order", "code"])
    place = rank.groupby("parent").cumcount().reindex(second.index)
    official = place < second["parent"].map(share)
    leader = pd.Series(index=second.index, dtype=object)
    ordered = second["code"].sort_values().index
    for letter, mine in (("G", official), ("S", ~official)):
        rows = [label for label in ordered if mine[label]]
        leader.loc[rows] = [f"{letter}{number:03d}" for number in range(1, len(rows) + 1)]
    kind = np.where(official, "official", "community_worker")
    return division.with_layer(
        Level.SECOND, second.assign(leader=leader, staff_kind=pd.Series(kind, second.index, dtype=object))
    )


def _officials(grids: int, officials: int | None, workers: int | None) -> int:
    """Number of officials, if the staff matches the grids."""
    if officials is None and workers is None:
        officials = round(grids * OFFICIALS / (OFFICIALS + COMMUNITY_WORKERS))
    if officials is None:
        officials = grids - int(workers or 0)
    workers = grids - officials if workers is None else workers
    if officials < 0 or workers < 0 or officials + workers != grids:
        raise InputError(
            f"staff: {counted(officials, 'official')} and {counted(workers, 'community worker')} do not make one leader for "
            f"each of {counted(grids, 'second-level grid')}; change the staff or the count of grids"
        )
    return officials


def _officials_per_community(grids: pd.Series, officials: int) -> pd.Series:
    """Officials of each community, in proportion to its grids and never more than it has."""
    if officials >= len(grids):
        return apportion(grids.astype(float), officials, most=grids)
    largest = grids.sort_values(ascending=False, kind="stable").index[:officials]
    return pd.Series(grids.index.isin(largest).astype(np.int64), index=grids.index)


def roster(division: Division) -> pd.DataFrame:
    """Table of places, persons and duties (定格、定人、定责), one row per third-level grid.

    Returns
    -------
    DataFrame
        ``community``, ``second``, ``third`` (names), ``code``, ``leader`` and ``staff_kind`` of the second-level grid,
        ``households``, ``population``, ``units``, ``workload``, and the duty in both languages.
    """
    second, community = division.second.set_index("code"), division.community.set_index("code")
    cells = division.third
    above = second.reindex(cells["parent"])
    duty = [_duty(row) for row in cells.to_dict("records")]
    return pd.DataFrame(
        {
            "community": community["name"].reindex(above["parent"]).to_numpy(),
            "second": above["name"].to_numpy(),
            "third": cells["name"].to_numpy(),
            "code": cells["code"].to_numpy(),
            "leader": above["leader"].to_numpy(),
            "staff_kind": above["staff_kind"].to_numpy() if "staff_kind" in above.columns else None,
            **{name: cells[name].to_numpy() for name in ("households", "population", "units", "workload")},
            "duty_zh": [zh for zh, _ in duty],
            "duty_en": [en for _, en in duty],
        },
        index=cells.index,
    )


def staff_needed(division: Division, *, workload_per_leader: float | None = None) -> pd.DataFrame:
    """Number of leaders that each community would need for its workload.

    Parameters
    ----------
    division
        Division with workloads.
    workload_per_leader
        Workload that one leader can handle; by default the street's workload over its second-level grids.

    Returns
    -------
    DataFrame
        Index = community code: ``name``, ``workload``, ``leaders`` (number of grids), ``needed`` (workload over that of one
        leader, rounded up to a tenth), ``short`` (needed minus leaders).
    """
    community = division.community.set_index("code")
    load = community["workload"].astype(float)
    each = float(load.sum()) / max(len(division.second), 1) if workload_per_leader is None else workload_per_leader
    if not each > 0:
        raise InputError(f"staff: a leader cannot handle a workload of {each}; give a number above 0")
    leaders = division.second["parent"].value_counts().reindex(community.index, fill_value=0)
    needed = np.ceil((load / each - 1e-9) * 10) / 10
    return pd.DataFrame(
        {"name": community["name"], "workload": load, "leaders": leaders, "needed": needed, "short": needed - leaders}
    )


def _duty(row: Mapping[Hashable, Any]) -> tuple[str, str]:
    """Duty of the leader in a cell, in Chinese and English."""
    zh, en = [], []
    for name, verb_zh, unit_zh, verb_en in (
        ("households", "联系走访住户", "户", "visit {} households"),
        ("units", "巡查驻地单位和商户", "家", "inspect {} units"),
    ):
        if row[name]:
            zh.append(f"{verb_zh}{int(row[name])}{unit_zh}")
            en.append(verb_en.format(int(row[name])))
    zh.append(f"巡查地面{float(row['area_m2']) / 10_000:.2f}公顷")
    en.append(f"walk {float(row['area_m2']) / 10_000:.2f} ha")
    return "；".join(zh), "; ".join(en)
