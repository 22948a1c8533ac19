"""Six small cells with one fault of each kind: the examples for the pictures of the kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geo.coverage import Kind, Report, check
from geo.layers import Level
from geo.layers.columns import AREA_M2, CODE, PARENT

CRS = "EPSG:4549"

# South-west corner and lines of a slightly irregular lattice of three by two cells, metres.
_WEST, _SOUTH = 388_000.0, 3_553_000.0
_NODES = np.array(
    [
        [(0, 0), (58, -4), (122, 0), (180, 4)],
        [(-3, 52), (60, 56), (118, 50), (184, 55)],
        [(2, 108), (64, 104), (124, 110), (178, 106)],
    ],
    dtype=float,
) + np.array([_WEST, _SOUTH])
_CODES = "ABCDEF"


@dataclass(frozen=True)
class Planted:
    """Cells with one fault, and the inputs of the check.

    Attributes
    ----------
    cells
        Polygons with ``code``.
    options
        Further arguments of :func:`geo.coverage.check`.
    """

    cells: gpd.GeoDataFrame
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> Report:
        """Run the check."""
        return check(self.cells, **self.options)


def sound() -> gpd.GeoDataFrame:
    """Six cells without a fault: A, B, C in the north, D, E, F in the south."""
    shapes = [
        shapely.Polygon([_NODES[row, k], _NODES[row, k + 1], _NODES[row + 1, k + 1], _NODES[row + 1, k]])
        for row in (1, 0)
        for k in range(3)
    ]
    return gpd.GeoDataFrame({CODE: list(_CODES)}, geometry=shapes, crs=CRS)


def plant(kind: Kind | str) -> Planted:
    """The six cells with a planted fault of one kind, the only one found by the check."""
    return _PLANTS[Kind(kind)](sound())


def _outline() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.coverage_union_all(sound().geometry.array)], crs=CRS)


def _parents() -> gpd.GeoDataFrame:
    """Two cells of the level above: P contains A, B, D and E, and Q contains C and F."""
    shapes = sound().geometry
    halves = [shapely.coverage_union_all(np.asarray(shapes.iloc[rows].array)) for rows in ([0, 1, 3, 4], [2, 5])]
    return gpd.GeoDataFrame({CODE: ["P", "Q"]}, geometry=halves, crs=CRS)


def _put(cells: gpd.GeoDataFrame, code: str, shape: Any) -> gpd.GeoDataFrame:
    shapes = np.array(cells.geometry.array, dtype=object)
    shapes[_CODES.index(code)] = shape
    return cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))


def _of(cells: gpd.GeoDataFrame, code: str) -> Any:
    return cells.geometry.iloc[_CODES.index(code)]


def _add(cells: gpd.GeoDataFrame, code: str, shape: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({CODE: [*cells[CODE], code]}, geometry=[*cells.geometry, shape], crs=cells.crs)


def _at(x: float, y: float) -> tuple[float, float]:
    return _WEST + x, _SOUTH + y


def _area(*places: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon([_at(*place) for place in places])


def _overlap(cells: gpd.GeoDataFrame) -> Planted:
    return Planted(_put(cells, "A", shapely.union(_of(cells, "A"), _area((60, 64), (78, 70), (80, 92), (62, 96)))))


def _duplicate_polygon(cells: gpd.GeoDataFrame) -> Planted:
    return Planted(_add(cells, "G", _of(cells, "B")))


def _without(code: str, hole: shapely.Polygon) -> Callable[[gpd.GeoDataFrame], Planted]:
    return lambda cells: Planted(_put(cells, code, shapely.difference(_of(cells, code), hole)), {"outline": _outline()})


def _sliver(cells: gpd.GeoDataFrame) -> Planted:
    """A strip of 20 cm at its widest along the border of A and B."""
    a, b = _NODES[1, 1], _NODES[2, 1]
    strip = shapely.Polygon([a, b, (a + b) / 2 + (0.2, 0)])
    return Planted(_put(cells, "B", shapely.difference(_of(cells, "B"), strip)))


def _outside(cells: gpd.GeoDataFrame) -> Planted:
    beyond = _area((178, 60), (192, 66), (192, 92), (176, 98))
    return Planted(_put(cells, "C", shapely.union(_of(cells, "C"), beyond)), {"outline": _outline()})


def _unmatched(cells: gpd.GeoDataFrame) -> Planted:
    """B has a vertex on its border with A that A lacks."""
    xy = shapely.get_coordinates(_of(cells, "B"))
    a, b = _NODES[1, 1], _NODES[2, 1]
    k = next(i for i in range(len(xy) - 1) if {tuple(xy[i]), tuple(xy[i + 1])} == {tuple(a), tuple(b)})
    return Planted(_put(cells, "B", shapely.Polygon(np.insert(xy, k + 1, (a + b) / 2, axis=0))))


def _invalid(cells: gpd.GeoDataFrame) -> Planted:
    """E has two of its vertices in the wrong order."""
    xy = shapely.get_coordinates(_of(cells, "E"))[:-1]
    return Planted(_put(cells, "E", shapely.Polygon(xy[[0, 2, 1, 3]])))


def _empty(cells: gpd.GeoDataFrame) -> Planted:
    return Planted(_add(cells, "G", shapely.Polygon()))


def _detached(cells: gpd.GeoDataFrame) -> Planted:
    """C consists of two pieces: the second is a corner of D."""
    corner = _area((12, 8), (34, 8), (34, 30), (12, 30))
    cut = _put(cells, "D", shapely.difference(_of(cells, "D"), corner))
    return Planted(_put(cut, "C", shapely.MultiPolygon([_of(cells, "C"), corner])))


def _corner(cells: gpd.GeoDataFrame) -> Planted:
    """B has a piece of D that it touches only in a vertex."""
    node, west, south = _NODES[1, 1], _NODES[1, 0], _NODES[0, 1]
    p, q = node + (west - node) * 0.42, node + (south - node) * 0.45
    piece = shapely.Polygon([node, p, node - (25, 26), q])
    rest = shapely.Polygon([_NODES[0, 0], south, q, node - (25, 26), p, west])
    cells = _put(_put(cells, "D", rest), "B", shapely.MultiPolygon([_of(cells, "B"), piece]))
    # The neighbours get the new vertices, to avoid further faults.
    cells = _put(cells, "A", shapely.Polygon([_NODES[1, 0], p, node, _NODES[2, 1], _NODES[2, 0]]))
    return Planted(_put(cells, "E", shapely.Polygon([south, _NODES[0, 2], _NODES[1, 2], node, q])))


def _ring(cells: gpd.GeoDataFrame) -> Planted:
    core = shapely.Point(_at(90, 80)).buffer(13, quad_segs=3)
    return Planted(_add(_put(cells, "B", shapely.difference(_of(cells, "B"), core)), "G", core))


def _nested(cells: gpd.GeoDataFrame, parent: str = "") -> gpd.GeoDataFrame:
    return cells.assign(**{PARENT: ["P", parent or "P", "Q", "P", "P", "Q"]})


def _not_nested(cells: gpd.GeoDataFrame) -> Planted:
    """B extends into the parent of C, which loses the ground."""
    piece = _area((118, 50), (140, 58), (142, 90), (121, 80))
    grown = _put(cells, "B", shapely.union(_of(cells, "B"), shapely.intersection(piece, _of(cells, "C"))))
    return Planted(_nested(_put(grown, "C", shapely.difference(_of(cells, "C"), piece))), {"parents": _parents()})


def _with_parent(parent: str) -> Callable[[gpd.GeoDataFrame], Planted]:
    return lambda cells: Planted(_nested(cells, parent), {"parents": _parents()})


def _duplicate_code(cells: gpd.GeoDataFrame) -> Planted:
    return Planted(cells.assign(**{CODE: list("ABCDEB")}))


def _bad_code(cells: gpd.GeoDataFrame) -> Planted:
    codes = [f"320113003001{i:03d}" for i in range(1, 7)]
    codes[4] = "32011300300105"
    return Planted(cells.assign(**{CODE: codes}), {"level": Level.SECOND})


def _wrong_count(cells: gpd.GeoDataFrame) -> Planted:
    return Planted(cells, {"expected": 7})


def _area_mismatch(cells: gpd.GeoDataFrame) -> Planted:
    from geo.layers import area_m2

    areas = np.asarray(area_m2(cells.geometry), dtype=float).copy()
    areas[1] *= 1.5
    return Planted(cells.assign(**{AREA_M2: areas}))


_PLANTS: Mapping[Kind, Callable[[gpd.GeoDataFrame], Planted]] = MappingProxyType(
    {
        Kind.OVERLAP: _overlap,
        Kind.DUPLICATE_POLYGON: _duplicate_polygon,
        Kind.GAP: _without("B", _area((60, 62), (76, 66), (78, 90), (62.6, 92))),
        Kind.SLIVER: _sliver,
        Kind.OUTLINE_UNCOVERED: _without("C", _area((184, 55), (169, 76), (178, 106), (196, 80))),
        Kind.INLET: _without("B", _area((86, 116), (94, 76), (102, 116))),
        Kind.OUTSIDE_OUTLINE: _outside,
        Kind.UNMATCHED_EDGE: _unmatched,
        Kind.INVALID_GEOMETRY: _invalid,
        Kind.EMPTY_GEOMETRY: _empty,
        Kind.DETACHED_PART: _detached,
        Kind.CORNER_CONTACT: _corner,
        Kind.RING_SHAPED: _ring,
        Kind.NOT_NESTED: _not_nested,
        Kind.WRONG_PARENT: _with_parent("Q"),
        Kind.MISSING_PARENT: _with_parent("X"),
        Kind.DUPLICATE_CODE: _duplicate_code,
        Kind.BAD_CODE: _bad_code,
        Kind.WRONG_COUNT: _wrong_count,
        Kind.AREA_MISMATCH: _area_mismatch,
    }
)
