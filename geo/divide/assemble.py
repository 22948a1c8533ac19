"""Builds the four layers from groups of atoms: geometry from one mesh, sums, codes and names."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import Mesh
from geo.divide.naming import community_name, second_name, third_name
from geo.divide.workload import PARTS
from geo.errors import ImpossibleError
from geo.layers import LAYER_COLUMNS, Division, Level, area_m2, child_codes, is_code
from geo.wording import counted

Ints = npt.NDArray[np.int64]

#: Code of a street without a code.
NO_STREET_CODE = "000000001"

_SUMS = ("population", "households", "units", "workload", "buildings", "incidents", *PARTS, "estimated")


def assemble(
    atoms: gpd.GeoDataFrame,
    groups: dict[Level, Ints],
    *,
    street: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None,
    valid_from: dt.date | None,
) -> tuple[Division, dict[Level, list[str]]]:
    """Build a division and return it with the codes of the groups.

    Parameters
    ----------
    atoms
        Polygons with the columns of :func:`geo.divide.workload.weigh`.
    groups
        For community, second and third level: group of each atom, 0 .. k - 1. Third-level groups lie in one second-level
        group each, and so on.
    street, communities
        Source of codes and names.
    valid_from
        Day from which the division is valid.

    Raises
    ------
    ImpossibleError
        If the groups do not nest or a cell would have several parts.
    """
    mesh = Mesh.from_layer(atoms)
    third = groups[Level.THIRD]
    _, first = np.unique(third, return_index=True)
    second_of = groups[Level.SECOND][first]
    community_of = groups[Level.COMMUNITY][np.unique(groups[Level.SECOND], return_index=True)[1]]
    _require_nested(groups)
    sums = atoms[list(_SUMS)].groupby(third).sum()
    sums["area_m2"] = area_m2(mesh.dissolve(third).polygons())
    shapes = {level: mesh.dissolve(group).polygons().array for level, group in groups.items()}
    shapes[Level.STREET] = mesh.dissolve(np.zeros(len(atoms), dtype=np.int64)).polygons().array
    _require_single(shapes)
    points = {level: shapely.get_coordinates(shapely.point_on_surface(shape)) for level, shape in shapes.items()}
    row = street.iloc[0]
    code, name = _street_code(row, communities), _text(row, "name")
    top = _community_codes(code, communities, points[Level.COMMUNITY])
    codes = {Level.COMMUNITY: top}
    codes[Level.SECOND] = _children(top, community_of, points[Level.SECOND])
    codes[Level.THIRD] = _children(codes[Level.SECOND], second_of, points[Level.THIRD])
    titles = _titles(codes, second_of, community_of, communities)
    owner = {Level.THIRD: np.arange(len(second_of)), Level.SECOND: second_of, Level.COMMUNITY: community_of[second_of]}
    layers = {}
    for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
        frame = sums.groupby(owner[level]).sum()
        frame["code"], frame["name"], frame["geometry"] = codes[level], titles[level], shapes[level]
        frame["parent"] = frame["code"].str[:-3]
        layers[level.layer] = _layer(frame, level, mesh.crs, valid_from)
    whole = sums.sum().to_frame().T.astype(sums.dtypes)
    whole["code"], whole["name"], whole["parent"], whole["geometry"] = code, name, None, shapes[Level.STREET]
    layers[Level.STREET.layer] = _layer(whole, Level.STREET, mesh.crs, valid_from)
    return Division(**layers), codes


def _layer(frame: pd.DataFrame, level: Level, crs: object, valid_from: dt.date | None) -> gpd.GeoDataFrame:
    """Select the columns of one layer and sort it by code."""
    day = None if valid_from is None else valid_from.isoformat()
    frame = frame.assign(level=int(level), leader=None, valid_from=day, valid_to=None)
    if level is Level.SECOND:
        frame["staff_kind"] = None
    extra = [c for c in frame.columns if c not in LAYER_COLUMNS]
    frame = frame[[*LAYER_COLUMNS, *extra]].sort_values("code", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _street_code(row: pd.Series, communities: gpd.GeoDataFrame | None) -> str:
    code = row.get("code")
    if is_code(code, Level.STREET):
        return str(code)
    if communities is not None and "code" in communities.columns:
        prefixes = {str(c)[:9] for c in communities["code"] if is_code(c, Level.COMMUNITY)}
        if len(prefixes) == 1:
            return prefixes.pop()
    return NO_STREET_CODE


def _community_codes(street: str, communities: gpd.GeoDataFrame | None, points: npt.NDArray[np.float64]) -> list[str]:
    """The codes of the given communities if all are well formed, otherwise new ones."""
    if communities is not None and "code" in communities.columns:
        given = [str(c) for c in communities["code"]]
        if all(is_code(c, Level.COMMUNITY) and c.startswith(street) for c in given) and len(set(given)) == len(given):
            return given
    return child_codes(street, points[:, 0], points[:, 1])


def _children(parents: list[str], parent_of: Ints, points: npt.NDArray[np.float64]) -> list[str]:
    codes = np.empty(len(parent_of), dtype=object)
    for number, parent in enumerate(parents):
        mine = np.flatnonzero(parent_of == number)
        codes[mine] = child_codes(parent, points[mine, 0], points[mine, 1])
    return [str(code) for code in codes]


def _titles(
    codes: dict[Level, list[str]], second_of: Ints, community_of: Ints, communities: gpd.GeoDataFrame | None
) -> dict[Level, list[str]]:
    given: list[str | None] = [None] * len(codes[Level.COMMUNITY])
    if communities is not None:
        given = [_text(row, "name") for _, row in communities.iterrows()]
    top = [name or community_name(code) for code, name in zip(codes[Level.COMMUNITY], given, strict=True)]
    middle = [second_name(top[k], code) for code, k in zip(codes[Level.SECOND], community_of.tolist(), strict=True)]
    low = [third_name(middle[k], code) for code, k in zip(codes[Level.THIRD], second_of.tolist(), strict=True)]
    return {Level.COMMUNITY: top, Level.SECOND: middle, Level.THIRD: low}


def _text(row: pd.Series, column: str) -> str | None:
    value = row.get(column)
    return str(value) if isinstance(value, str) and value.strip() else None


def _require_nested(groups: dict[Level, Ints]) -> None:
    for low, high in ((Level.THIRD, Level.SECOND), (Level.SECOND, Level.COMMUNITY)):
        pairs = np.unique(np.column_stack([groups[low], groups[high]]), axis=0)
        if len(pairs) != len(np.unique(groups[low])):
            raise ImpossibleError(
                f"{low.layer}: some grids lie in more than one {high.layer} grid; report this with the input"
            )


def _require_single(shapes: dict[Level, npt.NDArray[np.object_]]) -> None:
    for level, shape in shapes.items():
        broken = shapely.get_num_geometries(shape) != 1
        if broken.any():
            raise ImpossibleError(
                f"{level.layer}: {counted(int(broken.sum()), 'grid')} would consist of several parts; report this with the input",
                geometry=shape[broken][0],
            )
