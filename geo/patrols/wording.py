"""Texts of verdicts in Chinese and English: what counted, what did not and why, what is open and what would settle it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import NamedTuple

import numpy as np

from geo.patrols.rules import Rules
from geo.patrols.stays.day_visits import DayVisits
from geo.patrols.stays.reasons import REASONS
from geo.patrols.stays.silences import Silence
from geo.texts import Text, joined

#: Reasons for which a stay that does not count may still have been a visit, and the text of the verdict.
UNCLEAR: dict[str, Text] = {
    "border": Text("位于网格边界附近", "near the border"),
    "silence": Text("与另一次巡查的间隔无法确认", "that is not proven to be apart from another"),
    "pace": Text("速度接近步行与驾车的界限", "at a speed between a walk and a ride"),
    "ridden": Text("部分路段骑行", "ridden in part"),
    "unnamed": Text("持机人未登记", "by a device whose holder is not known"),
    "detached": Text("位于两次不可能的跳变之间", "between two steps faster than anything moves here"),
}
#: What would settle each.
SETTLED_BY: dict[str, Text] = {
    "border": Text("到现场看一次网格边界处的道路", "a look at the road along the border"),
    "silence": Text("核对手机在两次到访之间存储的定位", "the fixes that the phone stored between the two stays"),
    "pace": Text("询问是步行还是骑行", "asking whether it was walked or ridden"),
    "ridden": Text("询问哪段骑行、哪段步行", "asking which part was ridden and which walked"),
    "unnamed": Text("登记该设备当日的持机人", "naming the holder of the device on that day"),
    "detached": Text("核对手机存储的原始定位", "the fixes that the phone itself stored"),
}
#: Maximum number of stays and silences described individually; of more, only the number is given.
TOLD = 6
#: Probability of a counted stay from which it need not be looked at, if the counted stays together are in doubt.
NEARLY_CERTAIN = 0.995
#: Interval between fixes that decides nearly every grid, and from which a device counts as sparse, seconds.
DECIDING_S, SPARSE_S = 60, 240


class Open(NamedTuple):
    """What leaves a verdict open: silences that could hide a visit, and whether stays could be the missing ones."""

    silences: list[Silence]
    stays: bool
    probability: float
    interval_s: float


def reason_of(
    verdict: str, visits: DayVisits, open_: Open, seen: tuple[bool, str, str] | None, rules: Rules
) -> tuple[str, str]:
    """The text of a verdict."""
    need = rules.visits_per_day
    at = np.flatnonzero(visits.counted).tolist()
    times = [visits.clock(k) for k in at]
    clocks = Text(f"（{'、'.join(times)}）" if times else "", f" ({', '.join(times)})" if times else "")
    zh, en = f"认定巡查{len(at)}次{clocks.zh}，", f"{len(at)} of {need} visits counted{clocks.en}"
    if verdict == "unknown":
        share = f"{open_.probability:.0%}"
        zh = f"暂不能确定，达标的可能性为{share}：" + zh + f"每日应巡查{need}次"
        en = f"Open, met with probability {share}: " + en
    else:
        zh += f"达到每日{need}次的要求" if len(at) >= need else f"未达到每日{need}次的要求"
    parts = [Text(zh, en)]
    if seen is not None:
        parts.append(Text(seen[1], seen[2]))
    if verdict == "unknown":
        parts += _silent(open_, rules)
        if open_.stays and len(at) >= need:
            parts.append(
                Text("各次到访单独看足够确定，合起来不够确定", "each of these is certain enough, all together are not")
            )
        elif open_.stays:
            why = next((UNCLEAR[key] for key in UNCLEAR if key in visits.reason), UNCLEAR["border"])
            parts.append(
                Text("有到访{why}，是否构成巡查无法确认", "a stay {why} may be the missing visit").fill(why=why)
            )
    parts += _uncounted(visits)
    sentence = joined(parts)
    return sentence.zh + "。", sentence.en + "."


def _silent(open_: Open, rules: Rules) -> list[Text]:
    if not open_.silences:
        return []
    minutes = max(1, round(sum(s.end - s.start for s in open_.silences) / 60))
    whose = (
        Text("本网格格长", "the leader's device was")
        if rules.who == "leader"
        else Text("本网格格长或附近设备", "the leader's device or devices nearby were")
    )
    return [
        Text(
            "{whose}有{minutes}分钟无定位数据，其间是否巡查无法确认",
            "{whose} silent for {minutes} min, which may hold the missing visits",
        ).fill(whose=whose, minutes=minutes)
    ]


def _uncounted(visits: DayVisits) -> list[Text]:
    """Stays that do not count: individually with times, seconds and reason; those of others as one number."""
    out = np.flatnonzero(~visits.counted).tolist()
    others = [k for k in out if visits.reason[k] == "not_leader"]
    own = [k for k in out if visits.reason[k] != "not_leader"]
    parts = []
    if own:
        each = [
            Text("{clock}停留{stay}秒，{why}", "{clock} {stay} s, {why}").fill(
                clock=visits.clock(k), stay=round(visits.stay_s[k]), why=Text(*REASONS[visits.reason[k]])
            )
            for k in own[:TOLD]
        ]
        if len(own) > TOLD:
            each.append(Text(f"等共{len(own)}次", f"{len(own)} in all"))
        sentence = joined(each)
        parts.append(Text("未计入：" + sentence.zh, "not counted: " + sentence.en))
    if others:
        parts.append(
            Text("另有他人到访{n}次，{why}", "{n} stays of others, {why}").fill(
                n=len(others), why=Text(*REASONS["not_leader"])
            )
        )
    return parts


def _settling(visits: DayVisits, rules: Rules) -> list[int]:
    """Stays that would settle a verdict: those in doubt; if enough count, the counted ones that are least certain."""
    at = np.flatnonzero(visits.counted)
    if len(at) < rules.visits_per_day:
        return [k for k in range(len(visits.reason)) if visits.reason[k] in SETTLED_BY]
    chance = visits.chance[at]
    found: list[int] = at[chance <= max(NEARLY_CERTAIN, float(chance.min()))].tolist()
    return found


def settled_by(verdict: str, visits: DayVisits, open_: Open, rules: Rules) -> tuple[str, str]:
    """What would settle an open verdict: which phone and time span, which stay; otherwise empty."""
    if verdict != "unknown":
        return "", ""
    zone = zoneinfo.ZoneInfo(rules.zone)
    parts = []
    longest = sorted(open_.silences, key=lambda s: s.start - s.end)[:TOLD]
    for silence in sorted(longest):
        from_, to = (f"{dt.datetime.fromtimestamp(t, zone):%H:%M}" for t in (silence.start, silence.end))
        parts.append(
            Text(
                "设备{device}在{from_}–{to}存储的定位", "the fixes that device {device} stored between {from_} and {to}"
            ).fill(device=silence.device, from_=from_, to=to)
        )
    if open_.stays:
        parts += [
            Text("{clock}（设备{device}）：{how}", "{clock} (device {device}): {how}").fill(
                clock=visits.clock(k), device=visits.device[k], how=SETTLED_BY[visits.reason[k] or "border"]
            )
            for k in _settling(visits, rules)[:TOLD]
        ]
    if open_.interval_s >= SPARSE_S:
        parts.insert(
            0,
            Text(
                "设备约每{minutes}分钟定位一次，改为每{rate}秒一次即可判定",
                "the device sends a fix about every {minutes} min; one every {rate} s would decide",
            ).fill(minutes=round(open_.interval_s / 60), rate=DECIDING_S),
        )
    sentence = joined(parts)
    return sentence.zh, sentence.en
