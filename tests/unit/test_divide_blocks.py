"""Blocks and atoms on small streets, named by the shape."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.divide.blocks import barriers as linework
from geo.divide.blocks.atoms import Atoms, draw_atoms
from geo.divide.blocks.street_blocks import Blocks, draw_blocks
from geo.errors import ColumnError, InputError

CRS = "EPSG:4549"
OUTLINE = shapely.box(0, 0, 600, 400)
NOTHING = np.empty(0, dtype=object)


def roads(*lines: tuple[str, str]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"highway": [h for h, _ in lines]}, geometry=[shapely.from_wkt(w) for _, w in lines], crs=CRS
    )


def communities(*shapes: shapely.Polygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(shapes), crs=CRS)


def blocks_of(ways=None, barriers=None, legal=None, buildings=NOTHING) -> Blocks:
    found = draw_blocks(OUTLINE, roads=ways, barriers=barriers, communities=legal, buildings=buildings)
    assert shapely.coverage_is_valid(found.polygons)
    assert shapely.area(found.polygons).sum() == pytest.approx(OUTLINE.area, abs=0.5)
    return found


def atoms_of(found: Blocks, buildings: np.ndarray, open_m: float = 80.0) -> Atoms:
    atoms = draw_atoms(OUTLINE, found, buildings, open_m=open_m)
    assert shapely.coverage_is_valid(atoms.polygons)
    assert shapely.area(atoms.polygons).sum() == pytest.approx(OUTLINE.area, abs=0.5)
    assert (shapely.get_num_interior_rings(atoms.polygons) == 0).all()
    return atoms


def held(atoms: Atoms, buildings: np.ndarray) -> np.ndarray:
    """Area of each building outside its atom."""
    return shapely.area(shapely.difference(buildings, atoms.polygons[atoms.atom_of_building]))


def test_two_crossing_roads_make_four_blocks():
    found = blocks_of(roads(("primary", "LINESTRING (300 0, 300 400)"), ("residential", "LINESTRING (0 200, 600 200)")))
    assert sorted(shapely.area(found.polygons).round()) == [60_000] * 4


def test_dead_end_makes_no_block():
    found = blocks_of(roads(("residential", "LINESTRING (0 200, 250 200)")))
    assert len(found.polygons) == 1


def test_road_that_stops_short_of_the_outline_is_drawn_on():
    found = blocks_of(roads(("residential", "LINESTRING (8 200, 585 200)")))
    assert len(found.polygons) == 2


def test_footways_and_lanes_in_compounds_make_no_block():
    found = blocks_of(
        roads(
            ("footway", "LINESTRING (0 100, 600 100)"),
            ("service", "LINESTRING (0 200, 600 200)"),
            ("tertiary", "LINESTRING (0 300, 600 300)"),
        )
    )
    assert len(found.polygons) == 2


def test_dual_carriageway_is_shared_along_its_middle():
    ways = roads(
        ("primary", "LINESTRING (0 195, 600 195)"),
        ("primary", "LINESTRING (0 207, 600 207)"),
        ("residential", "LINESTRING (300 0, 300 195)"),
    )
    found = blocks_of(ways)
    assert len(found.polygons) == 3
    north = found.polygons[np.argmax(shapely.bounds(found.polygons)[:, 3])]
    assert north.bounds[1] == pytest.approx(201, abs=1.5)


def test_the_green_between_carriageways_is_shared_and_a_square_as_wide_is_not():
    ways = roads(("primary", "LINESTRING (0 190, 600 190)"), ("primary", "LINESTRING (0 210, 600 210)"))
    assert sorted(shapely.area(blocks_of(ways).polygons).round()) == [120_000] * 2
    short = roads(
        *(
            ("primary", w)
            for w in (
                "LINESTRING (0 190, 600 190)",
                "LINESTRING (0 222, 600 222)",
                "LINESTRING (300 0, 300 400)",
                "LINESTRING (340 0, 340 400)",
            )
        )
    )
    assert shapely.area(blocks_of(short).polygons).round().min() == 32 * 40


def test_river_has_its_border_in_the_middle_and_a_lake_is_a_block():
    water = gpd.GeoDataFrame(geometry=[shapely.box(-5, 180, 605, 220), shapely.box(100, 20, 250, 140)], crs=CRS)
    found = blocks_of(roads(("residential", "LINESTRING (50 0, 50 400)")), water)
    assert max(abs(b - 200) for s in found.polygons for b in s.bounds[1::2] if 150 < b < 250) < 2
    assert shapely.area(found.polygons[shapely.contains(found.polygons, shapely.Point(180, 80))])[0] == pytest.approx(
        18_000, abs=2
    )


def test_island_lake_leaves_no_block_with_a_hole():
    lake = gpd.GeoDataFrame(geometry=[shapely.Point(300, 200).buffer(60)], crs=CRS)
    found = blocks_of(None, lake)
    assert (shapely.get_num_interior_rings(found.polygons) == 0).all()
    assert len(found.polygons) == 3


def test_community_border_is_kept_beside_a_road():
    legal = communities(
        shapely.Polygon([(0, 0), (600, 0), (600, 198), (310, 197.5), (0, 198)]),
        shapely.Polygon([(0, 198), (310, 197.5), (600, 198), (600, 400), (0, 400)]),
    )
    found = blocks_of(roads(("secondary", "LINESTRING (0 200, 600 200)")), None, legal)
    assert len(found.polygons) == 2
    for number in range(2):
        mine = shapely.union_all(found.polygons[found.community == number])
        assert mine.symmetric_difference(legal.geometry.iloc[number]).area < 0.5
    vertices = {tuple(p) for p in shapely.get_coordinates(found.polygons)}
    assert (310.0, 197.5) in vertices


def test_communities_that_do_not_cover_are_refused_with_the_area():
    legal = communities(shapely.box(0, 0, 600, 200), shapely.box(0, 210, 600, 400))
    with pytest.raises(InputError, match=r"6,000\.0 m² of the street lie in no community"):
        draw_blocks(OUTLINE, roads=None, barriers=None, communities=legal, buildings=NOTHING)


def test_communities_that_overlap_are_refused_with_the_area():
    legal = communities(shapely.box(0, 0, 600, 210), shapely.box(0, 200, 600, 400))
    with pytest.raises(InputError, match=r"6,000\.0 m² lie in more than one community"):
        draw_blocks(OUTLINE, roads=None, barriers=None, communities=legal, buildings=NOTHING)


def test_roads_without_highway_are_refused():
    ways = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=CRS)
    with pytest.raises(ColumnError, match="highway"):
        draw_blocks(OUTLINE, roads=ways, barriers=None, communities=None, buildings=NOTHING)


def test_houses_in_a_row_each_get_their_ground():
    houses = shapely.box(np.arange(10) * 50 + 60, 180, np.arange(10) * 50 + 80, 200)
    atoms = atoms_of(blocks_of(), houses, open_m=1000)
    assert len(atoms.polygons) == 10
    assert sorted(atoms.atom_of_building) == list(range(10))
    assert held(atoms, houses).max() < 0.01


def test_terraced_houses_that_share_walls_are_not_cut():
    houses = shapely.box(np.arange(12) * 7.3 + 200, 180, np.arange(12) * 7.3 + 207.3, 191)
    atoms = atoms_of(blocks_of(), houses, open_m=1000)
    assert len(np.unique(atoms.atom_of_building)) == 12
    assert held(atoms, houses).max() < 0.1
    assert not atoms.cut.any()


def test_overlapping_buildings_share_an_atom():
    houses = np.array(
        [shapely.box(100, 100, 140, 120), shapely.box(130, 110, 170, 130), shapely.box(400, 100, 440, 120)]
    )
    atoms = atoms_of(blocks_of(), houses, open_m=1000)
    assert atoms.atom_of_building[0] == atoms.atom_of_building[1] != atoms.atom_of_building[2]


def test_house_across_a_road_stays_whole():
    houses = np.array(
        [shapely.box(280, 100, 310, 120), shapely.box(100, 100, 120, 120), shapely.box(450, 100, 470, 120)]
    )
    atoms = atoms_of(
        blocks_of(roads(("residential", "LINESTRING (300 0, 300 400)")), buildings=houses), houses, open_m=1000
    )
    assert held(atoms, houses).max() < 0.1
    assert not atoms.cut.any()


def test_house_across_a_community_border_is_cut_and_reported():
    legal = communities(shapely.box(0, 0, 300, 400), shapely.box(300, 0, 600, 400))
    houses = np.array([shapely.box(280, 100, 310, 120), shapely.box(100, 100, 120, 120)])
    atoms = atoms_of(blocks_of(legal=legal, buildings=houses), houses, open_m=1000)
    assert atoms.cut.tolist() == [True, False]
    assert atoms.community[atoms.atom_of_building].tolist() == [0, 0]


def test_house_in_a_courtyard_leaves_no_hole():
    ring = shapely.box(200, 100, 300, 200).difference(shapely.box(215, 115, 285, 185))
    houses = np.array([ring, shapely.box(240, 140, 255, 155), shapely.box(450, 100, 470, 120)])
    atoms = atoms_of(blocks_of(), houses, open_m=1000)
    assert not atoms.cut.any()


def test_house_outside_the_street_is_left_out():
    houses = np.array([shapely.box(700, 100, 720, 120), shapely.box(100, 100, 120, 120)])
    atoms = atoms_of(blocks_of(), houses)
    assert atoms.atom_of_building[0] == -1
    assert atoms.atom_of_building[1] >= 0


def test_open_ground_is_cut_into_pieces_of_the_size_asked_for():
    atoms = atoms_of(blocks_of(), NOTHING, open_m=60.0)
    assert 50 < len(atoms.polygons) < 95
    assert np.median(shapely.area(atoms.polygons)) == pytest.approx(3600, rel=0.35)


def test_lines_are_united_only_for_pieces_that_enclose_ground(monkeypatch):
    # Ninety loose stretches of road; each was united with all others before it was known that it encloses nothing.
    loose = [
        ("residential", f"LINESTRING ({x} {y}, {x + 25} {y + 3})")
        for x in range(40, 560, 56)
        for y in range(60, 330, 32)
    ]
    ring = ("residential", "LINESTRING (300 345, 330 345, 330 365, 300 365, 300 345)")
    ways = roads(("primary", "LINESTRING (0 30, 600 30)"), *loose)
    united: list[int] = []
    whole = shapely.union_all

    def counted(shapes, *rest, **options):
        united.append(len(shapes))
        return whole(shapes, *rest, **options)

    monkeypatch.setattr(linework.shapely, "union_all", counted)
    assert len(blocks_of(ways).polygons) == 2
    without = sum(united)
    assert without < 10 * len(ways)
    united.clear()
    # A ring is joined to the rest, for which all other lines are united once.
    blocks_of(roads(("primary", "LINESTRING (0 30, 600 30)"), *loose, ring))
    assert without + len(ways) <= sum(united) < without + 2 * len(ways)


def test_loose_ends_are_extended_by_thirty_metres_at_most():
    for gap, pieces in ((29.9, 2), (30.1, 1)):
        ways = roads(
            ("residential", f"LINESTRING (0 200, {300 - gap} 200)"), ("primary", "LINESTRING (300 0, 300 400)")
        )
        assert len(blocks_of(ways).polygons) == 1 + pieces
    stub = roads(("tertiary", "LINESTRING (0 200, 590 200)"))
    ahead = linework.barrier_lines(OUTLINE, roads=stub, barriers=None, communities=None)
    drawn = ahead[ahead["border"] == linework.Border.COLLECTOR].geometry
    assert drawn.length.sort_values().tolist() == pytest.approx([10 + linework.OVERSHOOT_M, 590], abs=1e-6)


def test_a_building_is_cut_by_more_than_a_tenth_of_a_square_metre():
    legal = communities(shapely.box(0, 0, 300, 400), shapely.box(300, 0, 600, 400))
    for beyond_m2, cut in ((0.08, False), (0.12, True), (40.0, True)):
        buildings = np.array([shapely.box(280, 100, 300 + beyond_m2 / 10, 110)])
        atoms = atoms_of(blocks_of(legal=legal), buildings)
        assert atoms.cut.tolist() == [cut]
        assert held(atoms, buildings)[0] == pytest.approx(beyond_m2, abs=0.011)


def test_buildings_that_overlap_by_more_than_a_twentieth_of_a_square_metre_share_an_atom():
    for overlap_m2, bodies in ((0.04, 2), (0.06, 1)):
        buildings = np.array([shapely.box(100, 100, 120, 110), shapely.box(120 - overlap_m2 / 10, 100, 140, 110)])
        assert len(np.unique(atoms_of(blocks_of(), buildings).atom_of_building)) == bodies


def test_the_limits_of_ponds_and_strips():
    for side, rings in ((44.7, 1), (44.8, 2)):  # 2,000 m²
        pond = gpd.GeoDataFrame(
            {"natural": ["water"]}, geometry=[shapely.box(100, 100, 100 + side, 100 + side)], crs=CRS
        )
        lines = linework.barrier_lines(OUTLINE, roads=None, barriers=pond, communities=None)
        assert (lines["border"] == linework.Border.WATER).any() == (rings == 2)
    for side, found in ((29.9, 1), (30.1, 2)):  # a mean width of 15 m
        corner = roads(("residential", f"LINESTRING (0 {side}, {side} {side}, {side} 0)"))
        assert len(blocks_of(corner).polygons) == found
