"""Kinds of simulated incidents: matters (事项) of GB/T 47678.5-2026, with frequency, place and time of day.

Codes and names are those of the standard's table C.1 as transcribed by implementers, not verified against the printed
standard; five digits, major class and minor class. Frequency, time and place are synthetic: plausible for a street office,
not statistics.
"""

from __future__ import annotations

from typing import NamedTuple

#: Standard that defines the codes. Older systems number the same matters differently.
STANDARD_REF = "GB/T 47678.5-2026"


class Matter(NamedTuple):
    """A kind of incident: code, name, weight, place (``shop``, ``road``, ``home``, ``site``) and hours.

    `hours` names one of the day patterns: ``day``, ``evening``, ``night`` or ``rush``.
    """

    code: str
    name: str
    weight: float
    place: str
    hours: str


MATTERS: tuple[Matter, ...] = (
    Matter("09010", "非机动车乱停放", 14.0, "shop", "rush"),
    Matter("09009", "机动车乱停放", 12.0, "road", "evening"),
    Matter("09005", "店外经营", 9.0, "shop", "evening"),
    Matter("06010", "暴露垃圾", 9.0, "home", "day"),
    Matter("09001", "无照经营游商", 8.0, "shop", "evening"),
    Matter("06036", "乱堆杂物", 7.0, "home", "day"),
    Matter("06012", "道路不洁", 6.0, "road", "day"),
    Matter("09006", "占道经营", 5.5, "shop", "evening"),
    Matter("09011", "共享单车乱象", 5.0, "road", "rush"),
    Matter("06028", "噪声扰民", 5.0, "home", "night"),
    Matter("06042", "垃圾站(箱)满溢", 4.0, "home", "day"),
    Matter("09012", "占用消防通道", 3.5, "home", "night"),
    Matter("06013", "道路破损", 3.0, "road", "day"),
    Matter("06027", "油烟污染", 3.0, "shop", "evening"),
    Matter("07001", "非法小广告", 3.0, "home", "day"),
    Matter("06007", "沿街晾挂", 2.0, "shop", "day"),
    Matter("06001", "私搭乱建", 2.0, "home", "day"),
    Matter("08001", "施工扰民", 2.0, "site", "night"),
    Matter("06045", "非法占绿毁绿", 1.5, "home", "day"),
    Matter("06014", "道路遗撒(洒)", 1.5, "road", "night"),
    Matter("08004", "工地扬尘", 1.2, "site", "day"),
    Matter("06034", "废弃车辆", 1.0, "home", "day"),
    Matter("07003", "违规户外广告", 1.0, "shop", "day"),
    Matter("10002", "架空线缆脱落", 0.6, "road", "day"),
)

#: Sources of incidents, and their shares.
SOURCES: tuple[tuple[str, float], ...] = (
    ("12345热线", 0.46),
    ("网格巡查", 0.31),
    ("随手拍", 0.17),
    ("市长信箱", 0.06),
)

#: Weight of each local hour, 0 to 23.
HOURS: dict[str, tuple[float, ...]] = {
    "day": (0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 3, 6, 8, 8, 6, 4, 4, 6, 7, 7, 6, 4, 3, 2, 1.2, 0.8, 0.4),
    "evening": (0.8, 0.3, 0.2, 0.1, 0.1, 0.2, 0.8, 2, 3, 3, 3, 4, 4, 3, 3, 3, 4, 6, 9, 10, 9, 7, 4, 2),
    "night": (5, 3, 2, 1.2, 1, 1.2, 2, 2, 2, 2, 2, 2, 3, 3, 2, 2, 2, 2, 3, 5, 7, 9, 10, 8),
    "rush": (0.3, 0.2, 0.1, 0.1, 0.2, 0.8, 3, 8, 9, 5, 3, 3, 3, 3, 3, 3, 5, 9, 9, 6, 3, 2, 1, 0.6),
}

#: Weight of each weekday, Monday first: offices report less at the week-end, residents a little more.
WEEKDAYS = (1.12, 1.08, 1.05, 1.03, 1.04, 0.86, 0.82)
