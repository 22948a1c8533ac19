"""Builds a road network from lines: nodes them, connects near ends, and keeps crossings of different levels apart."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.arrays import Floats, Ints
from geo.errors import CrsError, GeometryError
from geo.layers.transformers import to_crs
from geo.wording import counted

Lines = npt.NDArray[np.object_]

#: Vertices closer than this are merged.
GRID_M = 0.01
#: A dangling end at most this far from another road is connected to it.
LOOSE_M = 3.0


class Network(NamedTuple):
    """Roads split at their junctions.

    Attributes
    ----------
    edges
        LineStrings between junctions, metres.
    head, tail
        Junctions at the start and the end of each edge, int64.
    length_m
        Length of each edge.
    indptr, neighbour, along
        Compressed rows of the junctions: the junction at the other end of each incident edge, and the number of that edge.
    tree
        Spatial index of the edges.
    crs
        Metric CRS of the edges.
    """

    edges: Lines
    head: Ints
    tail: Ints
    length_m: Floats
    indptr: Ints
    neighbour: Ints
    along: Ints
    tree: shapely.STRtree
    crs: CRS


def network(roads: gpd.GeoDataFrame, crs: CRS) -> Network:
    """Build a road network.

    Parameters
    ----------
    roads
        LineStrings and MultiLineStrings in any declared CRS; other geometries are ignored. The OpenStreetMap columns
        `bridge`, `tunnel` and `layer` are used if present.
    crs
        Metric CRS of the result.

    Raises
    ------
    CrsError
        If the roads declare no CRS.
    GeometryError
        If there are no lines.

    Notes
    -----
    Roads are connected where they share a vertex, where they cross on one level, and where an end is within 3 m of another
    road. Driving directions are ignored, because pedestrians do not follow them. Cost: O(n log n) in vertices and crossings.
    """
    if roads.crs is None:
        raise CrsError("roads: no coordinate reference system is declared; set the CRS that the coordinates are in")
    metric = to_crs(roads, crs)
    parts, source = shapely.get_parts(np.asarray(metric.geometry.array, dtype=object), return_index=True)
    lines = shapely.force_2d(parts)
    good = (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING) & (shapely.length(lines) > 0)
    good &= np.isfinite(shapely.bounds(lines)).all(axis=1)
    if not good.any():
        raise GeometryError(f"roads: no line among {counted(len(roads), 'row')}; a network is made of LineStrings")
    lines = shapely.set_precision(lines[good], GRID_M, mode="pointwise")
    level = _levels(metric)[source[good]]
    noded = [_noded(lines[level == one]) for one in np.unique(level)]
    return _assembled(np.concatenate(noded), crs)


def _levels(roads: gpd.GeoDataFrame) -> Ints:
    """Level of each road: its layer, or +1 on a bridge and -1 in a tunnel."""
    level = np.zeros(len(roads), dtype=np.int64)
    for column, step in (("bridge", 1), ("tunnel", -1)):
        if column in roads:
            said = roads[column].astype("string").str.lower().fillna("").to_numpy(dtype=object)
            level[~np.isin(said, ["", "no", "false", "0", "f"])] = step
    if "layer" in roads:
        layer = pd.to_numeric(roads["layer"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        level = np.where(np.isfinite(layer), np.nan_to_num(layer), level).astype(np.int64)
    return level


def _noded(lines: Lines) -> Lines:
    """Split lines where they cross, and extend dangling ends to a near road."""
    links = _links(lines)
    merged = shapely.node(shapely.geometrycollections(np.concatenate([lines, links])))
    return np.asarray(shapely.get_parts(merged), dtype=object)


def _links(lines: Lines) -> Lines:
    """Short lines from dangling ends to the nearest line within `LOOSE_M`, and slightly across it."""
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    owner = np.tile(np.arange(len(lines)), 2)
    end, other = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=LOOSE_M)
    foreign = owner[end] != other
    end, other = end[foreign], other[foreign]
    away = shapely.distance(ends[end], lines[other])
    order = np.lexsort((other, away, end))
    first = order[np.r_[True, end[order][1:] != end[order][:-1]][: len(order)]]
    first = first[away[first] > 0.0]
    if len(first) == 0:
        return np.empty(0, dtype=object)
    start = shapely.get_coordinates(ends[end[first]])
    foot = lines[other[first]]
    goal = shapely.get_coordinates(
        shapely.line_interpolate_point(foot, shapely.line_locate_point(foot, ends[end[first]]))
    )
    beyond = goal + (goal - start) / away[first][:, None] * (2 * GRID_M)
    return np.asarray(shapely.linestrings(np.stack([start, beyond], axis=1)), dtype=object)


def _assembled(lines: Lines, crs: CRS) -> Network:
    """Split lines at every vertex shared with another line, and number the junctions."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    key = np.rint(xy / GRID_M).astype(np.int64)
    place = np.unique(key, axis=0, return_inverse=True)[1].ravel()
    starts = np.r_[True, owner[1:] != owner[:-1]]
    ends = np.r_[starts[1:], True]
    uses = np.bincount(place)
    junction = np.zeros(len(uses), dtype=bool)
    junction[place[starts | ends]] = True
    junction |= uses > 1
    cut = np.flatnonzero(junction[place])
    a, b = cut[:-1], cut[1:]
    same = owner[a] == owner[b]
    a, b = a[same], b[same]
    count = b - a + 1
    rows = np.repeat(a, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    edges = np.asarray(shapely.linestrings(xy[rows], indices=np.repeat(np.arange(len(a)), count)), dtype=object)
    length = shapely.length(edges)
    head, tail = place[a], place[b]
    # Two coincident roads form one edge.
    low, high = np.minimum(head, tail), np.maximum(head, tail)
    twin = pd.DataFrame({"low": low, "high": high, "length": np.rint(length / GRID_M)}).duplicated().to_numpy()
    kept = np.flatnonzero((length > GRID_M / 2) & ~twin)
    edges, length, head, tail = edges[kept], length[kept], head[kept], tail[kept]
    nodes, ends_of = np.unique(np.r_[head, tail], return_inverse=True)
    head, tail = ends_of[: len(kept)].astype(np.int64), ends_of[len(kept) :].astype(np.int64)
    leaves, to = np.r_[head, tail], np.r_[tail, head]
    order = np.argsort(leaves, kind="stable")
    indptr = np.searchsorted(leaves[order], np.arange(len(nodes) + 1)).astype(np.int64)
    along = np.tile(np.arange(len(kept), dtype=np.int64), 2)[order]
    return Network(edges, head, tail, length, indptr, to[order], along, shapely.STRtree(edges), crs)
