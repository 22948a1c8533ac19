"""Reasons why a visit does not count, in Chinese and English."""

from __future__ import annotations

#: Reasons why a visit does not count, in Chinese and English.
REASONS: dict[str, tuple[str, str]] = {
    "too_short": ("停留时间不足", "stay too short"),
    "off_hours": ("不在规定时段", "outside the hours of duty"),
    "vehicle": ("速度过快，属驾车通过", "too fast, driven through"),
    "on_foot": ("规则要求乘车巡查，属步行", "on foot, where the rules ask for a vehicle"),
    "pace": (
        "速度接近步行与驾车的界限，无法确认",
        "so near the limit of speed that a walk and a ride cannot be told apart",
    ),
    "ridden": (
        "部分路段骑行，步行停留时间是否足够无法确认",
        "partly ridden, so whether the time on foot was long enough is not known",
    ),
    "detached": (
        "位于两次不可能的跳变之间，无法确认",
        "between two steps faster than anything moves here, so where it was is not known",
    ),
    "border": ("在网格边界附近，定位误差内无法确认", "near the border, uncertain within the error of positioning"),
    "next_door": ("贴近边界，多半在相邻网格", "beside the border, more likely in the cell next door"),
    "same_time": ("与另一次巡查同时", "at the same time as another visit"),
    "too_soon": ("与另一次巡查间隔过短", "too soon after another visit"),
    "silence": (
        "紧邻定位中断或短暂离开后返回，与另一次巡查的间隔无法确认",
        "beside a silence or a short absence, so the time from another visit is not known",
    ),
    "not_leader": ("非本网格格长或副职", "not by the leader of the cell or a deputy"),
    "unnamed": ("持机人未登记，无法确认是否为格长", "by a device whose holder is not known"),
}
