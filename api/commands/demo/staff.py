"""A week on duty in the demonstration: shifts of the street's office and of every community station, and two notices."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from geo.duty import Duty, DutyPost, Notice, Receipt, Shift, levels_of, read_hours, recipients
from geo.layers import Division

OFFICE = "街道值班室"
OFFICE_HOURS, STATION_HOURS = "08:30-17:30、17:30-08:30", "08:30-17:30"
#: Title, text, duties, levels, and the share of persons already reached.
NOTICES = (
    (
        "本周重点：占道经营和非机动车停放",
        "本周巡查请留意农贸市场周边和学校门口，发现问题当场拍照上报。",
        (Duty.LEADER,),
        (2,),
        0.9,
    ),
    (
        "周四例会材料",
        "请各社区于周三17:00前核对本社区超期办件，例会上说明卡在哪一步。",
        (Duty.RESPONSIBLE,),
        (1,),
        0.5,
    ),
)


def store_week(engine: Engine, street: int, division: Division, *, day: dt.date, at: dt.datetime, zone: str) -> str:
    """Store duty posts, the shifts of the week of a day, and notices of its Monday; a database that has duty posts is unchanged.

    The night of the last Sunday in the office and the last Sunday of one station are left open, so that the page shows gaps.

    Returns
    -------
    str
        What was stored, in both languages.
    """
    from api.database import session
    from api.database.duty.notices import add_notice, add_receipt
    from api.database.duty.rosters import Recorder, read_stored_roster
    from api.database.duty.shifts import add_shift, read_posts, set_post

    monday = day - dt.timedelta(days=day.weekday())
    recorder = Recorder("wangge demo", at)
    with session(engine, write=True) as opened:
        if read_posts(opened, street):
            return "值班已有 shifts are stored already"
        planned = _shifts(division, monday, ZoneInfo(zone))
        for post in _posts(division):
            set_post(opened, street, post, recorder)
        for shift in planned:
            add_shift(opened, street, shift, recorder)
        roster = read_stored_roster(opened, street, cells=levels_of(division))
        for title, text, duties, levels, share in NOTICES:
            notice = add_notice(
                opened, street, Notice("", at, "街道网格中心", title, text, (), duties, levels), zone=zone
            )
            reached = list(dict.fromkeys(recipients(notice, roster, day)["person"].astype(str)))
            for person in reached[: round(share * len(reached))]:
                add_receipt(opened, street, Receipt(notice.notice_id, person, at, "meeting"), recorder)
    return f"{len(planned)} 个班次 shifts, {len(NOTICES)} 条通知 notices"


def _posts(division: Division) -> list[DutyPost]:
    stations = zip(division.community["code"], division.community["name"], strict=True)
    return [
        DutyPost(OFFICE, read_hours(OFFICE_HOURS), "", "every"),
        *(DutyPost(f"{name}网格服务站", read_hours(STATION_HOURS), str(code), "every") for code, name in stations),
    ]


def _shifts(division: Division, monday: dt.date, zone: ZoneInfo) -> list[Shift]:
    """Officials take turns in the office, the leaders of a community's grids in its station."""
    second = division.second
    officials = second["leader"][second["staff_kind"] == "official"].tolist()
    found, turn = [], 0
    for number in range(7):
        day = monday + dt.timedelta(days=number)
        for begin, hours in ((dt.time(8, 30), 9), (dt.time(17, 30), 15)):
            if (number, begin.hour) == (6, 17):
                continue
            start = dt.datetime.combine(day, begin, zone)
            found.append(Shift(OFFICE, start, start + dt.timedelta(hours=hours), str(officials[turn])))
            turn += 1
    used = {shift.person for shift in found}
    stations = list(zip(division.community["code"], division.community["name"], strict=True))
    for code, name in stations:
        leaders = [str(one) for one in second["leader"][second["parent"] == code] if one not in used]
        for number in range(7 if code != stations[-1][0] else 6):
            start = dt.datetime.combine(monday + dt.timedelta(days=number), dt.time(8, 30), zone)
            shift = Shift(f"{name}网格服务站", start, start + dt.timedelta(hours=9), leaders[number % len(leaders)])
            found.append(shift)
    return found
