"""Repair of cells that were drawn independently of their neighbours, so that their borders meet in T-junctions everywhere."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.ops

from geo.coverage import check, repair
from geo.errors import ImpossibleError

PLACE, PLACE_OF_BLOCKS = np.array([388000.1237, 3554000.4561]), np.array([388000.123, 3554000.456])
TURN = np.array([[0.8, 0.6], [-0.6, 0.8]])


def blocks_cut_independently(seed: int, pieces: int) -> gpd.GeoDataFrame:
    """Four adjacent blocks, each cut by random lines of its own."""
    rng = np.random.default_rng(seed)
    made: list[shapely.Polygon] = []
    for x, y in ((0, 0), (0, 300), (400, 0), (400, 300)):
        block = shapely.box(x, y, x + 400, y + 300)
        parts = [shapely.transform(block, lambda xy: xy @ TURN + PLACE_OF_BLOCKS)]
        while len(parts) < pieces:
            parts.sort(key=lambda part: part.area)
            largest = parts.pop()
            turn = rng.uniform(0, np.pi)
            step = 1000 * np.array([np.cos(turn), np.sin(turn)])
            middle = np.array(largest.centroid.coords[0])
            line = shapely.LineString([middle - step, middle + step])
            parts += list(shapely.ops.split(largest, line).geoms)
        made += parts
    return gpd.GeoDataFrame(geometry=made, crs=4549)


@pytest.mark.parametrize(("seed", "pieces"), [(1, 25), (24, 60), (30, 60)])
def test_t_junctions_everywhere_are_repaired(seed: int, pieces: int) -> None:
    cells = blocks_cut_independently(seed, pieces)
    assert not check(cells).ok
    made, _ = repair(cells)
    shapes = np.asarray(made.geometry.array)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert check(made).ok
    ground = shapely.union_all(shapes)
    assert ground.area == pytest.approx(shapely.area(shapes).sum(), abs=1e-6)
    assert shapely.get_num_interior_rings(ground) == 0
    # Cells exchange strips along their borders, narrower than the diagonal of a square of the lattice, and nothing else.
    moved = shapely.area(shapely.symmetric_difference(shapes, np.asarray(cells.geometry.array)))
    assert (moved < 0.0015 * shapely.length(shapes)).all()
    again, changes = repair(made)
    assert changes.empty
    assert (again.geometry.to_wkb() == made.geometry.to_wkb()).all()


def test_what_cannot_be_repaired_is_named_with_its_place_and_nothing_is_changed() -> None:
    """The outline turns back seven times within a millimetre, between two cells that overlap there."""
    west = shapely.box(0, 0, 57.27656, 50)
    east = shapely.Polygon([(57.28656, 0), (100, 0), (100, 50), (57.27656, 50)])
    x = [57.27885, 57.27874, 57.27872, 57.27836, 57.27834, 57.27827, 57.27826]
    y = [50.00031, 49.99889, 49.99925, 50.00099, 50.00111, 49.99957, 50.00055]
    outline = shapely.Polygon([(0, 0), (100, 0), (100, 50), *zip(x, y, strict=True), (0, 50)])
    west, east, outline = (shapely.transform(shape, lambda xy: xy + PLACE) for shape in (west, east, outline))
    cells = gpd.GeoDataFrame({"code": ["w", "e"]}, geometry=[west, east], crs=4549)
    kept = cells.copy()
    with pytest.raises(
        ImpossibleError, match=r"nothing was changed.*2 repaired cells \(w, e\).*near 388057.402 3554050.456"
    ):
        repair(cells, outline=outline)
    assert cells.equals(kept)
    degrees = cells.to_crs(4490)
    with pytest.raises(ImpossibleError, match=r"near 118\.8140\d* 32\.1044") as error:
        repair(degrees, outline=gpd.GeoSeries([outline], crs=4549).to_crs(4490).iloc[0])
    assert error.value.geometry.within(degrees.union_all().buffer(1e-8))
