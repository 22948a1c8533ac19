"""The hand-drawn plan of the model street: named points, lines, quarters and their uses.

All positions are metres east and north in a local frame that :mod:`geo.sample.town.outline` scales, moves to its place in
EPSG:4549 and rounds to the 1 mm lattice. The plan is fixed; a seed only moves its points by a few metres and fills it.
"""

from __future__ import annotations

from typing import NamedTuple

#: Seed of the published model street.
MODEL_SEED = 320113003

#: EPSG:4549, CGCS2000 3-degree zone of 120 E: what geo.layers.metric_crs gives for this place.
MODEL_EPSG = 4549

#: Ellipsoidal area of 迈皋桥街道, 12.46 km².
STREET_AREA_M2 = 12_460_000.0
POPULATION = 180_000
STREET_CODE = "320113003"
STREET_NAME = "迈皋桥街道"

#: Position of the centre of the local frame in EPSG:4549 (118.825 E, 32.110 N).
CENTRE_XY_M = (389_100.0, 3_554_650.0)
LOCAL_CENTRE_M = (2750.0, 1680.0)

#: Maximum displacement of a named point by the seed. Points of one line are 300 m apart, so no line can cross another.
NODE_JITTER_M = 8.0

NODES: dict[str, tuple[float, float]] = {
    # west border road, south to north
    "W0": (430, 170),
    "W1": (330, 640),
    "W2": (410, 1290),
    "W3": (300, 1840),
    "W4": (560, 2360),
    # south to north: 晓庄路
    "C0": (1090, 70),
    "S1": (1010, 590),
    "M1": (1030, 1250),
    "C1": (930, 1780),
    "N1": (1120, 2320),
    # 十字街
    "S2": (1480, 640),
    "M2": (1560, 1400),
    "P1": (1500, 1840),
    "N2": (1750, 2230),
    "P2": (1880, 2700),
    "H4": (1800, 3120),
    # 和燕大道
    "B0": (1890, -20),
    "S3": (1980, 700),
    "B1": (1990, 1080),
    "M3": (2090, 1490),
    "N3": (2430, 2330),
    "T1": (2690, 2930),
    "T2": (2850, 3390),
    # 长沟河, north to south
    "R0": (3290, 3260),
    "R1": (3140, 2830),
    "N4": (2920, 2410),
    "R2": (2900, 1940),
    "M4": (2690, 1440),
    "R3": (2520, 1120),
    "S4": (2610, 760),
    "R4": (2440, 340),
    "R5": (2560, 50),
    # 华电路
    "Y1": (3410, 235),
    "S5": (3290, 690),
    "D1": (3300, 1090),
    "M5": (3370, 1470),
    "D2": (3560, 1930),
    "N5": (3750, 2420),
    "D3": (3900, 2740),
    "U1": (3960, 3090),
    # 奋斗路
    "S6": (3840, 800),
    "E1": (4010, 1200),
    "M6": (4060, 1630),
    "E2": (4220, 2080),
    "N6": (4380, 2520),
    # railway
    "Y0": (3010, 100),
    "Y2": (3790, 480),
    "Y3": (4150, 850),
    "Y4": (4420, 1260),
    "M7": (4580, 1710),
    "Y5": (4660, 2130),
    "N7": (4650, 2540),
    "Y6": (4560, 2960),
    # east border
    "M8": (5090, 1680),
    "Z1": (5170, 2060),
    "Z2": (5080, 2480),
    "Z3": (4920, 2860),
}


class PlanLine(NamedTuple):
    """A line of the plan: its kind, class, width and the named points that it passes."""

    name: str
    kind: str
    width_m: float
    nodes: tuple[str, ...]


def _line(name: str, kind: str, width_m: float, nodes: str) -> PlanLine:
    return PlanLine(name, kind, width_m, tuple(nodes.split()))


LINES: tuple[PlanLine, ...] = (
    _line("红枫路", "secondary", 26.0, "W0 W1 W2 W3 W4"),
    _line("晓庄路", "secondary", 26.0, "C0 S1 M1 C1 N1"),
    _line("十字街", "tertiary", 20.0, "S2 M2 P1 N2 P2 H4"),
    _line("和燕大道", "primary", 44.0, "B0 S3 B1 M3 N3 T1 T2"),
    _line("华电路", "secondary", 30.0, "Y1 S5 D1 M5 D2 N5 D3 U1"),
    _line("奋斗路", "secondary", 26.0, "S6 E1 M6 E2 N6"),
    _line("万寿路", "secondary", 28.0, "W1 S1 S2 S3 S4 S5 S6 Y3"),
    _line("迈皋桥大街", "primary", 40.0, "W2 M1 M2 M3 M4 M5 M6 M7 M8"),
    _line("兴卫路", "secondary", 30.0, "W4 N1 N2 N3 N4 N5 N6 N7 Z2"),
    _line("长沟河", "river", 22.0, "R0 R1 N4 R2 M4 R3 S4 R4 R5"),
    _line("北环铁路", "rail", 18.0, "Y0 Y1 Y2 Y3 Y4 M7 Y5 N7 Y6"),
)

#: The outline as pieces, anticlockwise from the south-west. ``line`` runs along a line of the plan between two named
#: points, ``ridge`` is drawn like a hill ridge, ``walls`` along plot walls: straight, with the corners given.
OUTLINE: tuple[tuple[str, tuple[str | tuple[float, float], ...]], ...] = (
    ("walls", ("W0", (640, 205), (655, 60), (880, 20), (905, 95), "C0")),
    ("walls", ("C0", (1095, -60), (1370, -95), (1385, 30), (1660, 5), (1650, -70), "B0")),
    ("walls", ("B0", (2110, -5), (2125, 120), (2330, 95), "R5")),
    ("walls", ("R5", (2700, 20), (2715, 115), "Y0")),
    ("line", ("北环铁路", "Y0", "Y4")),
    ("walls", ("Y4", (4690, 1195), (4705, 1130), (4985, 1175), (4960, 1400), (5105, 1430), "M8")),
    ("ridge", ("M8", "Z1")),
    ("ridge", ("Z1", "Z2")),
    ("ridge", ("Z2", "Z3")),
    ("walls", ("Z3", (4800, 2905), (4790, 2975), "Y6")),
    ("walls", ("Y6", (4400, 2915), (4415, 2800), (4190, 2770), (4165, 2990), (4090, 3060), "U1")),
    ("walls", ("U1", (3760, 3110), (3735, 3215), (3520, 3170), (3500, 3240), "R0")),
    ("walls", ("R0", (3190, 3290), (3170, 3410), "T2")),
    ("walls", ("T2", (2600, 3405), (2585, 3265), (2330, 3240), (2300, 3150), "H4")),
    ("ridge", ("H4", (1590, 3330), (1330, 3260))),
    ("ridge", ((1330, 3260), (1010, 3130), (800, 3170))),
    ("ridge", ((800, 3170), (560, 2900), (610, 2640), "W4")),
    ("line", ("红枫路", "W4", "W0")),
)


class Community(NamedTuple):
    """A level-1 cell of the plan."""

    code: str
    name: str
    kind: str


#: Names and codes of the communities are public facts (statistical division codes of 2021). The park is made up.
COMMUNITIES: tuple[Community, ...] = (
    Community("320113003001", "长营社区", "community"),
    Community("320113003002", "南塑社区", "community"),
    Community("320113003003", "合班村社区", "community"),
    Community("320113003004", "金宁新村社区", "community"),
    Community("320113003005", "十字街社区", "community"),
    Community("320113003006", "东井村社区", "community"),
    Community("320113003007", "晓庄社区", "community"),
    Community("320113003008", "华电社区", "community"),
    Community("320113003009", "迈皋桥街社区", "community"),
    Community("320113003011", "万寿村社区", "community"),
    Community("320113003012", "兴卫村社区", "community"),
    Community("320113003013", "奋斗社区", "community"),
    Community("320113003601", "创业园", "park"),
)


class Quarter(NamedTuple):
    """Use of one face of the plan.

    `at` lies inside the face, `suffix` names the community, `zone` the mix of uses, `angle_deg` the direction of its lanes
    against the axes (anticlockwise), `block_m2` the size at which a block is not cut any more.
    """

    at: tuple[float, float]
    suffix: str
    zone: str
    angle_deg: float
    block_m2: float


QUARTERS: tuple[Quarter, ...] = (
    Quarter((700, 400), "001", "old", -6.0, 24_000),
    Quarter((700, 950), "001", "mixed", 4.0, 27_000),
    Quarter((650, 1800), "007", "campus", -9.0, 40_000),
    Quarter((1100, 2750), "007", "hill", 0.0, 0),
    Quarter((1450, 300), "002", "works", 3.0, 30_000),
    Quarter((2250, 400), "002", "old", -8.0, 22_000),
    Quarter((1270, 1000), "005", "old", 6.0, 21_000),
    Quarter((1250, 1800), "004", "old", -4.0, 23_000),
    Quarter((1900, 1850), "004", "mixed", -13.0, 22_000),
    Quarter((1750, 1000), "009", "centre", 2.0, 20_000),
    Quarter((2350, 1100), "006", "centre", -5.0, 19_000),
    Quarter((2950, 1100), "006", "old", 3.0, 23_000),
    Quarter((2450, 1850), "003", "village", -17.0, 16_000),
    Quarter((3200, 1950), "003", "new", -12.0, 33_000),
    Quarter((2200, 2750), "011", "village", -11.0, 15_000),
    Quarter((2850, 2900), "011", "old", -19.0, 20_000),
    Quarter((3500, 2750), "012", "new", -8.0, 32_000),
    Quarter((4150, 2650), "012", "village", 9.0, 17_000),
    Quarter((2950, 500), "013", "lake", 7.0, 25_000),
    Quarter((3600, 600), "013", "village", 14.0, 15_000),
    Quarter((3650, 1200), "013", "new", 5.0, 32_000),
    Quarter((4200, 1200), "013", "old", 12.0, 21_000),
    Quarter((3850, 1950), "601", "park", -15.0, 21_000),
    Quarter((4430, 2100), "601", "park", -11.0, 23_000),
    Quarter((4800, 1450), "008", "works", 5.0, 45_000),
    Quarter((4870, 2100), "008", "works", -4.0, 50_000),
    Quarter((4750, 2700), "008", "old", 10.0, 22_000),
)

#: Middle and half axes of the lake, in the quarter whose zone is ``lake``.
LAKE_AT_M = (2900.0, 430.0)
LAKE_HALF_AXES_M = (165.0, 95.0)
