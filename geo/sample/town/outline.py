"""Converts the plan to exact lines and faces: the outline, the main lines, the communities.

The three steps are those of the module: the whole plan (:func:`draw_skeleton`), one line (:func:`smooth`,
:func:`ridge`), one coordinate (:func:`to_lattice`). Every face is bounded by the noded lines, so neighbours have the same
vertices and the communities form an exact coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import ImpossibleError
from geo.layers.crs import PER_METRE, area_m2
from geo.sample.town import plan
from geo.wording import counted

Coordinates = npt.NDArray[np.float64]

# Spacing of the vertices of curved lines: the chord of an arc with 300 m radius deviates by 0.2 m.
_STEP_M = 22.0
# Share of a chord by which a ridge line is displaced at each halving; resembles a contour line.
_RIDGE_ROUGHNESS = 0.16
_RIDGE_HALVINGS = 4


@dataclass(frozen=True)
class Skeleton:
    """The plan in place, all on the 1 mm lattice of EPSG:4549.

    Attributes
    ----------
    outline
        The street, with a vertex wherever a line of the plan meets it.
    lines
        One LineString for each entry of ``plan.LINES``, noded.
    quarters
        The quarters as polygons, in the order of ``plan.QUARTERS``.
    scale
        Metres in place per metre of the plan.
    """

    outline: shapely.Polygon
    lines: tuple[shapely.LineString, ...]
    quarters: tuple[shapely.Polygon, ...]
    scale: float

    def place(self, xy: tuple[float, float]) -> tuple[float, float]:
        """Position in EPSG:4549 of a position of the plan."""
        x, y = _placed(np.array([xy]), self.scale)[0]
        return float(x), float(y)


def to_lattice(xy: Coordinates) -> Coordinates:
    """Round coordinates in metres to the 1 mm lattice."""
    return np.round(np.asarray(xy, dtype=float) * PER_METRE) / PER_METRE


def draw_skeleton(rng: np.random.Generator) -> Skeleton:
    """Draw the plan with the area that it must have.

    Parameters
    ----------
    rng
        Moves the named points by up to ``plan.NODE_JITTER_M`` and shapes the ridges.

    Raises
    ------
    ImpossibleError
        If the noded lines do not give exactly one face for each quarter.
    """
    nodes = {k: np.array(v) + rng.uniform(-1, 1, 2) * plan.NODE_JITTER_M for k, v in plan.NODES.items()}
    stretches = [smooth([nodes[n] for n in line.nodes]) for line in plan.LINES]
    ring = _outline_ring(nodes, stretches, rng)
    scale = _scale_to_area(ring)
    outline = shapely.Polygon(to_lattice(_placed(ring, scale)))
    drawn = [shapely.LineString(to_lattice(_placed(np.vstack(parts), scale))) for parts in stretches]
    noded = shapely.union_all([outline.exterior, *drawn], grid_size=1 / PER_METRE)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    pieces = shapely.get_parts(noded)
    lines = tuple(_pieces_of(line, pieces) for line in drawn)
    return Skeleton(shapely.Polygon(_dissolved(faces).exterior), lines, _ordered(faces, scale), scale)


def draw_communities(skeleton: Skeleton) -> gpd.GeoDataFrame:
    """Merge the quarters into the communities of the plan.

    Returns
    -------
    GeoDataFrame
        One row for each of ``plan.COMMUNITIES``: ``code name level parent kind geometry``, an exact coverage of the outline.
    """
    crs = f"EPSG:{plan.MODEL_EPSG}"
    geometry = []
    for community in plan.COMMUNITIES:
        mine = [f for f, q in zip(skeleton.quarters, plan.QUARTERS, strict=True) if community.code.endswith(q.suffix)]
        geometry.append(_dissolved(mine))
    return gpd.GeoDataFrame(
        {
            "code": [c.code for c in plan.COMMUNITIES],
            "name": [c.name for c in plan.COMMUNITIES],
            "level": 1,
            "parent": plan.STREET_CODE,
            "kind": [c.kind for c in plan.COMMUNITIES],
        },
        geometry=geometry,
        crs=crs,
    )


def smooth(points: list[Coordinates]) -> list[Coordinates]:
    """Run a Catmull-Rom curve through `points`; one array of positions per stretch, ends included."""
    p = np.array(points)
    padded = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    stretches = []
    for i in range(len(p) - 1):
        a, b, c, d = padded[i : i + 4]
        n = max(2, int(np.ceil(np.hypot(*(c - b)) / _STEP_M)))
        t = np.linspace(0, 1, n + 1)[:, None]
        curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        curve[0], curve[-1] = b, c
        stretches.append(curve)
    return stretches


def ridge(points: list[Coordinates], rng: np.random.Generator) -> Coordinates:
    """Roughen a line by recursively displacing the middle of each chord; `points` are kept."""
    line = np.array(points)
    for _ in range(_RIDGE_HALVINGS):
        a, b = line[:-1], line[1:]
        across = np.column_stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]])
        middle = (a + b) / 2 + across * rng.uniform(-1, 1, (len(a), 1)) * _RIDGE_ROUGHNESS
        merged = np.empty((2 * len(line) - 1, 2))
        merged[0::2], merged[1::2] = line, middle
        line = merged
    return line


def _outline_ring(
    nodes: dict[str, Coordinates], stretches: list[list[Coordinates]], rng: np.random.Generator
) -> Coordinates:
    ring: list[Coordinates] = []
    for kind, items in plan.OUTLINE:
        if kind == "line":
            piece = _along(stretches, *(str(item) for item in items))
        else:
            points = [nodes[i] if isinstance(i, str) else np.array(i, dtype=float) for i in items]
            piece = ridge(points, rng) if kind == "ridge" else np.array(points)
        ring.append(piece[:-1])
    return np.vstack(ring)


def _along(stretches: list[list[Coordinates]], name: str, start: str, end: str) -> Coordinates:
    """Positions of the line `name` from the named point `start` to `end`, in either direction."""
    index = next(i for i, line in enumerate(plan.LINES) if line.name == name)
    first, last = (plan.LINES[index].nodes.index(n) for n in (start, end))
    piece = np.vstack(stretches[index][min(first, last) : max(first, last)])
    return piece if first < last else piece[::-1]


def _placed(xy: Coordinates, scale: float) -> Coordinates:
    placed: Coordinates = (xy - plan.LOCAL_CENTRE_M) * scale + plan.CENTRE_XY_M
    return placed


def _scale_to_area(ring: Coordinates) -> float:
    """Scale at which the ellipsoidal area of the outline is ``plan.STREET_AREA_M2``, to some dm²."""
    scale = 1.0
    # The area is quadratic in the scale except for the map projection, so three rounds reach the lattice's own error.
    for _ in range(4):
        outline = gpd.GeoSeries([shapely.Polygon(to_lattice(_placed(ring, scale)))], crs=f"EPSG:{plan.MODEL_EPSG}")
        scale *= float(np.sqrt(plan.STREET_AREA_M2 / area_m2(outline)[0]))
    return scale


def _dissolved(faces: object) -> shapely.Polygon:
    return shapely.normalize(shapely.coverage_union_all(faces))


def _pieces_of(line: shapely.LineString, pieces: npt.NDArray[np.object_]) -> shapely.LineString:
    """Merge the noded pieces of `line` again: the same course, with a vertex at every crossing."""
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    near = pieces[shapely.distance(middles, line) < 2 / PER_METRE]
    return shapely.line_merge(shapely.multilinestrings(near))


def _ordered(faces: npt.NDArray[np.object_], scale: float) -> tuple[shapely.Polygon, ...]:
    """Faces in the order of the quarters."""
    labels = shapely.points(_placed(np.array([q.at for q in plan.QUARTERS]), scale))
    ordered = []
    for quarter, label in zip(plan.QUARTERS, labels, strict=True):
        hit = np.flatnonzero(shapely.contains(faces, label))
        if len(hit) != 1:
            raise ImpossibleError(
                f"plan: the quarter at {quarter.at} lies in {counted(len(hit), 'face')}; redraw the plan"
            )
        ordered.append(int(hit[0]))
    if sorted(ordered) != list(range(len(faces))):
        raise ImpossibleError(
            f"plan: {counted(len(faces), 'face')} for {counted(len(set(ordered)), 'quarter')}; redraw the plan"
        )
    return tuple(shapely.normalize(faces[i]) for i in ordered)
