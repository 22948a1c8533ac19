"""Hot spots: cells that, together with their neighbours, have more incidents than the background explains."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse

from geo.coverage import Mesh
from geo.errors import CodeError, ColumnError, InputError, first_labels
from geo.incidents.columns import INCIDENTS
from geo.incidents.statistics.association import gi_star, local_moran
from geo.incidents.statistics.background import Background, estimate_background
from geo.incidents.statistics.distributions import pearson3_lower, pearson3_upper
from geo.incidents.statistics.multiple_testing import FALSE_DISCOVERY_RATE, benjamini_hochberg
from geo.incidents.statistics.neighbours import contiguity_weights, neighbour_pairs
from geo.layers import area_m2, require_polygons
from geo.layers.columns import AREA_M2, CODE, POPULATION
from geo.options import with_defaults
from geo.wording import counted, form

Floats = npt.NDArray[np.float64]

Alternative = Literal["greater", "two-sided"]
Null = Literal["background", "dealt"]

# With fewer cells a neighbourhood is a large part of the total, and its sum has no smooth distribution.
_FEWEST_CELLS = 30
#: With a smaller mean sum over a neighbourhood, only cells with several times the expected count are found.
FEWEST_INCIDENTS = 5.0


class TestOptions(TypedDict, total=False):
    """Options of the test in :func:`hotspots`.

    Attributes
    ----------
    null
        Null hypothesis. ``"background"`` (the default): counts as uneven as in the calmer 85 % of neighbourhoods
        (:mod:`geo.incidents.statistics.background`). ``"dealt"``: random permutations of the values over the cells; also used
        if no background can be fitted, and for values that are not integers.
    alternative
        ``"greater"`` (the default): p is one-sided, hot spots only. ``"two-sided"``: p is two-sided; `hot` still names only
        cells with z > 0.
    variance
        ``"n"`` (the default): exact under permutation of the values over the cells (Ord and Getis 1995; as spdep and esda).
        ``"n-1"``: as the worked example of Getis and Ord (1996).
    fdr
        False discovery rate of Benjamini and Hochberg; 0.05 by default.
    """

    null: Null
    alternative: Alternative
    variance: Literal["n", "n-1"]
    fdr: float


_DEFAULTS: TestOptions = {
    "null": "background",
    "alternative": "greater",
    "variance": "n",
    "fdr": FALSE_DISCOVERY_RATE,
}


def hotspots(
    counts: pd.DataFrame,
    cells: gpd.GeoDataFrame | Mesh,
    *,
    column: str = INCIDENTS,
    exposure: str | None = None,
    neighbours: pd.DataFrame | None = None,
    **options: Unpack[TestOptions],
) -> gpd.GeoDataFrame:
    """Test each cell with its neighbours for an excess of incidents (Gi*), and for being part of a cluster (local Moran).

    Parameters
    ----------
    counts
        Column ``code`` and `column`, one row per cell; rows of other levels or layers are ignored.
    cells
        The cells of one level with a column ``code``: polygons in any declared CRS, or a mesh.
    column
        Column to be tested: `incidents`, or a rate.
    exposure
        Column of the cells, `population` for example, that the expected count is proportional to. By default the expected count
        is a sum of a constant, a term for the area and, where the cells have a column `population`, a term for the residents,
        with fitted factors.
    neighbours
        Pairs of codes `a`, `b`, each pair once or twice. By default cells that share a border of positive length: exactly for a
        mesh, to 1 cm for polygons.
    **options
        See :class:`TestOptions`.

    Returns
    -------
    GeoDataFrame
        One row per cell, in the order, index and CRS of the cells: `code`, `column`, `neighbours` (their number, without the
        cell), `with_neighbours` (the tested sum over the cell and its neighbours), `expected` (the expected sum), `z`
        (Gi*), `p`, `q` (p adjusted for the number of tests), `hot` (q <= fdr and z > 0); `p_cell`, `q_cell` and `core`
        (q_cell <= fdr), the same for the cell without its neighbours, always one-sided; `moran` (local, rows of the
        weights sum to one), `moran_p` (two-sided), `moran_q`, `cluster`: ``high-high``, ``low-low``, ``high-low``,
        ``low-high``, or ``none`` where moran_q > fdr; `geometry`. Values are NaN if nothing can be computed (all values equal,
        or a cell adjacent to all others); `expected`, `p_cell` and `q_cell` also if no background could be fitted, and then no
        cell is `core`.

        ``attrs``: `shown` (whether any cell is hot), `note_zh` and `note_en`, which describe the result, or why the data cannot
        show anything; `alternative`, `fdr`, `variance`, `null` (the one used); `expected`, the mean sum over a neighbourhood.

    Raises
    ------
    ColumnError, CodeError
        If a column is missing, a cell has no value, or a code occurs more than once.
    InputError
        If `fdr` is not between 0 and 1, or a value is not a number.

    Notes
    -----
    p is analytic: under the background from the negative binomial distribution, under permutation from a Pearson curve of type
    III with the exact first three moments and a continuity correction for counts. The normal distribution assumes symmetric
    counts: with one incident per cell it finds a hot spot in 60 % of streets without one. With 999 permutations the smallest p
    would be 0.001, which never passes a correction for 3,052 cells. Given the value of the cell, its local Moran is large
    exactly if the sum of its neighbours is, so its p is that of the sum.

    Cells next to a hot cell share its incidents, so hot spots form patches; `core` marks the cells in them that have an excess
    themselves. A single full cell among quiet ones can be `core` and not `hot`. That a place has more incidents than others of
    its size and residents does not show the cause: shops attract incidents.

    Cost: O(cells + pairs).
    """
    chosen = with_defaults("hotspots", _DEFAULTS, options)
    null, alternative, variance, fdr = chosen["null"], chosen["alternative"], chosen["variance"], chosen["fdr"]
    if not 0.0 < fdr < 1.0:
        raise InputError(f"fdr must lie between 0 and 1, not {fdr:g}")
    _require_choice("alternative", alternative, ("greater", "two-sided"))
    _require_choice("null", null, ("background", "dealt"))
    frame = cells.frame() if isinstance(cells, Mesh) else require_polygons(cells, "cells")
    values = values_of(counts, frame, column)
    weights = contiguity_weights(neighbour_pairs(frame, cells, neighbours), len(frame))
    z = gi_star(values, weights, variance=variance)
    law = p_values(values, weights, measures_of(frame, exposure), z, alternative, null)
    p, q, q_cell = law.p, benjamini_hochberg(law.p), benjamini_hochberg(law.p_cell)
    hot = (q <= fdr) & (z > 0)
    columns = {
        CODE: frame[CODE].to_numpy(dtype=object),
        column: values,
        "neighbours": np.asarray(weights.sum(axis=1)).astype(int) - 1,
        "with_neighbours": weights @ values,
        "expected": law.expected,
        "z": z,
        "p": p,
        "q": q,
        "hot": hot,
        "p_cell": law.p_cell,
        "q_cell": q_cell,
        "core": q_cell <= fdr,
    } | _clusters(values, weights, fdr)
    result = gpd.GeoDataFrame(columns, index=frame.index, geometry=frame.geometry.array, crs=frame.crs)
    expected = float((weights @ values).mean()) if len(values) else 0.0
    note_zh, note_en = _note(values, z, hot, columns["core"], expected if column == INCIDENTS else None, fdr)
    result.attrs = {
        "shown": bool(hot.any()),
        "note_zh": note_zh,
        "note_en": note_en,
        "alternative": alternative,
        "fdr": fdr,
        "variance": variance,
        "null": law.null,
        "expected": expected,
    }
    return result


def values_of(counts: pd.DataFrame, frame: gpd.GeoDataFrame, column: str) -> Floats:
    """Value of each cell, in the order of the cells; every cell has exactly one.

    Raises
    ------
    ColumnError, CodeError, InputError
        If a column or a cell is missing, a code occurs more than once, or a value is not a number.
    """
    for name, where, what in ((CODE, frame, "cells"), (CODE, counts, "counts"), (column, counts, "counts")):
        if name not in where:
            raise ColumnError(f"{what}: no column '{name}'; there are {first_labels(list(where.columns), 20)}")
    mine = counts[counts[CODE].isin(frame[CODE])]
    for what, codes in (("cells", frame[CODE]), ("counts", mine[CODE])):
        if double := list(codes[codes.duplicated()]):
            raise CodeError(
                f"{what}: codes occur more than once: {first_labels(double)}; test one level and one kind at a time",
                ids=double,
            )
    lost = list(frame.loc[~frame[CODE].isin(mine[CODE]), CODE])
    if lost:
        raise CodeError(
            f"counts: {counted(len(lost), 'cell has', 'cells have')} no row ({first_labels(lost)})", ids=lost
        )
    values = mine.set_index(CODE)[column].reindex(frame[CODE]).to_numpy(dtype=float, na_value=np.nan)
    if bad := list(frame.loc[~np.isfinite(values), CODE]):
        raise InputError(
            f"counts: '{column}' is not a number in {counted(len(bad), 'cell')} ({first_labels(bad)}); leave them out"
        )
    return values


def measures_of(frame: gpd.GeoDataFrame, exposure: str | None) -> Floats:
    """Terms of the expected count, float64 of shape (n, k): the given exposure, otherwise a constant, area and residents.

    Raises
    ------
    ColumnError
        If the column is missing, or has no positive value.
    """
    if exposure is None:
        area = _measured(frame, AREA_M2) if AREA_M2 in frame else area_m2(frame.geometry)
        parts = [area, *([_measured(frame, POPULATION)] if POPULATION in frame else [])]
        # A term with equal values in all cells cannot be separated from the constant.
        uneven = [part / part.mean() for part in parts if part.std() > 1e-3 * part.mean()]
        return np.column_stack([np.ones(len(frame)), *uneven])
    if exposure not in frame:
        raise ColumnError(
            f"cells: no column '{exposure}' to measure incidents by; there are {first_labels(list(frame.columns), 20)}"
        )
    given: Floats = np.nan_to_num(frame[exposure].to_numpy(dtype=float, na_value=np.nan), posinf=0.0)
    if (given < 0).any() or not (given > 0).any():
        raise ColumnError(f"cells: '{exposure}' must hold numbers of 0 or more, some over 0, to measure incidents by")
    return np.asarray(given[:, None] / given.mean())


def _measured(frame: gpd.GeoDataFrame, column: str) -> Floats:
    """Numbers of 0 or more; 0 for unknown values."""
    given = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.clip(np.nan_to_num(given, posinf=0.0), 0.0, None))


class PValues(NamedTuple):
    """p-values under the null hypothesis: `p` of the sum over each neighbourhood, `p_cell` of the cell alone.

    `expected` is the expected sum, `null` the hypothesis used. NaN if nothing can be computed.
    """

    p: Floats
    p_cell: Floats
    expected: Floats
    null: Null


def p_values(
    values: Floats,
    weights: scipy.sparse.csr_array[Any],
    measures: Floats,
    z: Floats,
    alternative: Alternative,
    null: Null,
) -> PValues:
    """Probability of a sum as large, or as extreme, over the neighbourhood of each cell."""
    background: Background | None = None
    whole = (values == np.rint(values)).all() and (values >= 0).all()
    if null == "background" and whole and np.isfinite(z).any():
        background = estimate_background(values, weights, measures)
    if background is None:
        nothing = np.full(len(values), np.nan)
        return PValues(
            dealt_p(values, np.asarray(weights.sum(axis=1), dtype=float), z, alternative), nothing, nothing, "dealt"
        )
    sums = np.asarray(weights @ values)
    p = background.upper(sums)
    if alternative == "two-sided":
        p = np.minimum(2.0 * np.minimum(p, background.lower(sums)), 1.0)
    p = np.where(np.isfinite(z), p, np.nan)
    return PValues(p, background.upper_of_cells(values), background.sums, "background")


def dealt_p(values: Floats, total: Floats, z: Floats, alternative: Alternative) -> Floats:
    """Probability of a z as large, or as extreme, if `total` values are drawn without replacement."""
    skew = _skewness(values, total)
    # Continuity correction in units of z: an integer sum is at least s if it exceeds s - 1/2.
    half = 0.5 * _z_per_unit(values, total) if (values == np.rint(values)).all() else 0.0
    upper = pearson3_upper(z - half, skew)
    if alternative == "greater":
        return upper
    lower = pearson3_lower(z + half, skew)
    return np.asarray(np.minimum(2.0 * np.minimum(upper, lower), 1.0))


def _clusters(values: Floats, weights: scipy.sparse.csr_array[Any], fdr: float) -> dict[str, Any]:
    """Local Moran of each cell, its p and q, and the kind of cluster."""
    n = len(values)
    near = contiguity_weights(np.zeros((0, 2), dtype=np.int64), n)
    near = (weights - near).tocsr()
    near.eliminate_zeros()
    number = np.asarray(near.sum(axis=1), dtype=float)
    rows = near.multiply(1.0 / np.where(number > 0, number, 1.0)[:, None]).tocsr()
    value, expected, variance = local_moran(values, rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.where((number > 0) & (variance > 0), (value - expected) / np.sqrt(variance), np.nan)
    deviation = values - values.mean()
    # For a cell below the mean, a large local Moran means a small sum of its neighbours: the sign changes.
    z = away * np.where(deviation < 0, -1.0, 1.0)
    p = dealt_p(values, number, z, "two-sided")
    q = benjamini_hochberg(p)
    high, around = deviation > 0, z > 0
    named = np.select(
        [high & around, ~high & ~around, high & ~around], ["high-high", "low-low", "high-low"], "low-high"
    )
    cluster = np.where(q <= fdr, named, "none").astype(object)
    return {"moran": np.where(number > 0, value, np.nan), "moran_p": p, "moran_q": q, "cluster": cluster}


def _z_per_unit(values: Floats, total: Floats) -> Floats:
    """Change of z per unit of the sum over `total` cells; NaN where z is not defined."""
    n = len(values)
    variance = values.var() * total * (n - total) / max(n - 1, 1)
    return np.asarray(1.0 / np.sqrt(np.where(variance > 0, variance, np.nan)))


def _skewness(values: Floats, total: Floats) -> Floats:
    """Skewness of the sum of `total` values drawn without replacement; 0 where it is not defined."""
    n = len(values)
    third = float(((values - values.mean()) ** 3).mean())
    if n < 3:
        return np.zeros(len(total))
    moment = third * total * (n - total) * (n - 2 * total) / ((n - 1) * (n - 2))
    return np.nan_to_num(moment * _z_per_unit(values, total) ** 3)


def _require_choice(name: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise InputError(f"{name} must be {' or '.join(map(repr, known))}, not '{given}'")


def _note(
    values: Floats,
    z: Floats,
    hot: npt.NDArray[np.bool_],
    core: npt.NDArray[np.bool_],
    expected: float | None,
    fdr: float,
) -> tuple[str, str]:
    """One or two sentences on the result of the test, in Chinese and in English."""
    n = len(values)
    if values.sum() == 0 and expected is not None:
        return "没有案件，无从判断。", "There are no incidents, so nothing can be shown."
    if np.isnan(z).all():
        return (
            "各网格数值相同（或网格均互为相邻），无法作出判断。",
            "All grids hold the same number (or all are neighbours of all), so the test cannot show anything.",
        )
    if n < _FEWEST_CELLS:
        zh = f"只有{n}个网格，少于{_FEWEST_CELLS}个，结果仅供参考。"
        en = f"There {form(n, 'is', 'are')} only {counted(n, 'grid')}, fewer than {_FEWEST_CELLS}: the result is not reliable."
    elif expected is not None and expected < FEWEST_INCIDENTS:
        zh = f"案件偏少（每格连同邻格平均{expected:.1f}件），较弱的热点可能看不出来，请结合上一级网格判断。"
        en = (
            f"Incidents are few ({expected:.1f} per grid with its neighbours): weaker hot spots may go unseen; "
            "use the level above."
        )
    else:
        zh = en = ""
    if hot.any() or core.any():
        zh_found = (
            f"{n}个网格中，{int(core.sum())}个网格自身的案件数明显高于正常水平，{int(hot.sum())}个网格连同相邻网格明显高于正常水平；"
            f"其中由偶然造成的平均不超过{fdr:.0%}。"
        )
        en_found = (
            f"Of {counted(n, 'grid')}, {counted(int(core.sum()), 'has', 'have')} clearly more incidents than usual by "
            f"{form(int(core.sum()), 'itself', 'themselves')}, {int(hot.sum())} together with the neighbours; on average at "
            f"most {fdr:.0%} of these by chance."
        )
    else:
        zh_found = f"{n}个网格的案件数都没有明显高于正常水平。"
        en_found = f"None of {counted(n, 'grid')} has clearly more incidents than usual."
    return zh_found + zh, " ".join(filter(None, [en_found, en]))
