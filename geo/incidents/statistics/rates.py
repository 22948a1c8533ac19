"""Statistics for small counts: exact intervals, shrunk rates, and tests of weekly change."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import ColumnError, InputError, first_labels
from geo.incidents.columns import REPORTED_AT
from geo.incidents.statistics.distributions import (
    binomial_share_interval,
    fair_coin_two_sided,
    poisson_mean_interval,
)
from geo.incidents.statistics.multiple_testing import FALSE_DISCOVERY_RATE, benjamini_hochberg
from geo.layers.columns import CODE, LEVEL

Floats = npt.NDArray[np.float64]


def poisson_interval(number: npt.ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of the mean of a Poisson count (Garwood 1936).

    >>> low, high = poisson_interval([0, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 4.795], [3.689, 18.39])
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence must lie between 0 and 1, not {confidence:g}")
    return poisson_mean_interval(number, confidence)


def empirical_bayes(number: npt.ArrayLike, exposure: npt.ArrayLike) -> Floats:
    """Shrink rates towards the common rate, more where the exposure is smaller (Marshall 1991, global).

    Parameters
    ----------
    number
        Incidents per cell.
    exposure
        Residents, units or km² per cell; 0 or NaN gives NaN.

    Returns
    -------
    ndarray of float64
        Incidents per unit of exposure. If the rates do not differ by more than chance, all cells get the common rate.

    Raw rates are 0 and 3; the first is based on little exposure:

    >>> empirical_bayes([0, 30], [1, 10]).round(3).tolist()
    [2.5, 2.857]
    """
    k, e = np.asarray(number, dtype=float), np.asarray(exposure, dtype=float)
    sound = np.isfinite(e) & (e > 0) & np.isfinite(k)
    result = np.full(len(k), np.nan)
    if not sound.any():
        return result
    k, e = k[sound], e[sound]
    common = k.sum() / e.sum()
    rate = k / e
    # Variance of the rates between cells, minus the Poisson variance at the mean exposure.
    between = max(float((e * (rate - common) ** 2).sum() / e.sum() - common / e.mean()), 0.0)
    within = common / e
    weight = between / (between + within) if common > 0 else np.zeros(len(e))
    result[sound] = weight * rate + (1.0 - weight) * common
    return result


def weekly(
    assigned: pd.DataFrame,
    layers: list[tuple[int | None, str, pd.DataFrame]],
    *,
    end: dt.date | None = None,
    zone: str = "Asia/Shanghai",
    fdr: float = FALSE_DISCOVERY_RATE,
) -> pd.DataFrame:
    """Compare the last seven days with the seven before, cell by cell.

    Parameters
    ----------
    assigned
        Result of :func:`geo.incidents.assign`, with `reported_at`.
    layers
        Level, column of the incidents, and cells with `code`, of each layer (:func:`geo.incidents.grid_counts.counted_layers`).
    end
        Last local day of the week; by default that of the last incident.
    zone
        Zone of the days.
    fdr
        False discovery rate, within each level.

    Returns
    -------
    DataFrame
        One row per cell: `code`, `level`, `before`, `now`, `ratio` (NaN where there was nothing before), `ratio_low`,
        `ratio_high` (95 % interval), `p`, `q`, `change`: ``up``, ``down`` or ``noise``. ``attrs``: `from`, `to`, the days.

    Raises
    ------
    ColumnError
        If a column is missing, or no incident has a time.

    Notes
    -----
    With a constant rate each incident of the two weeks falls into either with probability 1/2. p is that of the
    exact binomial test, two-sided by doubling; the interval is that of Clopper and Pearson (1934), converted to a ratio. Cells
    without incidents are not tested.
    """
    for name in (REPORTED_AT, *(column for _, column, _ in layers)):
        if name not in assigned:
            raise ColumnError(f"no column '{name}'; the frame has {first_labels(list(assigned.columns), 20)}")
    local = assigned[REPORTED_AT].dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).dt.normalize()
    if local.isna().all():
        raise ColumnError(f"column '{REPORTED_AT}': no incident has a time, so weeks cannot be compared")
    last = local.max() if end is None else pd.Timestamp(end)
    ago = (last - local).dt.days
    parts = []
    for level, column, cells in layers:
        codes = pd.Index(cells[CODE])
        now, before = (
            assigned.loc[week.fillna(False), column]
            .value_counts()
            .reindex(codes, fill_value=0)
            .to_numpy(dtype=np.int64)
            for week in (ago.between(0, 6), ago.between(7, 13))
        )
        parts.append(_compared(codes, level, before, now, fdr))
    result = pd.concat(parts, ignore_index=True)
    result.attrs = {"from": (last - pd.Timedelta(days=13)).date().isoformat(), "to": last.date().isoformat()}
    return result


def _compared(
    codes: pd.Index[Any], level: int | None, before: npt.NDArray[np.int64], now: npt.NDArray[np.int64], fdr: float
) -> pd.DataFrame:
    both = before + now
    p = fair_coin_two_sided(now, both)
    q = benjamini_hochberg(p)
    low, high = binomial_share_interval(now, both, 0.95)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(before > 0, now / before, np.nan)
        ratio_high = np.where(before > 0, high / (1.0 - high), np.inf)
    change = np.where(q <= fdr, np.where(now > before, "up", "down"), "noise")
    return pd.DataFrame(
        {
            CODE: codes,
            LEVEL: pd.array([level] * len(codes), dtype="Int64"),
            "before": before,
            "now": now,
            "ratio": ratio,
            "ratio_low": np.where(both > 0, low / (1.0 - low), np.nan),
            "ratio_high": np.where(both > 0, ratio_high, np.nan),
            "p": p,
            "q": q,
            "change": change,
        }
    )
