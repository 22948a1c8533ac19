"""Paths of officers on a simulated day: from the office to the grid, along its roads, and back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from geo.arrays import Floats
from geo.layers.crs import PER_METRE

#: Speeds, m/s: inspection walk; electric bicycle; car in town (30 to 40 km/h).
WALK_M_S, RIDE_M_S, DRIVE_M_S = (0.9, 1.4), (5.4, 6.5), (8.4, 11.1)
_STEP_M = 30.0
_KERB_M = 3.0


class HasRoads(Protocol):
    """Required attributes of a street: ``roads`` and ``communities`` in the metric CRS of the division."""

    @property
    def roads(self) -> gpd.GeoDataFrame: ...  # noqa: D102
    @property
    def communities(self) -> gpd.GeoDataFrame: ...  # noqa: D102


class Way(NamedTuple):
    """True path of one officer: positions and the seconds of the local day at which they are reached."""

    t: Floats
    xy: Floats


class Roads(NamedTuple):
    """Roads as a graph of short straight steps."""

    xy: Floats
    graph: csr_matrix

    @classmethod
    def of(cls, roads: gpd.GeoDataFrame) -> Roads:
        """Node the roads, and keep the largest connected part."""
        noded = shapely.union_all(roads.geometry.array, grid_size=1 / PER_METRE)
        steps = shapely.get_parts(shapely.segmentize(noded, _STEP_M))
        xy, line = shapely.get_coordinates(steps, return_index=True)
        keys, node = np.unique(np.rint(xy * PER_METRE).astype(np.int64), axis=0, return_inverse=True)
        joined = line[1:] == line[:-1]
        a, b = node[:-1][joined], node[1:][joined]
        places = keys / PER_METRE
        length = np.hypot(*(places[a] - places[b]).T)
        n = len(places)
        graph = csr_matrix((np.r_[length, length], (np.r_[a, b], np.r_[b, a])), shape=(n, n))
        _, part = connected_components(graph, directed=False)
        main = np.flatnonzero(part == np.bincount(part).argmax())
        return cls(places[main], graph[main][:, main])

    def nearest(self, x: float, y: float) -> int:
        """Node that is nearest to a place."""
        return int(np.hypot(self.xy[:, 0] - x, self.xy[:, 1] - y).argmin())


class _Ground(NamedTuple):
    """Places in a grid that its officer visits, and the shortest paths between them."""

    places: Floats
    before: npt.NDArray[np.int32]
    entry: int

    def way(self, a: int, b: int) -> Floats:
        """Positions from `a` to `b`, without `a`; a straight line if no road inside the grid connects them."""
        back = [b]
        while back[-1] != a and self.before[a, back[-1]] >= 0:
            back.append(int(self.before[a, back[-1]]))
        return self.places[[b]] if back[-1] != a else self.places[back[-2::-1]] if len(back) > 1 else self.places[[b]]


def _ground(cell: shapely.Polygon, roads: Roads, tree: shapely.STRtree, rng: np.random.Generator) -> _Ground:
    """Road steps inside a grid; a road on the border of the grid is moved to the kerb on the grid's side."""
    kerb = cell.buffer(-_KERB_M)
    kerb = cell if kerb.is_empty else kerb
    inside = np.sort(tree.query(cell, predicate="intersects"))
    if len(inside) >= 4:
        graph = roads.graph[inside][:, inside]
        points = shapely.points(roads.xy[inside])
        # shortest_line runs from the kerb's area to the point: it starts where the officer walks.
        places = shapely.get_coordinates(shapely.shortest_line(kerb, points))[::2]
    else:
        places = scattered(kerb, 8, rng)
        graph = csr_matrix((len(places), len(places)))
    _, before = dijkstra(graph, directed=False, return_predecessors=True)
    x, y = shapely.get_coordinates(cell.representative_point())[0]
    middle = int(np.hypot(places[:, 0] - x, places[:, 1] - y).argmin())
    return _Ground(places, before, int(inside[middle]) if len(inside) >= 4 else roads.nearest(x, y))


def scattered(area: shapely.Polygon, count: int, rng: np.random.Generator) -> Floats:
    """Random points in an area."""
    west, south, east, north = area.bounds
    found: list[Floats] = []
    while sum(map(len, found)) < count:
        xy = rng.uniform((west, south), (east, north), (4 * count, 2))
        found.append(xy[shapely.contains_xy(area, xy[:, 0], xy[:, 1])])
    return np.concatenate(found)[:count]


class Diary:
    """Builds the path of one officer."""

    def __init__(self, xy: Floats, t: float) -> None:
        self.xy, self.t, self.parts = xy, t, [np.array([[t, *xy]])]

    def go(self, xy: Floats, speed_m_s: float) -> None:
        """Move through these positions, shape (n, 2), at constant speed."""
        legs = np.hypot(*np.diff(np.vstack([self.xy, xy]), axis=0).T)
        t = self.t + np.cumsum(legs) / speed_m_s
        self.parts.append(np.column_stack([t, xy]))
        self.xy, self.t = xy[-1], float(t[-1])

    def stay(self, until: float) -> None:
        """Stay until this second of the day."""
        if until > self.t:
            self.parts.append(np.array([[until, *self.xy]]))
            self.t = until

    def way(self) -> Way:
        """The completed path."""
        rows = np.concatenate(self.parts)
        rows = rows[np.r_[True, np.diff(rows[:, 0]) > 0]]
        return Way(rows[:, 0], rows[:, 1:])


def walks_of(
    street: HasRoads,
    cells: gpd.GeoDataFrame,
    roads: Roads,
    fates: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> list[Way]:
    """Simulate the day of every officer."""
    centre = shapely.get_coordinates(shapely.point_on_surface(street.communities.geometry.array))
    offices = [roads.nearest(x, y) for x, y in centre]
    far, before = dijkstra(roads.graph, directed=False, indices=offices, return_predecessors=True)
    tree = shapely.STRtree(shapely.points(roads.xy))
    shapes = cells.geometry.array
    grounds = [_ground(shape, roads, tree, rng) for shape in shapes]
    neighbours = shapely.STRtree(shapes)
    ways = []
    for own, fate in enumerate(fates):
        office = int(far[:, grounds[own].entry].argmin())
        beside = neighbours.query(shapes[own], predicate="touches")
        other = int(rng.choice(np.sort(beside))) if len(beside) else own
        ways.append(_live(fate, roads, before[office], offices[office], grounds[own], grounds[other], rng))
    return ways


def _live(
    fate: str,
    roads: Roads,
    before: npt.NDArray[np.int32],
    office: int,
    own: _Ground,
    other: _Ground,
    rng: np.random.Generator,
) -> Way:
    """Simulate the day of one officer, 8:00 to 18:00, starting and ending at the office."""
    hour = 3600.0
    desk = roads.xy[office] + rng.uniform(-6, 6, 2)
    diary = Diary(desk, 8 * hour + rng.uniform(-900, 900))
    ground = {
        "helps a neighbour": [own, own, other],
        "twice": [own, own],
        "three times": [own, own, own],
        "once": [own],
        "drives": [own, own],
        "never": [],
    }[fate]
    starts = {1: [rng.choice([8.6, 14.2])], 2: [8.5, 14.0], 3: [8.4, 11.4, 14.8]}.get(len(ground), [])
    for place, start in zip(ground, starts, strict=True):
        diary.stay(start * hour + rng.uniform(0, 3600))
        # On the right side of the road: its centre line is often a border.
        there = roads.xy[_back(before, office, place.entry)[::-1]] + rng.uniform(1.2, 2.8, 2) * rng.choice([-1, 1], 2)
        if fate == "drives":
            diary.go(there, rng.uniform(*DRIVE_M_S))
            diary.go(there[::-1], rng.uniform(*DRIVE_M_S))
        else:
            diary.go(there, rng.uniform(*RIDE_M_S))
            _walk(diary, place, rng.uniform(900, 2700), rng)
            diary.go(there[::-1], rng.uniform(*RIDE_M_S))
        diary.go(desk[None], WALK_M_S[0])
    diary.stay(18 * hour + rng.uniform(-900, 900))
    return diary.way()


def _back(before: npt.NDArray[np.int32], start: int, end: int) -> list[int]:
    steps = [end]
    while steps[-1] != start:
        steps.append(int(before[steps[-1]]))
    return steps


def _walk(diary: Diary, ground: _Ground, lasts_s: float, rng: np.random.Generator) -> None:
    """Walk between places in a grid and stop at some."""
    until = diary.t + lasts_s
    at = int(np.hypot(*(ground.places - diary.xy).T).argmin())
    diary.go(ground.places[[at]], WALK_M_S[1])
    while diary.t < until:
        to = int(rng.integers(len(ground.places)))
        if to != at:
            diary.go(ground.way(at, to), rng.uniform(*WALK_M_S))
            at = to
        if rng.random() < 0.4:
            diary.stay(diary.t + rng.uniform(10, 120))
