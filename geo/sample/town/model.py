"""The model street as frames."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from geo.sample.town import frames, plan
from geo.sample.town.buildings import build
from geo.sample.town.landuse import lay_out
from geo.sample.town.network import build_network, roads_frame
from geo.sample.town.outline import draw_communities, draw_skeleton

_STREET_CLASSES = ("primary", "secondary", "tertiary", "residential")


@dataclass(frozen=True)
class ModelStreet:
    """The model street. All frames are in EPSG:4549, every coordinate on the 1 mm lattice, indices 0 to n-1.

    Attributes
    ----------
    outline
        One row, ``code name level parent area_m2 population households units``: 迈皋桥街道, 12.46 km² on the ellipsoid.
    communities
        12 communities and one park, ``kind`` community or park: an exact coverage of the outline. ``population``,
        ``households`` and ``units`` are sums over the buildings.
    roads
        ``name highway width_m oneway``: centre lines that share vertices where they meet.
    railways
        ``name railway``.
    water
        ``name natural``: river and lake as areas.
    green
        ``name leisure``: parks (park) and sports grounds (pitch).
    compounds
        ``name landuse walled community households population units``: land that one body manages; they do not overlap.
    buildings
        ``name building levels compound community households population units``; ``compound`` is the row of the compound, -1 for
        buildings on the street.
    """

    outline: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    railways: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    green: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """All frames by name, as for writing to one file."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def model_street(rng: np.random.Generator | int = plan.MODEL_SEED) -> ModelStreet:
    """Create the model street.

    Parameters
    ----------
    rng
        A generator, or the seed of one. The same seed gives the same bytes.

    Returns
    -------
    ModelStreet
        About 10,000 buildings, 180,000 residents, 13 communities, 12.46 km².

    Raises
    ------
    ImpossibleError
        If the seed makes the plan intersect itself; no such seed is known.

    Notes
    -----
    The street is made up. Only its name, its codes, its area and its numbers of people and communities are those of
    迈皋桥街道; no border, road or building has its real position in Nanjing. Takes some seconds on one core.
    """
    rng = np.random.default_rng(rng)
    skeleton = draw_skeleton(rng)
    network = build_network(skeleton, rng)
    plots = lay_out(network, skeleton.outline, rng)
    public = [s for s in network.streets if s.highway in _STREET_CLASSES]
    tree = shapely.STRtree([s.line for s in public])
    built = [build(plot, public, tree, rng) for plot in plots]
    streets = [*network.streets, *[drive for plot in plots for drive in plot.drives]]
    roads = roads_frame(streets, rng)
    compounds, buildings = frames.compounds_and_buildings(plots, built, rng)
    communities, compounds, buildings = frames.with_communities(draw_communities(skeleton), compounds, buildings)
    return ModelStreet(
        outline=frames.outline(skeleton, communities),
        communities=communities,
        roads=roads,
        railways=frames.railways(network),
        water=frames.water(network),
        green=frames.green(plots, built, network, skeleton),
        compounds=compounds,
        buildings=buildings,
    )
