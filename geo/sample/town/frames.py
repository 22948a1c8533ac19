"""Converts plots and buildings to the frames of the model street."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geo.layers.crs import area_m2
from geo.sample.town import names, plan
from geo.sample.town.buildings import Building, Built
from geo.sample.town.landuse import LANDUSE, WALLED, Plot
from geo.sample.town.network import GRID_M, VERGE_M, Network
from geo.sample.town.outline import Skeleton
from geo.sample.town.people import spread

#: Above this number small houses and sheds are removed at random.
MOST_BUILDINGS = 10_300

_CRS = f"EPSG:{plan.MODEL_EPSG}"
_LIVED_IN = ("apartments", "residential")
# Buildings without a number, and their common names.
_UNNUMBERED = {"shed": "非机动车棚", "service": "配套用房"}
_SMALL = ("residential", "retail", "warehouse", "shed")
_SUMS = ["population", "households", "units"]


def compounds_and_buildings(
    plots: Sequence[Plot], built: Sequence[Built], rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Name and number the buildings, and distribute residents."""
    pools: dict[str, Iterator[str]] = {p: names.compound_names(p, rng) for p in map(_pool, LANDUSE)}
    compounds: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for plot, what in zip(plots, built, strict=True):
        number = -1
        name = ""
        if plot.use in LANDUSE and any(b.inside for b in what.buildings):
            number, name = len(compounds), next(pools[_pool(plot.use)])
            compounds.append((name, LANDUSE[plot.use], plot.use in WALLED, what.ground))
        count = 0
        for b in what.buildings:
            count += b.inside and b.kind not in _UNNUMBERED
            sign = _sign(name, count, b, plot.use) if b.inside else names.shop_name(rng)
            rows.append((sign, b.kind, b.levels, number if b.inside else -1, b.units, plot.use, b.footprint))
    rows = _thinned(rows, rng)
    buildings = _frame(rows, ["name", "building", "levels", "compound", "units", "use", "geometry"])
    lived_in = buildings["building"].isin(_LIVED_IN).to_numpy()
    floor_m2 = np.where(lived_in, buildings.area.to_numpy() * buildings["levels"].to_numpy(), 0.0)
    population, households = spread(floor_m2, buildings["use"].tolist(), plan.POPULATION, rng)
    buildings = buildings.drop(columns="use").assign(population=population, households=households)
    return _frame(compounds, ["name", "landuse", "walled", "geometry"]), buildings


def with_communities(
    communities: gpd.GeoDataFrame, compounds: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Add the community's code to compounds and buildings, and the sums to communities and compounds."""
    compounds = compounds.assign(community=_community_of(compounds, communities))
    buildings = buildings.assign(community=_community_of(buildings, communities))
    by_community = buildings.groupby("community")[_SUMS].sum()
    by_compound = buildings.groupby("compound")[_SUMS].sum().reindex(compounds.index, fill_value=0)
    communities = communities.assign(
        area_m2=area_m2(communities.geometry),
        **{c: communities["code"].map(by_community[c]).fillna(0).astype("int64") for c in _SUMS},
    )
    compounds = compounds.assign(**{c: by_compound[c].astype("int64") for c in _SUMS})
    order = ["code", "name", "level", "parent", "kind", "area_m2", *_SUMS, "geometry"]
    return (
        communities[order],
        compounds[["name", "landuse", "walled", "community", *_SUMS, "geometry"]],
        buildings[["name", "building", "levels", "compound", "community", *_SUMS, "geometry"]],
    )


def outline(skeleton: Skeleton, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The street: one row."""
    sums = [int(communities[c].sum()) for c in _SUMS]
    frame = _frame(
        [(plan.STREET_CODE, plan.STREET_NAME, 0, None, 0.0, *sums, shapely.normalize(skeleton.outline))],
        ["code", "name", "level", "parent", "area_m2", *_SUMS, "geometry"],
    )
    return frame.assign(area_m2=area_m2(frame.geometry))


def railways(network: Network) -> gpd.GeoDataFrame:
    """The railway inside the street."""
    name = next(line.name for line in plan.LINES if line.kind == "rail")
    return _frame([(name, "rail", network.railway)], ["name", "railway", "geometry"])


def water(network: Network) -> gpd.GeoDataFrame:
    """River and lake as areas."""
    river = next(line.name for line in plan.LINES if line.kind == "river")
    rows = [(river, "water", network.river), ("万寿湖", "water", network.lake)]
    return _frame(rows, ["name", "natural", "geometry"])


def green(plots: Sequence[Plot], built: Sequence[Built], network: Network, skeleton: Skeleton) -> gpd.GeoDataFrame:
    """Parks, the banks of the river and sports grounds."""
    rows: list[tuple[Any, ...]] = []
    for plot, what in zip(plots, built, strict=True):
        # Corners too small or too narrow for their use become green.
        if what.ground.area > 300.0 and not any(b.inside for b in what.buildings):
            zone = plan.QUARTERS[plot.quarter].zone
            name = "幕燕山公园" if zone == "hill" else "游园"
            name = "万寿湖公园" if plot.block.intersects(network.lake) else name
            rows.append((name, "park", what.ground))
        if not what.pitch.is_empty:
            rows.append(("运动场", "pitch", what.pitch))
    taken = [s.line.buffer(s.width_m / 2 + VERGE_M[s.highway]) for s in network.streets]
    banks = shapely.difference(network.river.buffer(11.0), network.river.buffer(1.0))
    banks = shapely.intersection(banks, skeleton.outline.buffer(-3.0))
    banks = shapely.difference(banks, shapely.union_all([*taken, *[r[2] for r in rows]]), grid_size=GRID_M)
    rows += [("滨河绿地", "park", p) for p in shapely.get_parts(banks) if p.area > 400.0 and p.geom_type == "Polygon"]
    return _frame(rows, ["name", "leisure", "geometry"])


def _frame(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(rows), columns=columns, geometry="geometry", crs=_CRS)


def _community_of(frame: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> list[str]:
    """Code of the community of each row; no row crosses a border, so one inner point decides."""
    inner = frame.geometry.representative_point().to_numpy()
    hit = communities.sindex.query(inner, predicate="within")
    codes = communities["code"].to_numpy()
    found = np.empty(len(frame), dtype=object)
    found[hit[0]] = codes[hit[1]]
    return [str(c) for c in found]


def _thinned(rows: list[tuple[Any, ...]], rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Rows without some small buildings, if there are too many."""
    surplus = len(rows) - MOST_BUILDINGS
    if surplus <= 0:
        return rows
    small = np.flatnonzero([r[1] in _SMALL for r in rows])
    gone = set(rng.choice(small, min(surplus, len(small)), replace=False).tolist())
    return [r for i, r in enumerate(rows) if i not in gone]


def _pool(use: str) -> str:
    return {"plots": "office", "campus": "school"}.get(use, use)


def _sign(name: str, number: int, building: Building, use: str) -> str:
    """Label on a building of a compound."""
    if building.kind in _UNNUMBERED:
        return name + _UNNUMBERED[building.kind]
    return f"{name}{number}{_number_word(use)}"


def _number_word(use: str) -> str:
    return {"village": "号", "works": "号厂房", "school": "号楼", "campus": "号楼"}.get(use, "幢")
