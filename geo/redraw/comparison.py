"""Comparison of two divisions of one street, and the crosswalk for transferring figures from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import CrsError
from geo.layers.columns import CODE, LEADER, NAME, PARENT, POPULATION, Level
from geo.layers.division import Division

#: Smaller pieces are caused by rounding; they are removed, and their people are added to the largest piece.
_SMALLEST_M2 = 0.01

FROM_CODE, TO_CODE, AREA, PEOPLE = "from_code", "to_code", "area_m2", "population"


class _Pieces(NamedTuple):
    """Common pieces of the third-level cells of two divisions: positions of both cells (-1 for none), and the area."""

    old: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]
    area: npt.NDArray[np.float64]


def crosswalk(old: Division, new: Division, level: Level) -> pd.DataFrame:
    """Intersect the cells of a level of two divisions.

    Parameters
    ----------
    old, new
        Divisions in one metric CRS.
    level
        Level of the cells on both sides.

    Returns
    -------
    DataFrame
        `from_code`, `to_code` (None for ground that the new division does not cover), `area_m2` (planar) and `population`,
        sorted by the codes. Residents of a third-level cell that both divisions have are assigned as a whole, those of other
        cells in proportion to the area of the pieces. For each `from_code`, the population sums to that of the old cell within
        1e-6, and so does the area, except for pieces under 0.01 m², which are removed.

    Raises
    ------
    CrsError
        If the divisions are not in one CRS.

    Notes
    -----
    Cost: O(n log n) in the number of third-level cells, plus an intersection for each pair of different cells that meet.
    """
    if old.crs != new.crs:
        raise CrsError(
            f"the divisions are in {old.crs.to_string()} and {new.crs.to_string()}; convert one of them first"
        )
    pieces = _common_pieces(old.third, new.third)
    people = old.third[POPULATION].fillna(0).to_numpy(float) if POPULATION in old.third else np.zeros(len(old.third))
    total = np.bincount(pieces.old, weights=pieces.area, minlength=len(people))
    share = np.where(total[pieces.old] > 0, pieces.area / np.where(total > 0, total, 1.0)[pieces.old], 0.0)
    source, target = _ancestors(old, level), _ancestors(new, level)
    frame = pd.DataFrame(
        {
            FROM_CODE: source[pieces.old],
            TO_CODE: [target[k] if k >= 0 else None for k in pieces.new.tolist()],
            AREA: pieces.area,
            PEOPLE: people[pieces.old] * share,
        }
    )
    summed = frame.groupby([FROM_CODE, TO_CODE], dropna=False, sort=True)[[AREA, PEOPLE]].sum().reset_index()
    codes = [None if pd.isna(code) else code for code in summed[TO_CODE]]
    return _without_slivers(summed.assign(**{TO_CODE: pd.Series(codes, index=summed.index, dtype=object)}))


def _without_slivers(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove pieces that are too small; their people are added to the largest piece of the same cell."""
    largest = frame.groupby(FROM_CODE)[AREA].transform("idxmax").to_numpy(dtype=np.int64)
    small = (frame[AREA] < _SMALLEST_M2).to_numpy() & (largest != np.arange(len(frame)))
    people = frame[PEOPLE].to_numpy(float).copy()
    np.add.at(people, largest[small], people[small])
    kept: pd.DataFrame = frame.assign(**{PEOPLE: people})[~small]
    return kept.reset_index(drop=True)


def _ancestors(division: Division, level: Level) -> npt.NDArray[np.object_]:
    """Code of the ancestor at a level for each third-level cell."""
    codes: npt.NDArray[np.object_] = division.third[CODE].astype(str).to_numpy(dtype=object)
    for at in (Level.THIRD, Level.SECOND, Level.COMMUNITY):
        if at is level:
            return codes
        layer = division.layer(at)
        parents = dict(zip(layer[CODE].astype(str), layer[PARENT].astype(str), strict=True))
        codes = np.array([parents[code] for code in codes], dtype=object).reshape(-1)
    return codes


def _forms(shapes: npt.NDArray[np.object_]) -> list[bytes]:
    """Polygons as bytes that are equal for equal polygons, regardless of the first vertex of their rings."""
    return list(shapely.to_wkb(shapely.normalize(shapes)))


def _common_pieces(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> _Pieces:
    """Intersect two layers; bitwise equal cells are matched without intersection."""
    a, b = np.asarray(old.geometry.array, dtype=object), np.asarray(new.geometry.array, dtype=object)
    position = {wkb: k for k, wkb in enumerate(_forms(b))}
    equal = np.array([position.get(wkb, -1) for wkb in _forms(a)], dtype=np.int64)
    same = np.flatnonzero(equal >= 0)
    changed = np.flatnonzero(equal < 0)
    others = np.setdiff1d(np.arange(len(b)), equal[same]).astype(np.int64)
    left, right = (
        shapely.STRtree(b[others]).query(a[changed], predicate="intersects")
        if len(changed) and len(others)
        else np.empty((2, 0), dtype=np.int64)
    )
    rows, columns = changed[left], others[right]
    area = shapely.area(shapely.intersection(a[rows], b[columns]))
    held = np.bincount(rows, weights=area, minlength=len(a))
    bare = shapely.area(a[changed]) - held[changed]
    alone = (bare > _SMALLEST_M2) | (held[changed] <= 0)
    return _Pieces(
        np.concatenate([same, rows[area > 0], changed[alone]]),
        np.concatenate([equal[same], columns[area > 0], np.full(int(alone.sum()), -1)]),
        np.concatenate([shapely.area(a[same]), area[area > 0], bare[alone]]),
    )


@dataclass(frozen=True)
class Comparison:
    """Differences of two divisions.

    Attributes
    ----------
    cells
        One row for each cell of either division and level: `level`, `code`, `status` (``same``, ``changed``, ``new``,
        ``retired``), `old_area_m2`, `new_area_m2`, `old_population`, `new_population`, `renamed`, `old_leader`, `new_leader`.
    leaders
        Residents who change leaders: `from_code`, `to_code`, `from_leader`, `to_leader`, `area_m2`, `population`.
    crosswalk
        :func:`crosswalk` of the second level.
    """

    cells: pd.DataFrame
    leaders: pd.DataFrame
    crosswalk: pd.DataFrame

    @property
    def residents_with_another_leader(self) -> float:
        """Number of residents who change leaders."""
        return float(self.leaders[PEOPLE].sum())

    def words(self) -> list[tuple[str, str]]:
        """The differences as sentences in Chinese and English, largest first."""
        sentences = []
        for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
            status = self.cells.loc[self.cells["level"] == int(level), "status"].value_counts()
            new, gone, changed = (int(status.get(word, 0)) for word in ("new", "retired", "changed"))
            if new or gone or changed:
                sentences.append(
                    (
                        f"{_NAMES[level][0]}：新增 {new} 个，撤销 {gone} 个，边界或属性变动 {changed} 个",
                        f"{_NAMES[level][1]}: {new} new, {gone} retired, {changed} changed",
                    )
                )
        moved = round(self.residents_with_another_leader)
        if moved:
            sentences.insert(0, (f"{moved:,} 名居民更换格长", f"{moved:,} residents come under another leader"))
        return sentences or [("两个方案相同", "the divisions are the same")]


_NAMES = {
    Level.COMMUNITY: ("社区", "communities"),
    Level.SECOND: ("二级网格", "second-level grids"),
    Level.THIRD: ("三级网格", "third-level cells"),
}


def compare(old: Division, new: Division) -> Comparison:
    """Compare two divisions of one street, level by level; the second need not descend from the first.

    Parameters
    ----------
    old, new
        Divisions in one metric CRS.

    Raises
    ------
    CrsError
        If the divisions are not in one CRS.
    """
    walk = crosswalk(old, new, Level.SECOND)
    cells = pd.concat(
        [_level_changes(old, new, level) for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD)], ignore_index=True
    )
    return Comparison(cells, _other_leaders(old, new, walk), walk)


def _column(layer: gpd.GeoDataFrame, column: str) -> pd.Series:
    values = layer[column] if column in layer else pd.Series(None, index=layer.index, dtype=object)
    return values.set_axis(layer[CODE].astype(str))


def _level_changes(old: Division, new: Division, level: Level) -> pd.DataFrame:
    one, other = old.layer(level), new.layer(level)
    codes = sorted(set(one[CODE].astype(str)) | set(other[CODE].astype(str)))
    frame = pd.DataFrame({"level": int(level), "code": codes})
    shapes = [layer.geometry.set_axis(layer[CODE].astype(str)).reindex(codes) for layer in (one, other)]
    wkb = [_forms(np.asarray(shape.array, dtype=object)) for shape in shapes]
    frame["old_area_m2"], frame["new_area_m2"] = shapes[0].area.to_numpy(), shapes[1].area.to_numpy()
    for column, name in ((POPULATION, "population"), (LEADER, "leader"), (NAME, "name")):
        frame[f"old_{name}"] = _column(one, column).reindex(codes).to_numpy()
        frame[f"new_{name}"] = _column(other, column).reindex(codes).to_numpy()
    there = [pd.notna(frame["old_area_m2"]), pd.notna(frame["new_area_m2"])]
    differs = np.array([a != b for a, b in zip(*wkb, strict=True)])
    for name in ("population", "leader", "name"):
        a, b = frame[f"old_{name}"], frame[f"new_{name}"]
        differs |= ~((a == b) | (a.isna() & b.isna())).to_numpy()
    frame["status"] = np.select([~there[0], ~there[1], differs], ["new", "retired", "changed"], "same")
    frame["renamed"] = there[0] & there[1] & (frame["old_name"] != frame["new_name"])
    return frame.drop(columns=["old_name", "new_name"])


def _other_leaders(old: Division, new: Division, walk: pd.DataFrame) -> pd.DataFrame:
    """Pieces of a crosswalk whose residents change leaders; for divisions without leaders, those who change grids."""
    former = walk[FROM_CODE].map(_column(old.second, LEADER).to_dict())
    later = walk[TO_CODE].map(_column(new.second, LEADER).to_dict())
    nobody = former.isna() & later.isna()
    other = np.where(nobody, walk[FROM_CODE] != walk[TO_CODE], former.fillna("") != later.fillna(""))
    frame = walk.assign(from_leader=former, to_leader=later)[other]
    columns = [FROM_CODE, TO_CODE, "from_leader", "to_leader", AREA, PEOPLE]
    return frame[columns].sort_values(PEOPLE, ascending=False, kind="stable").reset_index(drop=True)
