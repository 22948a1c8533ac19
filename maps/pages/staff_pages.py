"""The pages of duty staff: the roster with absences and shifts, notices, and rectification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from geo.duty.events import Duty
from geo.duty.rosters.duty_posts import DAYS
from geo.duty.supervision.rectification import ITEM_ACTIONS, ITEM_STATES, ItemAction, ItemState
from geo.texts import Text
from maps.english_names import english_name
from maps.pages.frame import render_page
from maps.pages.navigation import Entry

_WEEKDAYS = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)
#: Channels of receipts.
WAYS = {
    "meeting": Text("会上告知", "at a meeting"),
    "phone": Text("电话告知", "by telephone"),
    "visit": Text("当面告知", "in person"),
    "paper": Text("送达纸质件", "on paper"),
    "page": Text("本人查看", "read here"),
}
#: Levels of the cells of a notice.
LEVELS = {1: Text("社区", "communities"), 2: Text("二级网格", "grids"), 3: Text("单位、楼栋", "bodies and buildings")}
#: Duties to which a notice can be limited.
DUTIES = {
    Duty.RESPONSIBLE: Text("责任人", "responsible persons"),
    Duty.LEADER: Text("格长", "leaders"),
    Duty.DEPUTY: Text("副格长", "deputies"),
    Duty.HELPER: Text("协管员", "helpers"),
    Duty.POLICE: Text("民警", "police"),
    Duty.CLEANER: Text("保洁员", "cleaners"),
    Duty.PARTY_MEMBER: Text("党员", "party members"),
    Duty.BUILDING_HEAD: Text("楼栋长", "heads of buildings"),
    Duty.VOLUNTEER: Text("志愿者", "volunteers"),
    Duty.RESIDENT_REP: Text("居民代表", "residents' representatives"),
    Duty.INFORMATION_OFFICER: Text("信息员", "information officers"),
}


def render_roster(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of the roster.

    Parameters
    ----------
    shown
        Result of ``api.duty.roster_lists.roster_shown``, with `day`, `scope`, `scopes`, and the rights of the reader.
    """
    days = [
        {"iso": day, "zh": _WEEKDAYS[k][0], "en": _WEEKDAYS[k][1], "date": day[5:]}
        for k, day in enumerate(shown["days"])
    ]
    return render_page(
        "roster.html",
        title=("值守", "On duty"),
        navigation=navigation,
        here="/roster",
        **{**shown, "days": days},
        post_days=[(name, text.zh, text.en) for name, text in DAYS.items()],
    )


def render_notices(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of notices.

    Parameters
    ----------
    shown
        `notices` (as answered by the route), `names` of cells, `zone`, `me` (code of the reader), `may_send`, and `places` to
        which the reader may send.
    """
    zone = ZoneInfo(shown["zone"])
    notices = [
        {
            **one,
            "at": _moment(one["at"], zone),
            "to": _addressees(one, shown["names"]),
            "left": [person for person in one["recipients"] if person["reached_at"] is None],
            "reached": [
                {**person, "at": _moment(person["reached_at"], zone), "way": WAYS[person["way"]]}
                for person in one["recipients"]
                if person["reached_at"] is not None
            ],
            "mine": any(
                person["person"] == shown["me"] and person["reached_at"] is None for person in one["recipients"]
            ),
        }
        for one in shown["notices"]
    ]
    return render_page(
        "notices.html",
        title=("通知", "Notices"),
        navigation=navigation,
        here="/notices",
        **{**shown, "notices": notices},
        ways=[(name, text.zh, text.en) for name, text in WAYS.items() if name != "page"],
        levels=[(level, text.zh, text.en) for level, text in LEVELS.items()],
        duties=[(duty.value, text.zh, text.en) for duty, text in DUTIES.items()],
    )


def render_rectification(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of rectification.

    Parameters
    ----------
    shown
        `items` (as answered by the route), `note` (number of the supervision note to show, or empty), names of `people` by code,
        `zone`, `today`, `places`, and the rights of the reader.
    """
    zone, people = ZoneInfo(shown["zone"]), shown["people"]
    items = [
        {
            **one,
            "found_at": f"{one['found_at'].astimezone(zone):%Y-%m-%d}",
            "found_by": people.get(one["found_by"], one["found_by"]),
            "who": "、".join(part for part in (one["unit"], people.get(one["person"], one["person"])) if part),
            "due": "" if one["due"] is None else one["due"].isoformat(),
            "steps": [
                {
                    **step,
                    "at": _moment(step["at"], zone),
                    "actor": people.get(step["actor"], step["actor"]),
                    "action": ITEM_ACTIONS[ItemAction(step["action"])],
                }
                for step in one["steps"]
            ],
            "seq": one["steps"][-1]["seq"] + 1,
            "acts": [(name, ITEM_ACTIONS[ItemAction(name)]) for name in one["allowed"]],
        }
        for one in shown["items"]
    ]
    groups = [
        {
            "state": state.value,
            "zh": text.zh,
            "en": text.en,
            "items": [one for one in items if one["state"] == state.value],
        }
        for state, text in ITEM_STATES.items()
    ]
    return render_page(
        "rectification.html",
        title=("督办整改", "Rectification"),
        navigation=navigation,
        here="/rectification",
        **{**shown, "items": items},
        groups=groups,
        open_state=ItemState.OPEN.value,
    )


def _moment(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _addressees(notice: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    """Addressees of a notice, in words."""
    cells = [names.get(code, code) for code in notice["cells"]]
    where = Text("、".join(cells) or "全街道", ", ".join(map(english_name, cells)) or "the whole street")
    levels = [LEVELS[level] for level in notice["levels"]]
    duties = [DUTIES[Duty(duty)] for duty in notice["duties"]] or [Text("责任人", "who answers for them")]
    return Text(
        f"{where.zh} {'、'.join(one.zh for one in levels)} {'、'.join(one.zh for one in duties)}",
        f"{where.en}, {', '.join(one.en for one in levels)}: {', '.join(one.en for one in duties)}",
    )
