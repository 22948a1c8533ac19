"""Names of levels and columns, defined in one place."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """The four levels of a division. The name is also the name of the layer in a file."""

    STREET = 0
    COMMUNITY = 1
    SECOND = 2
    THIRD = 3

    @property
    def layer(self) -> str:
        """Layer name in a file: ``street``, ``community``, ``second`` or ``third``."""
        return self.name.lower()

    @property
    def zh(self) -> str:
        """Chinese name of the level."""
        return ("街道", "社区(一级网格)", "二级网格", "三级网格")[self]


CODE = "code"
NAME = "name"
LEVEL = "level"
PARENT = "parent"
GEOMETRY = "geometry"
AREA_M2 = "area_m2"
POPULATION = "population"
HOUSEHOLDS = "households"
UNITS = "units"
WORKLOAD = "workload"
LEADER = "leader"
VALID_FROM = "valid_from"
VALID_TO = "valid_to"

#: Columns of every layer of a division, in order; further columns of a source follow.
LAYER_COLUMNS = (
    CODE,
    NAME,
    LEVEL,
    PARENT,
    AREA_M2,
    POPULATION,
    HOUSEHOLDS,
    UNITS,
    WORKLOAD,
    LEADER,
    VALID_FROM,
    VALID_TO,
    GEOMETRY,
)

#: Columns whose value for a parent is the sum over its children.
ADDITIVE_COLUMNS = (AREA_M2, POPULATION, HOUSEHOLDS, UNITS, WORKLOAD)

#: Decimals of a degree in GeoJSON: 0.1 mm, so that the 1 mm lattice survives the way there and back.
GEOJSON_DECIMALS = 9
