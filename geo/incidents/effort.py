"""Incidents compared with patrols: cells with many incidents and few visits.

Patrols find incidents, so a cell that is patrolled more often has more of them, and incidents per hour do not measure the state
of a place. Incidents reported by residents do not depend on patrols and are counted separately.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo.errors import ColumnError, first_labels
from geo.incidents.columns import INCIDENTS, SOURCE
from geo.incidents.statistics.rates import poisson_interval
from geo.layers.columns import CODE, NAME

#: Text to be shown together with the numbers, in Chinese and English.
CAUTION = (
    "巡查越多，发现越多：每小时案件数不等于问题的严重程度，不宜用来排名考核。请以居民来源的案件为主要参照。",
    "Patrols find incidents: incidents per patrol hour do not measure how bad a place is and are no ranking. Compare what "
    "residents report.",
)

# Sources that count as patrols.
_PATROL = r"巡查|巡检|巡逻|网格员|采集员|patrol"


def against_patrols(
    assigned: pd.DataFrame,
    visits: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    column: str,
    most_incidents: float = 0.25,
    fewest_visits: float = 0.25,
) -> pd.DataFrame:
    """Compare the incidents of each cell with the patrols in it.

    Parameters
    ----------
    assigned
        Result of :func:`geo.incidents.assign`, with `source` if known.
    visits
        As returned by :func:`geo.patrols.visits`: `code`, `stay_s`, and optionally `counted`.
    cells
        The cells of that level with `code`.
    column
        Column of the incidents with the code of the cell, for instance `second`.
    most_incidents, fewest_visits
        A cell is neglected if it is in this share of cells with most incidents reported by residents, and in that share with
        fewest counted visits.

    Returns
    -------
    DataFrame
        One row per cell, in their order: `code`, `name` if there is one, `incidents`, `by_residents`, `by_patrols`, `visits`
        (counted ones), `patrol_hours` (all stays), `per_patrol_hour` and `per_visit` with `_low` and `_high` (exact 95 %
        intervals; NaN without patrols), `neglected`. ``attrs``: `caution_zh`, `caution_en`, `strange_visits`, the number of
        visits to other cells.

    Raises
    ------
    ColumnError
        If a column is missing.
    """
    for name, where, what in ((column, assigned, "incidents"), (CODE, visits, "visits"), ("stay_s", visits, "visits")):
        if name not in where:
            raise ColumnError(f"{what}: no column '{name}'; there are {first_labels(list(where.columns), 20)}")
    codes = pd.Index(cells[CODE])
    patrol = pd.Series(False, index=assigned.index)
    if SOURCE in assigned:
        patrol = (
            assigned[SOURCE].astype("string").str.contains(_PATROL, case=False, regex=True).fillna(False).astype(bool)
        )
    total, found = (_per_cell(rows[column], codes) for rows in (assigned, assigned[patrol.to_numpy()]))
    counted = visits[visits["counted"].astype(bool)] if "counted" in visits else visits
    times = _per_cell(counted[CODE], codes)
    hours = visits.groupby(CODE)["stay_s"].sum().reindex(codes, fill_value=0.0).to_numpy(dtype=float) / 3600.0
    columns: dict[str, Any] = {CODE: codes.to_numpy(dtype=object)}
    if NAME in cells:
        columns[NAME] = cells[NAME].to_numpy(dtype=object)
    columns |= {
        INCIDENTS: total,
        "by_residents": total - found,
        "by_patrols": found,
        "visits": times,
        "patrol_hours": hours,
    }
    low, high = poisson_interval(total)
    for name, effort in (("per_patrol_hour", hours), ("per_visit", times)):
        each = np.where(effort > 0, effort, np.nan)
        columns |= {name: total / each, f"{name}_low": low / each, f"{name}_high": high / each}
    residents = total - found
    many = (
        (residents > 0) & (residents >= np.quantile(residents, 1.0 - most_incidents)) if len(codes) else residents > 0
    )
    few = times <= np.quantile(times, fewest_visits) if len(codes) else times > 0
    # If nearly all cells have the same number of visits, the lower quantile is not below the median.
    columns["neglected"] = many & few & (times < np.median(times) if len(codes) else False)
    result = pd.DataFrame(columns, index=cells.index)
    strange = int((~visits[CODE].isin(codes)).sum())
    result.attrs = {"caution_zh": CAUTION[0], "caution_en": CAUTION[1], "strange_visits": strange}
    return result


def _per_cell(codes: pd.Series[Any], cells: pd.Index[Any]) -> Any:
    return codes.value_counts().reindex(cells, fill_value=0).to_numpy(dtype=np.int64)
