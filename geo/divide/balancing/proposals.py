"""Reports parents that could not be balanced, with the obstructing building and a proposal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.divide.partitioning.bounds import Bound, proven
from geo.divide.partitioning.objective import Cells
from geo.layers import Level
from geo.wording import counted

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Columns of the table.
COLUMNS = ("level", "parent", "grids", "reached", "bound", "reason", "building", "proposal_zh", "proposal_en")


def obstacles(
    cells: Cells,
    load: Floats,
    groups: dict[Level, Ints],
    codes: dict[Level, list[str]],
    building_of_atom: pd.Series,
    tolerances: dict[Level, float],
) -> pd.DataFrame:
    """One row for each parent with a grid that deviates by more than the tolerance.

    Parameters
    ----------
    cells, load
        Atoms and their workload.
    groups, codes
        Groups of atoms at each level, and the codes of the groups.
    building_of_atom
        Label of the building with the largest workload in each atom; None for open ground.
    tolerances
        Of each level.

    Returns
    -------
    DataFrame
        ``level`` (layer name), ``parent`` (code), ``grids``, ``reached`` and ``bound`` (largest deviation from the mean, and
        the deviation that no division can be below), ``reason`` (of :class:`~geo.divide.partitioning.bounds.Bound`),
        ``building`` (the obstruction), and a proposal in both languages.
    """
    rows = []
    for upper, lower in ((Level.COMMUNITY, Level.SECOND), (Level.SECOND, Level.THIRD)):
        above, below = groups[upper], groups[lower]
        total = np.bincount(below, load)
        order = np.argsort(above, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(above[order])) + 1):
            sums = total[np.unique(below[members])]
            reached = float(np.abs(sums / sums.mean() - 1).max()) if sums.sum() > 0 else 0.0
            if reached <= tolerances[lower]:
                continue
            bound = proven(cells.graph, load, members, len(sums), reached, tolerances[lower])
            label = building_of_atom.iloc[bound.cell] if bound.cell >= 0 else None
            leaders = round(float(load[bound.cell]) / float(sums.mean())) if bound.cell >= 0 else 0
            rows.append(
                (
                    lower.layer,
                    codes[upper][int(above[members[0]])],
                    len(sums),
                    round(reached, 4),
                    round(bound.tolerance, 4),
                    bound.reason,
                    label,
                    *_proposal(bound, leaders, label),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _proposal(bound: Bound, leaders: int, label: object) -> tuple[str, str]:
    """A proposal, in Chinese and English."""
    place_zh = "该空地" if label is None else f"建筑 {label}"
    place_en = "this open ground" if label is None else f"building {label}"
    if bound.reason == "heavy" and leaders >= 2:
        return (
            f"{place_zh}工作量约合 {leaders} 个网格：建议按单元或楼层拆分为 {leaders} 个，或增派 {leaders - 1} 名人员共管",
            f"{place_en} holds the work of {leaders} grids: split it by stairwell or floor into {leaders}, or give it "
            f"{counted(leaders - 1, 'more person', 'more people')}",
        )
    if bound.reason in ("heavy", "rest"):
        return (
            f"{place_zh}单独成为一个网格后，其余网格工作量偏低：建议减少一个网格，或将一名人员调往邻近网格",
            f"{place_en} fills a grid, and the rest is too little for the others: take one grid less, or move a leader",
        )
    if bound.reason == "pair":
        return (
            f"较大建筑多于网格数，{place_zh}必有两栋划入同一网格：建议增加一个网格",
            f"there are more large buildings than grids, so {place_en} shares one: add a grid",
        )
    if bound.reason == "hemmed":
        return (
            f"{place_zh}周边建筑过大，无法与之均衡合并：建议拆分相邻大楼或单设网格",
            f"what borders on {place_en} is too large to join it evenly: split the neighbour or let it be a grid",
        )
    if bound.reason == "gate":
        return (
            f"{place_zh}隔断其后方地块，单独成为网格则偏小，并入相邻网格则偏大：建议拆分该建筑，或调整社区边界",
            f"{place_en} cuts off ground that is too little for a grid and too much to join it: split it, or move the border",
        )
    if bound.reason == "tried":
        return (
            f"已比较全部划分方式，没有更均衡的：建议拆分{place_zh}，或增减一个网格",
            f"all divisions were tried and none is more even: split {place_en}, or take one grid more or less",
        )
    return (
        "未发现无法克服的障碍：可换随机种子重试，或放宽容差",
        "nothing was proven to be in the way: try another seed, or accept the tolerance reached",
    )
